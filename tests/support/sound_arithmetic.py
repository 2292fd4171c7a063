"""Sound implementations by the thousand: an operation's text in real floating point, evaluated in every way allowed.

Each operation on a `Sound` array chooses anew, at random, among what careful programmers, compilers and hardware do:
the order of a sum, pairwise and blocked and compensated summation, fused multiply-adds, a reciprocal in place of a
quotient, elementary functions that are off by all that they may be, subnormal results flushed to 0, half precisions
accumulated in float32 or in themselves. None of it may ever leave the tolerance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import flint
import numpy as np
from backproof.reference.arithmetic.elementary import ELEMENTARY, Elementary
from backproof.reference.arithmetic.precision import Precision
from backproof.reference.arithmetic.protocol import over_elements, reduction_rows
from backproof.reference.generation.draws import round_to_significand
from backproof.vectors.dtypes import FORMATS, Format, numpy_dtype
from number_arrays import NumberArray

ACCUMULATION_ORDERS = ("straight", "shuffled", "tree", "blocked", "kahan", "neumaier")
DTYPES = {fmt: name for name, fmt in FORMATS.items()}


@dataclass(frozen=True)
class Style:
    """How one run of an implementation computes."""

    precision: Precision
    random: np.random.Generator
    flushes: bool
    """Whether subnormal results become 0, where the precision's format allows for it."""
    carelessness: float
    """How far elementary functions are off, as a fraction of what they may be."""

    @property
    def dtype(self) -> np.dtype:
        """What results are held in."""
        return numpy_dtype(DTYPES[self.precision.format])

    @property
    def accumulator(self) -> Format:
        """What sums are held in."""
        return self.precision.accumulator

    def flushed(self, values: Any, fmt: Format) -> Any:
        """Replace subnormal results by 0."""
        if not self.flushes or fmt.threshold < fmt.smallest_normal:
            return values
        return np.where(abs(np.asarray(values, dtype=np.float64)) < 2.0**fmt.smallest_normal, values * 0, values)


