"""Functions examined in a process of its own: a call that ends the process ends neither the doctor nor its answers."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from multiprocessing import active_children, get_context
from typing import Any

import numpy as np

from ...vectors import store
from ...vectors.manifest import read_manifest
from ..implementation.errors import AdapterError, describe_error
from ..implementation.load import Function, Implementation
from ..implementation.watch import Watch, named_as
from .examine import absent, examine
from .fit import Fit, FunctionFit, Misfit

GRACE = 5.0
"""Seconds that it has to tear the implementation down, and then to end."""
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
        self._call.value = b""
        try:
            return self._pool.submit(_examined, op, direction, self._seconds).result()
        except BrokenProcessPool:
            call, _, cure = self._call.value.decode(errors="replace").partition("\n")
            where = f"in the call with {call}" if call else "before any call"
            words = f"the process {self._ended()} {where}"
        self._start()
        return FunctionFit(f"{op}_{direction}", Fit.MISFIT, Misfit(words, cure))

    def close(self) -> None:
        """Tear the implementation down, and end the process. Raises AdapterError."""
        try:
            with suppress(BrokenProcessPool, TimeoutError):
                self._pool.submit(_torn_down).result(GRACE)
        finally:
            self._pool.shutdown(wait=False)
            self._process.join(GRACE)
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._pool.shutdown()

    def _start(self) -> str:
        before = active_children()
        self._pool = ProcessPoolExecutor(1, self._context, _begun, (self._call,))
        loaded = self._pool.submit(_loaded, self._load)
        (self._process,) = (process for process in active_children() if process not in before)
        try:
            return loaded.result()
        except BrokenProcessPool:
            raise AdapterError(f"the process {self._ended()} while the implementation was loaded") from None
        except BaseException:
            self.kill()
            raise

    def _ended(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        return f"ended with status {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"


_here: dict[str, Any] = {}
"""In the process: the call that was begun last, as memory of both, and the implementation."""


def _begun(call: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that asks has met it as well, and ends this process
    _here["call"] = call


def _loaded(load: Callable[[], Implementation]) -> str:
    _here["implementation"] = implementation = load()
    implementation.setup()
    return implementation.argument


def _torn_down() -> None:
    _here["implementation"].teardown()


_read_golden = lru_cache(maxsize=1)(store.read_golden)  # once for both directions of an operation


def _examined(op: str, direction: str, seconds: float) -> FunctionFit | None:
    implementation: Implementation = _here["implementation"]
    watch = Watch(seconds, None, _STANDARD_ERROR)
    here = implementation.option == "--impl"
    watched = watch.watched(implementation) if here else implementation
    if (op, direction) not in watched.functions:
        counts = read_manifest(store.golden_folder()).files[f"{op}.h5"].counts
        return absent(watched, op, direction) if any(count.direction == direction for count in counts) else None
    vectors = _read_golden(op)
    if here:
        noted = _noted(watched.functions[op, direction], vectors.arguments[direction], _here["call"])
        watched = replace(watched, functions={**watched.functions, (op, direction): noted})
    with watch.family():
        try:
            return next(examine(watched, [vectors], (direction,)), None)
        except Exception as error:  # of an object that it returned, or of the function itself
            misfit = Misfit(f"examining it raised {describe_error(error)}", "")
            return FunctionFit(f"{op}_{direction}", Fit.MISFIT, misfit)


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
