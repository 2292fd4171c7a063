"""Generating the golden files of the lesson's seven operations, and what a family costs in the others beside them."""

from collections.abc import Iterator
from time import perf_counter

from backproof.reference.generation.generate import generate, tasks
from backproof.reference.model.operation import operation_names

from .measure import Figure, at_most

LESSON = (
    *("cross_entropy", "dense", "mlp", "relu", "softmax"),
    *("softmax_cross_entropy", "softmax_cross_entropy_from_outputs"),
)


def seconds(ops: tuple[str, ...]) -> float:
    """Time the generation of some operations on all cores."""
    start = perf_counter()
    dict(generate(ops))
    return perf_counter() - start


def figures() -> Iterator[Figure]:
    """Measure."""
    others = tuple(op for op in operation_names() if op not in LESSON)
    first, rest = seconds(LESSON), seconds(others)
    yield at_most("generating the lesson's seven operations", first, 60, "s")
    ratio = (rest / len(tasks(others))) / (first / len(tasks(LESSON)))
    yield at_most("time for a family of the other operations, against the seven's", ratio, 2)
