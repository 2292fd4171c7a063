"""Live cases of layer normalisation that a core judges in a minute, with the NumPy adapter."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from .measure import Figure, at_least, told

LEAST = 300
"""Cases a minute, of forward and backward together."""
CASES = 40


def cases_a_minute(direction: str, dtype: str) -> float:
    """Judge some cases, drawn from a seed, by processor time; templates and imports are paid before."""
    from backproof.conformance.adapters import numpy as adapter
    from backproof.conformance.check.family import check
    from backproof.conformance.implementation.load import present
    from backproof.conformance.live.judging import Judge
    from backproof.conformance.live.search import search
    from backproof.conformance.live.templates import templates
    from backproof.reference.model.operation import operation
    from backproof.vectors import store

    vectors = store.read_golden("layer_norm")
    implementation = present("numpy", adapter, ("layer_norm",))
    judge = Judge(implementation, lambda family: check(family, implementation, vectors))
    found = templates(operation("layer_norm"), vectors, dtype, direction)
    start, turns = time.process_time(), iter(range(CASES))
    live = search(judge, found, "benchmark", lambda: next(turns, None) is not None)
    return 60 * live.verdict.cases / (time.process_time() - start)


def figures() -> Iterator[Figure]:
    """Measure in a process with one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.live"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rates = json.loads(run.stdout)
    for what, rate in rates.items():
        yield told(f"live cases of layer_norm, {what}", rate, "a minute")
    yield at_least("the slowest of them", min(rates.values()), LEAST, "a minute")


if __name__ == "__main__":
    DTYPES = "float32", "bfloat16"
    print(json.dumps({f"{d}, {t}": cases_a_minute(d, t) for d in ("forward", "backward") for t in DTYPES}))
