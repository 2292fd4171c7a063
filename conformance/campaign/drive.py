"""The loop of a campaign: hands stretches to processes as long as there is time, and enters what comes of them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from datetime import timedelta

from ...vectors.files import one_line
from ..check.wording import plural
from ..implementation.errors import AdapterError, describe_error
from ..record.contents import Progress
from .book import Book
from .stretch import Found, Stretch, Tried, try_stretch

EACH = 2
"""Stretches that each process has before it, so that none waits for the next."""
SECONDS = 10.0
"""Between two lines that tell how far it is."""
WRITTEN = 2.0
"""Between two times that the book is written, where nothing was found."""
GRACE = 600.0
"""How long stretches under way may take when the time is over."""


def drive(
    book: Book, executor: Executor, processes: int, seconds: float, tell: Callable[[str], None], grace: float = GRACE
) -> None:
    """Run a campaign for some time, at least one stretch for each process. Raises AdapterError where the implementation
    cannot be loaded."""
    begun, before = time.monotonic(), book.seconds
    stretches, pending = book.stretches(), dict[Future[Tried], Stretch]()
    told, written, first = begun, begun, True
    while True:
        passed = time.monotonic() - begun
        while (first or passed < seconds) and len(pending) < EACH * processes:
            stretch = next(stretches)
            pending[executor.submit(try_stretch, book.started.subject, stretch)] = stretch
        first = False
        if not pending or passed > seconds + grace:
            break
        done, _ = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
        lines = [line for future in done for line in _enter(book, future, pending.pop(future))]
        now = time.monotonic()
        book.seconds = before + now - begun
        if lines or now - written >= WRITTEN:
            book.write(Progress.RUNNING)
            written = now
        if not lines and now - told >= SECONDS:
            lines, told = [so_far(book)], now
        for line in lines:
            tell(line)
    for future, stretch in pending.items():
        future.cancel()
        tell(f"not ended in {grace:g} s after the time was over, and left to --resume: {_words(stretch)}")


def _enter(book: Book, future: Future[Tried], stretch: Stretch) -> Iterator[str]:
    try:
        tried = future.result()
    except AdapterError:
        raise
    except Exception as error:  # a process died once too often, or a fault of backproof's
        yield f"problem: {book.lost(stretch, one_line(describe_error(error)))}"
        return
    for found in book.add(tried):
        yield from described(found, book.implementation.argument)


def described(found: Found, argument: str) -> Iterator[str]:
    """A finding in a few lines: what is wrong, what it looks like, how to run it again."""
    verdict, miss = found.record.result.verdict, found.record.result.verdict.gravest
    yield f"found: {verdict.function} at {verdict.dtype}: {'' if miss is None else miss.summary}"
    for finding in found.findings:
        yield f"  looks like: {finding.name} - {finding.wrong} Cure: {finding.cure}"
    yield f"  rerun: pytest {argument} {found.record.result.nodeid}"


def so_far(book: Book) -> str:
    """How far a campaign is, in a line."""
    tried = sum(cases > 0 for cases in book.cases.values())
    functions = plural(len(book.started.functions), "function and dtype", "functions and dtypes")
    return (
        f"{timedelta(seconds=round(book.seconds))}  {plural(book.total, 'case', 'cases')} of {tried} of {functions}, "
        f"{plural(len(book.found), 'finding', 'findings')}"
    )


def _words(stretch: Stretch) -> str:
    op, dtype, direction = stretch.function
    return f"{op}_{direction} at {dtype}, cases {stretch.first} to {stretch.first + stretch.cases - 1}"
