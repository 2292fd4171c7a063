"""Fast rounding arrays: never below the bounds of rounding arrays, and hardly above."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic import fast_bounds
from backproof.reference.arithmetic.decisions import Decision
from backproof.reference.arithmetic.fast import Fast, exact
from backproof.reference.arithmetic.fast_bounds import exact_products, exact_sums, finest_unit, sampled, units_of
from backproof.reference.arithmetic.fast_sums import Batch
from backproof.reference.arithmetic.precision import PRECISIONS, Precision, precision_model
from backproof.reference.arithmetic.protocol import FormulaArray, RangeError, UnboundedError, over_elements
from backproof.reference.arithmetic.rounding import LengthError, Rounding
from backproof.reference.generation.draws import NotHeldError, Words
from backproof.reference.model.formulations import Function
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF, numpy_dtype
from calls import Draw, as_tuple, call, directions, forms
from hypothesis import given, settings
from hypothesis import strategies as st
from shares import one_in

SCALES: dict[str, Draw] = {
    "small": lambda w, shape: w.normal(shape, 2.0**-4),
    "large": lambda w, shape: w.normal(shape, 8.0),
    "shifted": lambda w, shape: w.uniform(shape, 60, 68),
    "spread": lambda w, shape: w.spread(shape, -5, 6),
    "integers": lambda w, shape: w.array(w.integers(shape, -4, 5)),
    "zeros": lambda w, shape: w.array(w.normal(shape).astype(np.float64) * w.integers(shape, 0, 2)),
}
BITS = 128
OWN = 2.0**-10
"""A value may be off itself by this part of its bound at most; for float64, by all of it."""
upper = over_elements(lambda e: float(e.upper()), 1)
distance = over_elements(lambda v, got: float(abs(v - flint.arb(got)).upper()) if v.is_finite() else 0.0, 2)
REFUSED = (UnboundedError, RangeError, LengthError, NotHeldError)
ALL_PRECISIONS = [(dtype, name) for dtype in PRECISIONS for name in PRECISIONS[dtype]]
pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


def fast(x: np.ndarray, precision: Precision) -> Any:
    return x if x.dtype.kind in "biu" else exact(x, units_of(precision), Batch())


def rounding(x: np.ndarray, precision: Precision) -> Any:
    return x if x.dtype.kind in "biu" else Rounding(x.astype(np.float64), np.zeros(x.shape), precision)


def both(
    function: Function, arguments: list[np.ndarray], parameters: dict[str, Any], precision: Precision
) -> Iterator[tuple[Rounding, Fast]]:
    """Evaluate over both, and give each pair of results, rounded to the tensors' dtype."""
    flint.ctx.prec = BITS
    kinds = [[kind(x, precision) for x in arguments] for kind in (rounding, fast)]
    results = [as_tuple(function(*lifted, **parameters)) for lifted in kinds]
    lift = [next(x for x in lifted if isinstance(x, FormulaArray)).lift for lifted in kinds]
    for pair in zip(*results, strict=True):
        slow, quick = (f(x).stored() for f, x in zip(lift, pair, strict=True))
        yield slow, quick


def holds(slow: Rounding, quick: Fast) -> np.ndarray:
    """Assert that a fast bound is sound by an exact one, and give their ratios where there is an error."""
    least, bound = upper(slow.error).astype(np.float64), quick.errors().astype(np.float64)
    assert quick.value.shape == bound.shape == least.shape
    assert (bound >= least).all()
    own = 1 if quick.units.own else OWN
    assert (distance(slow.value, quick.value) <= own * bound).all()
    return bound[least > 0] / least[least > 0]


def made_of(op: str, direction: str, dtype: str, key: int, scale: str, precision: str) -> np.ndarray:
    """Compare both over one call of an operation, in all its forms, and give the ratios of the bounds."""
    ratios = [np.ones(1)]
    for form in forms(op, direction)[key % 4 :: 4]:
        for formula in operation(op).formulations[direction][key : key + 2]:
            words = Words(f"{op}/{key}", dtype)
            try:
                tensors = call(form, words, SCALES[scale])
                if not formula.applies({**tensors, **form.parameters}):
                    continue
                model = precision_model(dtype, precision)
                pairs = list(both(formula.function, list(tensors.values()), dict(form.parameters), model))
            except REFUSED:
                continue
            ratios += [holds(slow, quick) for slow, quick in pairs]
    return np.concatenate(ratios)


