"""Check that the first case of a family gives the golden answer for arguments in other layouts and orders of rows.

Some layouts are tried in every family, and of `IN_TURN` one in each. An exception for a layout is a robust miss, a
wrong value a required one, but for byte-swapped numbers that are computed in a lower precision.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from zlib import crc32

import numpy as np

from ...vectors.dtypes import FORMATS
from ..implementation.arrays import Arrays
from ..implementation.errors import describe_error, error_location
from ..implementation.timeouts import Lost
from .contract import Malformed, attempt
from .first_case import FirstCase
from .layouts import SLICES, laid_out, repeated, whole_memory
from .values import bits_equal
from .verdict import Miss, MissKind, MissReason

_ALWAYS = (
    MissReason.READ_ONLY,
    MissReason.FORTRAN_ORDERED,
    MissReason.SLICED,
    MissReason.ROWS_SLICED,
    MissReason.AXES_PERMUTED,
    MissReason.BROADCAST,
)
_IN_TURN = (MissReason.BYTE_SWAPPED, MissReason.MISALIGNED, MissReason.BROADCAST, MissReason.INNER_STRIDED)
"""One for each family, by its id, or the next that makes a difference; BROADCAST is here of an argument whose rows are
made equal."""
_TOLERANCES = 8
"""How many tolerances, for each term of a sum, two results for the same arguments may be apart."""
_SOME_DIGITS = 2.0**-5
"""What a half precision keeps of a sum, as a part of the largest result: what is read in the wrong order has no digit
right."""
_CANCELLED = 2.0**-12
"""The part of the largest argument below which a result may be what is left of terms that cancel."""
_OTHER_PRECISION = "right to fewer digits: by == a dtype is not that of another byte order; compare dtype.type"


def layouts(first: FirstCase, *, read_only: bool) -> Iterator[Miss]:
    """Call it with arguments in the layouts that are tried in every family; read-only ones where that is asked."""
    for layout in _ALWAYS:
        if layout is MissReason.READ_ONLY and not read_only:
            continue
        if layout is MissReason.SLICED and _IN_TURN[_turn(first) % len(_IN_TURN)] is MissReason.INNER_STRIDED:
            continue  # which is a slice as well
        yield from _layout(first, layout)


def last_layouts(first: FirstCase) -> Iterator[Miss]:
    """Call it with arguments in the layout whose turn it is, and with negative strides.

    Those come last: there is an importer of DLPack that aborts the interpreter on them.
    """
    for shift in range(len(_IN_TURN)):
        in_turn = _IN_TURN[(_turn(first) + shift) % len(_IN_TURN)]
        calls = first.call.made
        yield from _made_to_repeat(first) if in_turn is MissReason.BROADCAST else _layout(first, in_turn)
        if first.call.made > calls:
            break
    yield from _layout(first, MissReason.NEGATIVELY_STRIDED)


def permuted_arguments(first: FirstCase) -> Arrays | None:
    """The arguments with their rows permuted; None where there is nothing to permute or to compare with."""
    size = _batch_size(first)
    if size < 2 or first.held is None:
        return None
    return [
        _permuted(a, _batch_axis(first, name, a.ndim), _rolled(size))
        for name, a in zip(first.names, first.tensors, strict=True)
    ]


def permuted_batch(first: FirstCase, call: Callable[[], Arrays], *, read_only: bool) -> Iterator[Miss]:
    """Compare what a call with permuted rows returns with the golden answer, permuted. Where its arguments were
    `read_only`, which saves a call, and something is wrong, the two are tried one after the other."""
    misses = list(_permuted_misses(first, attempt(call)))
    if misses and read_only:
        yield from _layout(first, MissReason.READ_ONLY)
        arguments = permuted_arguments(first)
        assert arguments is not None
        misses = list(_permuted_misses(first, attempt(partial(first.call, arguments))))
    yield from misses


def _permuted_misses(first: FirstCase, results: Arrays | BaseException) -> Iterator[Miss]:
    if isinstance(results, BaseException):
        summary = f"a permuted batch is refused: {describe_error(results)}"
        yield first.miss(MissKind.BATCH, summary, reason=MissReason.EXCEPTION)
        return
    order, names = _rolled(_batch_size(first)), first.call.spec.names
    if all(
        bits_equal(result, _permuted(before, _batch_axis(first, name, before.ndim), order))
        for name, result, before in zip(names, results, first.results, strict=True)
    ):
        return
    expected, tolerance = (
        [_permuted(a, _batch_axis(first, name, a.ndim), order) for name, a in zip(names, arrays, strict=True)]
        for arrays in first.answer
    )
    yield from first.wrong(MissKind.BATCH, "for a permuted batch", results, expected, tolerance)


def _turn(first: FirstCase) -> int:
    return crc32(first.family.id.encode())


def _layout(first: FirstCase, layout: MissReason) -> Iterator[Miss]:
    arguments = laid_out(layout, first.tensors)
    if arguments is None:
        return
    before = tuple(whole_memory(arguments)) if layout in SLICES else ()
    results = _called_with(first, layout, arguments)
    if isinstance(results, Miss):
        yield results
        return
    if not all(map(bits_equal, results, first.results)):
        misses = first.wrong(MissKind.LAYOUT, f"for {layout} arguments", results, *first.answer, reason=layout)
        if layout is MissReason.BYTE_SWAPPED and _right_to_fewer_digits(first, results):
            misses = (replace(miss.with_detail(_OTHER_PRECISION), robust=True) for miss in misses)
        yield from misses
    if before and not first.changes_arguments:
        for name, one, other in zip(first.names, before, whole_memory(arguments), strict=True):
            if one != other:
                summary = f"the call writes to its argument {name}, or beside it, where that is a slice"
                yield first.miss(MissKind.WRITTEN_BESIDE, summary, result=name, reason=layout)


def _right_to_fewer_digits(first: FirstCase, results: Arrays) -> bool:
    """Whether all results are right to some digits, as no misread number is."""
    cancelled = _CANCELLED * max(map(_largest, first.tensors))
    return all(
        bool((abs(got.astype(np.float64) - due) <= _SOME_DIGITS * max(_largest(due), cancelled)).all())
        for got, due in zip(results, first.answer[0], strict=True)
        if np.isfinite(due).all()
    )


def _called_with(first: FirstCase, layout: MissReason, arguments: Arrays) -> Arrays | Miss:
    """The results for arguments in a layout, or the miss that they are refused or of the wrong form."""
    try:
        results = attempt(partial(first.call, arguments))
    except Lost as error:
        raise Lost(f"{error}; its arguments are {layout}") from None
    if isinstance(results, Malformed):
        converted = [array for array in results.arrays if array is not None]
        in_another_order = all(complaint.kind is MissKind.DTYPE for complaint in results.complaints)
        if layout is MissReason.BYTE_SWAPPED and in_another_order and len(converted) == len(results.arrays):
            return converted  # results may come in the arguments' byte order
        return first.miss(MissKind.LAYOUT, f"{layout} arguments: {results}", reason=layout)
    if isinstance(results, BaseException):
        at = error_location(results, first.call.function)
        summary, details = f"{layout} arguments are refused: {describe_error(results)}", (f"at {at}",) if at else ()
        return Miss(MissKind.REFUSED_LAYOUT, True, 0, summary, details, reason=layout)
    return results


def _made_to_repeat(first: FirstCase) -> Iterator[Miss]:
    """One argument's first row in place of every row, with a stride of 0: as right as the same values contiguous.

    There is no golden answer for these values. What the implementation itself gives for them contiguous may differ by
    other orders of adding up, so the two are held to a few tolerances of the case as it was, for each term that a sum
    may have, and to half the digits of the dtype: of what is read from the wrong place, none is right.
    """
    turns = [(_turn(first) // len(_IN_TURN) + shift) % len(first.names) for shift in range(len(first.names))]
    found = next(((turn, axis) for turn in turns if (axis := _axis_of_rows(first, turn)) is not None), None)
    if first.robust or first.changes_arguments or first.family.point is not None or found is None:
        return
    position, axis = found
    contiguous, strided = first.copies(), first.copies()
    strided[position] = repeated(strided[position], axis)
    contiguous[position] = np.array(strided[position])
    due = attempt(partial(first.call, contiguous))
    if isinstance(due, BaseException):
        return
    wide = [array.astype(np.float64) for array in due]
    results = _called_with(first, MissReason.BROADCAST, strided)
    if isinstance(results, Miss):
        yield results
        return
    terms = _TOLERANCES * max(length for array in contiguous for length in (*array.shape, 1))
    digits = float(FORMATS[first.family.dtype].unit_roundoff) ** 0.5
    allowed = [
        np.full(value.shape, terms * _largest(tolerance) + digits * _largest(value))
        for value, tolerance in zip(wide, first.answer[1], strict=True)
    ]
    when = f"for its first row of {first.names[position]} broadcast, unlike for the same values contiguous,"
    yield from first.wrong(MissKind.LAYOUT, when, results, wide, allowed, reason=MissReason.BROADCAST)


def _axis_of_rows(first: FirstCase, position: int) -> int | None:
    """The axis to repeat an argument along: that of its rows, or a parameter's first that is longer than 1."""
    name, shape = first.names[position], first.tensors[position].shape
    rows = _batch_axis(first, name, len(shape))
    axes = range(len(shape)) if first.batch_axis.get(name) is None else () if rows is None else (rows,)
    return next((axis for axis in axes if shape[axis] > 1 and 0 not in shape), None)


def _batch_size(first: FirstCase) -> int:
    """The batch size of all arguments with a batch axis; 0 where there is none, or they differ."""
    axes = [_batch_axis(first, name, a.ndim) for name, a in zip(first.names, first.tensors, strict=True)]
    sizes = {a.shape[axis] for a, axis in zip(first.tensors, axes, strict=True) if axis is not None}
    return sizes.pop() if len(sizes) == 1 else 0


def _batch_axis(first: FirstCase, name: str, rank: int) -> int | None:
    axis = first.batch_axis.get(name)
    return None if axis is None or not -rank <= axis < rank else axis % rank


def _largest(values: np.ndarray) -> float:
    """The largest finite magnitude; 0 where there is none."""
    return float(np.abs(values).max(initial=0.0, where=np.isfinite(values)))


def _permuted(array: np.ndarray, axis: int | None, order: np.ndarray) -> np.ndarray:
    return array.copy() if axis is None else array.take(order, axis)


@cache
def _rolled(size: int) -> np.ndarray:
    """A permutation of `size` rows that leaves no row in its place."""
    order = np.roll(np.arange(size), 1)
    order.flags.writeable = False
    return order
