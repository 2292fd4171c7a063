"""The hooks of a run with an implementation, and what comes of it."""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ...vectors.dtypes import DTYPES
from ...vectors.records import DIRECTIONS, LEVELS, Family, OperationVectors, VectorError
from ..check.conventions import Tracker, followed, inconsistencies
from ..check.family import check
from ..implementation.errors import AdapterError, said
from ..terminal import annotations
from ..terminal import summary as report
from ..terminal.truncation import Brevity
from . import xfails
from .collect import FamilyItem, VectorFile
from .crashes import Crashes, watch, without_gone
from .outcome import RESULT, Ending, Result, conclude, pack, unpack
from .plan import Plan, golden_files, plan

if TYPE_CHECKING:
    from ..diagnosis.diagnose import Diagnosis

PROBLEMS = "backproof_problems"
"""The key of a pytest-xdist worker's output for what went wrong outside its tests."""


class Run:
    """One run of pytest with --impl."""

    plan: Plan

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tracker = Tracker()
        self.results: dict[str, Result] = {}
        """By node id, in the order in which they came in."""
        self.problems: list[str] = []
        """What fails the session, although every test may have passed; one line each."""
        self.looped = False
        """Whether tests were to run: neither --collect-only nor --fixtures asks for any."""
        self.brevity = Brevity(self.results)
        self._diagnosed: tuple[Diagnosis, ...] | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the markers that are known before a file is read, for `pytest --markers`."""
        with _usage_errors():
            _register(config, golden_files(), "families of this operation")
        _register(config, DTYPES, "families of this dtype")
        _register(config, DIRECTIONS, "families of this direction")
        _register(config, LEVELS, "families of this level")
        directs = not hasattr(config, "workerinput")
        if directs and (name := config.option.impl_report):
            from ..record.recorder import Recorder  # a run that is not written down must not pay for it

            config.pluginmanager.register(Recorder(self, config.invocation_params.dir / name, name), "backproof-report")
        config.pluginmanager.register(self.brevity, "backproof-brevity")
        if directs and hasattr(config.option, "maxworkerrestart"):
            config.pluginmanager.register(Crashes(self), "backproof-crashes")
        errors = os.dup(2)  # pytest captures the descriptor itself while tests run
        config.add_cleanup(partial(os.close, errors))
        self.watch = watch(config, errors)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Read all that may be wrong, so that it is a usage error before anything has run."""
        with _usage_errors():
            self.plan = plan(self.config)
        if self.plan.implementation.option == "--impl":
            implementation = self.watch.watched(without_gone(self.plan.implementation, self.config))
            self.plan = replace(self.plan, implementation=implementation)
        for file in self.plan.files:
            for flag in file.vectors.flags:
                _register(self.config, [flag.name], flag.effect)
        self.config.args = list(self.plan.paths)
        self.config.args_source = pytest.Config.ArgsSource.ARGS

    def pytest_report_header(self) -> list[str]:
        """Say what is held against what."""
        return report.header(self.plan.implementation, self.plan.vectors_version, self.plan.remarks)

    # The outermost wrapper, so that --lf's neither sorts the vector files nor leaves them out.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Put the vector files before whatever else the session collects."""
        collected = yield
        if isinstance(collector, pytest.Session) and collected.passed:
            files = [
                VectorFile.from_parent(
                    collector, path=file.path, nodeid=file.nodeid, run=self, vectors=file.vectors, families=file.chosen
                )
                for file in self.plan.files
                if file.chosen
            ]
            collected.result = [*files, *(collected.result or [])]
        return collected

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Set the implementation up and down around the tests, in each process that runs some."""
        self.looped = not self.config.option.collectonly
        idle = self._directs_workers() or not self.looped
        if idle or not any(isinstance(item, FamilyItem) for item in session.items):
            return (yield)
        try:
            self.plan.implementation.setup()
        except AdapterError as error:
            session.shouldfail = str(error)  # ends the other processes too under pytest-xdist
            raise pytest.UsageError(str(error)) from None
        try:
            return (yield)
        finally:
            try:
                self.plan.implementation.teardown()
            except AdapterError as error:
                self.problems.append(str(error))

    def check(self, nodeid: str, family: Family, vectors: OperationVectors) -> Result:
        """Check one family, in the light of what others of the run have shown."""
        with self.watch.family():
            verdict = self.tracker.add(check(family, self.plan.implementation, vectors))
        expected = xfails.find(self.plan.expected, nodeid, family.id)
        return conclude(nodeid, verdict, expected, strict=self.plan.strict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the result along with the report; a skip is told of the vector file, not of a line of ours."""
        made = yield
        if isinstance(item, FamilyItem) and item.result and call.when == "call":
            setattr(made, RESULT, pack(item.result))
            if item.result.ending is Ending.SKIPPED:
                made.longrepr = (item.nodeid.partition("::")[0], 0, item.result.note)
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in a result, which under pytest-xdist comes from a worker."""
        if packed := getattr(report, RESULT, None):
            self.results[report.nodeid] = unpack(packed)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what went wrong in a pytest-xdist worker outside its tests."""
        self.problems += getattr(node, "workeroutput", {}).get(PROBLEMS, [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a session in which nothing passed, or something is wrong that is no single test's."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[PROBLEMS] = self.problems
            return
        if not self.looped or exitstatus not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            return
        self.problems = list(dict.fromkeys([*self.problems, *self._problems()]))
        if self.problems and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the summary, after what pytest writes of failures and before its own short one."""
        self.brevity.after_failures(terminalreporter, self.config)
        lines = []
        if self.config.get_verbosity() > -2:
            points = followed(result.verdict for result in self._all())
            paint = self.config.get_terminal_writer().markup
            lines = report.summary(self._all(), self.plan.implementation, points, self.diagnoses(), paint)
        if lines or self.problems:
            terminalreporter.ensure_newline()
            terminalreporter.section("backproof")
        for line in lines:
            terminalreporter.write_line(line)
        for problem in self.problems:
            terminalreporter.write_line(f"backproof: {problem}", red=True)  # one line, for whoever greps a log
        if annotations.wanted():
            implementation = self.plan.implementation
            for line in annotations.annotations(self._all(), self.diagnoses(), self.problems, implementation.argument):
                terminalreporter.write_line(line)

    def diagnoses(self) -> tuple["Diagnosis", ...]:
        """What the failures look like; found out once."""
        if self._diagnosed is None:
            self._diagnosed = tuple(self._diagnose())
        return self._diagnosed

    def _diagnose(self) -> list["Diagnosis"]:
        """What the failures look like, for which the implementation is set up once more. No report fails for it."""
        if not self.looped or not any(result.ending.fails for result in self._all()):
            return []
        from ..diagnosis.diagnose import diagnoses  # a run without failures must not pay for it

        try:
            self.plan.implementation.setup()
        except AdapterError:
            return []
        try:
            with self.watch.family():
                return list(diagnoses(self.results, self.plan))
        except Exception as error:
            self.problems.append(f"the failures could not be diagnosed ({said(error)}); this is a fault of backproof's")
            return []
        finally:
            with suppress(AdapterError):
                self.plan.implementation.teardown()

    def _all(self) -> list[Result]:
        return list(self.results.values())

    def _directs_workers(self) -> bool:
        """Whether this is pytest-xdist's directing process, which runs no test itself."""
        return self.config.pluginmanager.hasplugin("dsession")

    def _problems(self) -> Iterator[str]:
        """What is wrong with the run as a whole."""
        results = self._all()
        yield from report.nothing_passed(results, self.plan.paths)
        yield from inconsistencies(result.verdict for result in results)
        if self.plan.expected:
            failing = {result.nodeid: result.ending is Ending.EXPECTED_FAILURE for result in results}
            yield from xfails.stale(self.plan.expected, self.plan.known, failing, whole=self.plan.whole)


def _register(config: pytest.Config, names: Iterable[str], meaning: str) -> None:
    for name in names:
        config.addinivalue_line("markers", f"{name}: backproof: {meaning}")


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn errors that are the user's to mend into pytest's own kind, which prints one line."""
    try:
        yield
    except (AdapterError, VectorError) as error:
        raise pytest.UsageError(str(error)) from None
