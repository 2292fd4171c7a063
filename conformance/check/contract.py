"""What every call must do, whatever values it returns.

Of every call:

- a tuple of the right length comes back (a single result also bare), each an array of the right shape and dtype. The
  values of another shape or dtype are compared all the same, where they can be converted;
- the arguments hold the same bits after the last call of the family, so that a write in a later call is found too, and
  so does the memory beside them;
- each result still holds the bits that it held when it was returned. That it is an argument, or shares memory with one
  or with another result, is a robust miss.

`first_case` has the checks that are made of a family's first case alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import numpy as np

from ..implementation.arrays import Arrays, NotAnArray, numbers, to_numpy
from ..implementation.batching import Batched, each
from ..implementation.interrupts import is_users
from ..implementation.timeouts import Lost
from .guards import Guarded, shared_memory
from .messages import in_cases, unlike
from .values import COPIED, bits_equal, differing
from .verdict import Miss, MissKind, MissReason


@dataclass(frozen=True)
class ResultSpec:
    """Names, shapes and dtype of the results that a call must return."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Complaint:
    """What is wrong with the type, number, shape or dtype of a result."""

    kind: MissKind
    text: str
    result: str | None = None


class Malformed(Exception):
    """A call returned results of the wrong type, number, shape or dtype. `arrays` has each result converted to the
    right ones, None where that is impossible."""

    def __init__(self, complaints: Sequence[Complaint], arrays: Sequence[np.ndarray | None]) -> None:
        super().__init__("; ".join(complaint.text for complaint in complaints))
        self.complaints = tuple(complaints)
        self.arrays = tuple(arrays)


@dataclass
class Call:
    """A function of the implementation with a family's parameters; counts its calls."""

    function: Callable[..., object]
    parameters: Mapping[str, object]
    spec: ResultSpec
    made: int = field(default=0)

    def __call__(self, arguments: Arrays) -> Arrays:
        """Make one call; returns its results as arrays. Raises Malformed, and whatever the function raises."""
        self.made += 1
        return read_results(self.function(*arguments, **self.parameters), self.spec)

    def each(self, calls: Sequence[Arrays]) -> Iterator[Callable[[], Arrays]]:
        """For each of several calls, in order, a function that returns its results as arrays, or raises."""
        if not isinstance(self.function, Batched):
            return (partial(self, arguments) for arguments in calls)
        self.made += len(calls)
        return (partial(self._read, result) for result in each(self.function, calls, self.parameters))

    def _read(self, result: Callable[[], object]) -> Arrays:
        return read_results(result(), self.spec)


def attempt(call: Callable[[], Arrays]) -> Arrays | BaseException:
    """The results of a call, or what it raises, except the user's interrupt and Lost."""
    try:
        return call()
    except Lost:
        raise
    except BaseException as error:
        if is_users(error):
            raise
        return error


def read_results(returned: object, spec: ResultSpec) -> Arrays:
    """The results of a call as arrays of the names, shapes and dtype that are expected. Raises Malformed."""
    names = spec.names
    several = isinstance(returned, tuple) or (isinstance(returned, list) and len(names) > 1)
    values: Sequence[object] = returned if several else (returned,)  # type: ignore[assignment]
    if len(values) != len(names):
        came = f"{len(values)} came" if several else f"one {type(returned).__name__} came"
        due = f"{len(names)} result{'s' if len(names) > 1 else ''} ({', '.join(names)})"
        raise Malformed([Complaint(MissKind.COUNT, f"{due} expected, {came}")], [None] * len(names))
    arrays = []
    for value, shape in zip(values, spec.shapes, strict=True):
        try:
            array = value if type(value) is np.ndarray else to_numpy(value)
        except NotAnArray:
            _complain(values, spec)
        if array.shape != shape or array.dtype != spec.dtype:
            _complain(values, spec)
        arrays.append(array)
    return arrays


