"""Whether a KeyboardInterrupt is the user's, who pressed Ctrl-C, or an implementation raised it like any exception."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

_watching = False
_arrived = False


def watch_interrupts() -> Callable[[], None]:
    """Note the interrupts that arrive, until the function that is returned is called."""
    global _watching, _arrived
    handler = signal.getsignal(signal.SIGINT)
    _arrived = False
    if handler is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        return lambda: None
    signal.signal(signal.SIGINT, _interrupted)
    _watching = True
    return _stop_watching


def is_users(error: BaseException) -> bool:
    """Whether an exception is the user's interrupt, which ends the run."""
    return isinstance(error, KeyboardInterrupt) and (_arrived or not _watching)


def _interrupted(number: int, frame: FrameType | None) -> None:
    global _arrived
    _arrived = True
    signal.default_int_handler(number, frame)


def _stop_watching() -> None:
    global _watching
    _watching = False
    if signal.getsignal(signal.SIGINT) is _interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)
