"""The process of `--impl-isolate`: it loads a Python adapter, and answers calls with what they returned and changed.

`apart` starts it. It is given arguments, with the memory around them, and never sees an expected value. Lines are those
of PROTOCOL.md but for arguments and answers: `isolate` says which.
"""

import json
import os
import sys
import warnings
from base64 import b64decode, b64encode
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...vectors.dtypes import DTYPES, numpy_dtype
from ...vectors.files import one_line
from ..implementation.arrays import Arrays, NotAnArray, to_numpy
from ..implementation.errors import AdapterError, describe_error, error_location, text_of, type_name
from ..implementation.interrupts import watch_interrupts
from ..implementation.load import Function, Implementation, load
from . import wire

_LINE = 64
"""Addresses are what they are in the other process, up to multiples of this."""


Memory = dict[tuple[int, int], np.ndarray]
"""By address there and length."""


class Harness:
    """An implementation, and the results that the other process still has."""

    def __init__(self, implementation: Implementation) -> None:
        self.functions = {"_".join(key): function for key, function in implementation.functions.items()}
        self._kept: dict[int, tuple[np.ndarray, bytes]] = {}
        self._memory: dict[int, Memory] = {}
        """By number of the array there that owns it: where that is in use again, so is its counterpart here."""
        self._number = 0

    def call(self, request: dict[str, Any]) -> dict[str, object]:
        """Make a call. Returns what it returned or raised, and what it has changed of arguments and earlier results."""
        for number in request["released"]:
            self._kept.pop(number, None)
            self._memory.pop(number, None)
        memory = [_Argument(sent, self._memory.setdefault(sent["owner"], {})) for sent in request["arguments"]]
        function = self.functions[f"{request['operation']}_{request['direction']}"]
        kept = list(self._kept.items())
        answer = self._outcome(function, memory, request["parameters"])
        answer["changed"] = [[i, _text(now)] for i, one in enumerate(memory) if (now := one.bytes()) != one.sent]
        overwritten = [(number, array.tobytes()) for number, (array, before) in kept if array.tobytes() != before]
        answer["overwritten"] = [[number, _text(now)] for number, now in overwritten]
        self._kept |= {number: (self._kept[number][0], now) for number, now in overwritten}
        return answer

    def _outcome(self, function: Function, memory: list["_Argument"], parameters: dict[str, Any]) -> dict[str, object]:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given = {name: _tupled(value) for name, value in parameters.items()}
                returned = function(*(one.array for one in memory), **given)
                form = "tuple" if isinstance(returned, tuple) else "list" if isinstance(returned, list) else "one"
                values = [returned] if form == "one" else list(returned)  # type: ignore[call-overload]
                made: Arrays = []
                return {"form": form, "results": [self._told(value, memory, made) for value in values]}
        except BaseException as error:
            kind = "unsupported" if isinstance(error, NotImplementedError) else "exception"
            told = {"kind": type_name(error), "text": one_line(text_of(error)), "at": error_location(error, function)}
            return {"raised": {**told, "as": kind if isinstance(error, Exception) else "other"}}

    def _told(self, value: object, memory: list["_Argument"], made: Arrays) -> dict[str, object]:
        """A result as the answer has it."""
        if value is None or type(value) in (bool, int, float, str):
            return {"python": value}
        try:
            array = to_numpy(value)
        except NotAnArray as error:
            return {"unreadable": str(error)}
        if array.dtype.hasobject or array.dtype.names is not None:
            return {"unreadable": f"an array of {array.dtype}"}
        swapped, name = not array.dtype.isnative, array.dtype.name
        form = {"dtype": name if name in DTYPES else array.dtype.str, "swapped": swapped and name in DTYPES}
        form["shape"] = list(array.shape)
        for position, one in enumerate(memory):
            if (offset := one.offset_of(array)) is not None:
                return {**form, "argument": position, "offset": offset, "strides": list(array.strides)}
        for position, earlier in enumerate(made):
            if earlier.__array_interface__ == array.__array_interface__:
                return {"result": position}
        made.append(array)
        self._number -= 1  # those of memory are positive
        held = array.tobytes()
        self._kept[self._number] = array, held
        return {**form, "data": _text(held), "number": self._number}


class _Argument:
    """An argument with the memory around it, at an address that is like the one it had."""

    def __init__(self, sent: dict[str, Any], memory: Memory) -> None:
        """`memory` is what its owner's counterpart has here so far."""
        self.sent = b64decode(sent["memory"])
        place = sent["address"], len(self.sent)
        self._whole = memory.setdefault(place, np.empty(len(self.sent) + 2 * _LINE, np.uint8))
        self._start = (sent["address"] - self._whole.__array_interface__["data"][0]) % _LINE
        self._whole[self._start : self._start + len(self.sent)] = np.frombuffer(self.sent, np.uint8)
        dtype = numpy_dtype(sent["dtype"])
        dtype = dtype.newbyteorder() if sent["swapped"] else dtype
        offset = self._start + sent["offset"]
        self.array: np.ndarray = np.ndarray(sent["shape"], dtype, self._whole, offset, sent["strides"])
        self.array.flags.writeable = sent["writeable"]

    def bytes(self) -> bytes:
        """What the memory holds."""
        return self._whole[self._start : self._start + len(self.sent)].tobytes()

    def offset_of(self, array: np.ndarray) -> int | None:
        """Where an array begins in the memory; None where it lies elsewhere."""
        if not np.may_share_memory(array, self._whole):
            return None
        begin: int = self._whole.__array_interface__["data"][0] + self._start
        place: int = array.__array_interface__["data"][0]
        return place - begin


def _tupled(value: Any) -> Any:
    """A parameter, whose tuples JSON has made lists."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _answer(stream: IO[bytes], request: dict[str, Any], answer: dict[str, object]) -> None:
    stream.write(wire.line_of({"id": request["id"], **answer}))
    stream.flush()


def main(spec: str, operations: list[str]) -> int:
    """Answer requests until the end of standard input or the request to stop. Returns the exit status."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what an adapter prints is no answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    watch_interrupts()
    request = json.loads(requests.readline())
    try:
        implementation = load(spec, operations, Path.cwd(), request["options"])
        implementation.setup()
    except AdapterError as error:
        _answer(answers, request, {"error": str(error)})
        return 0
    offered: dict[str, list[str]] = {}
    for operation, direction in implementation.functions:
        offered.setdefault(operation, []).append(direction)
    told = {
        "protocol": wire.PROTOCOL,
        "name": implementation.name,
        "version": implementation.version,
        "language": "Python",
    }
    told |= {"operations": offered, "dtypes": implementation.dtypes, "precision": dict(implementation.precision)}
    told |= {"conventions": dict(implementation.conventions), "misspelt": [one.name for one in implementation.misspelt]}
    _answer(answers, request, told)
    harness = Harness(implementation)
    for line in requests:
        request = json.loads(line)
        if request["command"] == "stop":
            break
        _answer(answers, request, harness.call(request))
    try:
        implementation.teardown()
    except AdapterError as error:
        print(describe_error(error).partition(": ")[2], file=sys.stderr)
        return 1
    return 0
