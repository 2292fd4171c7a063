"""One case in all arithmetics: the exact results, correctly rounded, and the tolerance of every element."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from ..vectors.records import Parameter
from .arithmetic.ball import Ball
from .arithmetic.exact import rounded, rounded_up
from .arithmetic.precision import FORMATS, PRECISIONS, Format
from .arithmetic.protocol import RangeError, UnboundedError, UndecidedError, elementwise
from .arithmetic.rounding import LengthError, Rounding
from .operation import Formulation, Function

FIRST_PRECISION, LAST_PRECISION = 128, 4096
"""Bits: where Ziv's strategy begins, and where it gives up."""

Inputs = Mapping[str, np.ndarray]
Results = tuple[np.ndarray, ...]
overlap = elementwise(lambda a, b: not a.is_finite() or a.overlaps(b), 2)


class CaseError(Exception):
    """A case that cannot be given a golden answer. The message is one line."""


@dataclass(frozen=True)
class Evaluation:
    """What is known of one case: arrays of float64 in the order of the results."""

    expected: Results
    tolerance: Mapping[str, Results]
    """By precision; one that cannot be given is absent."""


def evaluate(
    formulas: tuple[Formulation, ...],
    inputs: Inputs,
    parameters: Mapping[str, Parameter],
    dtype: str,
    precisions: Iterable[str],
    *,
    required: bool,
    guard: bool,
) -> Evaluation:
    """Evaluate a case.

    formulas: the canonical one first, then all that count as sound. required: whether formulations that lose digits
    count, too. guard: whether an intermediate that may leave the dtype's range is an error.
    The dtype's own precision, first in `precisions`, must be judged; another that cannot be is left out.

    Raises UnboundedError, RangeError or LengthError where the first precision has no tolerance, and CaseError where
    no golden value settles by 4096 bits.
    """
    bits = FIRST_PRECISION
    first, *rest = precisions
    while bits <= LAST_PRECISION:
        flint.ctx.prec = bits
        try:
            exact = exact_results(formulas[0].function, inputs, parameters)
            expected = tuple(rounded_results(e, f, FORMATS[dtype]) for e, f in exact)
            balls = [e for e, _ in exact]
            tolerance = {first: _tolerances(formulas, inputs, parameters, first, balls, expected, required, guard)}
            for name in rest:
                try:
                    tolerance[name] = _tolerances(formulas, inputs, parameters, name, balls, expected, required, guard)
                except (UnboundedError, RangeError, LengthError):
                    continue
            return Evaluation(expected, tolerance)
        except UndecidedError as error:
            undecided = error
            bits *= 2
    raise CaseError(f"not settled at {LAST_PRECISION} bits: {undecided}")


def exact_results(
    function: Function, inputs: Inputs, parameters: Mapping[str, Parameter]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Evaluate over balls and over float64: for each result its balls and, for classes, its float64 values."""
    balls = _tuple(function(*(_lifted(x, Ball) for x in inputs.values()), **parameters))
    with np.errstate(all="ignore"):
        plain = _tuple(function(*(_plain(x) for x in inputs.values()), **parameters))
    return [
        (Ball(b).balls if not isinstance(b, Ball) else b.balls, np.asarray(p))
        for b, p in zip(balls, plain, strict=True)
    ]


def rounded_results(balls: np.ndarray, plain: np.ndarray, fmt: Format) -> np.ndarray:
    """Round balls to float64; infinite beyond the format's range; an element without a finite exact value takes its
    class from the float64 evaluation.

    Raises UndecidedError where a ball is too wide, or not finite where the float64 evaluation is.
    """
    limit = float(fmt.largest * (1 + fmt.unit_roundoff / 2)) if fmt != FORMATS["float64"] else math.inf

    def one(ball: Any, value: float) -> float:
        if ball.is_finite():
            result = rounded(ball)
            return math.copysign(math.inf, result) if abs(result) >= limit else result
        if math.isfinite(value):
            raise UndecidedError(f"{ball} where float64 gives {value!r}")
        return value

    return elementwise(one, 2)(balls, plain.astype(np.float64)).astype(np.float64)


def _tolerances(
    formulas: tuple[Formulation, ...],
    inputs: Inputs,
    parameters: Mapping[str, Parameter],
    precision: str,
    balls: list[np.ndarray],
    expected: Results,
    required: bool,
    guard: bool,
) -> Results:
    """Bound the error of each element by the largest bound over the formulations, and round it up."""
    bounds: list[Any] = []
    for index, formulation in enumerate(formulas):
        if not (formulation.stable or required):
            continue
        arguments = [
            _lifted(x, lambda a: Rounding(a, np.zeros(a.shape), PRECISIONS[precision], guard)) for x in inputs.values()
        ]
        if not formulation.applies(*arguments, **parameters):
            continue
        try:
            results = _tuple(formulation.function(*arguments, **parameters))
        except (UnboundedError, RangeError):
            if index and not formulation.stable:
                continue  # here this formulation has no bound at all, so nobody can rely on it
            raise
        results = [r if isinstance(r, Rounding) else arguments[0].lift(np.asarray(r)) for r in results]
        for ball, result in zip(balls, results, strict=True):
            if not overlap(ball, result.value).all():
                raise CaseError(f"formulation {index} does not enclose the others")
        errors = [r.error for r in results]
        bounds = [_larger(a, b) for a, b in zip(bounds, errors, strict=True)] if bounds else errors
    return tuple(
        _rounded_up(bound, ball, value, FORMATS_OF[precision])
        for bound, ball, value in zip(bounds, balls, expected, strict=True)
    )


FORMATS_OF = {name: precision.format for name, precision in PRECISIONS.items()}
_larger = elementwise(flint.arb.max, 2)


def _rounded_up(bound: np.ndarray, ball: np.ndarray, value: np.ndarray, fmt: Format) -> np.ndarray:
    largest = float(fmt.largest)

    def one(e: Any, exact: Any, golden: float) -> float:
        if not math.isfinite(golden):
            if exact.is_finite() and not abs(exact) - e > largest:
                raise UnboundedError("a sound result may be finite or infinite")
            return 0.0
        if not e.is_finite():
            raise UnboundedError(f"no bound for an element of value {golden!r}")
        return rounded_up(e + abs(exact - flint.arb(golden)))

    return elementwise(one, 3)(bound, ball, value).astype(np.float64)


def _lifted(x: np.ndarray, kind: Any) -> Any:
    """Lift a tensor; index labels stay what they are."""
    return x if x.dtype == np.int64 else kind(x.astype(np.float64))


def _plain(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == np.int64 else x.astype(np.float64)


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)
