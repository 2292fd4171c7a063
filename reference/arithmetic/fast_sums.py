"""Sums and contractions of fast rounding arrays: what they cost, also where a batch is evaluated in parts."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...vectors.dtypes import Format
from .fast_bounds import Unit, finest_unit, fits, product_of_bounds, sampled
from .fast_rules import either, lost_to_underflow, read_as, rounded
from .protocol import Axis, FormulaArray
from .rounding import LengthError

if TYPE_CHECKING:
    from .fast import Fast

STRUCTURAL = frozenset(["reshape", "transpose", "moveaxis", "swapaxes", "expand_dims", "squeeze"])


@dataclass
class Batch:
    """How many rows of how large a batch an evaluation is of, and which of the formula's sums go over the batch.

    Sums and contractions are counted in the order in which the formula comes to them.
    """

    rows: int = 1
    whole: int = 1
    over_rows: tuple[bool, ...] | None = None
    """For each sum, whether it goes over the batch; None where the evaluation is of the whole batch."""
    counted: bool = False
    """Whether `len` of an array gives the length of the whole batch."""
    met: list[int] = field(default_factory=list)
    """The lengths of the sums so far."""

    def whole_length(self, length: int) -> int:
        """Note the length of the next sum, and give that of the same sum over the whole batch."""
        partial = self.next_is_partial()
        self.met.append(length)
        return length * self.whole // self.rows if partial else length

    def next_is_partial(self) -> bool:
        """Say whether the next sum goes over part of a batch."""
        return self.over_rows is not None and self.over_rows[len(self.met)]


class PartialSum(FormulaArray):
    """A sum or contraction before its cost is counted, over part of a batch or over all of it.

    like: an array of its precision. value; magnitude, the sum of |x| + e; passed, that of e, None if all are exact: new
    arrays. terms: how many are not 0, of `length` in all. products: whether they are products. counted: whether `terms`
    counts the zeros too. whole: the length over the whole batch. unit: all terms are exact and multiples of 2**unit.
    """

    def __init__(
        self,
        like: "Fast",
        value: np.ndarray,
        magnitude: np.ndarray,
        passed: np.ndarray | None,
        terms: Any,
        length: int,
        products: bool = False,
        counted: bool = False,
    ) -> None:
        grown = like.units.error(like.units.grown(length))  # what adding up magnitudes and errors may have lost
        for sums in (magnitude, passed):
            if sums is not None:
                sums *= grown
        self.like, self.value, self.magnitude, self.passed, self.terms = like, value, magnitude, passed, terms
        self.length, self.whole, self.products, self.counted = length, length, products, counted
        self.unit: int | None = None

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the arrays."""
        return tuple(x for x in (self.value, self.magnitude, self.passed, self.terms) if isinstance(x, np.ndarray))

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make a sum of elements of this one."""
        value, magnitude, *rest = parts
        result = copy(self)
        result.value, result.magnitude = value, magnitude
        result.passed = None if self.passed is None else rest.pop(0)
        result.terms = rest.pop(0) if rest else self.terms
        return result

    def add_part(self, other: "PartialSum") -> None:
        """Take in the sum over another part of the batch."""
        up = self.like.units.error(1 + np.finfo(self.magnitude.dtype).eps)  # more than adding up rounds off
        self.value += other.value
        self.magnitude += other.magnitude
        self.magnitude *= up
        if self.passed is None or other.passed is None:
            self.passed = other.passed if self.passed is None else self.passed
        else:
            self.passed += other.passed
            self.passed *= up
        self.terms = self.terms + other.terms
        self.unit = None if self.unit is None or other.unit is None else min(self.unit, other.unit)
        self.length += other.length

    def settled(self, *operands: "Fast") -> Any:
        """Give the finished sum, or the sum as it is where it is part of one over a larger batch."""
        if not np.isfinite(self.value).all() and all(np.isfinite(x.value).all() for x in operands):
            passed = self.like.units.error(0) if self.passed is None else self.passed  # float64 overflowed
            self.passed = np.where(np.isfinite(self.value), passed, self.like.units.error(np.inf))
        if self.passed is None:
            fmt = self.like.units.accumulator.format
            self.unit = _shared_unit([x.value for x in operands], self.magnitude, fmt)
        self.whole = self.like.batch.whole_length(self.length)
        return self.finished() if self.whole == self.length else self

    def finished(self) -> "Fast":
        """Count the cost, for all terms of the whole batch."""
        units = self.like.units
        kind, unit, longest = units.error, units.accumulator, units.precision.longest
        terms = np.asarray(self.terms + (self.whole - self.length))
        if longest is not None and (most := int(terms.max(initial=0))) > longest:
            raise LengthError(f"{most} terms: a native half precision gives tolerances up to {longest}")
        amid_zeros = (terms == 2) & (self.whole > 2) & (not self.counted)
        additions = np.maximum(terms - 1, 0) + amid_zeros
        count, extra = additions, additions * unit.flushed
        if self.products:
            count, extra = terms + amid_zeros, extra + terms * unit.threshold
        cost = np.asarray(units.roundings(count) * unit.roundoff).astype(kind)
        error = np.asarray(self.magnitude * cost + np.asarray(extra).astype(kind), kind)
        beyond = ~(self.magnitude + error <= unit.largest)
        free = np.asarray(terms <= (0 if self.products else 1))
        if self.unit is not None and self.length == self.whole and self.unit >= unit.format.smallest_normal:
            free = free | (self.magnitude <= 2.0 ** (self.unit + unit.format.significand))
        if free.any():
            error = np.where(free, kind(0), error)
        if self.passed is not None:
            error = error + self.passed
        if beyond.any():  # a value that is not finite where all errors are comes from one that was given
            given = ~np.isfinite(self.value) & (True if self.passed is None else np.isfinite(self.passed))
            error = np.where(given, kind(0), np.where(beyond, kind(np.inf), error))
        return accumulated(self.like, self.value, np.asarray(error), terms <= (0 if self.products else 1), unit)

    # What else a formula does with a sum needs it finished ----------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_finished, inputs), **kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any) -> Any:
        if func.__name__ in STRUCTURAL:
            return getattr(self, func.__name__)(*args[1:], **kwargs)
        return func(*map(_finished, args), **kwargs)

    def lift(self, other: Any) -> Any:
        """Give `other` as exact values."""
        return self.like.lift(other)

    def elementary(self, name: str) -> Any:
        """Apply an elementary function."""
        return self.finished().elementary(name)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Sum along axes, or of all elements."""
        return self.finished().sum(axis, keepdims)

    def running(self) -> Any:
        """Be summed term by term."""
        return self.finished().running()

    def stored(self) -> Any:
        """Pass through memory in the tensors' dtype."""
        return self.finished().stored()


