"""Start `harness` where the golden files are not seen.

`python -m backproof.conformance.remote.apart FOLDER SPEC OPERATIONS`. On Linux the process gets a view of the file
system of its own, in which the folder is empty, unless the system forbids that. It has to be done before NumPy starts
threads, so nothing else of backproof is imported first.
"""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000
"""CLONE_NEWNS and CLONE_NEWUSER of unshare."""
_READ_ONLY, _PRIVATE = 0x1, 0x44000
"""MS_RDONLY, and MS_REC | MS_PRIVATE, of mount."""


def hide(folder: str) -> bool:
    """Put an empty folder over this one, for this process and those that it starts. Returns whether that was done."""
    c = ctypes.CDLL(None)
    user, group = os.getuid(), os.getgid()
    if c.unshare(_NEW_MOUNTS) != 0:
        if c.unshare(_NEW_USER | _NEW_MOUNTS) != 0:
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    if c.mount(None, b"/", None, _PRIVATE, None) != 0:
        return False
    return bool(c.mount(b"none", os.fsencode(folder), b"tmpfs", _READ_ONLY, b"size=4k") == 0)


def works(folder: str) -> bool:
    """Whether the folder can be hidden, tried in a process of its own: what is done by halves cannot be undone."""
    child = os.fork()
    if not child:
        with suppress(OSError, AttributeError):  # a C library without unshare
            os._exit(int(not hide(folder)))
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    golden, spec, operations = sys.argv[1:]
    if sys.platform == "linux" and works(golden):
        hide(golden)
    from .harness import main

    sys.exit(main(spec, operations.split(",")))