SOME = ("float32", "float32"), ("bfloat16", "stepwise")


@pytest.mark.parametrize(
    "precisions",
    [pytest.param(SOME, id="some"), pytest.param(ALL_PRECISIONS, id="all", marks=pytest.mark.catalogue)],
)
@pytest.mark.parametrize(("op", "direction"), one_in(4, directions()))
def test_a_bound_of_an_operation_is_that_of_a_rounding_array_and_hardly_more(
    op: str, direction: str, precisions: Sequence[tuple[str, str]]
) -> None:
    for dtype, precision in precisions:
        ratios = made_of(op, direction, dtype, 0, "small", precision)
        assert np.median(ratios) <= 1.01, (dtype, precision)


@pytest.mark.catalogue
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("op", "direction"), directions())
def test_bounds_of_operations_are_never_below(op: str, direction: str, scale: str) -> None:
    for dtype, precision in ALL_PRECISIONS:
        for key in (1, 2):
            made_of(op, direction, dtype, key, scale, precision)


# Random formulas --------------------------------------------------------------------------------------------------

STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "sum of two": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "square": lambda x, _: x * x,
    "quotient": lambda x, y: x / (1 + y * y),
    "halved": lambda x, _: x / 2,
    "constant": lambda x, y: x * 0.1 + y / 3,
    "negative": lambda x, _: -x,
    "exp": lambda x, _: np.exp(-(x * x)),
    "exp of the difference": lambda x, _: np.exp(x - x.max(axis=-1, keepdims=True)),
    "log": lambda x, _: np.log(1 + x * x),
    "sqrt": lambda x, _: np.sqrt(x * x + 1),
    "log1p": lambda x, _: np.log1p(abs(x)),
    "expm1": lambda x, _: np.expm1(np.minimum(x, 3)),
    "tanh": lambda x, _: np.tanh(x),
    "sin": lambda x, _: np.sin(x) - np.cos(x),
    "erf": lambda x, _: x.elementary("erf"),
    "erfc": lambda x, _: x.elementary("erfc"),
    "erf_absolute": lambda x, _: x.elementary("erf_absolute"),
    "larger": lambda x, y: np.maximum(x, y),
    "rectified": lambda x, _: np.maximum(x, 0),
    "selected": lambda x, y: np.where(np.eye(3) == 1, x, y),
    "masked": lambda x, _: x * np.eye(3),
    "by rows": lambda x, y: x - y.sum(axis=0),
    "by columns": lambda x, y: x * y.sum(axis=1, keepdims=True),
    "mean": lambda x, y: x - y.mean(axis=-1, keepdims=True),
    "matrix": lambda x, y: x @ y,
    "transposed": lambda x, y: x.T @ y,
    "stacked": lambda x, y: (np.stack([x, y]) @ x).sum(axis=0),
    "scattered": lambda x, _: x + x.scatter_add(np.array([0, 2, 0]), 3),
    "padded": lambda x, y: x + np.pad(y[1:], ((1, 0), (0, 0))),
    "stored": lambda x, _: x.stored(),
    "taken": lambda x, y: np.concatenate([x[:1], y.take(np.array([2, 0]), axis=0)]),
}
NUMBERS = st.one_of(
    st.integers(-4, 4).map(float),
    st.floats(-4, 4, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0**-130, 2.0**-100, 3e4, -0.1]),
)


@pytest.mark.parametrize(
    ("dtype", "precision"), [("float32", "float32"), ("bfloat16", "stepwise"), ("float16", "native"), ("float64",) * 2]
)
def test_a_bound_of_a_random_formula_is_never_below(dtype: str, precision: str) -> None:
    random_formulas(dtype, precision, 25)


@pytest.mark.catalogue
@pytest.mark.parametrize(("dtype", "precision"), ALL_PRECISIONS)
def test_bounds_of_many_random_formulas_are_never_below(dtype: str, precision: str) -> None:
    random_formulas(dtype, precision, 2000)


def random_formulas(dtype: str, precision: str, examples: int) -> None:
    @settings(max_examples=examples)
    @given(
        numbers=st.lists(NUMBERS, min_size=18, max_size=18),
        steps=st.lists(
            st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6
        ),
    )
    def holds_for(numbers: list[float], steps: list[tuple[str, int, int]]) -> None:
        def formula(x: Any, y: Any) -> Any:
            known = [x, y]
            for name, first, second in steps:
                known.append(STEPS[name](known[first % len(known)], known[second % len(known)]))
            return tuple(known[2:])

        with np.errstate(all="ignore"):
            arguments = [np.reshape(half, (3, 3)).astype(numpy_dtype(dtype)) for half in (numbers[:9], numbers[9:])]
        if not all(np.isfinite(x.astype(np.float64)).all() for x in arguments):
            return
        try:
            pairs = list(both(formula, arguments, {}, precision_model(dtype, precision)))
        except REFUSED:
            return
        for slow, quick in pairs:
            holds(slow, quick)

    holds_for()


