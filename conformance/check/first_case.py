"""Further checks, made of the first case of every family alone since they cost several calls.

Called again, at once and with another case in between, it gives the same bits; read-only, Fortran-ordered and
negatively strided arguments, broadcast ones (with a stride of 0, where a tensor repeats along an axis) and a permuted
batch give the golden answer. An exception for a layout is a robust miss, a wrong value a required one.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from ..implementation.arrays import Arrays
from ..implementation.errors import describe_error, error_location
from ..implementation.timeouts import Lost
from .contract import Call, Malformed, attempt, overwritten_results
from .messages import element, unlike
from .values import agrees, bits_equal, compare, differing, is_true
from .verdict import Miss, MissKind, MissReason


@dataclass(frozen=True)
class FirstCase:
    """The first case of a family, after it was called once."""

    call: Call
    names: tuple[str, ...]
    """Of the arguments."""
    stacks: Arrays
    """The arguments handed out, (count, *shape) each, holding the original values."""
    originals: Arrays
    kept: Arrays
    """The arrays that its call returned."""
    results: Arrays
    """Copies of them, made when they were returned."""
    answer: tuple[Arrays, Arrays] | None
    """Expected values and tolerances that they agree with; None where they are wrong: layouts are not tried."""
    batch_axis: Mapping[str, int | None]
    changes_arguments: bool
    """Whether calls of the family change arguments, which is not to be reported twice."""
    layouts: bool
    """Whether the layout of arguments in memory reaches the implementation."""
    deterministic: bool
    robust: bool

    def check(self) -> Iterator[Miss]:
        """Make the checks. Raises Lost at the first call that is lost."""
        permuted = self._permuted_arguments()
        # The last one is that of the permuted batch, however many of the others are made.
        asked = self.call.each([*self._repeated_arguments(), *([permuted] if permuted else [])])
        yield from self._again(asked)
        if self.answer is not None and not self.layouts:
            if permuted:
                yield from self._permuted_batch(deque(asked, 1).pop(), *self.answer)
        elif self.answer is not None:
            if not self.changes_arguments:
                yield from self._layout(MissReason.READ_ONLY, [_read_only(a[0, ...]) for a in self.originals])
            if any(_has_order(a[0, ...]) for a in self.originals):
                yield from self._layout(
                    MissReason.FORTRAN_ORDERED, [np.array(a[0, ...], order="F") for a in self.originals]
                )
            repeats = [_repeats(a[0, ...]) for a in self.originals]
            if any(axis is not None for axis in repeats):
                arguments = [_broadcast(a[0, ...], axis) for a, axis in zip(self.originals, repeats, strict=True)]
                yield from self._layout(MissReason.BROADCAST, arguments)
            if permuted:
                yield from self._permuted_batch(deque(asked, 1).pop(), *self.answer)
            # Last: there is an importer of DLPack that aborts the interpreter on negative strides.
            if any(a[0, ...].size > 1 for a in self.originals):
                arguments = [_reversed_twice(a[0, ...]) for a in self.originals]
                yield from self._layout(MissReason.NEGATIVELY_STRIDED, arguments)
        deque(asked, 0)  # what was asked and is of no use any more

    def _repeated_arguments(self) -> list[Arrays]:
        """The arguments of the calls that `_again` uses, in order."""
        again = [stack[0, ...] for stack in self.stacks]
        return [again, [_another(a[0, ...]) for a in self.originals], again] if self._alone else [again, again]

    @property
    def _alone(self) -> bool:
        return len(self.stacks[0]) == 1

    def _again(self, asked: Iterator[Callable[[], Arrays]]) -> Iterator[Miss]:
        alone = self._alone
        try:
            if alone:
                again = self._called_again(asked)
                attempt(next(asked))
                copies = [result[None] for result in self.results]
                yield from overwritten_results(self.call.spec.names, [self.kept], copies, robust=self.robust)
                after_another = self._called_again(asked)
            else:  # the family's other cases have been called in between
                after_another = self._called_again(asked)
                again = self._called_again(asked)
        except (KeyboardInterrupt, Lost):
            raise
        except BaseException as error:
            at = error_location(error, self.call.function)
            details = (describe_error(error), *([at] if at else []))
            summary = "case 0 fails when it is called again"
            yield self._miss(MissKind.REPEAT, summary, details, reason=MissReason.EXCEPTION)
            return
        if alone or not all(map(bits_equal, self.results, again)):
            before = self.results if alone else after_another
            repeats = list(self._changed(MissKind.REPEAT, before, again, "when the same call is made again"))
            if repeats:
                yield from repeats
                return
        yield from self._changed(
            MissKind.STATE,
            self.results,
            after_another,
            "once another case was called in between: something is kept",
        )

    def _called_again(self, asked: Iterator[Callable[[], Arrays]]) -> Arrays:
        """The results of the next call, copied: a function may return the same memory each time."""
        if self.changes_arguments:
            for stack, original in zip(self.stacks, self.originals, strict=True):
                stack[0, ...] = original[0, ...]
        return [array.copy() for array in next(asked)()]

    def _changed(self, kind: MissKind, first: Arrays, then: Arrays, when: str) -> Iterator[Miss]:
        for position, (name, one, other) in enumerate(zip(self.call.spec.names, first, then, strict=True)):
            if bits_equal(one, other):
                continue
            out = differing(one, other)
            if not self.deterministic:
                if self.answer is None:
                    continue
                expected, tolerance = self.answer
                out = ~np.asarray(agrees(other, expected[position], tolerance[position]))
            if not out.any():
                continue
            index = tuple(int(i) for i in np.argwhere(out)[0])
            hint = 'if that is meant, declare conventions = {"deterministic": False}'
            details = (unlike(index, one[index], other[index], one.dtype), *([hint] if self.deterministic else []))
            yield self._miss(kind, f"{name} of case 0 differs {when}", details, result=name)

    def _layout(self, layout: MissReason, arguments: Arrays) -> Iterator[Miss]:
        results = attempt(partial(self.call, arguments))
        if isinstance(results, Malformed):
            yield self._miss(MissKind.LAYOUT, f"{layout} arguments: {results}", reason=layout)
        elif isinstance(results, BaseException):
            at = error_location(results, self.call.function)
            summary, details = f"{layout} arguments are refused: {describe_error(results)}", (f"at {at}",) if at else ()
            yield Miss(MissKind.REFUSED_LAYOUT, True, 0, summary, details, reason=layout)
        else:
            assert self.answer is not None
            when = f"for {layout} arguments"
            yield from self._wrong(MissKind.LAYOUT, when, results, self.results, *self.answer, reason=layout)

    def _batch_size(self) -> int:
        """The batch size of all arguments with a batch axis; 0 where there is none, or they differ."""
        axes = [self._batch_axis(name, a.ndim - 1) for name, a in zip(self.names, self.originals, strict=True)]
        sizes = {a.shape[axis + 1] for a, axis in zip(self.originals, axes, strict=True) if axis is not None}
        return sizes.pop() if len(sizes) == 1 else 0

    def _permuted_arguments(self) -> Arrays | None:
        """The arguments with their rows permuted; None where there is nothing to permute or to compare with."""
        size = self._batch_size()
        if size < 2 or self.answer is None:
            return None
        return [
            _permuted(a[0, ...], self._batch_axis(name, a.ndim - 1), _rolled(size))
            for name, a in zip(self.names, self.originals, strict=True)
        ]

    def _permuted_batch(self, call: Callable[[], Arrays], expected: Arrays, tolerance: Arrays) -> Iterator[Miss]:
        order = _rolled(self._batch_size())
        names = self.call.spec.names
        result_axes = [self._batch_axis(name, e.ndim) for name, e in zip(names, expected, strict=True)]
        results = attempt(call)
        if isinstance(results, BaseException):
            summary = f"a permuted batch is refused: {describe_error(results)}"
            yield self._miss(MissKind.BATCH, summary, reason=MissReason.EXCEPTION)
            return
        due = [
            [_permuted(array, axis, order) for array, axis in zip(arrays, result_axes, strict=True)]
            for arrays in (self.results, expected, tolerance)
        ]
        yield from self._wrong(MissKind.BATCH, "for a permuted batch", results, due[0], due[1], due[2])

    def _batch_axis(self, name: str, rank: int) -> int | None:
        axis = self.batch_axis.get(name)
        if axis is None or not -rank <= axis < rank:
            return None
        return axis % rank

    def _wrong(
        self,
        kind: MissKind,
        when: str,
        results: Arrays,
        before: Arrays,
        expected: Arrays,
        tolerance: Arrays,
        reason: MissReason | None = None,
    ) -> Iterator[Miss]:
        """A miss for each result out of tolerance. `before` are results within it, which most are bit-identical to."""
        for name, got, same, due, allowed in zip(
            self.call.spec.names, results, before, expected, tolerance, strict=True
        ):
            if bits_equal(got, same) or is_true(right := agrees(got, due, allowed)):
                continue
            comparison = compare(got[None], due[None], allowed[None], got.dtype.name)
            _, *index = comparison.worst()
            place = tuple(index)
            summary = f"{name} of case 0 is wrong {when} in {int((~right).sum())} of {right.size} elements"
            details = element(index, got[place], due[place], allowed[place], got.dtype)
            yield self._miss(kind, summary, details, result=name, reason=reason)

    def _miss(
        self,
        kind: MissKind,
        summary: str,
        details: tuple[str, ...] = (),
        result: str | None = None,
        reason: MissReason | None = None,
    ) -> Miss:
        return Miss(kind, self.robust, 0, summary, details, result=result, reason=reason)


def _read_only(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def _has_order(array: np.ndarray) -> bool:
    """Whether row-major and column-major memory differ for an array of this shape."""
    return array.size > 0 and sum(length > 1 for length in array.shape) > 1


def _repeats(array: np.ndarray) -> int | None:
    """The first axis along which all of an array is the same, None where there is none."""
    for axis, length in enumerate(array.shape):
        if (
            length > 1
            and array.size
            and bits_equal(array[(slice(None),) * axis + (slice(1),)].repeat(length, axis), array)
        ):
            return axis
    return None


def _broadcast(array: np.ndarray, axis: int | None) -> np.ndarray:
    """The same values, with a stride of 0 along an axis."""
    if axis is None:
        return np.array(array)
    return np.broadcast_to(np.array(array[(slice(None),) * axis + (slice(1),)]), array.shape)


def _reversed_twice(array: np.ndarray) -> np.ndarray:
    """The same values, with a negative stride along every axis."""
    backwards = (slice(None, None, -1),) * array.ndim
    return np.array(array[backwards])[backwards]


def _permuted(array: np.ndarray, axis: int | None, order: np.ndarray) -> np.ndarray:
    return array.copy() if axis is None else array.take(order, axis)


@cache
def _rolled(size: int) -> np.ndarray:
    """A permutation of `size` rows that leaves no row in its place."""
    order = np.roll(np.arange(size), 1)
    order.flags.writeable = False
    return order


def _another(array: np.ndarray) -> np.ndarray:
    """Other values of the same shape, for a family of one case; labels stay as they are."""
    return np.array(array) if array.dtype.kind == "i" else np.array(array.reshape(-1)[::-1].reshape(array.shape))
