"""A campaign in this process: what it enters in its book, writes, and goes on with."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backproof.conformance.campaign.book import BOOK, FOUND, RECORD, Book, Started, begun, resumed, started_in
from backproof.conformance.campaign.drive import drive
from backproof.conformance.campaign.stretch import Stretch, Subject, try_stretch
from backproof.conformance.implementation.errors import CommandError
from backproof.conformance.record.contents import Progress
from backproof.conformance.record.reader import read_record
from backproof.vectors import store

WRONG = """
dtypes = ("float32",)


def square_forward(inputs):
    return inputs * inputs


def square_backward(dL_doutputs, inputs):
    return 3 * dL_doutputs * inputs
"""
FUNCTIONS = (("square", "float32", "backward"), ("square", "float32", "forward"))


class Here(Executor):
    """Calls functions when they are submitted."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **keywords))
        except Exception as error:
            future.set_exception(error)
        return future


class Dying(Here):
    """A process that dies at each call of some function."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        if any(isinstance(a, Stretch) and a.function[-1] == "forward" for a in arguments):
            future: Future[Any] = Future()
            future.set_exception(RuntimeError("the process died"))
            return future
        return super().submit(function, *arguments, **keywords)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.syspath_prepend(tmp_path)
    tmp_path.joinpath("wrong_square.py").write_text(WRONG)
    subject = Subject("wrong_square", "--impl", str(tmp_path))
    started = Started(subject, FUNCTIONS, 0, (), (), "2026-01-31T23:59:59Z")
    return begun(tmp_path / "campaign", started, subject.load())


def driven(book: Book, executor: Executor, seconds: float = 0.0) -> list[str]:
    """Run a campaign of one process; what it tells."""
    lines: list[str] = []
    drive(book, executor, 1, seconds, lines.append)
    book.write(Progress.COMPLETE, status=1)
    return lines


def test_what_is_found_is_told_once_and_written_as_golden_vectors_and_as_a_record(book: Book) -> None:
    lines = driven(book, Here())
    assert [line for line in lines if line.startswith("found")] == [
        "found: square_backward at float32: dL_dinputs is wrong in 1 of 1 element of case 0"
    ]
    (family,) = store.read(book.folder / FOUND / "square.h5").families
    assert (family.direction, family.count, family.name) == ("backward", 1, "backward-found-0")
    assert store.verify(book.folder / FOUND / "square.h5") == []
    record = read_record(book.folder / RECORD)
    assert {f.result.nodeid.partition("#")[0]: f.standing for f in record.families} == {
        "live/square::float32/backward-live": "failed",
        "live/square::float32/forward-live": "passed",
    }
    assert (
        lines[1].endswith(next(f.result.nodeid for f in record.families if f.standing == "failed")) or record.diagnoses
    )


def test_a_stretch_that_nothing_comes_of_is_a_problem_and_the_rest_goes_on(book: Book) -> None:
    lines = driven(book, Dying())
    assert book.problems == ["square_forward at float32, cases 0 to 19: RuntimeError: the process died"]
    assert f"problem: {book.problems[0]}" in lines
    assert len(book.found) == 1


def test_a_campaign_goes_on_where_it_was_and_draws_nothing_twice(book: Book) -> None:
    driven(book, Here())
    book.undone.append(0)  # as if it had been killed before it heard of that one
    book.write(Progress.RUNNING)
    started, rest = started_in(book.folder)
    again = resumed(book.folder, started, rest, book.implementation)
    assert started == book.started
    assert [found.record for found in again.found.values()] == [found.record for found in book.found.values()]
    stretches = again.stretches()
    assert [(s.number, s.function[-1], s.first) for s in (next(stretches) for _ in range(4))] == [
        (0, "backward", 0),
        (2, "backward", 20),
        (3, "forward", 20),
        (4, "backward", 40),
    ]


def test_stretches_that_do_not_end_are_left_to_the_next_time(book: Book) -> None:
    class Idle(Here):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            return Future()

    lines: list[str] = []
    drive(book, Idle(), 1, 0.0, lines.append, grace=0.0)
    assert lines == [
        "not ended in 0 s after the time was over, and left to --resume: square_backward at float32, cases 0 to 19",
        "not ended in 0 s after the time was over, and left to --resume: square_forward at float32, cases 0 to 19",
    ]
    assert book.undone == [0, 1]


def test_of_findings_that_look_alike_the_smallest_case_is_kept(book: Book) -> None:
    stretch = next(book.stretches())
    tried = try_stretch(book.started.subject, stretch)
    (found,) = tried.found
    larger = replace(
        found, family=replace(found.family, inputs={n: x.repeat(3) for n, x in found.family.inputs.items()})
    )
    assert book.add(replace(tried, found=(larger,))) == [larger]
    book.undone.append(stretch.number)
    assert book.add(tried) == []
    assert [one.family.elements for one in book.found.values()] == [found.family.elements]
    assert list(book.seen.values()) == [2]


def test_a_folder_with_a_campaign_is_not_written_over(book: Book) -> None:
    driven(book, Here())
    with pytest.raises(CommandError, match="go on with it by --resume"):
        begun(book.folder, book.started, book.implementation)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no JSON"),
        ("[]", "is no JSON object"),
        ('{"backproof_campaign": 99}', "is no campaign of this version of backproof"),
        ('{"backproof_campaign": 1}', "is not as backproof wrote it .KeyError: 'started'."),
    ],
)
def test_what_is_no_campaign_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    tmp_path.joinpath(BOOK).write_text(text)
    with pytest.raises(CommandError, match=rf"{BOOK}.*{said}"):
        started_in(tmp_path)
