"""How a part of a run may use memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile, and take all that is there for old: it may be thousands of trees."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.enable()


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """Let the process have so many bytes more than it has, where the system can tell and bound that.

    What would take more raises a MemoryError, which ends what is done within.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    was = soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard))
    try:
        with suppress(MemoryError):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, was)
