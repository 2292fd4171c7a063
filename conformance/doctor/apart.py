"""Functions examined in a process of its own: a call that ends the process ends neither the doctor nor its answers."""

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ...vectors import store
from ...vectors.manifest import read_manifest
from ...vectors.records import VectorError
from ..implementation.errors import AdapterError, describe_error
from ..implementation.load import Function, Implementation
from ..implementation.watch import Watch, named_as
from .examine import absent, examine
from .fit import Fit, FunctionFit, Misfit

GRACE = 5.0
"""Seconds that the process has to end after it is told to."""
_LONGEST = 1000
"""Bytes of a description of a call."""
_STANDARD_ERROR = 2


class Examination:
    """Examines functions one by one, in a process that is started anew after a call that ended it."""

    def __init__(self, load: Callable[[], Implementation], seconds: float) -> None:
        """`load` makes the implementation, in the process. A call may take so many seconds. Raises AdapterError."""
        self._load, self._seconds = load, seconds
        self._context = get_context("spawn")
        self._call = self._context.RawArray("c", _LONGEST)
        """The call that was begun last, as a line, and what to do if it ends the process, as a second one."""
        self.argument = self._start()
        """The implementation as an argument of pytest."""

    def examine(self, op: str, direction: str) -> FunctionFit | None:
        """How one function fits; None where there are no vectors for it. Raises AdapterError, VectorError."""
        if not self._process.is_alive():
            self._start()
        self._call.value = b""
        try:
            self._connection.send((op, direction))
            answer: FunctionFit | VectorError | None = self._connection.recv()
        except (EOFError, ConnectionError):
            call, _, cure = self._call.value.decode(errors="replace").partition("\n")
            where = f"in the call with {call}" if call else "before any call"
            return FunctionFit(f"{op}_{direction}", Fit.MISFIT, Misfit(f"the process {self._ended()} {where}", cure))
        if isinstance(answer, VectorError):
            raise answer
        return answer

    def close(self) -> None:
        """Tear the implementation down, and end the process. Raises AdapterError."""
        try:
            self._connection.send(None)
            error = self._connection.recv() if self._connection.poll(GRACE) else None
        except (EOFError, ConnectionError):
            error = None
        finally:
            self.kill()
        if error is not None:
            raise error

    def kill(self) -> None:
        """End the process at once, unless it ends by itself."""
        self._process.join(0.1)
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _start(self) -> str:
        self._connection, theirs = self._context.Pipe()
        arguments = theirs, self._call, self._load, self._seconds
        self._process = self._context.Process(target=_serve, args=arguments, daemon=False)
        self._process.start()
        theirs.close()
        try:
            answer: str | AdapterError = self._connection.recv()
        except (EOFError, ConnectionError):
            raise AdapterError(f"the process {self._ended()} while the implementation was loaded") from None
        if isinstance(answer, AdapterError):
            self.kill()
            raise answer
        return answer

    def _ended(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        return f"ended with status {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"


def _serve(connection: Connection, call: Any, load: Callable[[], Implementation], seconds: float) -> None:
    """Load an implementation, answer what is asked about its functions, and tear it down."""
    with suppress(KeyboardInterrupt, EOFError, ConnectionError):  # what the one that asks has met as well
        try:
            implementation = load()
            implementation.setup()
        except AdapterError as failed:
            connection.send(failed)
            return
        connection.send(implementation.argument)
        wrong = None
        try:
            _answer(connection, call, implementation, seconds)
        finally:
            try:
                implementation.teardown()
            except AdapterError as failed:
                wrong = failed
            connection.send(wrong)


def _answer(connection: Connection, call: Any, implementation: Implementation, seconds: float) -> None:
    """Answer how functions fit, until None comes."""
    watch = Watch(seconds, None, _STANDARD_ERROR)
    here = implementation.option == "--impl"
    watched = watch.watched(implementation) if here else implementation
    files = read_manifest(store.golden_folder()).files
    read_golden = lru_cache(maxsize=1)(store.read_golden)  # once for both directions of an operation
    while asked := connection.recv():
        op, direction = asked
        if asked not in watched.functions:
            there = any(count.direction == direction for count in files[f"{op}.h5"].counts)
            connection.send(absent(watched, op, direction) if there else None)
            continue
        try:
            vectors = read_golden(op)
        except VectorError as error:
            connection.send(error)
            continue
        functions = dict(watched.functions)
        if here:
            functions[asked] = _noted(functions[asked], vectors.arguments[direction], call)
        with watch.family():
            noted = replace(watched, functions=functions)
            try:
                fit = next(examine(noted, [vectors], (direction,)), None)
            except Exception as error:  # of an object that it returned, or of the function itself
                fit = FunctionFit(
                    f"{op}_{direction}", Fit.MISFIT, Misfit(f"examining it raised {describe_error(error)}", "")
                )
            connection.send(fit)


def _noted(function: Function, names: Sequence[str], call: Any) -> Function:
    """The function, which writes down what it is called with before it is."""

    def noted(*arguments: object, **parameters: object) -> object:
        arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
        words = [_described(*pair) for pair in zip(names, arrays, strict=False)]
        words += [f"{name}={value!r}" for name, value in parameters.items()]
        packed = all(array.flags.c_contiguous for array in arrays)
        cure = "" if packed else "make its arguments contiguous first: array.copy()"
        line = ", ".join(words).encode()[: _LONGEST // 2].decode(errors="ignore")
        call.value = f"{line}\n{cure}".encode()
        return function(*arguments, **parameters)

    return named_as(function, noted)


def _described(name: str, array: np.ndarray) -> str:
    strides = "" if array.flags.c_contiguous else f" with strides {array.strides}"
    return f"{name} {array.dtype} {array.shape}{strides}"