class Sound(NumberArray):
    """An array of a dtype's numbers and the way they are computed with."""

    def __init__(self, data: Any, style: Style) -> None:
        self.style = style
        self.data = np.asarray(data).astype(style.dtype)

    def lift(self, other: Any) -> Self:
        """Round a constant or an array of exact values to the dtype."""
        return other if isinstance(other, Sound) else type(self)(np.asarray(other, dtype=np.float64), self.style)

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array that is computed with in the same way."""
        return type(self)(parts[0], self.style)

    # Elementwise --------------------------------------------------------------------------------------------------

    def computed(self, name: str, *operands: np.ndarray) -> np.ndarray:
        """Compute in the dtype: elementary functions off by up to their cost, quotients perhaps by reciprocals."""
        if name == "divide":
            return self._divided(*operands)
        if name in ELEMENTARY:
            return self._elementary(ELEMENTARY[name], *operands)
        exact = name in ("negative", "absolute", "maximum")
        return getattr(np, name)(*operands) if exact else self._rounded(getattr(np, name), *operands)

    def _rounded(self, function: Callable[..., Any], *operands: np.ndarray) -> np.ndarray:
        """Compute in the dtype, half precisions in float32 and then rounded, and flush."""
        wide = np.float32 if self.style.dtype.itemsize == 2 else self.style.dtype
        result = np.asarray(function(*(x.astype(wide) for x in operands))).astype(self.style.dtype)
        return np.asarray(self.style.flushed(result, self.style.precision.format))

    def _divided(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """x / y, or x times the reciprocal of y where that is finite."""
        quotient = self._rounded(np.divide, x, y)
        if self.style.random.random() < 0.5:
            return quotient
        reciprocal = self._rounded(np.divide, np.ones_like(y), y)
        usable = np.isfinite(reciprocal.astype(np.float64)) & np.isfinite(y.astype(np.float64))
        return np.where(usable, self._rounded(np.multiply, x, reciprocal), quotient)

    def _elementary(self, function: Elementary, data: np.ndarray) -> np.ndarray:
        fmt, style = self.style.precision.format, self.style
        u, reduced = float(fmt.unit_roundoff), float(style.precision.reduction.unit_roundoff)

        def one(x: Any) -> float:
            exact = function.ball(flint.arb(float(x)))
            if not exact.is_finite():
                return math.inf if x > 0 else -math.inf if x == 0 or x == -1 else float("nan")
            cost = function.cost + (function.near_zero if abs(float(x)) <= 0.5 else 0)
            allowed = (cost * u + function.argument * reduced * abs(float(x))) * abs(exact)
            allowed += function.coarse * u
            off = style.carelessness * style.random.choice([-1, 1, style.random.uniform(-1, 1)])
            careless = float(np.asarray(number(exact + allowed * flint.arb(off))).astype(style.dtype))
            return careless if abs(careless - exact) <= allowed else number(exact)

        values = np.asarray(over_elements(one, 1)(data.astype(object)), dtype=np.float64)
        return np.asarray(style.flushed(values.astype(style.dtype), fmt))

    def stored(self) -> Self:
        """Round to the tensors' own dtype, and go on in the one that is computed in."""
        own = self.style.precision.result
        return self.of_parts(self.style.flushed(self.data.astype(numpy_dtype(DTYPES[own])), own))

    # Reductions ---------------------------------------------------------------------------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        """Sum along axes or of all elements, each row in an order of its own."""
        rows, shape = reduction_rows(self.data, axis, keepdims)
        return self.of_parts(self._results([self._accumulated(list(row)) for row in rows], shape))

    def product(self, other: Self) -> Self:
        """x @ y of two matrices, each element in an order of its own, with fused multiply-adds or without."""
        a, b = self._operand(), other._operand()
        results = [self._contraction(row, column) for row in a for column in b.T]
        return self.of_parts(self._results(results, (a.shape[0], b.shape[1])))

    def _results(self, values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
        rounded = np.array([float(v) for v in values]).reshape(shape).astype(self.style.dtype)
        return np.asarray(self.style.flushed(rounded, self.style.precision.format))

    def _operand(self) -> np.ndarray:
        """Round to what a contraction reads its operands in, as float64."""
        wide, bits = self.data.astype(np.float64), self.style.precision.operand.significand
        if self.style.precision.operand == self.style.precision.format:
            return wide
        fractions, exponents = np.frexp(wide)
        return np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)

    def _contraction(self, row: np.ndarray, column: np.ndarray) -> Any:
        fmt = self.style.accumulator
        terms, kind = list(zip(row, column, strict=True)), numpy_dtype(DTYPES[fmt]).type
        if self.style.random.random() < 0.5 and np.isfinite(row).all() and np.isfinite(column).all():
            result = kind(0)
            for i in self.style.random.permutation(len(terms)):
                fused = fused_multiply_add(*(float(x) for x in terms[i]), float(result), fmt)
                result = kind(self.style.flushed(fused, fmt))
                if not np.isfinite(result):
                    break
            return result
        products = [kind(x) * kind(y) for x, y in terms]
        return self._accumulated([kind(self.style.flushed(p, fmt)) for p in products])

    def _accumulated(self, terms: list[Any]) -> Any:
        """Add up in one of the orders, in the accumulator's numbers."""
        fmt, random = self.style.accumulator, self.style.random
        kind = numpy_dtype(DTYPES[fmt]).type
        terms = [kind(term) for term in terms]

        def add(x: Any, y: Any) -> Any:
            return kind(self.style.flushed(kind(x + y), fmt))

        def straight(numbers: list[Any]) -> Any:
            result = kind(0)
            for number in numbers:
                result = add(result, number)
            return result

        order = random.choice(ACCUMULATION_ORDERS)
        if order != "straight":
            terms = [terms[i] for i in random.permutation(len(terms))]
        if order == "tree":
            while len(terms) > 1:
                i = int(random.integers(len(terms) - 1))
                terms[i : i + 2] = [add(*terms[i : i + 2])]
            return terms[0] if terms else kind(0)
        if order == "blocked":
            size = int(random.integers(1, len(terms) + 1)) if terms else 1
            return straight([straight(terms[i : i + size]) for i in range(0, len(terms), size)])
        if order == "kahan":
            return _kahan(terms, add, kind(0))
        if order == "neumaier":
            return _neumaier(terms, add, kind(0))
        return straight(terms)


def _kahan(terms: list[Any], add: Callable[[Any, Any], Any], zero: Any) -> Any:
    result = correction = zero
    for term in terms:
        corrected = add(term, -correction)
        following = add(result, corrected)
        correction = add(add(following, -result), -corrected)
        result = following
    return result


def _neumaier(terms: list[Any], add: Callable[[Any, Any], Any], zero: Any) -> Any:
    result = correction = zero
    for term in terms:
        following = add(result, term)
        larger, smaller = (result, term) if abs(result) >= abs(term) else (term, result)
        correction = add(correction, add(add(larger, -following), smaller))
        result = following
    return add(result, correction)


def number(ball: flint.arb) -> float:
    """Give the middle of a ball as a float64, infinite beyond its range."""
    try:
        return float(ball)
    except OverflowError:
        return math.inf


def fused_multiply_add(x: float, y: float, z: float, fmt: Format) -> float:
    """Give x y + z, rounded once to a format of at most 53 bits."""
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    try:
        rounded = round_to_significand(exact.numerator, fmt.significand) / exact.denominator
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
    return float(np.float64(rounded).astype(numpy_dtype(DTYPES[fmt])))


def lifted(x: np.ndarray, style: Style) -> Any:
    """Give a tensor to compute with; index labels stay what they are."""
    return x if x.dtype.kind == "i" else Sound(x, style)
