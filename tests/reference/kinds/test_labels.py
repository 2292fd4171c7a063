"""Labels and upstreams of losses, and probabilities as a network saves them."""

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.generation.build import drafts
from backproof.reference.generation.draws import Words
from backproof.reference.kinds.labels import FORMS, labels_apart, soft_rows
from backproof.reference.kinds.loss import upstream_drawn
from backproof.reference.kinds.probabilities import exact_softmax, saved_outputs
from backproof.reference.model.losses import REDUCTIONS, one_hot
from backproof.reference.ops import softmax, softmax_cross_entropy, softmax_cross_entropy_from_outputs
from backproof.vectors.dtypes import DTYPES, FORMATS


@pytest.mark.parametrize("dtype", DTYPES)
def test_soft_rows_sum_to_exactly_1(dtype: str) -> None:
    rows = soft_rows(Words("soft", dtype), 200, 7)
    assert (rows.astype(np.float64).sum(axis=1) == 1).all()
    assert rows.dtype == dtype
    assert ((rows > 0).sum(axis=1) > 1).any()


@pytest.mark.parametrize("form", FORMS)
def test_labels_apart_leave_p_minus_y_its_digits(form: str) -> None:
    w = Words("apart", "bfloat16")
    p = exact_softmax(w.normal((50, 4), 2.0))
    y = one_hot(labels_apart(w, form, p), p).astype(np.float64)
    assert (abs(p - y) > (p + y) / 8).all()


def test_labels_of_a_single_class_need_not_be_apart() -> None:
    assert labels_apart(Words("apart", "bfloat16"), "indices", np.ones((3, 1))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_upstream_has_the_shape_of_the_loss_and_is_never_1(dtype: str) -> None:
    w = Words("upstream", dtype)
    assert upstream_drawn(w, (5,), "mean").shape == upstream_drawn(w, (5,), "sum").shape == ()
    rows = upstream_drawn(w, (500,), "none").astype(np.float64)
    assert rows.shape == (500,)
    assert (abs(rows) > 1).all()
    assert (rows > 0).any()
    assert (rows < 0).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_saved_outputs_are_a_softmax_rounded_to_the_dtype(dtype: str) -> None:
    logits = Words("outputs", dtype).normal((20, 5))
    outputs = saved_outputs(logits, dtype)
    u = float(FORMATS[dtype].unit_roundoff)
    assert outputs.dtype == dtype
    assert abs(outputs.astype(np.float64).sum(axis=1) - 1).max() <= 5 * u
    exact = softmax.forward(logits.astype(np.float64))
    np.testing.assert_allclose(outputs.astype(np.float64), exact, rtol=1.01 * u + 1e-15)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_from_outputs_is_that_of_softmax_cross_entropy(form: str, reduction: str) -> None:
    start = f"backward-random-{form}-{reduction}"
    [draft] = [d for name, d in drafts("softmax_cross_entropy", "float32").items() if name.startswith(start)]
    assert draft.draw
    upstream, logits, labels = draft.draw(Words(draft.name, "float32")).values()
    with flint.ctx.workprec(300):
        y = labels if form == "indices" else Ball(labels.astype(np.float64))
        g, z = Ball(upstream.astype(np.float64)), Ball(logits.astype(np.float64))
        whole = softmax_cross_entropy.backward(g, z, y, reduction=reduction)
        saved = softmax_cross_entropy_from_outputs.backward(g, softmax.forward(z), y, reduction=reduction)
        for one, other in zip(whole.balls.ravel(), saved.balls.ravel(), strict=True):
            assert one.overlaps(other)
            assert one.rad() < 1e-60
            assert other.rad() < 1e-60
