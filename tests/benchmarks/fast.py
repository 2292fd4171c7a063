"""Fast bounds at the sizes that people run, against the same formula over float64: processor time and memory.

Both go through the same chunks, one after the other in a process of its own, with one thread.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from backproof.reference.arithmetic.chunks import along, batch_length, pieces, rows_that_fit
from backproof.reference.ops import conv2d, dense, layer_norm, softmax_cross_entropy

from .measure import Figure, at_most

RUNS = 2
MEMORY = 1024
"""MiB that an evaluation may take beside the tensors."""
random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    """Draw float32 numbers."""
    return random.standard_normal(shape, dtype=np.float32)


# What is measured ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """A formula and tensors of a size; axes: which axis of each is the batch."""

    function: Callable[..., Any]
    tensors: Callable[[], list[np.ndarray]]
    axes: tuple[int | None, ...]
    limit: float
    parameters: Mapping[str, Any] = field(default_factory=dict)


D, IMAGES, ROWS, LOGITS = (4096, 4096), (32, 64, 56, 56), (8192, 4096), (4096, 50257)
LOADS = {
    "dense backward, 4096^3": Load(
        dense.backward, lambda: [normal(*D), normal(*D), normal(*D), normal(1, D[1])], (0, 0, None, None), 3
    ),
    "conv2d forward, (32, 64, 56, 56)": Load(
        conv2d.forward,
        lambda: [normal(*IMAGES), normal(64, 64, 3, 3), normal(64)],
        (0, None, None),
        3,
        {"padding": 1},
    ),
    "conv2d backward, (32, 64, 56, 56)": Load(
        conv2d.backward,
        lambda: [normal(*IMAGES), normal(*IMAGES), normal(64, 64, 3, 3), normal(64)],
        (0, 0, None, None),
        3,
        {"padding": 1},
    ),
    "layer_norm forward, (8192, 4096)": Load(
        layer_norm.forward,
        lambda: [normal(*ROWS), normal(ROWS[1]), normal(ROWS[1])],
        (0, None, None),
        5,
        {"eps": 1e-5},
    ),
    "layer_norm backward, (8192, 4096)": Load(
        layer_norm.backward,
        lambda: [normal(*ROWS), normal(*ROWS), normal(ROWS[1]), normal(ROWS[1])],
        (0, 0, None, None),
        5,
        {"eps": 1e-5},
    ),
    "softmax_cross_entropy forward, (4096, 50257)": Load(
        softmax_cross_entropy.forward,
        lambda: [normal(*LOGITS), random.integers(0, LOGITS[1], LOGITS[0])],
        (0, 0),
        5,
        {"reduction": "mean"},
    ),
    "softmax_cross_entropy backward, (4096, 50257)": Load(
        softmax_cross_entropy.backward,
        lambda: [np.ones((), np.float32), normal(*LOGITS), random.integers(0, LOGITS[1], LOGITS[0])],
        (None, 0, 0),
        5,
        {"reduction": "mean"},
    ),
}


def plain(load: Load, tensors: list[np.ndarray]) -> None:
    """Evaluate over float64 in the chunks that fast bounds are evaluated in, and add up what sums over the batch."""
    rows, length = rows_that_fit(tensors, load.axes), batch_length(tensors, load.axes)

    def wide(x: np.ndarray) -> np.ndarray:
        return x if x.dtype.kind == "i" else x.astype(np.float64)

    fixed = [wide(x) if axis is None else x for x, axis in zip(tensors, load.axes, strict=True)]
    totals: list[Any] = []
    for start in range(0, length, rows):
        taken = slice(start, min(start + rows, length))
        chunk = [x if a is None else wide(along(x, a, taken)) for x, a in zip(fixed, load.axes, strict=True)]
        results = load.function(*chunk, **load.parameters)
        sums = [
            x for x in (results if isinstance(results, tuple) else (results,)) if x.shape[:1] != (taken.stop - start,)
        ]
        totals = [x + y for x, y in zip(totals, sums, strict=True)] if totals else sums


def resident() -> float:
    """Give the largest resident set so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(name: str) -> dict[str, float]:
    """Evaluate one load both ways, in turns: the least seconds of processor time, and MiB beside the tensors."""
    load = LOADS[name]
    tensors = load.tensors()
    before = resident()

    def fast() -> None:
        for _ in pieces(load.function, tensors, load.parameters, "float32", "float32", batch_axes=load.axes):
            pass

    seconds: dict[str, list[float]] = {"fast": [], "plain": []}
    beside = 0.0
    for _ in range(RUNS):
        for way, evaluate in (("fast", fast), ("plain", lambda: plain(load, tensors))):
            start = time.process_time()
            evaluate()
            seconds[way].append(time.process_time() - start)
            beside = beside or resident() - before
    return {"fast": min(seconds["fast"]), "plain": min(seconds["plain"]), "beside": beside}


def figures() -> Iterator[Figure]:
    """Measure each load in a process of its own."""
    for name, load in LOADS.items():
        run = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.fast", name],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
        found = json.loads(run.stdout)
        yield at_most(f"{name}, against float64 ({found['plain']:.2g} s)", found["fast"] / found["plain"], load.limit)
        yield at_most(f"{name}, beside the tensors", found["beside"], MEMORY, "MiB")


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1])))