def _complain(values: Sequence[object], spec: ResultSpec) -> NoReturn:
    """Raise Malformed with all that is wrong."""
    complaints: list[Complaint] = []
    arrays: list[np.ndarray | None] = []
    for name, value, shape in zip(spec.names, values, spec.shapes, strict=True):
        array: np.ndarray | None
        try:
            array = to_numpy(value)
        except NotAnArray as error:
            complaints.append(Complaint(MissKind.RESULT_TYPE, f"{name} is {error}", name))
            array = numbers(value)
        else:
            if array.shape != shape:
                text = f"{name} has shape {array.shape}, where {shape} is expected"
                complaints.append(Complaint(MissKind.SHAPE, text, name))
            if array.dtype != spec.dtype:
                text = f"{name} is {array.dtype}, where {spec.dtype} is expected"
                complaints.append(Complaint(MissKind.DTYPE, text, name))
        arrays.append(None if array is None else _converted(array, shape, spec.dtype))
    raise Malformed(complaints, arrays)


def _converted(array: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray | None:
    """The values in another dtype, and in a shape that differs by axes of length 1; None where they have no such."""
    lengths = [[length for length in one if length != 1] for one in (array.shape, shape)]
    if lengths[0] != lengths[1] or array.dtype.kind not in "fiubV":
        return None
    return array.reshape(shape).astype(dtype, copy=False)


def changed_arguments(
    names: Sequence[str],
    arguments: Sequence[Guarded],
    originals: Mapping[str, np.ndarray],
    *,
    robust: bool,
    again: bool = False,
) -> Iterator[Miss]:
    """A miss for each argument that no longer holds its original bits, (count, *shape). `again`: the calls were made
    before without changing it."""
    when = " when made again" if again else ""
    for name, argument in zip(names, arguments, strict=True):
        if argument.unchanged:
            continue
        original, stack = originals[name], argument.stack
        out = differing(original, stack)
        if not out.any():
            continue
        case, *index = first = tuple(int(i) for i in np.argwhere(out)[0])
        cases = np.flatnonzero(out.reshape(len(out), -1).any(axis=1))
        yield Miss(
            MissKind.CHANGED_ARGUMENT,
            robust,
            case,
            f"the call changes its argument {name}{when}, of case {case}",
            (unlike(index, original[first], stack[first], stack.dtype), in_cases(cases.tolist(), len(stack))),
            result=name,
            reason=MissReason.MADE_AGAIN if again else None,
        )


def overwritten_results(
    names: Sequence[str], kept: Sequence[Arrays | None], copies: Arrays, *, robust: bool
) -> Iterator[Miss]:
    """A miss for each result that no longer holds the bits of its copy, (count, *shape), made when it was returned.

    To be called after a call with other arguments: otherwise a reused buffer may hold the same values again.
    """
    whole = [(case, arrays) for case, arrays in enumerate(kept) if arrays is not None]
    if not whole:
        return
    for position, (name, copy) in enumerate(zip(names, copies, strict=True)):
        few = len(whole) == len(kept) and copy.nbytes <= COPIED
        if few and b"".join([arrays[position].tobytes() for _, arrays in whole]) == copy.tobytes():
            continue
        cases = [case for case, arrays in whole if not bits_equal(arrays[position], copy[case])]
        if not cases:
            continue
        now = kept[cases[0]]
        assert now is not None
        out = differing(copy[cases[0]], now[position])
        if not out.any():
            continue
        index = tuple(int(i) for i in np.argwhere(out)[0])
        yield Miss(
            MissKind.OVERWRITTEN_RESULT,
            robust,
            cases[0],
            f"{name} of case {cases[0]} is changed by a later call: its memory is used again",
            (unlike(index, copy[cases[0]][index], now[position][index], copy.dtype), in_cases(cases, len(kept))),
            result=name,
        )


def sharing_results(spec: ResultSpec, returned: Arrays, names: Sequence[str], arguments: Arrays) -> Iterator[Miss]:
    """A robust miss for each result of case 0 that shares memory with an argument or another result."""
    for name, other in shared_memory(spec.names, returned, names, arguments):
        what = "its argument" if other in names else "the result"
        summary = f"{name} shares memory with {what} {other}: a write to one changes both"
        yield Miss(MissKind.SHARED_MEMORY, True, 0, summary, result=name)
