"""`--impl-report`: the record is written when a run starts, now and then while it runs, and when it ends.

So there is a valid record whatever ends the run; one that nobody came to write the end of says that it is running.
"""

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ...vectors.files import replace_atomically
from ...vectors.records import Answer, Family, Flag
from ..check.conventions import followed
from ..check.precisions import precisions_met
from ..record import about
from ..record.contents import (
    NOT_ASKED,
    NOT_RUN,
    STANDINGS,
    Asked,
    FamilyRecord,
    Planned,
    Progress,
    RunRecord,
    standing,
)
from ..record.document import text_of
from ..record.results import RESULT, Result
from .plan import Plan, golden_counts
from .selection import golden_nodeid
from .state import SessionState

if TYPE_CHECKING:
    from ..diagnosis.findings import Diagnosis

OPTION = "--impl-report"
SECONDS = 5.0
"""The record is written again after SECONDS, and not before PACE times as long as writing took."""
PACE = 20.0
_IDLE = ("collectonly", "showfixtures", "show_fixtures_per_test")
"""Options with which pytest runs no test."""


class Recorder:
    """Writes the record of a run to `path`, in the process that reports."""

    def __init__(self, state: SessionState, path: Path, name: str) -> None:
        self.state = state
        self._path = path
        self._name = name
        if not name:
            raise pytest.UsageError(f"{OPTION}= names no file; write {OPTION}=run.json")
        if path.is_dir():
            raise pytest.UsageError(f"{OPTION}={name}: is a folder; name a file in it, such as {name}/run.json")
        if path.exists() and not path.is_file():
            raise pytest.UsageError(f"{OPTION}={name}: is no regular file; name a file to write")
        if not path.parent.is_dir():
            raise pytest.UsageError(f"{OPTION}={name}: there is no folder {path.parent}; create it first")
        self._reason = ""
        self._broken: list[str] = []
        self._next = 0.0

    @pytest.hookimpl(trylast=True)  # Run has to have made its plan
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Write what is to run."""
        if any(getattr(session.config.option, name, False) for name in _IDLE):
            session.config.pluginmanager.unregister(self)
            return
        plan = self.state.plan
        self._began = time.monotonic()
        self._about: dict[str, Any] = {
            "started": _now(),
            "implementation": about.tested(plan.implementation),
            "versions": about.versions(plan.vectors_version),
            "machine": about.machine(),
            "asked": _asked(session.config, plan),
            "planned": _planned(plan),
        }
        try:
            self._write(Progress.RUNNING)
        except OSError as error:
            raise pytest.UsageError(f"{OPTION}={self._name}: cannot be written: {error.strerror or error}") from None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the results so far, now and then; note a family that ended in an error of backproof's own."""
        if report.failed and not hasattr(report, RESULT) and self._is_family(report.nodeid):
            self._broken.append(f"{report.nodeid}: ended without a verdict")
        if time.monotonic() >= self._next:
            with suppress(OSError):  # the end of the run tells of it
                self._write(Progress.RUNNING)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note why the run ends early."""
        self._reason = str(excinfo.value) or "Ctrl-C"

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note why the run ends early."""
        self._reason = f"internal error: {excinfo.exconly()}".partition("\n")[0]

    # Outermost, so that what fails the session is known, and what the terminal's summary has found out as well.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Write how the run ended."""
        diagnoses: tuple[Diagnosis, ...] = ()
        try:
            result = yield
            diagnoses = self.state.diagnoses()
            return result
        finally:
            reason = self._reason or str(session.shouldfail or session.shouldstop or "")
            status = int(session.exitstatus)
            try:
                self._write(Progress.INTERRUPTED if reason else Progress.COMPLETE, reason, status, diagnoses)
            except OSError as error:
                words = f"backproof: {OPTION}={self._name}: cannot be written: {error.strerror or error}"
                pytest.exit(words, returncode=pytest.ExitCode.USAGE_ERROR)

    def _write(
        self, progress: Progress, reason: str = "", status: int | None = None, diagnoses: tuple["Diagnosis", ...] = ()
    ) -> None:
        begun = time.monotonic()
        families = tuple(self._families())
        results = [family.result for family in families]
        counts = self._counts(results)
        if progress is Progress.INTERRUPTED and not counts[NOT_RUN]:  # -x at the last family leaves nothing out
            progress, reason = Progress.COMPLETE, ""
        record = RunRecord(
            **self._about,
            state=progress,
            reason=reason,
            ended=None if progress is Progress.RUNNING else _now(),
            seconds=round(begun - self._began, 3),
            exit_status=status,
            problems=(*self.state.problems, *self._broken),
            counts=counts,
            conventions=followed(result.verdict for result in results),
            precisions=precisions_met(
                (result.verdict for result in results), self.state.plan.implementation.working_precision
            ),
            diagnoses=diagnoses,
            flags=self._flags(families),
            answers=self._answers(results),
            families=families,
        )
        replace_atomically(self._path, text_of(record).encode())
        took = time.monotonic() - begun
        self._next = time.monotonic() + max(SECONDS, PACE * took)

    def _families(self) -> Iterator[FamilyRecord]:
        """The families that have run, in the order of the vector files."""
        for file in self.state.plan.files:
            for family, result in self.state.results_of(file):
                yield FamilyRecord(result, family.flags, family.result, family.parameters, family.comment)

    def _counts(self, results: Sequence[Result]) -> dict[str, int]:
        planned = self._about["planned"]
        families, wanted = (sum(getattr(p, key) for p in planned) for key in ("families", "asked"))
        found = Counter(map(standing, results))
        found |= {NOT_RUN: wanted - len(results), NOT_ASKED: families - wanted}
        return {word: found[word] for word in STANDINGS}

    def _flags(self, families: Sequence[FamilyRecord]) -> tuple[Flag, ...]:
        used = {name for family in families for name in family.flags}
        known = {flag.name: flag for file in self.state.plan.files for flag in file.vectors.flags}
        return tuple(flag for name, flag in known.items() if name in used)

    def _answers(self, results: Sequence[Result]) -> tuple[Answer, ...]:
        points = {result.verdict.point for result in results}
        known = {answer.key: answer for file in self.state.plan.files for answer in file.vectors.answers}
        return tuple(answer for answer in known.values() if answer.point in points)

    def _is_family(self, nodeid: str) -> bool:
        return nodeid.partition("::")[0] in {file.nodeid for file in self.state.plan.files}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _asked(config: pytest.Config, plan: Plan) -> Asked:
    """The options of the run."""
    option = config.option
    return Asked(
        strict=plan.strict,
        ops=tuple(option.impl_ops or ()),
        dtypes=tuple(option.impl_dtypes or ()),
        whole=plan.whole,
        keyword=option.keyword,
        markers=option.markexpr,
        timeout=option.impl_timeout,
        xfails=option.impl_xfails or "",
        strangers=plan.strangers,
    )


def _planned(plan: Plan) -> tuple[Planned, ...]:
    """The number of families, and of those that are to run, for each function and dtype. Golden files that the plan has
    left out are counted by the manifest, not read."""
    read = {file.nodeid: Counter(map(_cell, file.vectors.families)) for file in plan.files}
    listed = {
        golden_nodeid(op): {(op, count.dtype, count.direction): count.families for count in counts}
        for op, counts in golden_counts().items()
    }
    there = Counter[tuple[str, str, str]]()
    for counts in (listed | read).values():
        there.update(counts)
    wanted = Counter(_cell(family) for file in plan.files for family in file.chosen)
    return tuple(Planned(*cell, families=count, asked=wanted[cell]) for cell, count in there.items())


def _cell(family: Family) -> tuple[str, str, str]:
    return family.op, family.dtype, family.direction
