"""Read and write whole files."""

import os
import stat
from pathlib import Path

from .records import VectorError

LARGEST_FILE = 2**28


def bytes_of(path: Path, cure: str = "name a file that `backproof generate` wrote") -> bytes:
    """Read a regular file of at most LARGEST_FILE bytes. Raises VectorError where it is not, or cannot be read; `cure`
    is what to do then."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise VectorError(f"{path}: is no regular file; {cure}")
        if status.st_size > LARGEST_FILE:
            raise VectorError(f"{path}: has {status.st_size} bytes, and {LARGEST_FILE} is the most that is read")
        with path.open("rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise VectorError(f"{path}: cannot be read: {error.strerror or error}") from None


def replace_atomically(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it; after an error the old file is whole, the temporary removed."""
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def one_line(text: str) -> str:
    """Escape all unprintable characters, line ends included, so that a text fits on one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
