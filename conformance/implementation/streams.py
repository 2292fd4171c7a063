"""Standard output and standard error that an implementation cannot take from pytest."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast


class Kept:
    """A stream in every respect, but that it stays open: what pytest captures with is of no use to it once closed."""

    def __init__(self, stream: object) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Do nothing."""

    def detach(self) -> object:
        """The buffer; it stays this stream's."""
        return getattr(self._stream, "buffer", None)


@contextmanager
def kept_streams() -> Iterator[None]:
    """A context in which standard output and standard error are not closed, and after which they are as before."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, Kept(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
