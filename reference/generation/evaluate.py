"""Evaluate a case: the exact results, correctly rounded, and the tolerance of every element."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import flint
import numpy as np

from ...vectors import tolerances
from ...vectors.dtypes import FORMATS, Format
from ...vectors.records import Parameter
from ..arithmetic.affine import Affine
from ..arithmetic.ball import Ball
from ..arithmetic.bounds import is_at_most
from ..arithmetic.elementary import ZERO
from ..arithmetic.exact import exact_array, rounded, rounded_up
from ..arithmetic.linear_errors import Variables
from ..arithmetic.precision import Precision, precision_model
from ..arithmetic.protocol import (
    FormulaArray,
    RangeError,
    UnboundedError,
    UndecidedError,
    as_array,
    forgotten,
    over_elements,
)
from ..arithmetic.rounding import LengthError, Rounding
from ..model.family import Inputs
from ..model.formulations import Formulation, Function

FIRST_PRECISION, LAST_PRECISION = 128, 4096
"""Bits of the balls: where Ziv's strategy begins, and where it gives up."""
WIDENING = 2**61 - 1
"""A bound that equals a float64, but is only known by an enclosure, could be rounded up at no precision (at 11 bits,
(1 + u) / 3 is one). So each bound that is not exact at the first precision is widened by one part in this prime."""

BLUNT, BLUNT_FUSED = 2.0**-6, 2.0**-7
"""Bounds that are a larger part of their values let faults pass that are seen in practice; and where all is computed in
float32 and rounded once."""

Results = tuple[np.ndarray, ...]
overlap = over_elements(lambda a, b: not a.is_finite() or (b.is_finite() and a.overlaps(b)), 2)


class CaseError(Exception):
    """A case that cannot be given a golden answer. The message is one line."""


class UnsettledError(CaseError):
    """A value lies on a rounding boundary, or too near one to tell."""


class BluntError(ArithmeticError):
    """0 would pass for an element whose exact value is not 0."""


def lets_zero_pass(tolerance: np.ndarray, expected: np.ndarray) -> bool:
    """Say whether 0 would pass for an element that is not 0."""
    return bool(np.count_nonzero((expected != 0) & (abs(expected) <= tolerance)))


@dataclass(frozen=True)
class Evaluation:
    """Results and tolerances of one case: arrays of float64 in the order of the results."""

    expected: Results
    tolerance: Mapping[str, Results]
    """By precision; one that cannot be given is absent."""


@forgotten()
def evaluate(
    formulas: tuple[Formulation, ...],
    inputs: Inputs,
    parameters: Mapping[str, Parameter],
    dtype: str,
    precisions: Iterable[str],
    *,
    required: bool,
    guard: bool,
    sharp: Collection[str] = (),
    affine: bool = False,
) -> Evaluation:
    """Evaluate a case.

    formulas: the canonical one first, then all that count as sound. required: whether formulations that lose
    digits count too. guard: whether an intermediate that may leave the dtype's range is an error.
    affine: whether bounds are those of affine arrays throughout, not only where others are blunt.
    sharp: the precisions at which a tolerance that would let 0 pass for an element whose value is not 0 is an error.
    The strictest precision, first in `precisions`, must be judged; another that cannot be is left out.

    Raises UnboundedError, RangeError or LengthError where the first precision has no tolerance, BluntError where one is
    not sharp, and UnsettledError where no golden value settles by 4096 bits.
    """
    bits = FIRST_PRECISION
    names = tuple(precisions)
    first = names[0]
    arguments = [x if x.dtype == np.int64 else exact_array(x) for x in inputs.values()]
    # where the strictest is sharp another may not be: such a draw then costs the least
    likeliest_blunt = sorted(names, key=lambda name: (name not in sharp, name == first))
    while bits <= LAST_PRECISION:
        flint.ctx.prec = bits
        try:
            exact = exact_results(formulas[0].function, inputs, arguments, parameters)
            expected = tuple(rounded_results(e, f, FORMATS[dtype]) for e, f in exact)
            balls = [e for e, _ in exact]
            counted = tuple(f for f in formulas if f.stable or required)
            case = _ExactCase(counted, inputs, arguments, parameters, balls, expected, guard, affine)
            reductions: set[str] = set()
            bounded: dict[str, _Bounded] = {}
            for name in likeliest_blunt:
                model = precision_model(dtype, name)
                alike = (b for b in bounded.values() if model.same_as(b.model, reductions))
                if (same := next(alike, None)) is not None:
                    bounded[name] = same
                    continue
                with nullcontext() if name == first else suppress(UnboundedError, RangeError, LengthError):
                    bounded[name] = _bounded(case, model, reductions, name in sharp)
            tolerance: dict[str, Results] = {}
            for name in names:
                if name in bounded:
                    with nullcontext() if name == first else suppress(UnboundedError, RangeError):
                        tolerance[name] = bounded[name].tolerances
            return Evaluation(expected, tolerance)
        except UndecidedError as error:
            undecided = error
            bits *= 2
    raise UnsettledError(f"not settled at {LAST_PRECISION} bits: {undecided}")


