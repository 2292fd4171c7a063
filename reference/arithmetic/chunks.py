"""Evaluate a formula at any size in chunks along the batch: what is expected, and the tolerance of every element.

The bounds are those of `fast.py`. A chunk is a few rows of every tensor that has the batch among its axes. A result
that has it too is put together from the chunks. One that sums over it is added up: value, magnitude and errors apart,
so that its cost is counted once, for the length of the whole batch.

Which results are which, and which sums of the formula go over the batch, is found by trying: the formula is evaluated
for five rows, and for two and three of them as chunks, which have to come to the same. To be cheap that is tried on
corners of the tensors, and on whole rows where the formula refuses those; with other numbers, as zeros would hide what
rows have to do with one another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..model.formulations import Function
from .fast import Fast, exact
from .fast_bounds import Units, units_of
from .fast_sums import Batch, PartialSum
from .precision import precision_model

Axes = Sequence[int | None]
Tensors = Sequence[np.ndarray]
Results = list[Any]
CHUNK = 2**18
"""A chunk has about so many elements of the largest tensor, which fit a processor's cache."""
CORNER = 6
"""Corners of tensors keep up to so many elements along an axis."""
TRIED = 5
"""The rows on which chunks are tried."""


class ChunkError(ValueError):
    """The chunks of these tensors do not make up the results of the whole."""


@dataclass(frozen=True)
class Plan:
    """How a formula is evaluated in chunks."""

    over_rows: tuple[bool, ...]
    """For each sum and contraction, in the order of evaluation, whether it goes over the batch."""
    counted: bool
    """Whether `len` of a tensor has to give the length of the whole batch, as a mean divides by it."""
    results: tuple[int | Literal["sum", "same"], ...]
    """For each result the axis that is the batch, or whether it sums over the batch or is the same for all rows."""


@dataclass(frozen=True)
class Piece:
    """A part of one result, all of it where it has no batch axis."""

    result: int
    shape: tuple[int, ...]
    """The shape of the whole result."""
    where: tuple[slice, ...]
    """What part of the whole it is."""
    expected: np.ndarray
    """In float64."""
    tolerance: np.ndarray
    """How far a sound implementation may be off; infinite where an intermediate may overflow or a denominator vanish.
    In float32, in float64 where the dtype is float64."""


