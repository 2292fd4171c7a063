"""`--impl-isolate`: a Python adapter in a process of its own, called as if it were in this one.

The process has arguments and no answers. Each argument crosses with its layout and up to ZONE bytes of the memory on
either side, and what the call has changed of it comes back and is written here, so that every check of the contract is
made as it is in process: arguments, memory beside them, layouts, results that later calls write over, results that
share memory. Calls from several threads at once are not made.

An argument has "dtype", "swapped", "shape", "strides", "writeable", "memory", "offset", "address", "owner"; a request
also has "released", the numbers of results and owners that are no more. An answer has "results" and "form", or
"raised", and with either "changed" and "overwritten": memory of arguments by position, and of earlier results by
number. The answer to start also has "misspelt", names that look like those of functions. It is not trusted: what cannot
be read is a lost call.
"""

import ctypes
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import ref

import numpy as np

from ...vectors import store
from ...vectors.dtypes import numpy_dtype
from ..implementation.arrays import NotAnArray
from ..implementation.errors import AdapterError, Elsewhere
from ..implementation.load import Implementation
from ..implementation.timeouts import Lost
from . import apart, wire
from .command import SECONDS, Remote
from .process import Broken

ZONE = 128
"""Bytes on either side of an argument."""


def load_isolated(
    spec: str, operations: Iterable[str], seconds: float | None, folder: Path, options: Mapping[str, str]
) -> Implementation:
    """The implementation that `--impl` names, in a process of its own that runs until teardown. Raises AdapterError."""
    operations = tuple(operations)
    golden = str(store.golden_folder())
    words = [sys.executable, "-m", apart.__name__, golden, spec, ",".join(operations)]
    isolated = Isolated(Remote(words, folder, SECONDS if seconds is None else seconds, options))
    remote = isolated.remote
    try:
        implementation, _ = remote.present(spec, operations, partial(partial, isolated.call))
    except Broken as error:
        said = f"{spec}: {error} while it was loaded" if error.died else str(error)
        raise AdapterError(said.removeprefix("the process does not start: ")) from None
    seen = "does not see" if remote.lacks(golden) else "could read"
    where = f"in a process of its own, which has no expected values and {seen} the golden files"
    return replace(implementation, isolated=where)


