"""Arguments amid memory of a known pattern, so that what a call writes beside them is seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ..implementation.arrays import Arrays
from .messages import in_cases
from .values import COPIED
from .verdict import Miss, MissKind

_PATTERN = 0xCB
"""In every byte: a negative number in every dtype, and a large one in most, so that most arithmetic changes it."""
_ZONE = 128
"""Bytes between one case and the next, at least."""
_MARGIN = 4096
"""Bytes before the first case and after the last one."""
_LINE, _PLACE = 64, 16
"""Addresses are 16 more than a multiple of 64, as malloc's often are; at a multiple, frameworks take no copy."""


@dataclass(frozen=True)
class Guarded:
    """One argument of all cases of a family in memory with guard zones."""

    stack: np.ndarray
    """(count, *shape), each case contiguous, with a zone before and after it."""
    memory: np.ndarray
    """All of it, bytes."""
    start: int
    """Where the first case begins."""
    before: bytes | int
    """What the memory held before any call; of large memory a checksum."""

    @property
    def unchanged(self) -> bool:
        """Whether neither the cases nor the zones have changed."""
        return _held(self.memory) == self.before

    def written(self) -> tuple[list[int], str]:
        """Cases beside which bytes have changed, and where the first of these bytes is; empty where there are none."""
        count, pitch = len(self.stack), self.stack.strides[0]
        size = self.stack[0, ...].nbytes
        changed = self.memory != _PATTERN
        changed[self.start : self.start + count * pitch].reshape(count, pitch)[:, :size] = False
        # A byte nearer to the end of a case than to the start of the next counts as beside the former.
        beside: dict[int, str] = {}
        for byte in np.flatnonzero(changed).tolist():
            case, offset = divmod(byte - self.start, pitch)
            after = offset - size + 1
            if case >= count or (case >= 0 and after <= pitch - offset):
                last = min(case, count - 1)
                beside.setdefault(last, f"byte {byte - self.start - last * pitch - size + 1} after its end")
            else:
                beside.setdefault(case + 1 if case >= 0 else 0, f"byte {pitch - offset} before its start")
        return sorted(beside), beside[min(beside)] if beside else ""


def guarded(original: np.ndarray) -> Guarded:
    """A copy of a contiguous array, (count, *shape), with guard zones."""
    count = len(original)
    size = original.nbytes // count
    pitch = -(-(size + _ZONE) // _LINE) * _LINE
    # Of the arguments' own dtype, so that code which looks for what surrounds an argument finds it.
    whole = np.empty((count * pitch + 2 * _MARGIN + _LINE) // original.itemsize, original.dtype)
    memory = whole.view(np.uint8)
    start = _MARGIN + (_PLACE - memory.__array_interface__["data"][0]) % _LINE
    for zone in _zones(memory, start, count, pitch, size):
        zone[...] = _PATTERN
    strides = (pitch, *original.strides[1:])
    stack: np.ndarray = np.ndarray(original.shape, original.dtype, whole, start, strides)
    stack[...] = original
    return Guarded(stack, memory, start, _held(memory))


def _held(memory: np.ndarray) -> bytes | int:
    """The contents of memory, or a checksum of them where they are large, by which no copy is kept."""
    return memory.tobytes() if memory.size <= COPIED else crc32(memory.data)


def _zones(memory: np.ndarray, start: int, count: int, pitch: int, size: int) -> tuple[np.ndarray, ...]:
    end = start + count * pitch
    return memory[:start], memory[start:end].reshape(count, pitch)[:, size:], memory[end:]


def patterned(size: int) -> np.ndarray:
    """So many bytes of the pattern."""
    return np.full(size, _PATTERN, np.uint8)


def written_beside(names: Sequence[str], arguments: Sequence[Guarded], *, robust: bool) -> Iterator[Miss]:
    """A miss for each argument beside which something was written."""
    for name, argument in zip(names, arguments, strict=True):
        if argument.unchanged:
            continue
        cases, place = argument.written()
        if cases:
            summary = f"the call writes beside its argument {name}, of case {cases[0]}"
            details = (f"first at {place}", in_cases(cases, len(argument.stack)))
            yield Miss(MissKind.WRITTEN_BESIDE, robust, cases[0], summary, details, result=name)


def shared_memory(
    results: Sequence[str], returned: Arrays, arguments: Sequence[str], handed: Arrays
) -> Iterator[tuple[str, str]]:
    """Pairs of names of a result and of an argument, or of an earlier result, that share memory.

    Not two results that nobody can write to, as JAX's are.
    """
    for position, (name, result) in enumerate(zip(results, returned, strict=True)):
        for other, array in zip((*arguments, *results[:position]), (*handed, *returned[:position]), strict=True):
            if other not in arguments and not (result.flags.writeable or array.flags.writeable):
                continue
            if np.may_share_memory(result, array) and np.shares_memory(result, array):
                yield name, other
