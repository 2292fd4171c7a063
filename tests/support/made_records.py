"""Records of runs made by hand: of an operation `double` at float32, without a run."""

from collections import Counter
from dataclasses import replace

from backproof.conformance.check.conventions import followed
from backproof.conformance.check.precisions import precisions_met
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict
from backproof.conformance.diagnosis.findings import Diagnosis
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.record.contents import (
    STANDINGS,
    Asked,
    FamilyRecord,
    Machine,
    Planned,
    Progress,
    RunRecord,
    Tested,
    Versions,
)
from backproof.conformance.session.outcome import conclude

UNDECLARED = Implementation("mine", "Mine", "", {})
TESTED = Tested("Mine", "1.0", "--impl", "mine", "--impl=mine", "", {}, ("double_backward",), ("float32",), {}, {}, ())


def family(name: str, outcome: Outcome = Outcome.PASSED, summary: str = "loss is wrong", **fields) -> FamilyRecord:
    """A backward family of this name and outcome; what is wrong with it, if anything, is `summary`."""
    missed = outcome in (Outcome.FAILED, Outcome.ROBUST_MISS)
    misses = (Miss(MissKind.VALUE, outcome is Outcome.ROBUST_MISS, 0, summary),) if missed else ()
    op, dtype = fields.pop("op", "double"), fields.pop("dtype", "float32")
    verdict = Verdict(f"{op}/{dtype}/{name}", op, dtype, "backward", "required", outcome, 1, misses, **fields)
    result = conclude(f"vectors/{op}.h5::{dtype}/{name}", verdict, None, strict=False)
    return FamilyRecord(result, (), "valid", {}, f"What {name} is for.")


def record(
    *families: FamilyRecord,
    not_run: int = 0,
    state: Progress = Progress.COMPLETE,
    manifest: str = "0" * 64,
    name: str = "Mine",
    diagnoses: tuple[Diagnosis, ...] = (),
) -> RunRecord:
    """A run in which these families ran, and so many more were to."""
    cells = Counter((f.result.verdict.op, f.result.verdict.dtype) for f in families) or Counter(
        {("double", "float32"): 0}
    )
    first = next(iter(cells))
    cells[first] += not_run
    counts = dict.fromkeys(STANDINGS, 0) | Counter(f.standing for f in families) | {"not run": not_run}
    return RunRecord(
        state=state,
        reason="" if state is Progress.COMPLETE else "Ctrl-C",
        started="2026-01-31T12:00:00Z",
        ended="2026-01-31T12:00:01Z",
        seconds=1.0,
        exit_status=0,
        implementation=replace(TESTED, name=name, spec=name.lower(), argument=f"--impl={name.lower()}"),
        versions=Versions("0.1.0", "1.0.0", manifest, "CPython 3.11.0", "2.0.0", "3.10.0", "8.2.0"),
        machine=Machine("Linux", "x86_64", 2),
        asked=Asked(False, (), (), True, "", "", None, ""),
        problems=(),
        planned=tuple(Planned(op, dtype, "backward", count, count) for (op, dtype), count in cells.items()),
        counts=counts,
        conventions=followed(f.result.verdict for f in families),
        precisions=precisions_met((f.result.verdict for f in families), UNDECLARED.working_precision),
        diagnoses=diagnoses,
        flags=(),
        answers=(),
        families=families,
    )
