"""What the half dtypes let through: kernels that compute in float32 and round once, nothing that is off by 2 %."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from backproof.conformance.check.family import check
from backproof.conformance.check.messages import how_to_declare
from backproof.conformance.check.precisions import precisions_met
from backproof.conformance.check.verdict import Outcome, Verdict
from backproof.reference.model.fault import faulty
from backproof.reference.model.losses import one_hot, row_upstream
from backproof.vectors.dtypes import HALF
from kill_matrix import implementation_of, vectors_of
from shares import one_in

Array = Any
Gradient = Callable[[Array, Array, Array, str, np.dtype], Array]
"""(dL_dloss, logits, labels, reduction, the half dtype) -> dL_dlogits, of float32 tensors in float32."""
OP = "softmax_cross_entropy"


def normalised(exponentials: Array) -> Array:
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def shifted(logits: Array) -> Array:
    return logits - logits.max(axis=-1, keepdims=True)


def gradient(p: Array, g: Array, labels: Array, reduction: str) -> Array:
    return (p - one_hot(labels, p).astype(np.float32)) * row_upstream(g, len(p), reduction)


def sound(g: Array, z: Array, labels: Array, reduction: str, half: np.dtype) -> Array:
    return gradient(normalised(np.exp(shifted(z))), g, labels, reduction)


def times(factor: float, *call: Any) -> Array:
    return sound(*call) * np.float32(factor)


def p_stored_as(dtype: Any, g: Array, z: Array, labels: Array, reduction: str, half: np.dtype) -> Array:
    p = normalised(np.exp(shifted(z))).astype(dtype or half).astype(np.float32)
    return gradient(p, g, labels, reduction)


def normaliser_of_rounded_logits(g: Array, z: Array, labels: Array, reduction: str, half: np.dtype) -> Array:
    total = np.exp(shifted(z).astype(half).astype(np.float32)).sum(axis=-1, keepdims=True)
    return gradient(np.exp(shifted(z)) / total, g, labels, reduction)


def truncated(x: Array, half: np.dtype) -> Array:
    """x cut to the half dtype, toward 0."""
    rounded = x.astype(half)
    away = abs(rounded.astype(np.float32)) > abs(x)
    return np.where(away, np.nextafter(rounded, np.zeros_like(rounded)), rounded)


def stepwise(g: Array, z: Array, labels: Array, reduction: str, half: np.dtype) -> Array:
    """Every step's result is rounded; the sum is added up in float32."""

    def rounded(x: Array) -> Array:
        return x.astype(half).astype(np.float32)

    exponentials = rounded(np.exp(rounded(shifted(z))))
    p = rounded(exponentials / rounded(exponentials.sum(axis=-1, keepdims=True)))
    return rounded(p - one_hot(labels, p).astype(np.float32)) * rounded(row_upstream(g, len(p), reduction))


WRONG: dict[str, Gradient] = {
    "times 1.15": partial(times, 1.15),
    "times 1.02": partial(times, 1.02),
    "p rounded before the label is subtracted": partial(p_stored_as, None),
    "p stored as float8": partial(p_stored_as, ml_dtypes.float8_e4m3fn),
    "normaliser of rounded logits": normaliser_of_rounded_logits,
    "truncated": sound,
}


def verdicts(
    gradient: Gradient, dtype: str, narrow: bool, cut: bool = False, precision: dict[str, str] | None = None
) -> Iterator[Verdict]:
    """Hold a gradient against all required families of a half dtype; `narrow`: one that takes indices and the mean."""

    def backward(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
        if narrow and (reduction != "mean" or labels.ndim > 1):
            raise NotImplementedError
        wide = (labels if labels.dtype.kind == "i" else labels.astype(np.float32), reduction, z.dtype)
        result = gradient(g.astype(np.float32), z.astype(np.float32), *wide)
        return truncated(result, z.dtype) if cut else result.astype(z.dtype)

    implementation = implementation_of(faulty(OP, "wrong", "backward", backward, wrong="", cure=""))
    implementation = replace(implementation, precision=precision or {})
    for family in vectors_of(OP).families:
        if family.dtype == dtype and family.direction == "backward" and family.level == "required":
            yield check(family, implementation, vectors_of(OP))


@pytest.mark.parametrize("narrow", [False, True], ids=["whole", "indices and mean"])
@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("wrong", one_in(2, WRONG))
def test_what_is_off_by_more_than_a_rounding_fails_without_declaring_anything(
    wrong: str, dtype: str, narrow: bool
) -> None:
    outcomes = [v.outcome for v in verdicts(WRONG[wrong], dtype, narrow, cut=wrong == "truncated")]
    assert Outcome.PASSED in outcomes or Outcome.FAILED in outcomes
    assert Outcome.FAILED in outcomes


@pytest.mark.parametrize("dtype", HALF)
def test_a_kernel_that_computes_in_float32_and_rounds_once_passes(dtype: str) -> None:
    assert {v.outcome for v in verdicts(sound, dtype, False)} <= {Outcome.PASSED, Outcome.UNSUPPORTED}


@pytest.mark.parametrize("dtype", HALF)
def test_an_implementation_that_rounds_every_step_is_told_what_to_declare_and_passes_once_it_has(dtype: str) -> None:
    found = list(verdicts(stepwise, dtype, False))
    (met,) = precisions_met(found, lambda *_: "fused")
    assert (met.strictest, met.looser) == ("stepwise", "stepwise")
    failed = next(v for v in found if v.outcome is Outcome.FAILED)
    assert any(detail.startswith("within the tolerance of stepwise") for detail in failed.misses[0].details)
    assert f'precision = {{"{dtype}:{OP}": "stepwise"}}' in " ".join(how_to_declare("stepwise", dtype, OP))
    declared = {f"{dtype}:{OP}": "stepwise"}
    outcomes = {v.outcome for v in verdicts(stepwise, dtype, False, precision=declared)}
    assert outcomes <= {Outcome.PASSED, Outcome.UNSUPPORTED}
