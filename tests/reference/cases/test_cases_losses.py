"""The cases of the three losses: what there is, what they are made of, and what they reject."""

import flint
import numpy as np
import pytest
from answered import accepts, calls, family
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.arithmetic.precision import FORMATS
from backproof.reference.generation.build import drafts
from backproof.reference.generation.draws import Words
from backproof.reference.kinds.labels_drawn import FORMS, REDUCTIONS, labels_apart, soft_rows, upstream_drawn
from backproof.reference.kinds.outputs_drawn import exact_softmax, saved_outputs
from backproof.reference.model.losses import one_hot
from backproof.reference.model.operation import operation
from backproof.reference.ops import cross_entropy, softmax, softmax_cross_entropy, softmax_cross_entropy_from_outputs
from backproof.vectors.dtypes import DTYPES

FLOORS = {"cross_entropy": 1300, "softmax_cross_entropy": 1500, "softmax_cross_entropy_from_outputs": 1000}
# What there is


@pytest.mark.parametrize("op", FLOORS)
def test_there_are_enough_cases_over_the_dtypes(op: str) -> None:
    counts = [d.count if d.random else len(d.cases) for dtype in DTYPES for d in drafts(op, dtype).values()]
    assert sum(counts) >= FLOORS[op]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", FLOORS)
def test_every_form_with_every_reduction_in_every_direction_is_drawn(op: str, dtype: str) -> None:
    ordinary = [d for d in drafts(op, dtype).values() if d.random and d.level == "required"]
    drawn = {(d.direction, d.parameters["reduction"], flag) for d in ordinary for flag in d.flags}
    wanted = {(d, r, f"labels-{form}") for d in operation(op).functions for r in REDUCTIONS for form in FORMS}
    assert wanted <= drawn


@pytest.mark.parametrize("op", FLOORS)
def test_a_mean_is_drawn_over_numbers_of_rows_whose_reciprocal_rounds(op: str) -> None:
    names = [d.name for d in drafts(op, "float64").values() if d.random and d.parameters["reduction"] == "mean"]
    assert all(any(f"-n{rows}-" in name for name in names) for rows in (3, 5, 6, 7))


@pytest.mark.parametrize("op", FLOORS)
def test_short_sums_have_tolerances_for_accumulation_in_half_precision(op: str) -> None:
    for name in ("random-indices-mean-n5-c3", "random-soft-sum-n3-c5", "square-one-hot-mean-n5-c5"):
        assert "float16-native" in family(op, "float16", f"backward-{name}").answer.tolerance


@pytest.mark.parametrize("op", FLOORS)
def test_required_draws_have_no_subnormal_numbers(op: str) -> None:
    smallest = 2.0 ** FORMATS["float16"].smallest_normal
    prefixes = ("backward-odd", "backward-many", "backward-small", "backward-rising", "backward-random-soft-mean")
    for f in (family(op, "float16", name) for name in drafts(op, "float16") if name.startswith(prefixes)):
        for x in (*f.inputs.values(), *f.answer.expected.values()):
            magnitudes = abs(x.astype(np.float64))
            assert not ((magnitudes > 0) & (magnitudes < smallest)).any(), f.id


# What they are made of


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
    assert upstream_drawn(w, 5, "mean").shape == upstream_drawn(w, 5, "sum").shape == ()
    rows = upstream_drawn(w, 500, "none").astype(np.float64)
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
    np.testing.assert_allclose(
        outputs.astype(np.float64), softmax.forward(logits.astype(np.float64)), rtol=1.01 * u + 1e-15
    )


# The lesson's figures


@pytest.mark.parametrize("form", ["indices", "one-hot"])
@pytest.mark.parametrize(
    ("reduction", "figures"), [("sum", [-2, -2.5, -2.5]), ("mean", [-0.66666667, -0.83333333, -0.83333333])]
)
def test_cross_entropy_gives_the_figures_of_the_lesson(form: str, reduction: str, figures: list[float]) -> None:
    gradient = family("cross_entropy", "float64", f"backward-lesson-{form}-{reduction}").answer.expected[
        "dL_dprobabilities"
    ][0]
    wanted = np.zeros((3, 4))
    wanted[[0, 1, 2], [1, 2, 3]] = figures
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=5e-9)


