"""Records of runs for the page: of families that ended in any way."""

from dataclasses import replace
from typing import Any

import made_records
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict
from backproof.conformance.record.contents import NOT_ASKED, FamilyRecord, RunRecord
from backproof.conformance.record.results import Ending, Result
from backproof.vectors.records import Flag

FLAG = Flag("two-words", "missing factor", "steps are too short", "https://example.org/factor")


def family(
    number: int = 0,
    *,
    op: str = "dense",
    dtype: str = "float32",
    ending: Ending = Ending.PASSED,
    outcome: Outcome = Outcome.PASSED,
    note: str = "",
    **more: Any,
) -> FamilyRecord:
    """A family of a backward; `more` are fields of its verdict."""
    name = f"backward-random-n{number}"
    verdict = Verdict(f"{op}/{dtype}/{name}", op, dtype, "backward", "required", outcome, 4, **({"ulps": 1.0} | more))
    result = Result(f"vectors/{op}.h5::{dtype}/{name}", verdict, ending, note)
    return FamilyRecord(result, ("two-words",), "valid", {"reduction": "mean"}, "a family of no size")


def failure(number: int = 0, *misses: Miss, **more: Any) -> FamilyRecord:
    """A family that fails."""
    misses = misses or (Miss(MissKind.VALUE, False, 3, f"outputs is wrong, number {number}", ("by much",)),)
    return family(number, ending=Ending.FAILED, outcome=Outcome.FAILED, misses=misses, **({"fraction": 12345.0} | more))


def absent(number: int = 0, **more: Any) -> FamilyRecord:
    """A family that is not implemented."""
    return family(
        number, ending=Ending.SKIPPED, outcome=Outcome.NOT_IMPLEMENTED, note="not implemented", ulps=None, **more
    )


def record(*families: FamilyRecord, not_run: int = 0, not_asked: int = 0, **changes: Any) -> RunRecord:
    """The record of a run of these, with so many of the first one's kind left out; `changes` are fields of it."""
    made = made_records.record(*families, not_run=not_run)
    first, *others = made.planned
    tested = replace(
        made.implementation,
        name="my layers",
        version="3.1",
        spec="mypkg.adapter",
        argument="--impl=mypkg.adapter",
        functions=tuple(dict.fromkeys(f"{family.result.verdict.op}_backward" for family in families)),
        dtypes=("float64", "float32"),
    )
    more = {
        "implementation": tested,
        "planned": (replace(first, families=first.families + not_asked), *others),
        "counts": {**made.counts, NOT_ASKED: not_asked},
        "flags": (FLAG,),
    }
    return replace(made, **(more | changes))