def test_bounds_do_not_shrink_over_many_steps() -> None:
    def formula(x: Any) -> Any:
        y = x * 0.3
        for _ in range(300):
            y = y * 0.9 + x
        return y

    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    ((slow, quick),) = both(formula, [x], {}, precision_model("float32", "float32"))
    assert (holds(slow, quick) < 1.01).all()


# What only fast bounds have ---------------------------------------------------------------------------------------


def of(*values: Any, error: float = 0.0, precision: str = "float32") -> Fast:
    array = exact(np.array(values, dtype=np.float32), units_of(precision_model("float32", precision)), Batch())
    return array if not error else array.made(array.value, np.full(array.shape, error, np.float32))


def test_a_comparison_that_errors_could_flip_covers_both_branches() -> None:
    x = of(1.0, 1.0, 3.0, error=0.5)
    chosen = np.where(x > of(1.25, 2.0, 0.0), of(10.0, 10.0, 10.0), of(0.0, 0.0, 0.0))
    assert chosen.value.tolist() == [0, 0, 10]
    assert chosen.errors().tolist() == [10, 0, 0]


@pytest.mark.parametrize(
    ("condition", "doubt"),
    [
        (lambda d, n: d & n, [False, True]),
        (lambda d, n: d | n, [True, False]),
        (lambda d, n: n & d, [False, True]),
        (lambda d, n: ~d, [True, True]),  # noqa: ARG005
        (lambda d, n: d & ~d, [True, True]),  # noqa: ARG005
    ],
)
def test_doubt_is_carried_through_logic(condition: Callable[[Any, Any], Any], doubt: list[bool]) -> None:
    decision = of(1.0, 1.0, error=0.5) > of(1.25, 0.75)
    assert isinstance(decision, Decision)
    assert condition(decision, np.array([False, True])).doubt.tolist() == doubt


def test_a_mask_in_doubt_is_off_by_one() -> None:
    masked = (of(1.0, 3.0, error=0.5) > of(1.25, 0.0)) * of(8.0, 8.0)
    assert masked.value.tolist() == [0, 8]
    assert masked.errors()[0] >= 8
    assert masked.errors()[1] < 1e-6


def test_which_comparison_of_several_holds_first_is_in_doubt_where_one_before_it_is() -> None:
    several = np.stack([of(1.0, 3.0, 0.0, error=0.5) > of(1.25, 0.0, 5.0), np.array([True, True, True])])
    first = several & (np.cumsum(several, axis=0) == 1)
    assert [one.yes.tolist() for one in first] == [[False, True, False], [True, False, True]]
    assert [one.doubt.tolist() for one in first] == [[True, False, False], [True, False, False]]


def test_an_array_is_never_in_doubt_about_itself() -> None:
    x = of(1.0, 2.0, error=0.5)
    assert (x == x).all()


def test_numpy_has_no_say_in_doubt() -> None:
    decision = of(1.0, error=0.5) > of(1.25)
    with pytest.raises(TypeError, match=r"has no numpy\.any"):
        np.any(decision)


@pytest.mark.parametrize(
    "step",
    [
        lambda x, y: x * x,  # noqa: ARG005
        lambda x, y: np.exp(x),  # noqa: ARG005
        lambda x, y: x / y,
        lambda x, y: np.log(y),  # noqa: ARG005
        lambda x, y: np.sqrt(y),  # noqa: ARG005
        lambda x, y: (x * x) * 0 + x,  # noqa: ARG005
        lambda x, y: x.reshape(1, 1) @ x.reshape(1, 1),  # noqa: ARG005
    ],
)
def test_there_is_no_bound_where_an_intermediate_may_leave_the_range(step: Callable[[Any, Any], Any]) -> None:
    with np.errstate(all="ignore"):
        error = step(of(1e30), of(0.25, error=0.5)).errors()
    assert not np.isfinite(error).any()


