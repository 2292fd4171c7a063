"""Tolerances have teeth: where an element is not 0, a result of 0 does not pass."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from backproof.reference.model.operation import operation_names
from backproof.vectors.dtypes import DTYPES, PRECISIONS
from backproof.vectors.records import Family
from backproof.vectors.store import read_golden

ALLOWED = {"float64": 0.0, "float32": 0.0, "float16": 0.01, "bfloat16": 0.01}
"""The share of the elements of required random families for which 0 may pass."""


def elements(family: Family) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give expected values and tolerances, in the precision of an implementation that declares none."""
    tolerances = family.answer.tolerance[PRECISIONS[family.dtype][0]]
    for result, expected in family.answer.expected.items():
        yield expected, tolerances[result]


def share_that_zero_passes(family: Family) -> float:
    """Give the share of the elements that are not 0 for which 0 would pass."""
    blunt = sum(int(((e != 0) & (abs(e) <= t)).sum()) for e, t in elements(family))
    return blunt / max(sum(int((e != 0).sum()) for e, _ in elements(family)), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", operation_names())
def test_zero_passes_for_no_element_that_is_not_zero(
    name: str, dtype: str, record_property: Callable[[str, object], None]
) -> None:
    families = [f for f in read_golden(name).families if f.dtype == dtype and f.answer.expected]
    shares = {f.name: share_that_zero_passes(f) for f in families}
    for family, share in shares.items():
        if share:
            record_property(f"{name}/{dtype}/{family}", f"{share:.3%}")
            print(f"{name}/{dtype}/{family}: 0 passes for {share:.3%} of the elements that are not 0")
    judged = {f.name: shares[f.name] for f in families if f.seed and f.level == "required"}
    assert judged
    over = {family: share for family, share in judged.items() if share > ALLOWED[dtype]}
    assert not over
