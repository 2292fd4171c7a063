"""Errors as sums of a few independent ones: what affine arithmetic computes with.

The error of an element is written as

    computed - exact = c_1 v_1 + c_2 v_2 + ... + r,    -1 <= v_k <= 1,    |r| <= rest

with a variable v_k for what one step adds to one element. A step multiplies the coefficients c_k by its derivatives and
adds up those of the same variable, so that errors which two operands share cancel, or count once.

The results are the same on every machine: no operation here takes more than two float64, which leaves IEEE 754 no
choice, and the order of additions is written down, and not left to NumPy's sums or to BLAS. What these operations round
is less than `SLACK` of the magnitudes for each term, and is added to the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from functools import cache
from math import inf
from typing import Any, NamedTuple

import numpy as np

from .protocol import evaluated_once

SLACK = 2.0**-49
"""More than a product and an addition round, for each 1 of their operands' magnitude: 2^-53 each."""
TINY = 2.0**-1073
"""More than a product loses to underflow."""
NEGLIGIBLE = 2.0**-30
"""A part of an error that is not worth a variable."""

NONE = np.zeros(0, dtype=np.int64)
"""The numbers of no variables."""

Linear = Callable[[np.ndarray, Any], np.ndarray]
"""(rows (R, ...) of an operand, derivatives or None where they are 1) -> what a result inherits of each row. The last
four rows are magnitudes, and are multiplied by magnitudes."""


class Reading(IntEnum):
    """Who may read a number before it is rounded, and so not as others do."""

    NOBODY = 0
    ADDITIONS = 1
    """An addition may be contracted with the product or the sum that gave the number."""
    EVERYBODY = 2
    """A number of a half precision, or one that is stored in it, may still be in a register as float32."""


class Use(Enum):
    """What a step does with an operand."""

    MULTIPLIED = auto()
    """By something, or more than that."""
    ADDED = auto()
    """To something, and no more."""
    PASSED_ON = auto()
    """As it is, or with another sign."""


@dataclass
class Variables:
    """What the arrays of an evaluation share."""

    most: int = 1 << 18
    """Coefficients of one array. A step that would need more makes no variables: all that it adds is in the rest."""
    count: int = 0
    """How many variables there are so far."""


def _zeros(rows: int, columns: int) -> np.ndarray:
    """Make a table whose columns are contiguous in memory where there are many rows and few columns."""
    return np.zeros((rows, columns), order="F" if rows > 8 * columns else "C")


