"""What every call must do, whatever values it returns.

Of every call:

- a tuple of the right length comes back (a single result also bare), each an array of the right shape and dtype;
- the arguments hold the same bits after the last call of the family, so that a write in a later call is found too;
- each result still holds the bits that it held when it was returned. A result may be an argument, or a view of one,
  since nobody else overwrites that; it may not be memory that a later call writes to.

`first_case` has the checks that are made of a family's first case alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import numpy as np

from ..implementation.arrays import Arrays, NotAnArray, to_numpy
from ..implementation.batching import Batched, each
from ..implementation.timeouts import Lost
from .messages import in_cases, unlike
from .values import bits_equal, differing
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
    """A call returned results of the wrong type, number, shape or dtype. `arrays` has None for each wrong one."""

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
    """The results of a call, or what it raises, except KeyboardInterrupt and Lost."""
    try:
        return call()
    except (KeyboardInterrupt, Lost):
        raise
    except BaseException as error:
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
        arrays.append(None)
        try:
            array = to_numpy(value)
        except NotAnArray as error:
            complaints.append(Complaint(MissKind.RESULT_TYPE, f"{name} is {error}", name))
            continue
        if array.shape != shape:
            text = f"{name} has shape {array.shape}, where {shape} is expected"
            complaints.append(Complaint(MissKind.SHAPE, text, name))
        if array.dtype != spec.dtype:
            text = f"{name} is {array.dtype}, where {spec.dtype} is expected"
            complaints.append(Complaint(MissKind.DTYPE, text, name))
        if array.shape == shape and array.dtype == spec.dtype:
            arrays[-1] = array
    raise Malformed(complaints, arrays)


def changed_arguments(
    names: Sequence[str], stacks: Arrays, originals: Arrays, *, robust: bool, again: bool = False
) -> Iterator[Miss]:
    """A miss for each argument, (count, *shape), that no longer holds its original bits. `again`: the calls were made
    before without changing it."""
    when = " when made again" if again else ""
    for name, stack, original in zip(names, stacks, originals, strict=True):
        if bits_equal(stack, original):
            continue
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
        if len(whole) == len(kept) and b"".join([arrays[position].tobytes() for _, arrays in whole]) == copy.tobytes():
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