def evaluate_fast(
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    dtype: str,
    precision: str,
    *,
    batch_axes: Axes | None = None,
    rows: int | None = None,
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Give what is expected of each result, and its tolerance; see `pieces`, of which both are put together."""
    expected: dict[int, np.ndarray] = {}
    tolerance: dict[int, np.ndarray] = {}
    for piece in pieces(function, arguments, parameters, dtype, precision, batch_axes=batch_axes, rows=rows):
        if piece.expected.shape == piece.shape:
            expected[piece.result], tolerance[piece.result] = piece.expected, piece.tolerance
            continue
        for whole, part in ((expected, piece.expected), (tolerance, piece.tolerance)):
            if piece.result not in whole:
                whole[piece.result] = np.empty(piece.shape, part.dtype)
            whole[piece.result][piece.where] = part
    order = sorted(expected)
    return tuple(expected[i] for i in order), tuple(tolerance[i] for i in order)


def pieces(
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    dtype: str,
    precision: str,
    *,
    batch_axes: Axes | None = None,
    rows: int | None = None,
    batch: Batch | None = None,
    independent: bool = False,
) -> Iterator[Piece]:
    """Evaluate a formula at any size, piece by piece.

    arguments: tensors of the dtype; labels, indices and masks are integers or truth values. batch_axes: for each
    argument the axis that is the batch, None for one without; if not given, the formula is evaluated whole.
    rows: how many of the batch to take at a time, by default as many as fit a processor's cache. batch: of what larger
    batch these are some rows, where that makes a difference; they are then evaluated whole. independent: see `Units`.

    Raises ChunkError where the results of chunks do not make up that of the whole, and LengthError where a native half
    precision gives no tolerance.
    """
    axes = [None] * len(arguments) if batch_axes is None else list(batch_axes)
    units = units_of(precision_model(dtype, precision), independent=independent)
    found = (
        _whole(function, arguments, parameters, units, batch)
        if batch is not None
        else _in_chunks(function, arguments, parameters, units, axes, rows)
    )
    while True:
        with np.errstate(all="ignore"):  # not around a yield: several evaluations that take turns would leave it so
            piece = next(found, None)
        if piece is None:
            return
        yield piece


def _whole(
    function: Function, arguments: Tensors, parameters: Mapping[str, Any], units: Units, batch: Batch
) -> Iterator[Piece]:
    for index, result in enumerate(results_of(function, arguments, parameters, units, batch)):
        yield _piece(index, result)


def _in_chunks(
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    units: Units,
    axes: Axes,
    rows: int | None,
) -> Iterator[Piece]:
    length = batch_length(arguments, axes)
    rows = rows or rows_that_fit(arguments, axes)
    if rows >= length or length <= TRIED:
        yield from _whole(function, arguments, parameters, units, Batch())
        return
    plan = plan_chunks(function, arguments, parameters, axes)
    yield from _by_plan(plan, function, arguments, parameters, units, axes, length, rows)


def _by_plan(
    plan: Plan,
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    units: Units,
    axes: Axes,
    length: int,
    rows: int,
) -> Iterator[Piece]:
    keep_freed_memory()
    if plan.counted:
        rows = _rows_apart(
            rows, length, [len(x) for x, axis in zip(arguments, axes, strict=True) if axis is None and x.ndim]
        )
    batch = Batch(rows, length, plan.over_rows, plan.counted)
    fixed = [_lifted(x, units, batch) if axis is None else x for x, axis in zip(arguments, axes, strict=True)]
    totals: dict[int, Any] = {}
    for start in range(0, length, rows):
        taken = slice(start, min(start + rows, length))
        batch.rows = taken.stop - start
        batch.met.clear()
        chunk = [x if axis is None else along(x, axis, taken) for x, axis in zip(fixed, axes, strict=True)]
        results = results_of(function, chunk, parameters, units, batch)
        if len(batch.met) != len(plan.over_rows):
            raise ChunkError("the formula does not evaluate the same sums for every chunk")
        del chunk  # what is no longer needed goes before the next chunk comes
        for index, kind in enumerate(plan.results):
            result, results[index] = results[index], None
            if isinstance(kind, int):
                yield _piece(index, result, kind, taken, length)
            elif index not in totals:
                totals[index] = result
            elif kind == "sum":
                totals[index] = _added(totals[index], result)
            del result
    for index in sorted(totals):
        yield _piece(index, totals.pop(index))


def keep_freed_memory() -> None:
    """Let the C library keep what arrays of a chunk free for those of the next.

    glibc gives freed arrays back to the system, and each new one is then cleared page by page, which takes as long as
    a step of arithmetic. Once it has seen a large block freed it keeps blocks up to that size (see M_MMAP_THRESHOLD in
    mallopt(3)); 32 MiB is the largest for which it does.
    """
    np.empty(2**25 - 2**16, np.uint8)


def batch_length(arguments: Sequence[Any], axes: Axes) -> int:
    """Give the length of the batch, 1 without one. Raises ChunkError where arguments differ in it."""
    lengths = {x.shape[axis] for x, axis in zip(arguments, axes, strict=True) if axis is not None}
    if len(lengths) > 1:
        raise ChunkError(f"the batch has {' and '.join(map(str, sorted(lengths)))} rows")
    return lengths.pop() if lengths else 1


def rows_that_fit(arguments: Tensors, axes: Axes) -> int:
    """Choose how many rows to take at a time: more where tensors without a batch, read for each chunk, are large."""
    length = max(batch_length(arguments, axes), 1)
    sizes = [(x.size, axis) for x, axis in zip(arguments, axes, strict=True)]
    row = max((size // length for size, axis in sizes if axis is not None), default=1)
    fixed = sum(size for size, axis in sizes if axis is None)
    return max(max(CHUNK, fixed // 8) // max(row, 1), 1)


def _rows_apart(rows: int, length: int, others: Sequence[int]) -> int:
    """Take fewer rows at a time, so that no chunk is as long as a tensor without a batch: `len` could not tell them."""
    for fewer in range(rows, 0, -1):
        if fewer not in others and length % fewer not in others:
            return fewer
    raise ChunkError("every chunk would be as long as a tensor without a batch")


def along(x: np.ndarray, axis: int, index: slice | np.ndarray) -> np.ndarray:
    """Take a part of a tensor along an axis."""
    return np.asarray(x[(slice(None),) * (axis % x.ndim) + (index,)])


def _lifted(x: Any, units: Units, batch: Batch) -> Any:
    return x if isinstance(x, Fast) or x.dtype.kind in "iub" else exact(x, units, batch)


def results_of(
    function: Function, arguments: Sequence[Any], parameters: Mapping[str, Any], units: Units, batch: Batch
) -> Results:
    """Evaluate a formula over fast rounding arrays. Integers and truth values stay what they are."""
    results = function(*(_lifted(x, units, batch) for x in arguments), **parameters)
    several = results if isinstance(results, tuple) else (results,)
    return [x if isinstance(x, Fast | PartialSum) else exact(np.asarray(x), units, batch) for x in several]


def finished(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give a result's value and tolerance after it is rounded to the tensors' own dtype."""
    stored = (result.finished() if isinstance(result, PartialSum) else result).stored()
    tolerance = stored.errors() if not stored.units.own else stored.errors() * (1 + stored.units.own)
    if np.isnan(tolerance.max(initial=0)):
        tolerance = np.where(np.isnan(tolerance), stored.units.error(np.inf), tolerance)
    return stored.value, tolerance


def _piece(index: int, result: Any, axis: int | None = None, taken: slice = slice(None), length: int = 0) -> Piece:
    expected, tolerance = finished(result)
    shape, where = list(expected.shape), [slice(None)] * expected.ndim
    if axis is not None:
        shape[axis], where[axis] = length, taken
    return Piece(index, tuple(shape), tuple(where), expected, tolerance)


def _added(total: Any, part: Any) -> Any:
    """Add the sums over two parts of a batch."""
    if isinstance(total, PartialSum):
        total.add_part(part)
        return total
    error = (total.errors() + part.errors()) * total.units.error(1 + 4 * np.finfo(total.units.error).eps)
    return Fast(total.value + part.value, error, total.units, total.batch)


# Planning ---------------------------------------------------------------------------------------------------------


def plan_chunks(function: Function, arguments: Tensors, parameters: Mapping[str, Any], axes: Axes) -> Plan:
    """Find out how a formula is evaluated in chunks. Raises ChunkError where it cannot be."""
    rows = [x if axis is None else along(x, axis, slice(TRIED)) for x, axis in zip(arguments, axes, strict=True)]
    reason: Exception | None = None
    for tensors in (fractions(corners(rows, axes)), fractions(rows)):
        for counted in (False, True):
            try:
                with np.errstate(all="ignore"):
                    return _tried(function, tensors, parameters, axes, counted)
            except Exception as error:  # of the formula, which may refuse a corner of its tensors
                reason = error
    raise ChunkError(f"chunks of the batch do not make up the whole: {reason}") from reason


def corners(tensors: Tensors, axes: Axes | None = None) -> list[np.ndarray]:
    """Cut all axes but the batch to a few elements, and indices to what is left."""
    axes = [None] * len(tensors) if axes is None else axes
    cut = []
    for x, axis in zip(tensors, axes, strict=True):
        kept = None if axis is None else axis % x.ndim
        corner = x[tuple(slice(None if i == kept else CORNER) for i in range(x.ndim))]
        cut.append(corner % CORNER if x.dtype.kind in "iu" else corner)
    return cut


def fractions(tensors: Tensors) -> list[np.ndarray]:
    """Replace floating numbers by ones from 0.25 to 0.75, others in each tensor, so that no part of a formula is 0
    throughout: as the gradient of a norm is where the upstream is as its argument. They are of float64 whatever the
    tensors' dtype: in half precision many would be the same, and the largest of one chunk that of all."""

    def fraction(x: np.ndarray, place: int) -> np.ndarray:
        drawn = np.arange(1, x.size + 1) * 0.381966 / (place + 1) % 0.5 + 0.25
        return drawn.reshape(x.shape)

    return [x if x.dtype.kind in "iu" else fraction(x, place) for place, x in enumerate(tensors)]


def _tried(function: Function, tensors: Tensors, parameters: Mapping[str, Any], axes: Axes, counted: bool) -> Plan:
    units = units_of(precision_model("float64", "float64"))

    def rows(first: int, last: int, batch: Batch) -> Results:
        taken = [x if a is None else along(x, a, slice(first, last)) for x, a in zip(tensors, axes, strict=True)]
        return results_of(function, taken, parameters, units, batch)

    all_rows, two_rows = Batch(TRIED, TRIED), Batch(2, 2)
    whole = rows(0, TRIED, all_rows)
    rows(0, 2, two_rows)
    over_rows = tuple(n != m for n, m in zip(all_rows.met, two_rows.met, strict=True))
    if any(o and 2 * n != TRIED * m for o, n, m in zip(over_rows, all_rows.met, two_rows.met, strict=True)):
        raise ChunkError("a sum's length does not grow with the batch")
    first = rows(0, 2, Batch(2, TRIED, over_rows, counted))
    second = rows(2, TRIED, Batch(TRIED - 2, TRIED, over_rows, counted))
    return Plan(over_rows, counted, tuple(_kind(*parts) for parts in zip(first, second, whole, strict=True)))


def _kind(first: Any, second: Any, whole: Any) -> int | Literal["sum", "same"]:
    """Say how the results of two chunks make up that of the whole. Raises ChunkError where they do not."""
    due = finished(whole)
    one, two = finished(first)[0], finished(second)[0]
    unequal = [axis for axis, (n, m) in enumerate(zip(one.shape, two.shape, strict=True)) if n != m]
    if len(unequal) == 1 and agree(np.concatenate([one, two], unequal[0]), *due):
        return unequal[0]
    if not unequal:
        same, added = agree(one, *due) and agree(two, *due), agree(one + two, *due)
        if same != added:
            return "same" if same else "sum"
    raise ChunkError("a result of the whole batch is not that of its chunks, nor their sum")


def agree(value: np.ndarray, due: np.ndarray, tolerance: np.ndarray) -> bool:
    """Say whether values are those that are due, up to what two evaluations may differ in."""
    if value.shape != due.shape:
        return False
    near = (value == due) | (np.abs(value - due) <= 2 * tolerance) | (np.isnan(value) & np.isnan(due))
    return bool(near.all())
