"""Run the checkers over the subjects in processes of their own: what hangs or crashes ends its process, not the run."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import Empty, Queue
from typing import Any

from .checkers import CHECKERS, Found, check, spoiled_share
from .subjects import PLAIN, subjects

Task = tuple[str, str]
"""A checker and a subject, by their names."""

LIMIT = 60.0
"""Seconds that one checker may take over one subject; the longest takes about one."""
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
    subjects()
    connection.send("ready")
    while True:
        match connection.recv():
            case "spoiled", name, dtype:
                connection.send(spoiled_share(name, dtype))
            case "check", name, subject:
                connection.send(check(name, subjects()[subject]))


def checked(tasks: Iterable[Task], lost: Callable[[Task, Exception], Found]) -> Iterator[tuple[Task, Found]]:
    """What each task finds, on all cores, in the order in which they end."""
    waiting: Queue[Task] = Queue()
    for task in tasks:
        waiting.put(task)
    ended: Queue[tuple[Task, Found] | Exception | None] = Queue()

    def work() -> None:
        try:
            worker = Worker(serve)
            while True:
                try:
                    task = waiting.get_nowait()
                except Empty:
                    break
                try:
                    found = worker.ask("check", *task)
                except (TimeoutError, EOFError, ConnectionError) as error:
                    found = lost(task, error)
                ended.put((task, found))
            worker.stop()
            ended.put(None)
        except Exception as error:
            ended.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(os.cpu_count() or 1)]
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


def measured(names: Iterable[str]) -> tuple[dict[str, dict[str, list[int]]], dict[str, float]]:
    """Spoiled and all calls, by checker and dtype, and the processor time that each checker takes over the plain
    implementation of all operations, the better of two times."""
    worker = Worker(serve)
    plain = [name for name, subject in subjects().items() if subject.group == PLAIN]
    spoiled: dict[str, dict[str, list[int]]] = {}
    seconds: dict[str, float] = {}
    for name in names:
        if name in CHECKERS:
            spoiled[name] = {dtype: list(worker.ask("spoiled", name, dtype)) for dtype in CHECKERS[name].dtypes}
        seconds[name] = min(sum(worker.ask("check", name, subject).seconds for subject in plain) for _ in range(2))
    worker.stop()
    return spoiled, seconds