@dataclass(frozen=True)
class LinearErrors:
    """The errors of one step's results, a column each, after a column of zeros that stands for exact numbers."""

    variables: Variables
    numbers: np.ndarray
    """(V,): of the variables, rising."""
    table: np.ndarray
    """(V + 4, columns): the coefficients of the variables; the rest; coefficients of variables that have no number yet,
    one a column, for what the step itself added; the sum of all these magnitudes; and that or the bound of rounding
    arrays, whichever is less."""
    early: Reading = Reading.NOBODY

    @property
    def bounds(self) -> np.ndarray:
        """The bounds on the errors, without that of the column of zeros."""
        return self.table[-1, 1:]

    @evaluated_once
    def are_any(self) -> bool:
        """Whether there is any error."""
        return bool(np.count_nonzero(self.table[-1]))

    @evaluated_once
    def numbered(self) -> "LinearErrors":
        """The same with the step's own variables numbered, or in the rest where these would be too many."""
        own, width = self.table[-3], self.table.shape[1]
        columns, known = np.flatnonzero(own), len(self.table) - 4
        if not columns.size:
            return self
        if (known + columns.size) * width > self.variables.most:
            table = self.table.copy("K")
            table[-4] = np.nextafter(table[-4] + own, inf)
            table[-3] = 0
            return LinearErrors(self.variables, self.numbers, table)
        table = _zeros(len(self.table) + columns.size, width)
        table[:known], table[-4:] = self.table[:known], self.table[-4:]
        table[known + np.arange(columns.size), columns] = own[columns]
        table[-3] = 0
        new = np.arange(self.variables.count, self.variables.count + columns.size)
        self.variables.count += columns.size
        return LinearErrors(self.variables, np.concatenate([self.numbers, new]), table)

    def read(self, how: "Use") -> "LinearErrors":
        """Give what a step reads. What it only passes on stays without a number, if readers may read it early."""
        if self.early is Reading.NOBODY or (self.early is Reading.ADDITIONS and how is Use.MULTIPLIED):
            return self.numbered
        return self if how is Use.PASSED_ON else LinearErrors(self.variables, self.numbers, self.table).numbered

    def negative(self) -> "LinearErrors":
        """The errors of -x."""
        known = self.numbered if self.early is Reading.NOBODY else self
        table = known.table.copy("K")
        np.negative(table[:-4], out=table[:-4])
        return LinearErrors(self.variables, known.numbers, table, known.early)

    def rows_of(self, cells: np.ndarray) -> np.ndarray:
        """Give the rows of the table for elements by their columns, to be read only: (V + 4, *shape of the cells).

        A large table of which all columns are wanted, in their order, is not copied.
        """
        table = self.table
        if table.size > 1 << 13 and np.array_equal(cells.ravel(), np.arange(1, table.shape[1])):
            return table[:, 1:].reshape(-1, *cells.shape)
        if table.flags.c_contiguous:
            return table.take(cells, axis=1)
        return table.T.take(cells, axis=0).transpose(-1, *range(cells.ndim))

    def rows_among(self, numbers: np.ndarray) -> Any:
        """Give the places of the coefficients among those of more variables, as an index."""
        own, count = self.numbers, len(self.numbers)
        if own is numbers:
            return slice(count)
        first = int(numbers.searchsorted(own[0])) if count else 0
        if not count or numbers[first + count - 1] == own[-1]:
            return slice(first, first + count)
        return numbers.searchsorted(own)


def together(variables: Variables, several: Sequence[LinearErrors]) -> np.ndarray:
    """Give the numbers of the variables of all, rising."""
    first = several[0].numbers if several else NONE
    if not [errors for errors in several if errors.numbers is not first]:
        return first
    seen = np.zeros(variables.count, dtype=bool)
    for errors in several:
        seen[errors.numbers] = True
    return np.flatnonzero(seen)


# How steps pass errors on ---------------------------------------------------------------------------------------------


def added(x: np.ndarray, axis: int = 0) -> np.ndarray:
    """Sum along an axis, pair by pair."""
    x = x.transpose(axis, *range(axis), *range(axis + 1, x.ndim)) if axis else x
    while len(x) > 1:
        half = len(x) // 2
        pairs = x[:half] + x[half : 2 * half]
        if len(x) % 2:
            pairs[0] += x[-1]
        x = pairs
    return x[0] if len(x) else np.zeros(x.shape[1:])


@cache
def elementwise(ndim: int) -> Linear:
    """Multiply the elements of an operand, which broadcasts to a result of a rank, by derivatives."""

    def linear(rows: np.ndarray, slope: Any) -> np.ndarray:
        missing = ndim + 1 - rows.ndim
        rows = rows.reshape(len(rows), *(1,) * missing, *rows.shape[1:]) if missing else rows
        if slope is None:
            return rows
        passed = rows * slope
        np.absolute(passed[-4:], out=passed[-4:])
        return np.asarray(passed)

    return linear


@cache
def sums_over(axes: tuple[int, ...], keepdims: bool) -> Linear:
    """Add up along axes of the operand."""

    def linear(rows: np.ndarray, _: Any) -> np.ndarray:
        for axis in sorted(axes, reverse=True):
            rows = added(rows, axis + 1)
        return np.expand_dims(rows, tuple(axis + 1 for axis in axes)) if keepdims else rows

    return linear


