"""Fast rounding arrays: the bounds of `rounding.py` over plain NumPy arrays, at a few times the cost of the formula.

An element is a float64 value and a bound in float32; where float64 itself is bounded, the bound is float64 too. The
rules are those of rounding arrays. A bound is never below theirs, and hardly above. Why that is so:

Let v be the exact value of an element and b the bound of the rounding array. Every rule grows with u, with eta and with
the bounds so far, and is star-shaped: with all of them multiplied by some t >= 1 it gives at least t times as much.

- Our own float64 evaluation is one that the model allows, with s u in the place of u, where s = 2^-29 (2^-53 over the
  2^-24 of float32, the finest format of any other precision). So its value V is off by at most s b.
- u and eta are taken larger by 2^-12. By the star shape the bound e comes out at 1 + 2^-12 times b or more, less what
  the float32 operations of the rules themselves round off. That is at most 2^-19 of it a step: 32 roundings. After 64
  steps in a row the bound is made larger by 2^-12 again, so that e >= (1 + 2^-13) b throughout.
- A rule reads magnitudes of V where it should read those of v, but always together with an error: |v| + b. As
  |V| + e >= |v| - s b + (1 + 2^-13) b >= |v| + b, no rule gives less than it should for that.
- The error of what is compared is |computed - V| <= b + s b <= e.

For float64 s is 1. There magnitudes are read as |V| + e, since v may be that far from V, and the bound of what is
compared is 2 e.

A comparison that the errors could flip is no error here: what depends on it covers both branches. The reference then
follows its own decisions, and so the value v above is that of the branch that it took; the bound adds the distance to
the other. A bound is infinite where a rounding array has none: where an intermediate may overflow, a denominator or the
argument of a logarithm vanish. Exact elements, exact zeros and exact sums are found as there, or missed: where a sample
of an array shows none, the rest is not searched.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np

from . import fast_rules
from .decisions import Decision, decided
from .fast_bounds import Units, is_held, length_along, magnitude_of, summed, zeros_and_misfits
from .fast_sums import Batch, PartialSum, contraction
from .protocol import Axis, FormulaArray

STEPS = 64
"""So many steps in a row may round bounds off before they are made larger again."""
RENEWAL = 1 + 2.0**-12


class Fast(FormulaArray):
    """An array of float64 values with a bound each on the error that a sound implementation may have made so far.

    error: None where all are exact. zeros: whether exact zeros may be among them, and are worth counting. loose:
    whether exact numbers are among them that the format does not hold. steps: how often bounds were rounded off.
    """

    def __init__(
        self,
        value: np.ndarray,
        error: np.ndarray | None,
        units: Units,
        batch: Batch,
        zeros: bool = False,
        loose: bool = False,
        steps: int = 0,
    ) -> None:
        if steps >= STEPS and error is not None:
            error, steps = error * units.error(RENEWAL), 0
        self.value, self.error = np.asarray(value), None if error is None else np.asarray(error)
        self.units, self.batch = units, batch
        self.zeros, self.loose, self.steps = zeros, loose, steps
        self._magnitude: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Fast({self.value!r}, {self.error!r})"

    def made(
        self, value: np.ndarray, error: np.ndarray | None, zeros: bool = False, loose: bool = False, steps: int = 0
    ) -> Self:
        """Make an array of the same precision."""
        return type(self)(value, error, self.units, self.batch, zeros, loose, steps)

    def lift(self, other: Any) -> Any:
        """Give `other` as exact values; a constant that the format does not hold carries u |c|."""
        if isinstance(other, Fast):
            return other
        if isinstance(other, PartialSum):
            return other.finished()
        if isinstance(other, Decision):
            return other.choose(self.lift(1), self.lift(0))
        if isinstance(other, np.ndarray):
            return exact(other, self.units, self.batch)
        value, unit = np.asarray(float(other)), self.units.format
        magnitude = max(abs(float(value)), 2.0**unit.format.smallest_normal)
        error = None if is_held(other, unit.format) else np.asarray(unit.roundoff * magnitude, self.units.error)
        return self.made(value, error, bool(value == 0))

    @property
    def known(self) -> dict[Any, Any]:
        """Nothing that was evaluated before: remembered arrays would outlive the chunk that they are of."""
        return {}

    def _lifted(self, other: Any) -> Any:
        return self.lift(other)  # as nothing is remembered

    # Structure ----------------------------------------------------------------------------------------------------

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the values, and the errors if there are any."""
        return (self.value,) if self.error is None else (self.value, self.error)

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of elements of this one."""
        return self.made(parts[0], parts[1] if len(parts) > 1 else None, self.zeros, self.loose, self.steps)

    def __len__(self) -> int:
        rows = self.shape[0]
        return self.batch.whole if self.batch.counted and rows == self.batch.rows else rows

    def select(self, condition: np.ndarray, other: Self) -> Self:
        """Take self where the condition holds, other elsewhere."""
        return self._among((self, other), lambda x, y: np.asarray(np.where(condition, x, y)))

    def joined(self, arrays: list[Self], axis: int = 0) -> Self:
        """Concatenate arrays along an axis."""
        return self._among(arrays, lambda *parts: np.concatenate(parts, axis))

    def stacked(self, arrays: list[Self], axis: int = 0) -> Self:
        """Put arrays of one shape side by side along a new axis."""
        return self._among(arrays, lambda *parts: np.stack(parts, axis))

    def pad(self, width: Any, mode: str = "constant", constant_values: float = 0) -> Self:
        """Put exact constants around."""
        if mode != "constant":
            raise TypeError("Fast pads with constants alone")
        widths = np.broadcast_to(width, (self.ndim, 2)).tolist()
        value = np.pad(self.value, widths, constant_values=constant_values)
        error = None if self.error is None else np.pad(self.error, widths)
        loose = self.loose or not is_held(constant_values, self.units.format.format)
        return self.made(value, error, self.zeros or constant_values == 0, loose, self.steps)

    def _among(self, arrays: Sequence[Self], choose: Callable[..., np.ndarray]) -> Self:
        """Make an array of elements of several."""
        error = None if all(x.error is None for x in arrays) else choose(*(x.errors() for x in arrays))
        value, steps = choose(*(x.value for x in arrays)), max(x.steps for x in arrays)
        return self.made(value, error, any(x.zeros for x in arrays), any(x.loose for x in arrays), steps)

    # What rounding costs ------------------------------------------------------------------------------------------

    def errors(self) -> np.ndarray:
        """Give the errors, 0 where all are exact."""
        return np.zeros(self.shape, self.units.error) if self.error is None else self.error

    def magnitude(self) -> np.ndarray:
        """Give |v| in the dtype of errors, for float64 with the error. It is kept, not to be changed."""
        if self._magnitude is None:
            self._magnitude = magnitude_of(self.value, self.units.error)
            if self.units.own and self.error is not None:
                self._magnitude = self._magnitude + self.error
        return self._magnitude

    def reach(self) -> np.ndarray:
        """Give |v| + e, not to be changed."""
        return self.magnitude() if self.error is None else self.magnitude() + self.error

    def exact_zeros(self) -> np.ndarray:
        """Say which elements are 0 and exact."""
        zeros = np.asarray(self.value == 0)
        return zeros if self.error is None else zeros & (self.error == 0)

    def of_magnitude(self, magnitude: np.ndarray) -> Self:
        """Keep |v|, which is known already."""
        self._magnitude = magnitude
        return self

    # Steps, whose rules are in `fast_rules` -----------------------------------------------------------------------

    def add(self, other: Self) -> "Fast":
        """x + y."""
        return fast_rules.sum_of(self, other)

    def subtract(self, other: Self) -> "Fast":
        """x - y."""
        return fast_rules.sum_of(self, other, subtract=True)

    def multiply(self, other: Self) -> "Fast":
        """x * y."""
        return fast_rules.product_of(self, other)

    def divide(self, other: Self) -> "Fast":
        """x / y."""
        return fast_rules.quotient_of(self, other)

    def negative(self) -> Self:
        """-x, exact."""
        return self.of_parts(-self.value, *self.parts()[1:])

    def absolute(self) -> Self:
        """|x|, exact."""
        return self.of_parts(np.abs(self.value), *self.parts()[1:])

    def maximum(self, other: Self) -> "Fast":
        """The larger of x and y."""
        return fast_rules.larger_of(self, other)

    def elementary(self, name: str) -> "Fast":
        """Apply an elementary function."""
        return fast_rules.elementary_of(name, self)

    def stored(self) -> "Fast":
        """Round to the tensors' own format."""
        return fast_rules.read_as(self.units.result, self)

    def running(self) -> "Fast":
        """The same, of whose sums every element is a term, and none is exact."""
        return self.made(self.value, self.errors(), loose=self.loose, steps=self.steps)

    # Comparisons --------------------------------------------------------------------------------------------------

    def greater(self, other: Self) -> Any:
        """x > y."""
        return decided(self, other, self.value > other.value)

    def less(self, other: Self) -> Any:
        """x < y."""
        return decided(self, other, self.value < other.value)

    def greater_equal(self, other: Self) -> Any:
        """x >= y."""
        return decided(self, other, self.value >= other.value)

    def less_equal(self, other: Self) -> Any:
        """x <= y."""
        return decided(self, other, self.value <= other.value)

    def equal(self, other: Self) -> Any:
        """x == y."""
        return decided(self, other, self.value == other.value)

    def not_equal(self, other: Self) -> Any:
        """x != y."""
        return decided(self, other, self.value != other.value)

    def __array_function__(self, func: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any) -> Any:
        if func is np.where and isinstance(args[0], Decision):
            return args[0].choose(self.lift(args[1]), self.lift(args[2]))
        return super().__array_function__(func, types, args, kwargs)

    # Reductions ---------------------------------------------------------------------------------------------------

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The largest along axes, or of all elements: exact, and off by no more than the largest error."""
        along: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        return self.of_parts(*(np.asarray(part.max(**along)) for part in self.parts()))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Sum along axes or of all elements: (n - 1) u times the sum of magnitudes, exact zeros not counted."""
        length = length_along(self.shape, axis)
        terms: Any = length
        along: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        if self.zeros or self.units.precision.longest:
            terms = np.asarray((~self.exact_zeros()).sum(**along))
        value = np.asarray(self.value.sum(**along))
        magnitude, passed = summed(self.magnitude(), axis, keepdims), None
        if self.error is not None:
            passed = summed(self.error, axis, keepdims)
            magnitude = np.asarray(magnitude + passed)
        return PartialSum(self, value, magnitude, passed, terms, length).settled(self)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The sum along axes, or of all elements, over their number in the whole batch."""
        total = self.sum(axis, keepdims)
        return total / (total.whole if isinstance(total, PartialSum) else length_along(self.shape, axis))

    def scatter_add(self, index: np.ndarray, size: int) -> Any:
        """Sum the rows (N, ...) with each index, (N,), into (size, ...); no row gives 0."""
        shape = (size, *self.shape[1:])

        def scattered(rows: np.ndarray) -> np.ndarray:
            sums = np.zeros(shape, rows.dtype)
            np.add.at(sums, index, rows)
            return sums

        passed = None if self.error is None else scattered(self.error)
        counts = np.bincount(index, minlength=size).reshape(size, *[1] * (self.ndim - 1))
        terms = np.broadcast_to(counts, shape)
        value, magnitude = scattered(self.value), scattered(self.reach())
        return PartialSum(self, value, magnitude, passed, terms, len(index), counted=True).settled(self)

    def matmul(self, other: Self) -> Any:
        """x @ y for vectors, matrices, and stacks of matrices, which broadcast."""
        return self.product(other) if self.ndim > 1 and other.ndim > 1 else super().matmul(other)

    def product(self, other: Self) -> Any:
        """x @ y of matrices or stacks of them."""
        return contraction(self, other)


def exact(x: np.ndarray, units: Units, batch: Batch) -> Fast:
    """Give an array's numbers as exact values."""
    zeros, loose = zeros_and_misfits(x, units.format.format)
    return Fast(x.astype(np.float64, copy=False), None, units, batch, zeros, loose)