def test_cross_entropy_gives_the_loss_of_the_lesson() -> None:
    loss = family("cross_entropy", "float64", "forward-lesson-indices-mean").answer.expected["loss"]
    np.testing.assert_allclose(loss, [-np.log(0.5 * 0.4 * 0.4) / 3], rtol=1e-14)


@pytest.mark.parametrize("form", ["indices", "one-hot"])
def test_the_combined_gradient_gives_the_figures_of_the_lesson(form: str) -> None:
    f = family("softmax_cross_entropy_from_outputs", "float64", f"backward-lesson-{form}")
    wanted = [
        [-0.1, 0.03333333, 0.06666667],
        [0.03333333, -0.16666667, 0.13333333],
        [0.00666667, -0.03333333, 0.02666667],
    ]
    np.testing.assert_allclose(f.answer.expected["dL_dlogits"][0], wanted, rtol=0, atol=5e-9)


# One loss in two ways


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_from_outputs_is_that_of_softmax_cross_entropy(form: str, reduction: str) -> None:
    [name] = [
        n for n in drafts("softmax_cross_entropy", "float32") if n.startswith(f"backward-random-{form}-{reduction}")
    ]
    for upstream, logits, labels in calls(family("softmax_cross_entropy", "float32", name)):
        with flint.ctx.workprec(300):
            y = labels if form == "indices" else Ball(labels.astype(np.float64))
            g, z = Ball(upstream.astype(np.float64)), Ball(logits.astype(np.float64))
            whole = softmax_cross_entropy.backward(g, z, y, reduction=reduction)
            saved = softmax_cross_entropy_from_outputs.backward(g, softmax.forward(z), y, reduction=reduction)
            pairs = list(zip(whole.balls.ravel(), saved.balls.ravel(), strict=True))
            assert all(one.overlaps(other) for one, other in pairs)
            assert all(one.rad() < 1e-60 and other.rad() < 1e-60 for one, other in pairs)


# What they accept

SOUND = {
    "cross_entropy": (
        "backward-random-indices-mean-n5-c3",
        "backward-small-soft-mean-n5-c3",
        "backward-zero-unweighted-one-hot",
        "backward-clipping-edge-outside",
        "forward-zero-indices",
        "forward-one",
    ),
    "softmax_cross_entropy": (
        "backward-random-one-hot-none-n6-c4",
        "backward-shifted-stable-soft-sum-n3-c5",
        "backward-far-10000-stable-wrong",
        "backward-masked-soft",
        "forward-far-60-wrong",
        "forward-masked-true-class",
        "forward-nan",
    ),
    "softmax_cross_entropy_from_outputs": ("backward-random-soft-mean-n7-c3", "backward-certain-exact-wrong"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "name"), [(op, name) for op, names in SOUND.items() for name in names])
def test_a_sound_implementation_is_accepted(op: str, name: str, dtype: str) -> None:
    f = family(op, dtype, name)
    assert accepts(f, operation(op).functions[f.direction])


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("answer", ["zero-slope", "denominator"])
def test_clipping_by_either_convention_is_accepted_at_its_point(direction: str, answer: str) -> None:
    [formulation, *_] = cross_entropy.ALTERNATIVES["probability_clipping", answer][direction]
    for name in ("zero-indices", "zero-mean", "one", "clipping-edge-inside", "clipping-edge-outside"):
        f = family("cross_entropy", "float64", f"{direction}-{name}")
        assert accepts(f, formulation.function)
        expected = f.alternatives[f"probability_clipping={answer}"].expected
        assert (name == "clipping-edge-inside") == all(
            np.allclose(expected[result], f.answer.expected[result], rtol=1e-12, atol=0) for result in expected
        )


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("op", FLOORS)
def test_the_reference_refuses_every_invalid_call(op: str, direction: str) -> None:
    invalid = [f for n, d in drafts(op, "float32").items() if d.result == "invalid" for f in [family(op, "float32", n)]]
    function = operation(op).functions
    mine = [f for f in invalid if f.direction == direction]
    assert bool(mine) == (direction in function)
    for f in mine:
        for arguments in calls(f):
            with pytest.raises((ValueError, IndexError)):
                function[direction](*arguments, **f.parameters)
