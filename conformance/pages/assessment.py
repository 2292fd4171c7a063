"""Whether a run shows that an implementation conforms: a rating and a sentence."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..check.wording import first_few, plural
from ..record.contents import HELD, NOT_ASKED, NOT_RUN, Progress, RunRecord
from ..record.results import is_left_out, right_in_full

MOST_NAMED = 6
_WRONG = ("failed", "expected failure")


class Rating(StrEnum):
    """Whether the gradients are right."""

    CONFORMS = "conforms"
    """Every operation is right at every declared dtype, except for robust misses and what is not promised."""
    IN_PART = "conforms in part"
    """What ran is right; at these dtypes there is more that did not run."""
    FAILS = "does not conform"
    INCOMPLETE = "did not complete"
    """What ran is right; the run was ended early."""
    UNDECIDED = "undecided"
    """No family is wrong, and yet the run failed, or no family passed."""


@dataclass(frozen=True)
class Assessment:
    """The rating of a run, and why."""

    word: Rating
    sentence: str
    """Why: a sentence or two."""


def assess(record: RunRecord) -> Assessment:
    """Rate the run of a record."""
    held = sum(record.counts[word] for word in HELD)
    wrong = sum(record.counts[word] for word in _WRONG)
    if wrong:
        functions = dict.fromkeys(f.result.verdict.function for f in record.families if f.standing in _WRONG)
        expected = record.counts["expected failure"]
        as_expected = "" if not expected else ", as expected" if expected == wrong else f", {expected:,} as expected"
        sentence = f"{wrong:,} of {plural(held, 'family', 'families')} that ran {'fails' if wrong == 1 else 'fail'}"
        return Assessment(Rating.FAILS, f"{sentence}{as_expected}: in {first_few(functions, MOST_NAMED)}.")
    if record.state is not Progress.COMPLETE:
        return Assessment(Rating.INCOMPLETE, f"{incompleteness(record)} Of {held:,} that ran, none fails.")
    if record.problems or record.counts["unexpected pass"] or not record.counts["passed"]:
        surprise = ["families pass that were expected to fail"] if record.counts["unexpected pass"] else []
        why = [*record.problems, *surprise, "none passes"][0]
        return Assessment(Rating.UNDECIDED, f"No family fails, and yet the run did: {why}.")
    robust = record.counts["robust miss"]
    misses = f", {plural(robust, 'misses', 'miss')} something robust" if robust else ""
    passed = f"{plural(record.counts['passed'], 'family passes', 'families pass')}{misses}"
    left_out = list(_left_out(record))
    more = f" Left out: {', '.join(left_out)}." if left_out else ""
    if _in_part(record):
        return Assessment(Rating.IN_PART, f"{shares(record)} pass{misses}, none fails.{more}")
    return Assessment(Rating.CONFORMS, f"{passed}, none fails.{more}")


def shares(record: RunRecord) -> str:
    """How many operations are right in full, and how many families pass, of those that there are."""
    ops = dict.fromkeys(planned.op for planned in record.planned)
    asked = {op: sum(planned.families for planned in record.planned if planned.op == op) for op in ops}
    ran = Counter(family.result.verdict.op for family in record.families)
    whole = right_in_full((family.result for family in record.families), record.implementation.dtypes)
    right = sum(asked[op] == ran[op] for op in whole)
    total = sum(asked.values())
    operations, families = plural(len(ops), "operation", "operations"), plural(total, "family", "families")
    return f"{right} of {operations}, {record.counts['passed']:,} of {families}"


def incompleteness(record: RunRecord) -> str:
    """Why a run is incomplete, and how many families are missing."""
    left = f"{plural(record.counts[NOT_RUN], 'family was', 'families were')} not reached."
    if record.state is Progress.RUNNING:
        return f"The run was still going, or was killed, when this was written; {left}"
    return f"The run was interrupted ({record.reason}); {left}"


def _left_out(record: RunRecord) -> Iterator[str]:
    """How many families did not run, and why."""
    for word in ("not implemented", "unsupported", NOT_RUN, NOT_ASKED):
        if count := record.counts[word]:
            names = first_few(absent(record), MOST_NAMED) if word == "not implemented" else ""
            yield f"{count:,} {word}" + (f" ({names})" if names else "")


def _in_part(record: RunRecord) -> bool:
    """Whether something did not run that should, given the declared dtypes."""
    if record.counts[NOT_RUN] or record.counts[NOT_ASKED]:
        return True
    return any(is_left_out(family.result.verdict, record.implementation.dtypes) for family in record.families)


def absent(record: RunRecord) -> Iterator[str]:
    """What the implementation lacks: operations, single functions, and dtypes."""
    functions: dict[str, dict[str, None]] = {}
    for planned in record.planned:
        functions.setdefault(planned.op, {})[planned.function] = None
    for op, names in functions.items():
        lacking = names.keys() - record.implementation.functions
        yield from [op] if lacking == names.keys() else sorted(lacking)
    dtypes = dict.fromkeys(planned.dtype for planned in record.planned)
    yield from (dtype for dtype in dtypes if dtype not in record.implementation.dtypes)