def exact_results(
    function: Function, inputs: Inputs, arguments: list[np.ndarray], parameters: Mapping[str, Parameter]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Evaluate over balls, of which `arguments` consist, and over float64, and give both for each result."""
    balls = _tuple(function(*_lifted(arguments, Ball), **parameters))
    with np.errstate(all="ignore"):
        plain = _tuple(function(*(_plain(x) for x in inputs.values()), **parameters))
    return [
        (Ball(b).balls if not isinstance(b, Ball) else b.balls, np.asarray(p))
        for b, p in zip(balls, plain, strict=True)
    ]


def rounded_results(balls: np.ndarray, plain: np.ndarray, fmt: Format) -> np.ndarray:
    """Round balls to float64, to infinity beyond the format's range.

    Where the exact value is not finite, the result is that of the float64 evaluation, `plain`.

    Raises UndecidedError where a ball is too wide, or not finite where the float64 evaluation is.
    """
    limit = _overflow(fmt)

    def one(ball: Any, value: float) -> float:
        if ball.is_finite():
            result = rounded(ball)
            return math.copysign(math.inf, result) if abs(result) >= limit else result
        if math.isfinite(value):
            raise UndecidedError(f"{ball.str(8)} where float64 gives {value!r}")
        return value

    return over_elements(one, 2)(balls, plain.astype(np.float64)).astype(np.float64)


@cache
def _overflow(fmt: Format) -> float:
    """Give the least number that rounds to infinity; infinity where no float64 does."""
    u = fmt.unit_roundoff
    return float(fmt.largest * (2 - u) / (2 - 2 * u)) if fmt != FORMATS["float64"] else math.inf


@dataclass(frozen=True)
class _ExactCase:
    """A case whose exact answer is known."""

    formulas: tuple[Formulation, ...]
    """All that count as sound, the canonical one first."""
    inputs: Inputs
    arguments: list[np.ndarray]
    """The inputs as balls, and labels as they are."""
    parameters: Mapping[str, Parameter]
    balls: list[np.ndarray]
    """The exact results, enclosed."""
    expected: Results
    guard: bool
    affine: bool

    @cached_property
    def distances(self) -> list[np.ndarray]:
        """How far the exact results are from the expected ones, which tolerances include; no number beside infinities
        and NaN."""
        return [as_array(abs(ball - exact_array(x))) for ball, x in zip(self.balls, self.expected, strict=True)]

    def lifted(self, kind: Callable[[np.ndarray], Any]) -> list[Any]:
        """Give the inputs as arrays of a kind."""
        return _lifted(self.arguments, kind)


@dataclass(frozen=True)
class _Bounded:
    """A case with the bounds that rounding arrays give at a precision."""

    case: _ExactCase
    model: Precision
    by_formulation: list[tuple[Formulation, list[np.ndarray]]]
    largest: list[np.ndarray]
    """For each result, the largest bound over the formulations."""

    @cached_property
    def tolerances(self) -> Results:
        """The bounds rounded up to 16 bits; those of affine arrays where the others are blunt, which takes longest."""
        case, model, bounds = self.case, self.model, self.largest
        part = BLUNT if model.format is model.result else BLUNT_FUSED
        if model.longest is None and (case.affine or _are_blunt(bounds, case.expected, part)):
            variables = Variables()
            arguments = case.lifted(lambda x: Affine.exact(_rounding(x, model, case.guard), variables))
            with np.errstate(all="ignore"):  # what is not a number is given up
                bounds = _sharpened(case, self.by_formulation, arguments)
        return tuple(
            _rounded_up(bound, ball, value, model.result)
            for bound, ball, value in zip(bounds, case.balls, case.expected, strict=True)
        )


def _rounding(x: np.ndarray, model: Precision, guard: bool, reductions: set[str] | None = None) -> Rounding:
    return Rounding(x, np.full(x.shape, ZERO, dtype=object), model, guard, reductions)


def _bounded(case: _ExactCase, model: Precision, reductions: set[str], sharp: bool) -> _Bounded:
    """Bound the error of each element by the largest bound over the formulations.

    With `sharp`, a bound that lets 0 pass is an error. The reductions that the formulations use are added to
    `reductions`.
    """
    bounds: list[np.ndarray] = []
    by_formulation: list[tuple[Formulation, list[np.ndarray]]] = []
    arguments = case.lifted(lambda x: _rounding(x, model, case.guard, reductions))
    for index, formulation in enumerate(case.formulas):
        if formulation.accumulates and model.accumulator != model.format:
            continue
        if not formulation.applies({**case.inputs, **case.parameters}):
            continue
        try:
            errors = _errors(case, formulation, arguments)
        except (UnboundedError, RangeError):
            if index and not formulation.stable:
                continue  # it has no bound here, so no implementation can rely on it
            raise
        by_formulation.append((formulation, errors))
        bounds = _largest(bounds, errors)
        if sharp and any(lets_zero_pass(e.astype(np.float64), b) for e, b in zip(bounds, case.expected, strict=True)):
            raise BluntError("0 would pass for an element that is not 0")
    if not bounds:
        raise UnboundedError("none of the formulations is one for these arguments")
    return _Bounded(case, model, by_formulation, bounds)


def _errors(case: _ExactCase, formulation: Formulation, arguments: list[Any]) -> list[np.ndarray]:
    """Evaluate a formulation over rounding or affine arrays, and give the bounds on each result's errors."""
    lift: Callable[[Any], Any] = next(x.lift for x in arguments if isinstance(x, FormulaArray))
    results = _tuple(formulation.function(*arguments, **case.parameters))
    bounded = [lift(r if isinstance(r, FormulaArray) else np.asarray(r)).stored() for r in results]
    for ball, result in zip(case.balls, bounded, strict=True):
        if not overlap(ball, result.value).all():
            raise CaseError(f"formulation {formulation.name!r} does not enclose the others")
    return [result.error for result in bounded]


def _sharpened(
    case: _ExactCase, by_formulation: list[tuple[Formulation, list[np.ndarray]]], arguments: list[Any]
) -> list[np.ndarray]:
    """Give the largest bounds of affine arrays, leaving out formulations that cannot make a tolerance larger."""

    def most(found: tuple[Formulation, list[np.ndarray]]) -> float:
        return max(float(e.sum()) for e in found[1])

    bounds: list[np.ndarray] = []
    for formulation, errors in sorted(by_formulation, key=most, reverse=True):
        if not (bounds and all(map(_give_no_more, errors, bounds, case.distances))):
            bounds = _largest(bounds, _errors(case, formulation, arguments))
    return bounds


def _give_no_more(errors: np.ndarray, bounds: np.ndarray, distances: np.ndarray) -> bool:
    """Say whether tolerances from some errors are surely no larger, in their 16 bits, than those from these bounds."""
    most = as_array(errors + distances).astype(np.float64) * (1 + 2.0**-50)
    least = as_array(bounds + distances).astype(np.float64) * (1 - 2.0**-50)
    alike = np.isfinite(most) & (tolerances.up_to_16_bits(most) <= tolerances.up_to_16_bits(least))
    return bool((alike | is_at_most(errors, bounds).astype(bool)).all())


def _are_blunt(bounds: list[np.ndarray], expected: Results, part: float) -> bool:
    """Say whether half of the bounds are such a part of their values that it is worth to see which errors cancel."""
    flat = [(e.astype(np.float64).ravel(), x.ravel()) for e, x in zip(bounds, expected, strict=True)]
    large, value = np.concatenate([e > part * abs(x) for e, x in flat]), np.concatenate([x for _, x in flat])
    judged = large[np.isfinite(value) & (value != 0)]
    return bool(judged.sum() > len(judged) / 2)


def _largest(bounds: list[np.ndarray], errors: list[np.ndarray]) -> list[np.ndarray]:
    return [_larger(a, b) for a, b in zip(bounds, errors, strict=True)] if bounds else errors


_larger = over_elements(flint.arb.max, 2)


def _rounded_up(bound: np.ndarray, ball: np.ndarray, value: np.ndarray, fmt: Format) -> np.ndarray:
    largest = float(fmt.largest)

    def one(e: Any, exact: Any, golden: float) -> float:
        if not math.isfinite(golden):
            if exact.is_finite() and not abs(exact) - e > largest:
                raise UnboundedError("a sound result may be finite or infinite")
            return 0.0
        if not e.is_finite():
            raise UnboundedError(f"no bound for an element of value {golden!r}")
        bound = e + abs(exact - flint.arb(golden))
        exact_at_first = bound.is_exact() and bound.bits() <= FIRST_PRECISION
        return rounded_up(bound if exact_at_first else bound + bound / WIDENING)

    tolerance = tolerances.up_to_16_bits(over_elements(one, 3)(bound, ball, value).astype(np.float64))
    if not np.isfinite(tolerance).all():
        raise UnboundedError("a tolerance is beyond the largest number of its format")
    return tolerance


def _lifted(arguments: list[np.ndarray], kind: Callable[[np.ndarray], Any]) -> list[Any]:
    """Lift arrays of balls; index labels stay what they are."""
    return [kind(x) if x.dtype == object else x for x in arguments]


def _plain(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == np.int64 else x.astype(np.float64)


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)
