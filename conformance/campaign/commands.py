"""The command `backproof campaign`."""

import argparse
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import randbits
from typing import TYPE_CHECKING, Any

from ...vectors.files import one_line
from ..implementation.errors import CommandError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..implementation.load import Implementation
    from .book import Book
    from .stretch import Function, Subject

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FOLDER = Path("campaign")
CONNECT = "10s"
"""How long a scheduler is waited for."""


def add(commands: "Commands") -> None:
    """Declare the command."""
    campaign = commands.add_parser("campaign", help="draw live cases for minutes or hours, in several processes")
    add = campaign.add_argument
    add("--impl", metavar="MODULE[:OBJECT]", help="what to try, as of pytest")
    add("--impl-cmd", metavar="COMMAND", help="the same in any language, as of pytest")
    add("--impl-op", action="append", default=[], dest="ops", metavar="OP", help="this operation alone (repeatable)")
    add(
        "--impl-dtype",
        action="append",
        default=[],
        dest="dtypes",
        metavar="DTYPE",
        help="this dtype alone (repeatable)",
    )
    add("--impl-option", action="append", default=[], metavar="KEY=VALUE", help="an option for the adapter's setup()")
    add("--impl-isolate", action="store_true", help="a process of its own for the calls of each worker, as of pytest")
    add("--impl-timeout", type=float, metavar="SECONDS", help="what a call may take, in a process of its own")
    add("--impl-seed", default="0", metavar="N|random", help="what the cases are drawn from (0)")
    add("--minutes", type=float, default=10.0, metavar="M", help="how long stretches of cases are begun (10)")
    add("--workers", type=int, metavar="N", help="so many processes on this machine; without it, one for each core")
    add("--scheduler", metavar="ADDRESS", help="a Dask scheduler whose workers to use instead: tcp://HOST:PORT")
    add("-o", "--output", type=Path, metavar="FOLDER", help=f"what is found is written there ({FOLDER})")
    add("--resume", type=Path, metavar="FOLDER", help="go on with the campaign that was written there")
    campaign.set_defaults(run=_campaign)


def _campaign(options: argparse.Namespace) -> int:
    from ..record.contents import Progress
    from ..terminal.summary import header
    from .drive import drive, so_far

    _require_sense(options)
    book = _book(options)
    minutes, argument = f"{options.minutes:g} min", book.implementation.argument
    with _ended_early(), _processes(options) as (executor, count, where):
        remarks = f"live cases of seed {book.started.seed} for {minutes} in {where}", f"into {book.folder}"
        for line in header(book.implementation, book.vectors_version, remarks):
            _tell(line)
        try:
            drive(book, executor, count, 60 * options.minutes, _tell)
        except BaseException as error:
            reason = str(error) or "Ctrl-C"
            book.write(Progress.INTERRUPTED, reason)
            if isinstance(error, KeyboardInterrupt):
                _tell(f"{so_far(book)}; go on with it: backproof campaign --resume {shlex.quote(str(book.folder))}")
            raise
    status = int(bool(book.found or book.problems or book.undone or not book.total))
    book.write(Progress.COMPLETE, status=status)
    for line in _ending(book, argument):
        _tell(line)
    return status


def _ending(book: "Book", argument: str) -> Iterator[str]:
    from .book import FOUND, RECORD
    from .drive import described, so_far

    yield ""
    for found in book.found.values():
        yield from described(found, argument)
    yield so_far(book)
    if not book.total:
        yield "backproof: none of the cases drawn can be judged"
    if book.found:
        folder = shlex.quote(str(book.folder))
        yield f"all of them again: pytest {argument} {folder}/{FOUND}/*.h5"
        yield f"a page: backproof report {folder}/{RECORD}"


def _tell(line: str) -> None:
    print(line, flush=True)


def _require_sense(options: argparse.Namespace) -> None:
    """Raise CommandError where options contradict one another or say nothing."""
    named = [name for name in ("impl", "impl_cmd", "resume") if getattr(options, name) is not None]
    if len(named) != 1:
        raise CommandError("name one implementation, --impl=MODULE or --impl-cmd=COMMAND, or --resume FOLDER")
    if options.resume is not None and (options.output or options.ops or options.dtypes or options.impl_option):
        raise CommandError("--resume goes on with what the campaign was: give it --minutes and workers alone")
    if options.impl_timeout is not None and options.impl is not None and not options.impl_isolate:
        raise CommandError("--impl-timeout is for calls in a process of their own: add --impl-isolate")
    if options.impl_isolate and options.impl_cmd is not None:
        raise CommandError("--impl-isolate is for --impl; what --impl-cmd names is a process of its own")
    if not options.minutes > 0:
        raise CommandError(f"--minutes {options.minutes:g}: give a number above 0")
    if options.workers is not None and options.workers < 1:
        raise CommandError(f"--workers {options.workers}: give a number above 0")
    if options.workers is not None and options.scheduler is not None:
        raise CommandError("--workers and --scheduler are both given: the scheduler has workers of its own")