def times_matrix(rows: np.ndarray, matrix: Any) -> np.ndarray:
    """(R, ..., n, k) and (..., k, m) -> (R, ..., n, m), term by term: with the rows last, which are many where axes are
    short."""
    terms = np.ascontiguousarray(rows.transpose(-1, *range(1, rows.ndim - 1), 0))[..., None, :]
    slopes = np.repeat(np.moveaxis(matrix, -2, 0)[..., None, :, None], len(rows), axis=-1)
    np.absolute(slopes[..., -4:], out=slopes[..., -4:])
    result = np.zeros((*rows.shape[1:-1], matrix.shape[-1], len(rows)))
    passed = np.empty_like(result)
    for term, slope in zip(terms, slopes, strict=True):
        np.multiply(term, slope, out=passed)
        result += passed
    return result.transpose(-1, *range(rows.ndim - 1))


def matrix_times(rows: np.ndarray, matrix: Any) -> np.ndarray:
    """(R, ..., k, m) and (..., n, k) -> (R, ..., n, m), term by term."""
    return times_matrix(rows.swapaxes(-1, -2), matrix.swapaxes(-1, -2)).swapaxes(-1, -2)


class Operand(NamedTuple):
    """An operand of a step, and how its errors pass to the results."""

    errors: LinearErrors
    cells: np.ndarray
    """The column of each element."""
    linear: Linear
    slope: np.ndarray | None = None
    """The derivatives, 0 where they are not finite; None where they are 1."""
    off: np.ndarray | None = None
    """How far they may be off; None where that is at most 2^-51 of them."""
    terms: int = 1
    """How many errors of the operand a result inherits."""
    use: Use = Use.MULTIPLIED
    at: tuple[slice, ...] = ()
    """Which of the results inherit, as an index; () for all."""


def after(
    variables: Variables,
    shape: tuple[int, ...],
    bound: np.ndarray,
    operands: Sequence[Operand],
    early: Reading = Reading.NOBODY,
    beyond: np.ndarray | None = None,
) -> LinearErrors:
    """Give the errors after a step.

    shape: of the results. bound: that of rounding arrays for each result, (size,). beyond: bounds what the step adds to
    the errors that its derivatives pass on; else that is `bound` less what these pass on in the rule of rounding
    arrays.
    """
    with_errors = [x for x in operands if x.errors.are_any]
    read = [x.errors.read(x.use) for x in with_errors]
    numbers = together(variables, read)
    most = len(numbers)
    table = _zeros(most + 4, 1 + bound.size)
    rest, own, radius, error = table[most:, 1:]
    if not read:
        own[:] = radius[:] = error[:] = bound
        return LinearErrors(variables, numbers, table, early)
    inherited = table[:, 1:].reshape(most + 4, *shape)  # the last rows are magnitudes, until they are read below
    terms = max([x.terms for x in with_errors])
    slack = SLACK * (len(read) + 2 + terms)
    for x, errors in zip(with_errors, read, strict=True):
        passed = x.linear(errors.rows_of(x.cells), x.slope)
        parts = [(errors.rows_among(numbers), passed[:-4]), (slice(most, None), passed[-4:])]
        for rows, part in [(slice(None), passed)] if errors.numbers is numbers else parts:
            if x is with_errors[0] or x.at:
                inherited[rows, *x.at] = part
            else:
                inherited[rows, *x.at] += part
        if x.off is not None:
            unknown = x.linear(errors.rows_of(x.cells)[-4:], x.off)[2:] * (1 + slack)
            inherited[most] += unknown[0]
            inherited[-1] -= unknown[1]
    own += np.maximum(bound - error * (1 - slack), 0) if beyond is None else beyond
    own *= 1 + slack
    rest += radius * (2 * slack) + (most + 8) * terms * TINY
    slight = own <= NEGLIGIBLE * bound
    if np.count_nonzero(slight):
        rest[slight] += own[slight]
        own[slight] = 0
    rest *= 1 + slack
    radius[:] = added(abs(table[: most + 2, 1:])) * (1 + SLACK * (4 + most.bit_length()))
    kept = radius <= 4 * bound + 2.0**-1000
    if np.count_nonzero(kept) < bound.size:
        given_up = ~kept
        table[:-1, 1:][:, given_up] = 0
        own[given_up] = radius[given_up] = bound[given_up]
    np.minimum(bound, radius, out=error)
    return LinearErrors(variables, numbers, table, early)