class Isolated:
    """The functions of an adapter in another process."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        remote.read = _read
        self._results: dict[int, ref[np.ndarray]] = {}
        """Results that are still in use here, by number."""
        self._released: list[int] = []
        self._owners: dict[int, tuple[ref[np.ndarray], int]] = {}
        """By id, arrays that own memory of arguments, and their numbers."""
        self._owned = 0
        self._lock = Lock()

    def call(self, operation: str, direction: str, *arguments: np.ndarray, **parameters: object) -> object:
        """Make a call. Raises what it raised there, as an exception of the same name, and Lost."""
        with self._lock:
            windows = [Window(argument) for argument in arguments]
            owners = [self._number_of(window.owner) for window in windows]
            released, self._released = self._released, []
            told = {"operation": operation, "direction": direction, "released": released, "parameters": parameters}
            (pending,) = self.remote.exchange(f"{operation}_{direction}", [_request(told, windows, owners)])
            answer: Any = pending()
            try:
                return self._returned(answer, windows)
            except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
                raise Lost(f"the answer cannot be read: {type(error).__name__}: {error}") from None

    def _returned(self, answer: dict[str, Any], windows: "list[Window]") -> object:
        for position, data in answer["changed"]:
            windows[position].write(b64decode(data))
        for number, data in answer["overwritten"]:
            array = self._results[number]()
            if array is not None:
                array.reshape(-1).view(np.uint8)[:] = np.frombuffer(b64decode(data), np.uint8)
        if "raised" in answer:
            raise _exception(answer["raised"])
        results: list[object] = []
        for told in answer["results"]:
            results.append(self._result(told, windows, results))
        return tuple(results) if answer["form"] == "tuple" else results if answer["form"] == "list" else results[0]

    def _result(self, told: dict[str, Any], windows: "list[Window]", earlier: list[object]) -> object:
        if "python" in told:
            return told["python"]
        if "unreadable" in told:
            return NotAnArray(str(told["unreadable"]))
        if "result" in told:
            return earlier[told["result"]]
        dtype = numpy_dtype(told["dtype"]) if told["dtype"] in wire.TENSOR_DTYPES else np.dtype(told["dtype"])
        dtype = dtype.newbyteorder() if told["swapped"] else dtype
        if "argument" in told:
            return windows[told["argument"]].array(told["shape"], dtype, told["offset"], told["strides"])
        array = np.array(np.frombuffer(b64decode(told["data"]), dtype).reshape(told["shape"]))
        number = int(told["number"])
        self._results[number] = ref(array, partial(self._release, number))
        return array

    def _number_of(self, owner: np.ndarray) -> int:
        """The number of an array that owns memory of arguments, for as long as it lives."""
        known = self._owners.get(id(owner))
        if known is None:
            self._owned += 1
            gone = partial(self._disown, id(owner), self._owned)
            known = self._owners[id(owner)] = ref(owner, gone), self._owned
        return known[1]

    def _disown(self, identity: int, number: int, _: object) -> None:
        del self._owners[identity]
        self._released.append(number)

    def _release(self, number: int, _: object) -> None:
        self._results.pop(number, None)
        self._released.append(number)


def _request(told: Mapping[str, object], windows: Sequence["Window"], owners: Sequence[int]) -> str:
    """The request of a call without its number, which `wire.numbered` adds."""
    arguments = [{**window.told(), "owner": owner} for window, owner in zip(windows, owners, strict=True)]
    return json.dumps({"command": "call", **told, "arguments": arguments})[1:] + "\n"


class Window:
    """An argument and the memory around it, as far as the array that owns it goes."""

    def __init__(self, argument: np.ndarray) -> None:
        self._argument = argument
        owner = argument
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        self.owner = owner
        (low, high), (first, last) = _bounds(argument), _bounds(owner)
        self._start = max(low - ZONE, first)
        self._size = min(high + ZONE, last) - self._start

    def told(self) -> dict[str, object]:
        """The argument as a request has it."""
        argument = self._argument
        return {
            "dtype": argument.dtype.name,
            "swapped": not argument.dtype.isnative,
            "shape": argument.shape,
            "strides": argument.strides,
            "writeable": argument.flags.writeable,
            "memory": b64encode(ctypes.string_at(self._start, self._size)).decode(),
            "offset": argument.__array_interface__["data"][0] - self._start,
            "address": self._start,
        }

    def write(self, data: bytes) -> None:
        """Change the memory as the call has changed it."""
        if len(data) != self._size:
            raise ValueError(f"{len(data)} bytes of {self._size}")
        ctypes.memmove(self._start, data, self._size)

    def array(self, shape: list[int], dtype: np.dtype[Any], offset: int, strides: list[int]) -> np.ndarray:
        """An array in this memory. Raises ValueError where it does not lie in it."""
        memory: Any = (ctypes.c_char * self._size).from_address(self._start)
        memory.owner = self._argument  # kept as long as the array
        return np.ndarray(shape, dtype, memory, offset, strides)


def _bounds(array: np.ndarray) -> tuple[int, int]:
    """The address of the first byte of an array, and that after its last."""
    low = high = int(array.__array_interface__["data"][0])
    if not array.size:
        return low, low
    for length, stride in zip(array.shape, array.strides, strict=True):
        low += min((length - 1) * stride, 0)
        high += max((length - 1) * stride, 0)
    return low, high + array.itemsize


def _exception(told: dict[str, str]) -> BaseException:
    """An exception of the name and text that one had there."""
    if told["as"] == "unsupported":
        return NotImplementedError(told["text"])
    base = Exception if told["as"] == "exception" else BaseException
    error: Any = _kind(told["kind"], base)(told["text"])
    error.place = told["at"]
    return error  # type: ignore[no-any-return]


_KINDS: dict[tuple[str, type], type] = {}


def _kind(name: str, base: type[BaseException]) -> type[BaseException]:
    return _KINDS.setdefault((name, base), type(name, (Elsewhere, base), {}))


def _read(line: bytes, number: int) -> Callable[[], object]:
    """A function that returns the answer to a request, for `Isolated` to read. Raises Broken."""
    answer = wire.answer_to(line, number)
    return lambda: answer
