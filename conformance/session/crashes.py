"""Adapters that end the interpreter: under pytest-xdist this costs a worker and the current family.

The workers note in a file how many calls a family has made, so that the process that directs them can tell which one
was the last.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ...vectors.records import Family
from ..check.verdict import Miss, MissKind, Verdict, verdict_on
from ..implementation.load import Implementation
from ..implementation.timeouts import MOST_CALLS, Lost, LostCalls
from ..implementation.watch import calls_noted
from ..record.plain import pack
from ..record.results import RESULT
from ..terminal import summary as words
from . import xfails
from .outcome import conclude
from .selection import item_name
from .state import SessionState

MOST_WORKERS = 100
"""How many workers are replaced where the user sets no limit; pytest-xdist's default is small."""
_TRACE = "backproof_trace"
_GONE = "backproof_gone"


def trace_file(config: pytest.Config) -> Path | None:
    """The file in which this process counts the calls of a family, if it is a worker of pytest-xdist."""
    trace = getattr(config, "workerinput", {}).get(_TRACE)
    return Path(trace) if trace else None


def without_gone(implementation: Implementation, config: pytest.Config) -> Implementation:
    """The implementation, in which the functions that have ended too many workers raise Lost."""
    gone = getattr(config, "workerinput", {}).get(_GONE, {})
    lost = {key: partial(_lose, words) for key in implementation.functions if (words := gone.get("_".join(key)))}
    return replace(implementation, functions={**implementation.functions, **lost}) if lost else implementation


class Crashes:
    """Hooks of pytest-xdist's controller for workers that end."""

    def __init__(self, state: SessionState) -> None:
        self.state = state
        self._lost: dict[str, LostCalls] = {}
        """By function."""
        self._folder: Path | None = None
        self._idle_ends = 0
        """How many workers in a row have ended without a call."""
        if state.config.option.maxworkerrestart is None:
            state.config.option.maxworkerrestart = str(MOST_WORKERS)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a new worker where to count its calls, and which functions not to call any more."""
        if node.gateway.spec.popen:  # on this machine, that is
            node.workerinput[_TRACE] = str(self._trace(node))
        node.workerinput[_GONE] = {name: lost.why_not_called() for name, lost in self._lost.items()}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Stop where worker after worker ends without a call: it is not replaced by one that does better."""
        self._idle_ends = self._idle_ends + 1 if error and not self._calls(node) else 0
        if self._idle_ends >= MOST_CALLS:
            spec = self.state.plan.implementation.spec
            words = f"{spec}: pytest-xdist's workers end outside of calls: at import, in setup() or in teardown()"
            raise pytest.Session.Interrupted(words)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Turn the report of a crashed worker into that of the family it was checking."""
        family = self._family(crashitem)
        if family is None:
            return
        verdict = self._verdict(family, report.node)
        lost = self._lost.setdefault(verdict.function, LostCalls(verdict.function))
        lost.begin_family()
        lost.lose()
        plan = self.state.plan
        expected = xfails.find(plan.expected, crashitem, family.id)
        result = conclude(crashitem, verdict, expected, strict=plan.strict)
        setattr(report, RESULT, pack(result))
        report.when = "call"
        report.location = (crashitem.partition("::")[0], None, family.id)
        report.longrepr = words.failure(result, family, plan.implementation.argument)
        if not result.ending.fails:
            report.outcome = "skipped"
            report.wasxfail = result.note

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Forget the lost calls of a function that has answered."""
        result = self.state.results.get(report.nodeid)
        if report.when != "call" or result is None:
            return
        if result.verdict.calls and not any(miss.kind is MissKind.LOST for miss in result.verdict.misses):
            self._lost.pop(result.verdict.function, None)

    def _family(self, nodeid: str) -> Family | None:
        fileid, _, name = nodeid.partition("::")
        families = (family for file in self.state.plan.files if file.nodeid == fileid for family in file.chosen)
        return next((family for family in families if item_name(family) == name), None)

    def _verdict(self, family: Family, node: Any) -> Verdict:
        calls = self._calls(node)
        case = calls - 1 if calls <= family.count else 0
        if not calls:
            summary = "the interpreter ended before the first call"
        else:
            summary = (
                f"case {case}{'' if calls <= family.count else ', called again'}: the interpreter ended in the call"
            )
        details = (f"in pytest-xdist's worker {node.gateway.id}; its last words are on standard error",)
        return verdict_on(family, [Miss(MissKind.LOST, False, case if calls else None, summary, details)], calls=calls)

    def _calls(self, node: Any) -> int:
        """How many calls of a family a worker has begun."""
        trace = self._trace(node)
        return calls_noted(trace) if trace.exists() else 0

    def _trace(self, node: Any) -> Path:
        if self._folder is None:
            folder = tempfile.TemporaryDirectory(prefix="backproof-")
            self.state.config.add_cleanup(folder.cleanup)
            self._folder = Path(folder.name)
        return self._folder / str(node.gateway.id)


def _lose(words: str, *_: object, **__: object) -> NoReturn:
    raise Lost(words)
