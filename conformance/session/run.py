"""The pytest hooks of a run with an implementation."""

import gc
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from secrets import randbits
from typing import Any

import pytest

from ...vectors.dtypes import DTYPES
from ...vectors.files import one_line
from ...vectors.records import DIRECTIONS, LEVELS, VectorError
from ..check.conventions import followed, inconsistencies
from ..implementation import interrupts
from ..implementation.errors import MOST_TEXT, AdapterError, CommandError
from ..record.plain import pack, unpack
from ..record.results import RESULT, Ending, Result, failing_functions
from ..terminal import annotations
from ..terminal import summary as report
from ..terminal.truncation import Truncation
from . import crashes, supervisor, workers, xfails
from .collect import FamilyItem, LiveFile, VectorFile
from .plan import ChosenFile, golden_files, read_plan
from .state import SessionState

LIVE_SECONDS = 60.0
"""How long live cases are tried, all functions together."""
SEED = "impl_seed"
"""The key of the seed among the options, and in a pytest-xdist worker's input."""
PROBLEMS = "backproof_problems"
"""The key of a pytest-xdist worker's output for what went wrong outside its tests."""


class Run:
    """One run of pytest with --impl."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.state = SessionState(config, crashes.trace_file(config))
        self._truncation = Truncation(self.state.results)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the markers that are known before a file is read, for `pytest --markers`; settle the seed."""
        if config.option.impl_seed is not None:
            config.option.impl_seed = _seed(getattr(config, "workerinput", config.option.__dict__)[SEED])
        with _usage_errors():
            _register(config, golden_files(), "families of this operation")
        _register(config, DTYPES, "families of this dtype")
        _register(config, DIRECTIONS, "families of this direction")
        _register(config, LEVELS, "families of this level")
        _register(config, ["live"], "cases that are drawn: --impl-live")
        _register(config, ["large"], "cases of a GPU's size: --impl-size=large")
        directs = not hasattr(config, "workerinput")
        if directs and (name := config.option.impl_report) is not None:
            from .recorder import Recorder  # a run that is not written down must not pay for it

            recorder = Recorder(self.state, config.invocation_params.dir / name, name)
            config.pluginmanager.register(recorder, "backproof-report")
        config.pluginmanager.register(self._truncation, "backproof-truncation")
        if directs and hasattr(config.option, "maxworkerrestart"):
            config.pluginmanager.register(crashes.Crashes(self.state), "backproof-crashes")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Divide the processors among pytest-xdist's workers."""
        workers.share_processors(specs)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Read everything, so that whatever is wrong is a usage error before anything has run."""
        supervisor.catch_exit(self.config)
        supervisor.keep_pipes(self.config)
        supervisor.at("where the implementation is loaded")
        self.config.add_cleanup(interrupts.watch_interrupts())
        with _usage_errors():
            plan = read_plan(self.config)
        self.state.note_replaced("when it was loaded")
        if plan.implementation.option == "--impl" and not plan.implementation.isolated:
            implementation = crashes.without_gone(plan.implementation, self.config)
            implementation = replace(implementation, after_calls=self.state.note_replaced)
            plan = replace(plan, implementation=self.state.watch.watched(implementation))
        self.state.plan = plan
        _register(self.config, plan.own_operations, "families of this operation")
        for file in plan.files:
            for flag in file.vectors.flags:
                _register(self.config, [flag.name], one_line(flag.effect))
        self.config.args = list(plan.paths)
        self.config.args_source = pytest.Config.ArgsSource.ARGS

    def pytest_report_header(self) -> list[str]:
        """Name the implementation and the vectors."""
        plan = self.state.plan
        return report.header(plan.implementation, plan.vectors_version, plan.remarks)

    # The outermost wrapper, so that --lf's neither sorts the vector files nor leaves them out.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Put the vector files before whatever else the session collects."""
        collected = yield
        if isinstance(collector, pytest.Session) and collected.passed:
            files = [self._node(collector, file) for file in self.state.plan.files if file.chosen]
            collected.result = [*files, *(collected.result or [])]
        return collected

    def _node(self, parent: pytest.Session, file: ChosenFile) -> VectorFile:
        node: dict[str, Any] = {"path": file.path, "nodeid": file.nodeid, "state": self.state}
        node |= {"vectors": file.vectors, "families": file.chosen}
        if file.golden is None:
            return VectorFile.from_parent(parent, **node)
        return LiveFile.from_parent(parent, golden=file.golden, **node)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the families in the order of --impl-seed, where they are among other tests."""
        if self.config.option.impl_seed is not None:
            places = [place for place, item in enumerate(items) if isinstance(item, FamilyItem)]
            families = [items[place] for place in places]
            Random(self.config.option.impl_seed).shuffle(families)
            for place, family in zip(places, families, strict=True):
                items[place] = family

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Set the implementation up and down around the tests, in each process that runs some."""
        self.state.looped = not self.config.option.collectonly
        idle = self._directs_workers() or not self.state.looped
        if idle or not any(isinstance(item, FamilyItem) for item in session.items):
            try:
                return (yield)
            finally:
                self.state.keep_folder()
        searches = sum(isinstance(item.parent, LiveFile) and "live" in item.keywords for item in session.items)
        self.state.live_seconds = (self.config.option.impl_live or LIVE_SECONDS) / max(searches, 1)
        supervisor.at("in setup()")
        try:
            self.state.plan.implementation.setup()
        except AdapterError as error:
            session.shouldfail = str(error)  # ends the other processes too under pytest-xdist
            raise pytest.UsageError(str(error)) from None
        try:
            self.state.note_replaced("in setup()")
            if supervisor.is_attended():  # collections of garbage need not go through what was collected of tests
                gc.freeze()
            return (yield)
        finally:
            supervisor.at("in teardown(), or after it")
            try:
                self.state.plan.implementation.teardown()
            except AdapterError as error:
                self.state.problems.append(str(error))
            self.state.note_replaced("by the end")
            self.state.keep_folder()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to the report; a skip is located in the vector file."""
        made = yield
        if isinstance(item, FamilyItem) and item.result and call.when == "call":
            self.state.results[item.nodeid] = item.result
            setattr(made, RESULT, pack(item.result))
            if item.result.ending is Ending.SKIPPED:
                made.longrepr = (item.nodeid.partition("::")[0], 0, item.result.note)
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store a result that comes from another process: a worker of pytest-xdist."""
        if hasattr(report, "node") and (packed := getattr(report, RESULT, None)):
            self.state.results[report.nodeid] = unpack(Result, packed)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a pytest-xdist worker the seed, which it would draw again."""
        node.workerinput[SEED] = self.config.option.impl_seed

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Store what went wrong in a pytest-xdist worker outside its tests."""
        self.state.problems += getattr(node, "workeroutput", {}).get(PROBLEMS, [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a session in which nothing passed, or something is wrong with the run as a whole."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[PROBLEMS] = self.state.problems
            return
        if not self.state.looped or exitstatus not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            return
        self.state.problems = list(dict.fromkeys([*self.state.problems, *self._problems()]))
        if self.state.problems and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._tell_junit()

    def _tell_junit(self) -> None:
        """Have a JUnit file say what is wrong with each function that fails, and what it looks like."""
        reports = [p for p in self.config.pluginmanager.get_plugins() if hasattr(p, "add_global_property")]
        for junit in reports:
            for one in failing_functions(self.state.results_so_far(), self.state.diagnoses()):
                junit.add_global_property(f"{one.op}_{one.direction}", one.line)
            for diagnosis in self.state.diagnoses():
                for finding in diagnosis.findings:
                    said = f"{finding.name} - {finding.wrong} Cure: {finding.cure}"
                    junit.add_global_property(f"{diagnosis.op}_{diagnosis.direction} looks like", said)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the summary, after what pytest writes of failures and before its own short one."""
        self._truncation.after_failures(terminalreporter, self.config)
        state, results = self.state, self.state.results_so_far()
        implementation, diagnoses = state.plan.implementation, state.diagnoses()
        lines = []
        if self.config.get_verbosity() > -2:
            points = followed(result.verdict for result in results)
            paint = self.config.get_terminal_writer().markup
            ranks = state.ranks_of_failing()
            lines = report.summary(results, implementation, points, diagnoses, paint, state.plan.absent, ranks)
        if lines or state.problems:
            terminalreporter.ensure_newline()
            terminalreporter.section("backproof")
        for line in lines:
            terminalreporter.write_line(line)
        for problem in state.problems:
            terminalreporter.write_line(f"backproof: {problem}", red=True)  # one line, for whoever greps a log
        if annotations.wanted():
            for line in annotations.annotations(results, diagnoses, state.problems, implementation.argument):
                terminalreporter.write_line(line)

    def _directs_workers(self) -> bool:
        """Whether this is pytest-xdist's controller, which runs no test itself."""
        return self.config.pluginmanager.hasplugin("dsession")

    def _problems(self) -> Iterator[str]:
        """What is wrong with the run as a whole."""
        results, plan = self.state.results_so_far(), self.state.plan
        yield from report.nothing_passed(results, plan.paths)
        yield from report.required_and_missing(results, plan.required)
        yield from inconsistencies((result.verdict for result in results), strict=plan.strict)
        if plan.expected:
            failing = {result.nodeid: result.ending is Ending.EXPECTED_FAILURE for result in results}
            yield from xfails.stale(plan.expected, plan.known, failing, whole=plan.whole)


def _seed(given: str | int) -> int:
    """The number that --impl-seed gives, which a worker of pytest-xdist is told. Raises UsageError."""
    if given == "random":
        return randbits(32)
    try:
        return int(given)
    except ValueError:
        raise pytest.UsageError(f"--impl-seed={given}: give a whole number, or random") from None


def _register(config: pytest.Config, names: Iterable[str], meaning: str) -> None:
    for name in names:
        config.addinivalue_line("markers", f"{name}: backproof: {meaning}")


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn errors of the user's files and options into pytest's UsageError, which prints one line."""
    try:
        yield
    except (AdapterError, CommandError, VectorError) as error:
        raise pytest.UsageError(one_line(str(error)[:MOST_TEXT])) from None