def _book(options: argparse.Namespace) -> "Book":
    """The campaign that the options name, new or resumed. Raises CommandError, AdapterError, VectorError."""
    try:
        from . import book as books
        from .stretch import Subject
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    if options.resume is not None:
        started, rest = books.started_in(options.resume)
        return books.resumed(options.resume, started, rest, _loaded(started.subject))
    from ..implementation.options import parse_options

    subject = Subject(
        options.impl or options.impl_cmd,
        "--impl" if options.impl else "--impl-cmd",
        str(Path.cwd()),
        tuple(parse_options(options.impl_option).items()),
        options.impl_isolate,
        options.impl_timeout,
    )
    implementation = _loaded(subject)
    functions = _functions(implementation, options.ops, options.dtypes)
    started = books.Started(
        subject, functions, _seed(options.impl_seed), tuple(options.ops), tuple(options.dtypes), books.now()
    )
    return books.begun(options.output or FOLDER, started, implementation)


def _loaded(subject: "Subject") -> "Implementation":
    """The implementation, to read what it declares; each worker loads its own. Raises AdapterError."""
    implementation = subject.load()
    if implementation.option == "--impl-cmd" or implementation.isolated:
        implementation.teardown()  # which ends the process that answered
    return implementation


def _functions(implementation: "Implementation", ops: Sequence[str], dtypes: Sequence[str]) -> tuple["Function", ...]:
    """The functions and dtypes to try, those of an operation one after another. Raises CommandError."""
    from ...vectors import store
    from ...vectors.dtypes import DTYPES
    from ...vectors.hints import meant

    known = store.golden_operations()
    for option, given, words in (("--impl-op", ops, known), ("--impl-dtype", dtypes, DTYPES)):
        for word in given:
            if word not in words:
                raise CommandError(f"{option}={word}: {meant(word, words)}")
    found = tuple(
        (op, dtype, direction)
        for op, direction in sorted(implementation.functions)
        for dtype in implementation.dtypes
        if op in (ops or known) and dtype in (dtypes or DTYPES)
    )
    if not found:
        raise CommandError(f"{implementation.spec} has no function of these operations and dtypes")
    return found


def _seed(given: str) -> int:
    if given == "random":
        return randbits(32)
    try:
        return int(given)
    except ValueError:
        raise CommandError(f"--impl-seed={given}: give a whole number, or random") from None


@contextmanager
def _processes(options: argparse.Namespace) -> Iterator[tuple["Executor", int, str]]:
    """Where stretches are tried, how many at once, and that in words. Raises CommandError."""
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    import logging

    from ..check.wording import plural

    quiet: dict[str, Any] = {"silence_logs": logging.CRITICAL, "dashboard_address": ":0", "memory_limit": 0}
    if options.scheduler is None:
        cluster = LocalCluster(n_workers=options.workers, threads_per_worker=1, processes=True, **quiet)
        with cluster, Client(cluster) as client:
            count = len(cluster.workers)
            yield client.get_executor(pure=False), count, plural(count, "process", "processes")
        return
    try:
        client = Client(options.scheduler, timeout=CONNECT)
    except (OSError, ValueError) as error:
        raise CommandError(f"--scheduler {options.scheduler}: no scheduler answers: {one_line(str(error))}") from None
    with client:
        count = sum(client.nthreads().values())
        if not count:
            raise CommandError(f"--scheduler {options.scheduler}: it has no workers yet")
        yield client.get_executor(pure=False), count, f"{plural(count, 'thread', 'threads')} of {options.scheduler}"


@contextmanager
def _ended_early() -> Iterator[None]:
    """Let SIGTERM end a campaign as Ctrl-C does: what was found is written, and workers are ended."""

    def end(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _missing(error: ModuleNotFoundError) -> CommandError:
    if (error.name or "").startswith("backproof"):
        raise error
    return CommandError(
        f"a campaign needs {error.name}, which is not installed: pip install distributed jsonschema python-flint"
    )
