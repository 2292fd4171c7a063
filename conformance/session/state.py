"""The state of a run with an implementation, which its hooks share."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

import pytest

from ...vectors.records import DIRECTIONS, Family, OperationVectors
from ..check.family import check
from ..check.verdict import Miss, MissKind, Verdict, verdict_on
from ..implementation.errors import AdapterError, describe_error, error_path
from ..implementation.interrupts import is_users
from ..implementation.watch import Watch
from ..record.results import Ending, Result
from . import integrity, supervisor, xfails
from .outcome import conclude
from .plan import ChosenFile, Plan
from .selection import CASE, item_name

if TYPE_CHECKING:
    from ..diagnosis.findings import Diagnosis
    from ..live.judging import Judged

DIAGNOSED_WITHIN = 30.0
"""Seconds of processor in which all failures of a run are diagnosed: of many functions, each gets its share of what is
left, and those that are told sooner leave it to others."""


class SessionState:
    """One run of pytest with --impl or --impl-cmd, in one process."""

    plan: Plan
    """Set at pytest_sessionstart."""

    def __init__(self, config: pytest.Config, trace: Path | None) -> None:
        """`trace` is the file in which a pytest-xdist worker counts its calls."""
        self.config = config
        self.results: dict[str, Result] = {}
        """Results by node id, in the order in which they came in."""
        self.problems: list[str] = []
        """What fails the session, although every test may have passed; one line each."""
        self.looped = False
        """Whether pytest runs tests; with --collect-only or --fixtures it does not."""
        errors = os.dup(2)  # pytest captures the descriptor itself while tests run
        config.add_cleanup(partial(os.close, errors))
        # The calls of --impl-cmd are made by another process, and bounded where it is spoken to.
        here = config.option.impl is not None and not config.option.impl_isolate
        self.watch = Watch(config.option.impl_timeout if here else None, trace if here else None, errors)
        self.live_seconds = 0.0
        """How long live cases of one function and dtype are tried."""
        self.live_families: dict[str, Family] = {}
        """The live case that fails, by node id of what stands for it."""
        self._diagnosed: tuple[Diagnosis, ...] | None = None
        self._look, self._look_at_all = integrity.watch_what_verdicts_need()
        self._replaced: set[str] = set()
        """What the implementation has replaced so far: each is told once."""
        self._where = ""
        """Where the run is: "in NODEID"."""

    def check(self, nodeid: str, family: Family, vectors: OperationVectors, *, many_calls: bool) -> Result:
        """Check one family; `many_calls` is as `check.family.check` takes it."""
        verdict = self._verdict(nodeid, family, vectors=vectors, many_calls=many_calls)
        return self._concluded(nodeid, nodeid, verdict)

    def check_live(self, nodeid: str, standing: Family, golden: OperationVectors) -> Result:
        """Try live cases of one function. The result of one that fails has the node id of the case."""
        from .live_cases import judge_of, try_live_cases  # a run without them must not pay for it

        judge = judge_of(self.plan.implementation, standing, partial(self._verdict, nodeid, vectors=golden))
        live = try_live_cases(judge, standing, golden, self.config.option.impl_seed or 0, self.live_seconds)
        if live.judged is None:
            return self._concluded(nodeid, nodeid, live.verdict)
        self.live_families[nodeid] = live.judged.family
        return self._concluded(nodeid, f"{nodeid.partition(CASE)[0]}{CASE}{live.judged.case}", live.verdict)

    def _verdict(self, nodeid: str, family: Family, *, vectors: OperationVectors, **how: Any) -> Verdict:
        """The verdict on a family; `how` is as `check.family.check` takes it."""
        self._where = f"in {nodeid}"
        supervisor.at(self._where)
        with self.watch.family(nodeid):
            try:
                verdict = check(family, self.plan.implementation, vectors, **how)
            except BaseException as error:  # of an object that was returned, or raised, or a fault of backproof's
                if is_users(error):
                    raise
                self.note_replaced()
                verdict = verdict_on(family, [_unchecked(error)])
            self.keep_folder()
        return verdict

    def _concluded(self, nodeid: str, name: str, verdict: Verdict) -> Result:
        expected = xfails.find(self.plan.expected, nodeid, verdict.id)
        return conclude(name, verdict, expected, strict=self.plan.strict)

    def note_replaced(self, where: str = "") -> None:
        """Put back what the implementation has replaced of what verdicts are made with, and make a problem of it.

        Without a place it is the family at hand, after which not everything is looked at.
        """
        found = self._look_at_all() if where else self._look()
        if replaced := [name for name in found if name not in self._replaced]:
            self._replaced.update(replaced)
            self.problems.append(integrity.told(replaced, where or self._where))

    def keep_folder(self) -> None:
        """Make the folder that the run was started in again where it is gone, and go there: pytest goes back to it."""
        folder = self.config.invocation_params.dir
        if not os.path.isdir(folder):  # noqa: PTH112 # after each family, and several times as fast
            problem = f"the implementation removed the folder {folder}: made again, without what was in it"
            if problem not in self.problems:
                self.problems.append(problem)
            folder.mkdir(parents=True)
        try:
            os.getcwd()  # noqa: PTH109 # likewise
        except OSError:
            os.chdir(folder)

    def results_so_far(self) -> list[Result]:
        """All results, in the order of the vector files, whatever the order in which they came in."""
        return [result for file in self.plan.files for _, result in self.results_of(file)]

    def results_of(self, file: ChosenFile) -> Iterator[tuple[Family, Result]]:
        """The families of a file that have run, in its order, with their results."""
        for family in file.chosen:
            nodeid = f"{file.nodeid}::{item_name(family)}"
            if (result := self.results.get(nodeid)) is not None:
                yield self._family_of(file, family, nodeid, result), result

    def _family_of(self, file: ChosenFile, family: Family, nodeid: str, result: Result) -> Family:
        """The family that a result speaks of: of live cases the one that fails, drawn again where a worker found it."""
        case = result.nodeid.partition(CASE)[2]
        if file.golden is None or not case or not result.ending.fails:
            said = result.verdict.reason if result.ending is Ending.PASSED else ""
            return replace(family, comment=f"{family.comment} {said}") if said else family
        if nodeid not in self.live_families:
            from .live_cases import family_of_case, judge_of

            judge = judge_of(self.plan.implementation, family, verdict_on)
            self.live_families[nodeid] = family_of_case(judge, case, family, file.golden)
        return self.live_families[nodeid]

    def _beside_live(self, file: ChosenFile) -> Iterator["Judged"]:
        """Cases beside each live one that fails, judged now, by which it is explained."""
        from .live_cases import beside, judge_of

        implementation, vectors = self.plan.implementation, file.golden
        for family in file.chosen if vectors is not None else ():
            result = self.results.get(f"{file.nodeid}::{item_name(family)}")
            case = result.nodeid.partition(CASE)[2] if result is not None and result.ending.fails else ""
            if case and family.flags[0] == "live":
                assert vectors is not None
                judge = judge_of(implementation, family, lambda one: check(one, implementation, vectors))
                yield from beside(judge, case, family, vectors)

    def ranks_of_failing(self) -> dict[str, int]:
        """By node id, the rank of the largest argument of each family of the functions that fail."""
        failing = {(r.verdict.op, r.verdict.direction) for r in self.results.values() if r.ending.fails}
        return {
            f"{file.nodeid}::{item_name(family)}": max(tensor.ndim for tensor in family.inputs.values()) - 1
            for file in self.plan.files
            for family in file.chosen
            if (family.op, family.direction) in failing
        }

    def diagnoses(self) -> tuple["Diagnosis", ...]:
        """The diagnoses of the failures, made once."""
        if self._diagnosed is None:
            self._diagnosed = tuple(self._diagnose())
        return self._diagnosed

    def _diagnose(self) -> list["Diagnosis"]:
        """Diagnose the failures; sets the implementation up once more. An error becomes a problem of the run."""
        if not self.looped or self._replaced or not any(result.ending.fails for result in self.results.values()):
            return []
        from ..diagnosis.evidence import Ran
        from ..diagnosis.findings import diagnose  # a run without failures must not pay for these
        from ..diagnosis.search import MOST_SECONDS

        supervisor.at("while failures are diagnosed")
        try:
            self.plan.implementation.setup()
        except AdapterError:
            return []
        found: list[Diagnosis] = []
        try:
            with self.watch.family():
                failing = [f for f in self.plan.files if any(r.ending.fails for _, r in self.results_of(f))]
                together = [(f, *(g for g in self.plan.files if f.golden is g.vectors)) for f in failing]
                alone = [some for some in together if all(some[0] not in others[1:] for others in together)]
                end = thread_time() + DIAGNOSED_WITHIN
                for left, some in zip(range(len(alone), 0, -1), alone, strict=True):
                    file = some[-1]
                    ran = [Ran(family, r.verdict, r.ending.fails) for f in some for family, r in self.results_of(f)]
                    ran += [Ran(one.family, one.verdict, one.fails) for one in self._beside_live(some[0])]
                    share = (end - thread_time()) / (len(DIRECTIONS) * left)
                    found += diagnose(ran, self.plan.implementation, file.vectors, min(0.0, share - MOST_SECONDS))
        except BaseException as error:
            if is_users(error):
                raise
            why = f"the failures could not be diagnosed ({describe_error(error)})"
            self.problems.append(f"{why}; this is a fault of backproof's")
            return []
        finally:
            with suppress(AdapterError):
                self.plan.implementation.teardown()
            self.note_replaced("while failures were diagnosed")
            self.keep_folder()
        return found


def _unchecked(error: BaseException) -> Miss:
    """The miss of a family whose check an exception ended."""
    summary = f"the check ended in {describe_error(error)}"
    return Miss(MissKind.RAISED, False, None, summary, (f"at {error_path(error)}",))
