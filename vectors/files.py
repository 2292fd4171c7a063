"""Read and write whole files."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .records import VectorError

LARGEST_FILE = 2**28
PARTIAL = ".partial"
"""The ending of temporary files."""


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
    replace_all({path: content})


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write files through temporary ones beside them, and put those in place, in order, once all of them are whole.

    After an error in writing the old files are whole, and the temporary ones removed.
    """
    ending = f"{os.getpid()}{PARTIAL}"
    temporaries = {path: path.with_name(f".{path.name[:200]}.{ending}") for path in contents}
    try:
        for path, temporary in temporaries.items():
            with temporary.open("wb") as file:
                file.write(contents[path])
                file.flush()
                os.fsync(file.fileno())
        for path, temporary in temporaries.items():
            temporary.replace(path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder while others who ask for it wait. The system lets go when the process ends. Windows has no such
    locks: there nobody waits."""
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def one_line(text: str) -> str:
    """Escape all unprintable characters, line ends included, so that a text fits on one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
