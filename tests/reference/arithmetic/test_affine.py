"""Affine arrays never give less than the error of a sound implementation, and often much less than rounding arrays."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.affine import LARGEST_STACK, Affine
from backproof.reference.arithmetic.linear_errors import Variables, added
from backproof.reference.arithmetic.precision import PRECISIONS, Precision, precision_model
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError
from backproof.reference.arithmetic.rounding import Rounding
from backproof.reference.model.functions import erf, stored
from contracting import Contracting
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrence import final_gradient, tensors
from rules import RULES, SPREADS, inside, known_up_to_errors, numbers
from shares import one_in
from sound_arithmetic import Sound, Style

EXAMPLES = 8
ALL = [(dtype, name) for dtype in PRECISIONS for name in PRECISIONS[dtype]]


@pytest.fixture(autouse=True, scope="module")
def without_warnings() -> Iterator[None]:
    """An error that is no number is given up, as in `generation.evaluate`."""
    with np.errstate(all="ignore"):
        yield


def exact(x: np.ndarray, precision: Precision, variables: Variables) -> Affine:
    """Give numbers that the format holds as an affine array."""
    return Affine.exact(Rounding(x, np.zeros(x.shape), precision), variables)


# Each rule ------------------------------------------------------------------------------------------------------------


def within_its_sum(got: np.ndarray, bounded: Affine, variables: dict[int, flint.arb]) -> bool:
    """Say whether errors are what the sum over variables says, given the values of some of these."""
    errors = bounded.errors
    table, places = errors.table, errors.numbers.tolist()
    for result, value, cell in zip(got.flat, bounded.value.flat, bounded.cells.flat, strict=True):
        if not value.is_finite():
            continue
        *coefficients, rest, own, _, _ = (flint.arb(float(c)) for c in table[:, cell])
        told = sum((c * variables[k] for c, k in zip(coefficients, places, strict=True) if k in variables), flint.arb())
        left = sum((abs(c) for c, k in zip(coefficients, places, strict=True) if k not in variables), rest + own)
        if abs(flint.arb(result) - value - told) > left:
            return False
    return True


@pytest.mark.parametrize(("rule", "dtype", "name"), one_in(20, ((rule, *one) for rule in RULES for one in ALL)))
def test_errors_are_what_the_sums_over_variables_say(rule: str, dtype: str, name: str) -> None:
    precision = PRECISIONS[dtype][name]
    judged: list[bool] = []

    @settings(max_examples=EXAMPLES)
    @given(
        key=st.integers(0, 2**32),
        spreads=st.tuples(st.sampled_from(list(SPREADS)), st.sampled_from(list(SPREADS))),
        flushes=st.booleans(),
    )
    def holds(key: int, spreads: tuple[str, str], flushes: bool) -> None:
        flint.ctx.prec = 256
        random = np.random.Generator(np.random.Philox(key))
        style = Style(precision, random, flushes, 1.0)
        computed = [numbers(random, spread, style) for spread in spreads]
        known, shared = [known_up_to_errors(random, x, style) for x in computed], Variables()
        start = exact(np.zeros(1), precision, shared)
        operands, values = [start._after(x) for x in known], dict[int, flint.arb]()
        for operand, numbers_of, x in zip(operands, computed, known, strict=True):
            first = shared.count
            table = operand.errors.numbered.table
            for k, column in enumerate(np.flatnonzero(table[: shared.count - first].any(axis=0))):
                off = flint.arb(float(numbers_of.flat[column - 1])) - x.value.flat[column - 1]
                values[first + k] = off / flint.arb(float(table[k, column]))
        try:
            bounded = RULES[rule](*operands)
        except (RangeError, UnboundedError):
            return
        with np.errstate(all="ignore"):
            got = RULES[rule](*(Sound(x, style) for x in computed)).data.astype(np.float64)
        assert within_its_sum(got, bounded, values)
        judged.append(True)

    holds()
    assert judged


# Chains of steps ------------------------------------------------------------------------------------------------------


def twice(x: Any, y: Any) -> Any:
    """x - x y."""
    return x - x * y


Step = Callable[[Any, Any], Any]
STEPS: dict[str, Step] = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / (1 + y * y),
    "less the mean": lambda x, y: x - y.sum(axis=1, keepdims=True) / 4,
    "over the sum": lambda x, y: x / abs(y).sum(axis=1, keepdims=True),
    "contraction": lambda x, y: (x @ y.T) @ x,
    "exponential": lambda x, y: np.exp(-abs(x)) * y,
    "softplus": lambda x, y: np.log1p(np.exp(-abs(x))) + y,
    "tanh": lambda x, y: np.tanh(x) * y,
    "erf": lambda x, y: erf(x) - y,
    "root": lambda x, y: x / np.sqrt((y * y).sum(axis=0) + 1),
    "stored": lambda x, y: twice(stored(x), y),
    "largest": lambda x, y: x - np.maximum(x, y).max(axis=1, keepdims=True),
    "chosen": lambda x, y: np.concatenate([x[:1], np.where(np.arange(4) > 1, x, y)[1:]], axis=0),
}


def chain(steps: list[tuple[str, int, int]], x: Any, y: Any) -> Any:
    """Apply steps one after the other, each to two of the arrays so far."""
    arrays = [x, y]
    for name, one, other in steps:
        arrays.append(STEPS[name](arrays[one % len(arrays)], arrays[-1 - other % len(arrays)]))
    return arrays[-1]


@pytest.mark.parametrize(("dtype", "name"), one_in(3, ALL))
def test_no_sound_implementation_of_a_chain_leaves_its_bound(dtype: str, name: str) -> None:
    precision = precision_model(dtype, name)
    judged: list[bool] = []

    @settings(max_examples=5 * EXAMPLES)
    @given(
        key=st.integers(0, 2**32),
        steps=st.lists(
            st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6
        ),
        flushes=st.booleans(),
        most=st.sampled_from([0, 200, 1 << 18]),
    )
    def holds(key: int, steps: list[tuple[str, int, int]], flushes: bool, most: int) -> None:
        flint.ctx.prec = 128
        random = np.random.Generator(np.random.Philox(key))
        style = Style(precision, random, flushes, 1.0)
        drawn = [random.normal(size=(2, 4)).astype(style.dtype).astype(np.float64) for _ in range(2)]
        shared = Variables(most)
        try:
            bounded = chain(steps, *(exact(x, precision, shared) for x in drawn)).stored()
        except (RangeError, UnboundedError):
            return
        for _ in range(3):
            with np.errstate(all="ignore"):
                got = chain(steps, *(Contracting(x, style) for x in drawn)).stored().data.astype(np.float64)
            assert inside(got, bounded.value, bounded.error).all()
        judged.append(True)

    holds()
    assert len(judged) > EXAMPLES


def read_twice(number: Any) -> Any:
    """Read a number in two steps, of which the difference cancels errors of the number that both have read."""
    return (number + 1) - (number + 2)


@pytest.mark.parametrize(
    ("dtype", "name", "number", "cancels"),
    [
        ("float32", "float32", lambda x: x + 2**-30, True),
        ("float32", "float32", lambda x: x * x, False),
        ("bfloat16", "fused", lambda x: x + 2**-30, True),
        ("bfloat16", "fused", lambda x: stored(x + 2**-30), False),
        ("bfloat16", "fused", lambda x: np.where([True], stored(x + 2**-30), 0.0), False),
        ("bfloat16", "fused", lambda x: np.concatenate([abs(-stored(x + 2**-30))], axis=0), False),
        ("bfloat16", "stepwise", lambda x: x + 2**-30, False),
    ],
    ids=["a sum", "a product", "a sum inside", "a stored number", "chosen", "put together", "a half"],
)
def test_a_rounding_that_one_step_may_leave_out_does_not_cancel(
    dtype: str, name: str, number: Callable[[Any], Any], cancels: bool
) -> None:
    flint.ctx.prec = 128
    precision = precision_model(dtype, name)
    x = exact(np.array([1 + 2**-7 + 2**-7 * (dtype == "float32") * 2**-10]), precision, Variables())
    rounded = 6.1 * float(precision.format.unit_roundoff)  # by the three steps, to 2, 3 and 1
    assert bool(read_twice(number(x)).error[0] < rounded) == cancels


# What it gains --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "gain", "largest"), one_in(3, [(4, 5, 1e-4), (16, 50, 1e-4), (32, 1000, 1e-3)]))
def test_the_errors_of_a_recurrence_grow_no_faster_than_its_length(steps: int, gain: float, largest: float) -> None:
    flint.ctx.prec = 128
    precision = precision_model("float32", "float32")
    shared = Variables(most=1 << 23)
    plain = final_gradient(*(Rounding(x, np.zeros(x.shape), precision) for x in tensors(steps)))
    sharper = final_gradient(*(exact(x, precision, shared) for x in tensors(steps)))
    before, after, size = (x.astype(np.float64) for x in (plain.error, sharper.error, abs(plain.value)))
    assert np.median(before / after) > gain
    assert np.median(after / size) < largest
    style = Style(precision, np.random.Generator(np.random.Philox(1)), False, 1.0)
    got = final_gradient(*(Contracting(x, style) for x in tensors(steps))).data.astype(np.float64)
    assert inside(got, sharper.value, sharper.error).all()


# The arithmetic of the sums -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(9))
def test_sums_add_every_term_once(length: int) -> None:
    terms = 2.0 ** np.arange(length)
    assert added(terms[:, None])[0] == sum(map(Fraction, terms))


def test_what_is_put_around_an_array_is_exact_and_leaves_its_errors() -> None:
    precision, shared = precision_model("bfloat16", "stepwise"), Variables()
    x = exact(np.array([1.0, 3.0]), precision, shared) / exact(np.array([3.0, 7.0]), precision, shared)
    padded = np.pad(x, ((2, 1),))
    assert padded.error.tolist() == [0, 0, *x.error.tolist(), 0]
    assert (padded * padded).error.tolist() == [0, 0, *(x * x).error.tolist(), 0]


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 2, 3, 4), (LARGEST_STACK + 1, 1, 4)])
def test_matrices_of_a_stack_have_the_bounds_that_they_have_alone(shape: tuple[int, ...]) -> None:
    precision, shared = precision_model("bfloat16", "stepwise"), Variables()
    numbers = 1 + np.arange(np.prod(shape)).reshape(shape) % 11 / 8
    x = exact(numbers, precision, shared) / exact(np.full(shape, 3.0), precision, shared)
    y = exact(numbers.swapaxes(-1, -2)[..., :, ::-1], precision, shared)
    stacked = (x @ y) - 1
    for place in np.ndindex(shape[:-2]):
        alone = (x[place] @ y[place]) - 1
        for together, apart in ((stacked.value, alone.value), (stacked.error, alone.error)):
            assert together[place].astype(np.float64) == pytest.approx(apart.astype(np.float64), rel=2**-30)


BYTES = """
import hashlib, flint, numpy as np
from backproof.reference.arithmetic.affine import Affine
from backproof.reference.arithmetic.linear_errors import Variables
from backproof.reference.arithmetic.precision import precision_model
from backproof.reference.arithmetic.rounding import Rounding
from recurrence import final_gradient, tensors
flint.ctx.prec = 128
precision, shared = precision_model("bfloat16", "stepwise"), Variables()
operands = [Affine.exact(Rounding(x, np.zeros(x.shape), precision), shared) for x in tensors(2)]
print(hashlib.sha256(final_gradient(*operands).errors.table.tobytes()).hexdigest())
"""


def test_the_bounds_are_the_same_whatever_vector_instructions_numpy_uses() -> None:
    (additions,) = np.lib.introspect.opt_func_info(func_name="add", signature="float64")["add"].values()
    wide = [name for name in additions["available"].split() if "(" not in name and ")" not in name]
    outputs = set()
    for disabled in ("", " ".join(wide)):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NPY_DISABLE_CPU_FEATURES": disabled}
        run = subprocess.run([sys.executable, "-c", BYTES], env=environment, check=True, capture_output=True)
        outputs.add(run.stdout)
    assert len(outputs) == 1