def _finished(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(map(_finished, x))
    return x.finished() if isinstance(x, PartialSum) else x


def accumulated(like: "Fast", value: np.ndarray, error: np.ndarray, passed: Any, unit: Unit) -> "Fast":
    """Round what was accumulated in a wider format to the format itself, but for inexact elements `passed` on."""
    own, kind = like.units.format, like.units.error
    exactly = np.asarray(error == 0) if (sampled(error) == 0).any() else None
    if exactly is not None and like.loose and unit.format is own.format:
        error = np.where(exactly & ~fits(value, own.format), kind(own.flushed), error)
    none = exactly is not None and not error.any()
    result = like.made(value, None if none else error, exactly is not None, steps=like.steps + 1)
    if unit.format is own.format:
        return result
    free = None if exactly is None else exactly & fits(value, own.format)
    if np.any(passed):
        through = passed & (error != 0)
        free = through if free is None else free | through
    return rounded(value, result.error, own.roundoff, own.threshold, free, result, zeros=result.zeros)


def contraction(x: "Fast", y: "Fast") -> Any:
    """x @ y of matrices or stacks of them: n u |x| |y|, and eta for every product, in the accumulator's format."""
    a, b = (read_as(x.units.operand, z) for z in (x, y))
    value, terms = np.asarray(a.value @ b.value), _terms(a, b)
    if isinstance(terms, int) and not x.batch.next_is_partial() and not (a.error is None and b.error is None):
        found = _inexact_contraction(a, b, value, terms)
        if found is not None:
            return found
    passed = either(
        None if a.error is None else product_of_bounds(a.error, b.magnitude()),
        None if b.error is None else product_of_bounds(a.reach(), b.error),
    )
    magnitude = product_of_bounds(a.reach(), b.reach())
    return PartialSum(_older(a, b), value, magnitude, passed, terms, a.shape[-1], products=True).settled(a, b)


def _inexact_contraction(a: "Fast", b: "Fast", value: np.ndarray, terms: int) -> "Fast | None":
    """Bound a product by ea |B| + (|A| + ea) (eb + n u (|B| + eb)), at once; None if it may leave the range."""
    unit, kind = a.units.accumulator, a.units.error
    cost = a.units.roundings(terms) * unit.roundoff
    weights = b.reach() * kind(cost)
    error = product_of_bounds(a.reach(), weights if b.error is None else weights + b.error)
    if a.error is not None:
        error += product_of_bounds(a.error, b.magnitude())
    error *= kind(a.units.grown(terms))
    if not error.max(initial=0) <= cost * unit.largest / 8:
        return None
    error += kind(terms * (unit.threshold + unit.flushed + lost_to_underflow(a)))
    a.batch.whole_length(terms)
    return accumulated(_older(a, b), value, error, None, unit)


def _older(a: "Fast", b: "Fast") -> "Fast":
    return a if a.steps >= b.steps else b


def _terms(a: "Fast", b: "Fast") -> Any:
    """Count the products of a contraction that are not exactly 0, or bound their number from above."""
    counts = a.units.precision.longest is not None
    if not (a.zeros or b.zeros or counts):
        return a.shape[-1]
    here, there = ~a.exact_zeros(), ~b.exact_zeros()
    if counts or (a.zeros and b.zeros and a.value.size * b.shape[-1] < 2**22):
        return np.rint(here.astype(np.float32) @ there.astype(np.float32)).astype(np.int32)
    rows, columns = here.sum(axis=-1, dtype=np.int32), there.sum(axis=-2, dtype=np.int32)
    return np.minimum(rows[..., :, None], columns[..., None, :])


def _shared_unit(operands: list[np.ndarray], magnitude: np.ndarray, fmt: Format) -> int | None:
    """Give a k such that all products of exact operands are multiples of 2**k; None if no sum would fit for that."""
    some = sampled(magnitude)
    for look in (sampled, np.asarray):
        units = [unit for x in operands if (unit := finest_unit(look(x))) is not None]
        if len(units) < len(operands) or (some > 2.0 ** (sum(units) + fmt.significand)).all():
            return None
    return sum(units)
