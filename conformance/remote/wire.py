"""The lines of the protocol, as PROTOCOL.md defines them."""

import json
import sys
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ...vectors.dtypes import DTYPES, numpy_dtype
from ...vectors.files import one_line
from ...vectors.parse_json import parse_object
from ...vectors.records import DIRECTIONS
from ..implementation.errors import first_line
from ..implementation.timeouts import Lost
from .process import Broken, shortened

PROTOCOL = 1
TENSOR_DTYPES = (*DTYPES, "int64")
"""The dtypes that a tensor may have."""
MOST_AXES = 8
_STARTED = {"id", "protocol", "name", "version", "language", "operations", "dtypes", "precision", "conventions"}
_OF_ISOLATE = {"misspelt"}
_NEEDED = ("protocol", "name", "language", "operations")
_ANSWERS = ("results", "unsupported", "error")


class ImplementationError(Exception):
    """The implementation answered a call with "error": it refused it, or failed."""


def start(number: int, options: Mapping[str, str]) -> bytes:
    """The request to start."""
    return line_of({"id": number, "command": "start", "protocol": PROTOCOL, "options": dict(options)})


def stop(number: int) -> bytes:
    """The request to stop."""
    return line_of({"id": number, "command": "stop"})


def call(operation: str, direction: str, arguments: Iterable[np.ndarray], parameters: Mapping[str, object]) -> str:
    """The request of a call without its number, which `numbered` adds."""
    tensors = ",".join(map(_encode, arguments))
    head = f'"command":"call","operation":"{operation}","direction":"{direction}"'
    return f'{head},"arguments":[{tensors}],"parameters":{json.dumps(parameters)}}}\n'


def numbered(number: int, line: str) -> bytes:
    """The request of a call with its number."""
    return f'{{"id":{number},{line}'.encode()


def started(line: bytes, number: int) -> Mapping[str, Any]:
    """Read the answer to the start request. Raises Broken."""
    answer = answer_to(line, number)
    if "error" in answer:
        raise Broken(f"the process does not start: {_first_line(str(answer['error']))}")
    if unknown := sorted(answer.keys() - _STARTED - _OF_ISOLATE):
        raise Broken(f"the answer to start has an unknown key {unknown[0]!r}; known are {', '.join(sorted(_STARTED))}")
    for key in _NEEDED:
        if key not in answer:
            raise Broken(f"the answer to start lacks {key!r}")
    if type(answer["protocol"]) is not int or answer["protocol"] != PROTOCOL:
        raise Broken(f"the process speaks protocol {answer['protocol']!r}, where {PROTOCOL} is known")
    for key in ("name", "version", "language"):
        if not isinstance(answer.get(key, ""), str):
            raise Broken(f"{key!r} in the answer to start is {shortened(str(answer[key]))}; write a string")
    operations = answer["operations"]
    if not isinstance(operations, dict) or not all(
        isinstance(directions, list) and all(direction in DIRECTIONS for direction in directions)
        for directions in operations.values()
    ):
        raise Broken('"operations" in the answer to start is to be like {"dense": ["forward", "backward"]}')
    return answer | {key: _printable(answer[key]) for key in ("name", "version", "language") if key in answer}


def answered(line: bytes, number: int) -> Callable[[], tuple[np.ndarray, ...]]:
    """Read the answer to a call: a function that returns its results. Raises Broken where the line is not its answer.

    The function raises NotImplementedError or ImplementationError where the answer says so, and Lost where it cannot be
    read.
    """
    answer = answer_to(line, number)
    kinds = [key for key in _ANSWERS if key in answer]

    def results() -> tuple[np.ndarray, ...]:
        if len(kinds) != 1 or len(answer) != 2:
            keys = ", ".join(sorted(answer.keys() - {"id"})) or "nothing"
            raise Lost(f"the answer has {keys} beside its id, where one of {', '.join(_ANSWERS)} is expected")
        (kind,) = kinds
        said: Any = answer[kind]
        if not isinstance(said, list if kind == "results" else str):
            due = "a list of tensors" if kind == "results" else "a string"
            raise Lost(f"{kind!r} in the answer is {shortened(str(said))}, where {due} is expected")
        match kind:
            case "unsupported":
                raise NotImplementedError(_first_line(str(said)))
            case "error":
                raise ImplementationError(_first_line(str(said)))
        return tuple(_decode(tensor, f"results[{position}]") for position, tensor in enumerate(said))

    return results


def line_of(message: Mapping[str, object]) -> bytes:
    """A message as the line that is sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def answer_to(line: bytes, number: int) -> dict[str, Any]:
    """The object of a line that answers a request. Raises Broken."""
    try:
        answer = parse_object(line.decode())
        if type(answer.get("id")) is not int:
            raise ValueError("has no id")
    except UnicodeDecodeError:
        raise Broken(f"the process printed {line[:60]!r}, which is no answer: it is not UTF-8") from None
    except ValueError as error:
        raise Broken(f"the process printed {shortened(line.decode())}, which is no answer: it {error}") from None
    if answer["id"] != number:
        raise Broken(f"the process answered request {answer['id']}, where an answer to {number} is due")
    return answer


def names(said: Any) -> list[str]:
    """A list of names, as far as it is one."""
    return [_printable(name) for name in said if isinstance(name, str)] if isinstance(said, list) else []


def _first_line(said: str) -> str:
    return _printable(said) or "no reason is given"


def _printable(text: str) -> str:
    """The first line of a text, with what cannot be printed escaped, cut to 200 characters."""
    return one_line(first_line(text))[:200]


def _encode(tensor: np.ndarray) -> str:
    data = b64encode(_little_endian(tensor).tobytes()).decode()
    return f'{{"dtype":"{_name(tensor.dtype)}","shape":{list(tensor.shape)},"data":"{data}"}}'


@cache
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


def _little_endian(tensor: np.ndarray) -> np.ndarray:
    """The tensor with its bytes in little-endian order, or back."""
    return tensor if sys.byteorder == "little" else tensor.byteswap()


def _decode(tensor: Any, place: str) -> np.ndarray:
    if not isinstance(tensor, dict) or tensor.keys() != {"dtype", "shape", "data"}:
        raise Lost(f"{place} is to have dtype, shape and data, and nothing else")
    dtype, shape, data = tensor["dtype"], tensor["shape"], tensor["data"]
    if dtype not in TENSOR_DTYPES:
        raise Lost(f"{place}.dtype is {shortened(str(dtype))}; known are {', '.join(TENSOR_DTYPES)}")
    if not isinstance(shape, list) or len(shape) > MOST_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise Lost(f"{place}.shape is {shortened(str(shape))}, where a list of at most {MOST_AXES} sizes is expected")
    try:
        held = b64decode(data, validate=True)
    except (NoBase64, TypeError, ValueError):
        raise Lost(f"{place}.data is no base64") from None
    kind = numpy_dtype(dtype)
    if len(held) != prod(shape) * kind.itemsize:
        due = f"{dtype} of shape {tuple(shape)} takes {prod(shape) * kind.itemsize}"
        raise Lost(f"{place}.data holds {len(held)} bytes, where {due}")
    return _little_endian(np.frombuffer(held, kind).reshape(shape))
