"""`assert_gradients` at size: time against the products in float64 alone, and memory beside the tensors.

Each in a process of its own, with one thread. What is judged is computed in float32 by NumPy.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from backproof.conformance import assert_gradients, assert_outputs
from backproof.reference.ops import dense, layer_norm

from .fast import MEMORY, normal, resident
from .measure import Figure, at_most, told

SIZES = 1024, 4096
LIMIT = 2.5
"""How much longer judging a dense layer may take than its two products in float64 alone, at the largest size."""


def spent(function: Callable[[], Any]) -> float:
    """Give the seconds of processor time that a call takes."""
    start = time.process_time()
    function()
    return time.process_time() - start


def in_float64(g: np.ndarray, x: np.ndarray, w: np.ndarray) -> float:
    """Give the time of the two products of a dense layer's backward, of float64 arrays."""
    wide_g, wide_x, wide_w = (t.astype(np.float64) for t in (g, x, w))
    return spent(lambda: (wide_g @ wide_w.T, wide_x.T @ wide_g))


def of_dense(size: int) -> dict[str, float]:
    """Judge the gradients of a dense layer, all of whose sizes are the same."""
    g, x, w, b = normal(size, size), normal(size, size), normal(size, size), normal(1, size)
    gradients: list[Any] = []
    own = spent(lambda: gradients.extend(dense.backward(g, x, w, b)))
    products = in_float64(g, x, w)
    judged = spent(lambda: assert_gradients("dense", gradients, inputs=(x, w, b), upstream=g))
    return {"own": own, "products": products, "judged": judged}


def of_many() -> dict[str, float]:
    """Judge the gradients of a layer normalisation of 1e8 elements."""
    g, x, w, b = normal(20_000, 5_000), normal(20_000, 5_000), normal(5_000), normal(5_000)
    dx, dw, db = np.empty_like(x), np.zeros_like(w), np.zeros_like(b)
    for start in range(0, len(x), 100):
        rows = slice(start, start + 100)
        dx[rows], part_of_dw, part_of_db = layer_norm.backward(g[rows], x[rows], w, b, eps=1e-5)
        dw += part_of_dw
        db += part_of_db
    few: dict[str, Any] = {"inputs": (x[:9], w, b), "upstream": g[:9], "eps": 1e-5}
    assert_gradients("layer_norm", dx[:9], results=("dL_dinputs",), **few)  # what is imported is no part of it
    before = resident()
    judged = spent(lambda: assert_gradients("layer_norm", (dx, dw, db), inputs=(x, w, b), upstream=g, eps=1e-5))
    return {"beside": resident() - before, "judged": judged}


def of_one_sum() -> dict[str, float]:
    """Judge the sum of 1e8 elements, in full, and a softmax of as many along its first axis, at a sample."""
    x = normal(20_000, 5_000)
    assert_outputs("sum", x[:9].sum(), inputs=x[:9], axis=None)  # what is imported is no part of it
    total, z = x.sum(), x
    p = np.exp(z)
    p /= p.sum(axis=0)
    before = resident()
    judged = spent(lambda: assert_outputs("sum", total, inputs=x, axis=None))
    beside = resident() - before
    sampled = spent(lambda: assert_outputs("softmax", p, inputs=z, axis=-2, sample=2**20))
    return {"beside": beside, "judged": judged, "sampled": sampled, "then": resident() - before}


def apart(name: str) -> dict[str, float]:
    """Measure in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.own_data", name],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def figures() -> Iterator[Figure]:
    """Measure each size, and memory."""
    for size in SIZES:
        found = apart(str(size))
        what, ratio = f"assert_gradients of dense, {size}^3", found["judged"] / found["products"]
        of = f"{what}, against its float64 products ({found['products']:.2g} s)"
        yield at_most(of, ratio, LIMIT) if size == SIZES[-1] else told(of, ratio, "x")
        whole = found["own"] + found["judged"]
        yield told(f"{what}, share of a test that computes it in float32", found["judged"] / whole, "of 1")
    found = apart("many")
    yield at_most(
        f"assert_gradients of 1e8 elements ({found['judged']:.2g} s), beside them", found["beside"], MEMORY, "MiB"
    )
    found = apart("one sum")
    yield at_most(
        f"a sum of 1e8 elements, which has no batch ({found['judged']:.2g} s)", found["beside"], MEMORY, "MiB"
    )
    sampled = f"softmax of 1e8 elements along the first axis, at a sample ({found['sampled']:.2g} s)"
    yield at_most(sampled, found["then"], MEMORY, "MiB")


LOADS = {"many": of_many, "one sum": of_one_sum}
if __name__ == "__main__":
    print(json.dumps(LOADS[sys.argv[1]]() if sys.argv[1] in LOADS else of_dense(int(sys.argv[1]))))
