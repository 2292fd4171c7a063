"""Tolerances have teeth: where an element is not 0, a result of 0 does not pass."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from backproof.reference.model.operation import operation_names
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from backproof.vectors.records import Family
from backproof.vectors.store import read_golden

ALLOWED = {"float64": 0.0, "float32": 0.0, "float16": 0.01, "bfloat16": 0.01}
"""The share of the elements of required random families for which 0 may pass; where it is not 0, one element of a small
family may."""


def elements(family: Family) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give expected values and tolerances, in the precision of an implementation that declares none."""
    tolerances = family.answer.tolerance[PRECISIONS_OF[family.dtype][0]]
    for result, expected in family.answer.expected.items():
        yield expected, tolerances[result]


def blunt(family: Family) -> tuple[int, int]:
    """Give the number of elements that are not 0 for which 0 would pass, and of all that are not 0."""
    passing = sum(int(((e != 0) & (abs(e) <= t)).sum()) for e, t in elements(family))
    return passing, sum(int((e != 0).sum()) for e, _ in elements(family))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", operation_names())
def test_zero_passes_for_no_element_that_is_not_zero(
    name: str, dtype: str, record_property: Callable[[str, object], None]
) -> None:
    families = [f for f in read_golden(name).families if f.dtype == dtype and f.answer.expected]
    counts = {f.name: blunt(f) for f in families}
    for family, (passing, whole) in counts.items():
        if passing:
            record_property(f"{name}/{dtype}/{family}", f"{passing / whole:.3%}")
            print(f"{name}/{dtype}/{family}: 0 passes for {passing} of the {whole} elements that are not 0")
    judged = {f.name: counts[f.name] for f in families if f.seed and f.level == "required"}
    assert judged
    share = ALLOWED[dtype]
    assert {f: n for f, n in judged.items() if n[0] > max(share * n[1], share > 0)} == {}
