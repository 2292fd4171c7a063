"""An adapter that ends the interpreter: under pytest-xdist it costs a worker, and the family at hand.

The workers note in a file how many calls a family has made, so that the process that directs them can tell which one
was the last.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ...vectors.records import Family
from ..check.verdict import Miss, MissKind, Verdict, verdict_on
from ..implementation.load import Implementation
from ..implementation.timeouts import Lost, Patience
from ..implementation.watch import Watch, calls_noted
from ..terminal import summary as words
from . import xfails
from .outcome import RESULT, conclude, pack
from .selection import item_name

if TYPE_CHECKING:
    from .run import Run

MOST_WORKERS = 100
"""How many workers are replaced where the user does not say; pytest-xdist's own limit is soon used up."""
_TRACE = "backproof_trace"
_GONE = "backproof_gone"


def watch(config: pytest.Config, errors: int) -> Watch:
    """What this process, whose standard error is the descriptor `errors`, keeps in sight of its calls.

    Nothing of calls that are another process's: --impl-cmd sees to those itself.
    """
    if config.option.impl is None:
        return Watch(None, None, errors)
    trace = getattr(config, "workerinput", {}).get(_TRACE)
    return Watch(config.option.impl_timeout, Path(trace) if trace else None, errors)


def without_gone(implementation: Implementation, config: pytest.Config) -> Implementation:
    """The implementation, but for those of its functions that have ended too many workers."""
    gone = getattr(config, "workerinput", {}).get(_GONE, {})
    lost = {key: partial(_lose, words) for key in implementation.functions if (words := gone.get("_".join(key)))}
    return replace(implementation, functions={**implementation.functions, **lost}) if lost else implementation


class Crashes:
    """What pytest-xdist's directing process does about workers that end."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self._patience: dict[str, Patience] = {}
        """By function."""
        self._folder: Path | None = None
        if run.config.option.maxworkerrestart is None:
            run.config.option.maxworkerrestart = str(MOST_WORKERS)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker that is about to start where to note its calls, and what not to call any more."""
        if node.gateway.spec.popen:  # on this machine, that is
            node.workerinput[_TRACE] = str(self._trace(node))
        node.workerinput[_GONE] = {name: patience.ended() for name, patience in self._patience.items()}

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Turn the report of a crashed worker into that of the family at hand."""
        family = self._family(crashitem)
        if family is None:
            return
        name = f"{family.op}_{family.direction}"
        patience = self._patience.setdefault(name, Patience(name))
        patience.begin_family()
        patience.lose()
        plan = self.run.plan
        expected = xfails.find(plan.expected, crashitem, family.id)
        result = conclude(crashitem, self._verdict(family, report.node), expected, strict=plan.strict)
        setattr(report, RESULT, pack(result))
        report.when = "call"
        report.location = (crashitem.partition("::")[0], None, family.id)
        report.longrepr = words.failure(result, family, plan.implementation.argument)
        if not result.ending.fails:
            report.outcome = "skipped"
            report.wasxfail = result.note

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a family that came to its end."""
        result = self.run.results.get(report.nodeid)
        if report.when != "call" or result is None:
            return
        if result.verdict.calls and not any(miss.kind is MissKind.LOST for miss in result.verdict.misses):
            self._patience.pop(f"{result.verdict.op}_{result.verdict.direction}", None)

    def _family(self, nodeid: str) -> Family | None:
        fileid, _, name = nodeid.partition("::")
        families = (family for file in self.run.plan.files if file.nodeid == fileid for family in file.chosen)
        return next((family for family in families if item_name(family) == name), None)

    def _verdict(self, family: Family, node: Any) -> Verdict:
        trace = self._trace(node)
        calls = calls_noted(trace) if trace.exists() else 0
        case = calls - 1 if calls <= family.count else 0
        if not calls:
            summary = "the interpreter ended before the first call"
        else:
            summary = (
                f"case {case}{'' if calls <= family.count else ', called again'}: the interpreter ended in the call"
            )
        details = (f"in pytest-xdist's worker {node.gateway.id}; its last words are on standard error",)
        return verdict_on(family, [Miss(MissKind.LOST, False, case if calls else None, summary, details)], calls=calls)

    def _trace(self, node: Any) -> Path:
        if self._folder is None:
            folder = tempfile.TemporaryDirectory(prefix="backproof-")
            self.run.config.add_cleanup(folder.cleanup)
            self._folder = Path(folder.name)
        return self._folder / str(node.gateway.id)


def _lose(words: str, *_: object, **__: object) -> NoReturn:
    raise Lost(words)
