"""Run the checkers over the subjects in processes of their own: what hangs or crashes ends its process, not the run."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import Empty, Queue
from typing import Any

from .checkers import ALL, CHECKERS, Found, check, spoiled_share
from .subjects import Subject, subjects

Task = tuple[str, str]
"""A checker and a subject, by their names."""

LIMIT = 300.0
"""Seconds that one checker may take over one subject, or over what it is of use at."""
STARTED = 120.0
"""Seconds for a process to import the frameworks."""


class Worker:
    """A process that runs `serve` and answers one task at a time, and is replaced when it does not."""

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self._serve = serve
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # neither PyTorch nor JAX outlives a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=self._serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(STARTED):
            raise RuntimeError("a process for the checkers does not start")
        self._connection.recv()

    def ask(self, *task: str) -> Any:
        """The answer to a task. Raises TimeoutError or EOFError, with a new process in place."""
        self._connection.send(task)
        try:
            if not self._connection.poll(LIMIT):
                raise TimeoutError(f"no answer in {LIMIT:g} s")
            answer = self._connection.recv()
        except (TimeoutError, EOFError, ConnectionError):
            self.stop()
            self._start()
            raise
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def serve(connection: Connection) -> None:
    """Answer tasks for ever."""
    import torch

    torch.set_num_threads(1)
    connection.send("ready")
    while True:
        match connection.recv():
            case "spoiled", name, op, dtype:
                connection.send(spoiled_share(name, op, dtype))
            case "check", name, op, subject:
                connection.send(check(name, subjects(op)[subject]))


@dataclass(frozen=True)
class OfOperation:
    """What was found of one operation."""

    op: str
    spoiled: Mapping[str, Mapping[str, tuple[int, int]]]
    """By checker and dtype, the calls at which it rejects the plain implementation, and all calls."""
    found: Mapping[Task, Found]
    lost: Sequence[str]
    """"checker: subject" of what hung or crashed."""


def checked(names: Sequence[str], ops: Iterable[str], processes: int) -> Iterator[OfOperation]:
    """What is found of each operation, in so many processes, in the order in which they end."""
    waiting: Queue[tuple[Subject, ...]] = Queue()
    for op in ops:
        waiting.put(tuple(subjects(op).values()))
    ended: Queue[OfOperation | Exception | None] = Queue()

    def work() -> None:
        try:
            worker = Worker(serve)
            while True:
                try:
                    some = waiting.get_nowait()
                except Empty:
                    break
                ended.put(_of_operation(worker, names, some))
            worker.stop()
            ended.put(None)
        except Exception as error:
            ended.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(processes)]
    for thread in threads:
        thread.start()
    running = len(threads)
    while running:
        match ended.get():
            case None:
                running -= 1
            case Exception() as error:
                raise error
            case answer:
                yield answer


def _of_operation(worker: Worker, names: Sequence[str], some: Sequence[Subject]) -> OfOperation:
    spoiled = {
        name: {dtype: worker.ask("spoiled", name, some[0].op, dtype) for dtype in CHECKERS[name].dtypes}
        for name in names
        if name in CHECKERS
    }
    found: dict[Task, Found] = {}
    lost: list[str] = []
    for subject in (subject.name for subject in some):
        for name in names:
            try:
                found[name, subject] = worker.ask("check", name, some[0].op, subject)
            except (TimeoutError, EOFError, ConnectionError) as error:
                lost.append(f"{name}: {subject}: {type(error).__name__}")
                found[name, subject] = Found({name: {ALL: str(error)}}, 0.0)
    return OfOperation(some[0].op, spoiled, found, lost)
