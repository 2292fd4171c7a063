"""What the kinds of softmax and of losses of labels reject, by required families, and which conventions they tell."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backproof.conformance.adapters import numpy as right
from backproof.conformance.check.conventions import followed
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.reference.generation.build import drafts
from backproof.reference.generation.draws import Words
from backproof.reference.kinds.labels import exact_soft_rows
from backproof.reference.kinds.logits import NEAR, THRESHOLDS, gap, rungs
from backproof.reference.model.losses import one_hot, row_upstream
from backproof.vectors.dtypes import DTYPES
from diagnosed import implementation, whole
from shares import one_in
from wrong_losses import golden, outcome, softmax, the_gradient, the_loss

Array = Any
FUSED = "softmax_cross_entropy"


def answers(op: str, names: Iterable[str], dtype: str = "float32", **functions: Callable[..., Any]) -> tuple[str, ...]:
    """The answers that agree with all of these families of a convention, none of which may fail."""
    subject, verdicts = implementation(op, **functions), []
    for name in names:
        family = golden(op, dtype, name)
        verdicts.append(verdict := check(family, subject, whole(op)))
        assert verdict.outcome is Outcome.PASSED, (name, verdict.gravest)
    [point] = followed(verdicts)
    return point.answers


def fused(z: Array, labels: Array, *, reduction: str) -> Array:
    return right.softmax_cross_entropy_forward(z, labels, reduction=reduction)


def by_chunks(z: Array, labels: Array, *, reduction: str) -> Array:
    """The mean of the means of chunks of 32 rows."""
    means = [fused(z[k : k + 32], labels[k : k + 32], reduction=reduction) for k in range(0, len(z), 32)]
    return np.mean(means, dtype=z.dtype)


def hardened(z: Array, labels: Array, *, reduction: str) -> Array:
    return fused(z, labels.argmax(axis=1) if labels.ndim == 2 else labels, reduction=reduction)


def indices_as_floats(z: Array, labels: Array, *, reduction: str) -> Array:
    return fused(z, labels.astype(z.dtype).astype(np.int64), reduction=reduction)


def summed_in_half(z: Array, labels: Array, *, reduction: str) -> Array:
    losses = fused(z, labels, reduction="none")
    return np.add.reduce(losses, dtype=z.dtype) / z.dtype.type(len(z)) if reduction == "mean" else losses


def through_one_minus_p(dL_dloss: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    """NaN once a probability rounds to 1."""
    p, y = softmax(z), one_hot(labels, z).astype(z.dtype)
    g = row_upstream(dL_dloss, len(z), reduction)
    return ((1 - y) / (1 - p) - y / p) * p * (1 - p) * g


def remembered_by_two_decimals(z: Array, memory: dict[bytes, Array] = {}) -> Array:  # noqa: B006
    return memory.setdefault(np.round(z, 2).tobytes(), softmax(z))


@pytest.mark.parametrize(
    ("op", "name", "dtype", "wrong"),
    [
        ("softmax", "forward-ladder", "float32", lambda z: softmax(z, -1e4)),
        ("softmax", "forward-ladder", "float32", lambda z: softmax(z, 0)),
        ("softmax", "forward-ladder-beyond", "float32", lambda z: softmax(z, -1e9)),
        ("softmax", "forward-ladder-beyond", "float32", lambda z: softmax(z, -1e30)),
        ("softmax", "forward-ladder-beyond", "float64", lambda z: softmax(z, -3.4e38)),
        *(
            ("softmax", "forward-ladder", "float64", lambda z, m=m: softmax(np.clip(z, -m, m)))
            for m in (50, 80, 88, 100)
        ),
        ("softmax", "forward-last-digits", "float32", remembered_by_two_decimals),
        (FUSED, "forward-long-indices-none-n1-c2050", "float16", indices_as_floats),
        (FUSED, "forward-long-indices-mean-n1-c300", "bfloat16", indices_as_floats),
        (FUSED, "forward-unequal-indices-mean-n37-c2", "float32", by_chunks),
        (FUSED, "forward-exact-soft-mean-n5-c3", "float32", hardened),
        (FUSED, "backward-sure-indices-sum", "float32", through_one_minus_p),
        (FUSED, "forward-large-sum", "float16", summed_in_half),
    ],
)
def test_a_required_family_rejects(op: str, name: str, dtype: str, wrong: Callable[..., Any]) -> None:
    assert drafts(op, dtype)[name].level == "required"
    assert outcome(op, name, getattr(right, f"{op}_{name.partition('-')[0]}"), dtype) is Outcome.PASSED
    with np.errstate(all="ignore"):
        assert outcome(op, name, wrong, dtype) is Outcome.FAILED


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_ladder_has_each_threshold_and_the_largest_number(dtype: str) -> None:
    near, beyond = rungs(dtype)
    assert [*near, *beyond] == sorted({*near, *beyond})
    assert len(near) >= 10
    assert all(gap(m, dtype) <= NEAR for m in near)
    assert len(near) + len(beyond) == 1 + sum(m < beyond[-1] for m in THRESHOLDS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_full_significands_sum_to_exactly_1_in_any_order(dtype: str) -> None:
    rows = exact_soft_rows(Words("exact", dtype), 100, 5)
    assert rows.dtype == dtype
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        total = np.zeros(100, dtype)
        for k in order:
            total = total + rows[:, k]
        assert (total == 1).all()
    values = rows.astype(np.float64)
    assert (values * 16 % 1 != 0).any(axis=1).mean() > 0.5
    assert 10 < (values == 1).any(axis=1).sum() < 60


def log_softmax(z: Array) -> Array:
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def p_minus_y(z: Array, y: Array) -> Array:
    return softmax(z) - y


def by_weights(z: Array, y: Array) -> Array:
    return -(y * log_softmax(z)).sum(axis=1)


def logsumexp_minus(z: Array, y: Array) -> Array:
    return (z - log_softmax(z))[:, 0] - (y * z).sum(axis=1)


def scaled(z: Array, y: Array) -> Array:
    return softmax(z) * y.sum(axis=1, keepdims=True) - y


@pytest.mark.parametrize(
    ("answer", "loss", "gradient"),
    [
        ("scaled", by_weights, scaled),
        ("unscaled", by_weights, p_minus_y),
        ("logsumexp", logsumexp_minus, p_minus_y),
        ("shifted", lambda z, y: logsumexp_minus(z - z.max(axis=1, keepdims=True), y), p_minus_y),
    ],
)
def test_what_labels_do_that_do_not_sum_to_1_is_told(
    answer: str, loss: Callable[..., Any], gradient: Callable[..., Any]
) -> None:
    names = [
        f"{way}-label-mass-{reduction}" for way in ("forward", "backward") for reduction in ("mean", "sum", "none")
    ]
    assert answers(FUSED, names, forward=the_loss(loss), backward=the_gradient(gradient)) == (answer,)


def clipped(p: Array) -> Array:
    return np.clip(p, p.dtype.type(1e-7), p.dtype.type(1 - 1e-7))


def clipped_loss(z: Array, y: Array) -> Array:
    return -(y * np.log(clipped(softmax(z)))).sum(axis=1)


def through_softmax(dL_dp: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    def gradient(z: Array, y: Array) -> Array:
        p = softmax(z)
        g = dL_dp(p, y)
        return p * (g - (p * g).sum(axis=1, keepdims=True))

    return gradient


def zero_where_clipped(p: Array, y: Array) -> Array:
    return np.where(clipped(p) == p, -y / clipped(p), p.dtype.type(0))


@pytest.mark.parametrize("dtype", one_in(2, ["float32", "float64"]))
@pytest.mark.parametrize(
    ("answer", "gradient"),
    [
        ("loss", p_minus_y),
        ("zero-slope", through_softmax(zero_where_clipped)),
        ("denominator", through_softmax(lambda p, y: -y / clipped(p))),
    ],
)
def test_a_fused_loss_that_clips_follows_a_convention_wherever_it_shows(
    dtype: str, answer: str, gradient: Callable[..., Any]
) -> None:
    clipping = [d for d in drafts(FUSED, dtype).values() if d.point == "probability_clipping" and d.level == "required"]
    names = [draft.name for draft in clipping]
    assert len(names) > 20
    assert answers(FUSED, names, dtype, forward=the_loss(clipped_loss), backward=the_gradient(gradient)) == (answer,)


def test_an_answer_that_is_declared_for_one_operation_is_no_fault_of_another_that_does_not_have_it() -> None:
    op = "softmax_cross_entropy_from_outputs"
    family = golden(op, "float32", "backward-label-mass-none")
    subject = implementation(op, backward=right.softmax_cross_entropy_from_outputs_backward)
    for declared, due in (
        ("logsumexp", Outcome.PASSED),
        ("scaled", Outcome.ROBUST_MISS),
        ("other", Outcome.ROBUST_MISS),
    ):
        declaring = replace(subject, conventions={"label_mass": declared})
        assert check(family, declaring, whole(op)).outcome is due
