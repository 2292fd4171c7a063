"""Tolerances have teeth: how sharp they are, and what would pass that should not, by operation and precision."""

from collections.abc import Iterable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from backproof.reference.model.operation import operation_names
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, HALF, PRECISIONS_OF, numpy_dtype
from backproof.vectors.records import Family

GOALS = {"float64": 1e-13, "float32": 1e-4, "fused": 0.01}
"""The largest median of tolerance over |expected| in required random families."""
MISSED: dict[str, float] = {
    # The outputs that backward reads have been rounded once, and the sum of their products with the upstream cancels.
    "softmax/bfloat16/fused": 0.011,
    # Likewise the saved logarithm, whose error is one of the exponential of what is left.
    "logsumexp/bfloat16/fused": 0.013,
    # Logits and their gradient are kept in the half dtype, as in Liger Kernel, and sums of them cancel.
    "linear_cross_entropy/bfloat16/fused": 0.015,
    # From step to step states, what passes back through them, and the weights' sums are kept in the half dtype, as
    # automatic differentiation keeps them.
    "lstm/bfloat16/fused": 0.013,
    # Probabilities and gradients of scores pass through the half before their products, as in FlashAttention.
    "scaled_dot_product_attention/bfloat16/fused": 0.013,
    "masked_attention/bfloat16/fused": 0.012,
}
"""What misses its goal, and by how much."""
LOWER = {
    "float64": np.dtype("float32"),
    "float32": numpy_dtype("bfloat16"),
    "float16": np.dtype(ml_dtypes.float8_e4m3fn),
    "bfloat16": np.dtype(ml_dtypes.float8_e4m3fn),
}
"""One precision lower."""

Elements = tuple[np.ndarray, np.ndarray, np.ndarray]


def elements(families: list[Family], precision: str, aliases: dict[str, str]) -> Iterator[Elements]:
    """Give, of the elements that are not 0, expected values, tolerances at a precision, and their tensor's mean."""
    for family in families:
        given = family.answer.tolerance
        tolerances = given.get(precision) or given.get(aliases.get(precision, ""))
        for result, expected in family.answer.expected.items() if tolerances else ():
            told = expected != 0
            values = expected[told]
            yield values, tolerances[result][told], np.full_like(values, expected.mean())


def bite(tensors: Iterable[Elements], dtype: str) -> dict[str, str]:
    """Say how sharp tolerances are, and which share of elements a wrong result would pass."""
    expected, tolerance, mean = (np.concatenate(parts) for parts in zip(*tensors, strict=True))

    def share(wrong: np.ndarray | float) -> float:
        return float((abs(wrong - expected) <= tolerance).mean())

    figures = {
        "median": float(np.median(tolerance / abs(expected))),
        "zeros": share(0.0),
        "constant": share(mean),
        LOWER[dtype].name: share(expected.astype(LOWER[dtype]).astype(np.float64)),
    }
    return {name: f"{figure:.2g}" for name, figure in figures.items()}


def table(name: str) -> dict[str, dict[str, str]]:
    """Give the figures of one operation's required random families, by dtype and precision."""
    vectors = store.read_golden(name)
    families, aliases, rows = list(vectors.families), dict(vectors.aliases), {}
    for dtype in DTYPES:
        drawn = [f for f in families if f.dtype == dtype and f.seed and f.level == "required" and f.answer.expected]
        for precision in PRECISIONS_OF[dtype]:
            with np.errstate(over="ignore", invalid="ignore"):
                rows[f"{name}/{dtype}/{precision}"] = bite(elements(drawn, precision, aliases), dtype)
    return rows


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, str]]:
    """The figures of all operations."""
    return {key: row for name in operation_names() for key, row in table(name).items()}


def test_how_sharp_tolerances_are(tables: dict[str, dict[str, str]], data_regression: Any) -> None:
    data_regression.check(tables)


def test_the_goals_are_met(tables: dict[str, dict[str, str]]) -> None:
    for key, row in tables.items():
        _, dtype, precision = key.split("/")
        if precision == PRECISIONS_OF[dtype][0]:
            assert float(row["median"]) <= MISSED.get(key, GOALS[precision]), key
            assert float(row["zeros"]) == 0, key
    assert {key for key in MISSED if float(tables[key]["median"]) <= GOALS[key.rpartition("/")[2]]} == set()


def test_one_precision_lower_hardly_passes_an_element(tables: dict[str, dict[str, str]]) -> None:
    for key, row in tables.items():
        _, dtype, precision = key.split("/")
        if precision == PRECISIONS_OF[dtype][0] and dtype not in HALF:
            assert float(row[LOWER[dtype].name]) < 0.25, key