def test_infinities_that_were_given_are_exact() -> None:
    x = of(-np.inf, 1.0, 2.0)
    with np.errstate(all="ignore"):
        shares = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    assert shares.value[0] == shares.errors()[0] == 0
    assert np.isfinite(shares.errors()).all()


def test_a_logarithm_of_an_exact_zero_is_exact() -> None:
    with np.errstate(all="ignore"):
        logarithm = np.log(of(0.0, 2.0))
    assert logarithm.value[0] == -np.inf
    assert logarithm.errors()[0] == 0


def test_whole_numbers_are_exact_as_long_as_they_fit() -> None:
    x, y = of(*range(100)), of(*[2**20 + 1] * 20)
    assert x.sum().error is None
    assert (x * x).sum().error is None
    assert (x.reshape(10, 10) @ x.reshape(10, 10) + 3).error is None
    assert y.sum().errors() > 0


# Sums of a million terms --------------------------------------------------------------------------------------------

ORDERS: dict[str, Callable[[np.ndarray], Any]] = {
    "from the left": lambda x: np.cumsum(x)[-1],
    "from the right": lambda x: np.cumsum(x[::-1])[-1],
    "shuffled": lambda x: np.cumsum(np.random.default_rng(1).permutation(x))[-1],
    "pairwise": lambda x: x.sum(),
    "in lanes": lambda x: np.cumsum(x.reshape(-1, 8), axis=0)[-1].sum(),
    "ascending": lambda x: np.cumsum(np.sort(x))[-1],
    "descending magnitudes": lambda x: np.cumsum(x[np.argsort(-abs(x))])[-1],
    "product with ones": lambda x: x @ np.ones_like(x),
}


CHEAP = {"from the left", "pairwise", "product with ones"}
ALL_ORDERS = [pytest.param(o, marks=[pytest.mark.catalogue] * (o not in CHEAP)) for o in ORDERS]


@pytest.mark.parametrize("order", ALL_ORDERS)
@pytest.mark.parametrize("draw", ["standard_normal", "random", "standard_cauchy"])
def test_a_sum_of_a_million_terms_in_any_order_is_within_its_bound(draw: str, order: str) -> None:
    x = np.asarray(getattr(np.random.default_rng(0), draw)(10**6)).astype(np.float32)
    total = of(0).lift(x).sum()
    off = abs(np.float64(ORDERS[order](x)) - total.value)
    assert 0 < off <= total.errors()
    assert float(total.errors()) <= 1.01 * 2.0**-24 * 1e6 * abs(x.astype(np.float64)).sum()


def test_precisions_are_all_known() -> None:
    assert {dtype: tuple(PRECISIONS[dtype]) for dtype in DTYPES} == PRECISIONS_OF


@pytest.mark.parametrize(
    ("odd", "unit"), [(2.0**-40, -40), (2.0**-1070, -1070), (3.0, 0), (2.0**1000, 0), (np.inf, None)]
)
def test_the_unit_of_large_arrays_is_that_of_each_number(odd: float, unit: int | None) -> None:
    x = np.full((300, 400), 1.0)
    x[7, 11] = odd
    assert odd not in sampled(x)
    assert finest_unit(x) == finest_unit(np.array([1.0, odd])) == unit


@pytest.mark.parametrize("few", [2.0**-1070, 2.0**300, 2.0**-300])
def test_a_unit_far_from_1_is_not_taken_for_that_of_all(few: float) -> None:
    x = np.full((300, 400), few)
    x[7, 11] = few / 8
    assert finest_unit(x) == finest_unit(np.array([few / 8]))


@pytest.mark.parametrize("shapes", [((1, 90, 40), (40,)), ((3, 90, 40), (90, 1)), ((5000,), ()), ((70, 80), (70, 80))])
def test_what_is_exact_is_the_same_part_by_part(
    shapes: tuple[tuple[int, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    w = Words("parts", "float64")
    x, y = (w.integers(shape, -9, 9) * np.where(w.integers(shape, 0, 20), 1, 0.1) for shape in shapes)
    fmt = units_of(precision_model("float32", "float32")).format.format
    whole = exact_sums(x, y, x + y, fmt), exact_products(x, y, x * y, fmt)
    monkeypatch.setattr(fast_bounds, "BLOCK", 64)
    for one, other in zip(whole, (exact_sums(x, y, x + y, fmt), exact_products(x, y, x * y, fmt)), strict=True):
        assert 0 < np.count_nonzero(one) < one.size
        assert np.array_equal(one, other)
