"""Runs side by side on a terminal of 80 columns: standings by operation, and what got better or worse."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from string import ascii_uppercase

from ...vectors.dtypes import DTYPES
from ..check.verdict import Outcome
from ..check.wording import WIDTH, full_name, plural, wrapped
from ..record.contents import NOT_RUN, RunRecord
from .assessment import assess
from .changes import Change, Closer, Trend
from .overview import Cell, Stand, cells

MOST_RUNS = 5
"""Runs in one table; further ones get another table."""
MOST_CHANGES = 3
"""Changes of one kind that are listed."""

_OP, _DTYPE, _CELL = 22, 9, 9


SHORT = {Stand.PASSES: "pass", Stand.PART: "part", Stand.UNSUPPORTED: "unsupp.", Stand.ABSENT: "absent"}


def letters() -> Iterator[str]:
    """The names of runs in a table: A, B, and so on."""
    yield from ascii_uppercase
    yield from (first + second for first in ascii_uppercase for second in ascii_uppercase)


def title(record: RunRecord) -> str:
    """The implementation's name and version."""
    return full_name(record.implementation.name, record.implementation.version)


def table(records: Sequence[RunRecord]) -> Iterator[str]:
    """The rating of each run, then a table of operations and dtypes with a column for each run."""
    named = list(zip(letters(), records, strict=False))
    for letter, record in named:
        said = assess(record)
        yield from wrapped(f"{title(record)} {said.word}. {said.sentence}", f"{letter}  ", "   ")
    for start in range(0, len(named), MOST_RUNS):
        yield ""
        yield from _columns(named[start : start + MOST_RUNS])
    yield ""
    yield "pass: every family; 2 fail: so many of them; 2 robust: so many miss something"
    yield "robust; part: some did not run; absent: not implemented; -: not asked for"


def _columns(named: Sequence[tuple[str, RunRecord]]) -> Iterator[str]:
    runs = [cells(record) for _, record in named]
    yield f"{'operation':<{_OP}}{'dtype':<{_DTYPE}}" + "".join(f"{letter:>{_CELL}}" for letter, _ in named)
    for op in dict.fromkeys(op for run in runs for op in run):
        label = op
        if len(label) >= _OP:
            yield label
            label = ""
        for dtype in DTYPES:
            said = [short(run.get(op, {}).get(dtype)) for run in runs]
            yield f"{label:<{_OP}}{dtype:<{_DTYPE}}" + "".join(f"{words:>{_CELL}}" for words in said)
            label = ""


def short(cell: Cell | None) -> str:
    """A standing in at most eight letters."""
    if cell is None:
        return "-"
    match cell.stand:
        case Stand.FAILS:
            return f"{cell.counts['failed'] + cell.counts['unexpected pass']:,} fail"
        case Stand.EXPECTED:
            return f"{cell.counts['expected failure']:,} xfail"
        case Stand.ROBUST:
            return f"{cell.counts['robust miss']:,} robust"
        case Stand.NOT_RUN:
            return "not run" if cell.counts[NOT_RUN] else "-"
        case stand:
            return SHORT[stand]


def differing_conventions(records: Sequence[RunRecord]) -> dict[str, dict[str, list[str]]]:
    """For each point at which the runs follow different conventions: the letters of the runs by answer."""
    answers: dict[str, dict[str, list[str]]] = {}
    for letter, record in zip(letters(), records, strict=False):
        for found in record.conventions:
            answers.setdefault(found.point, {}).setdefault(found.words, []).append(letter)
    return {point: by_answer for point, by_answer in sorted(answers.items()) if len(by_answer) > 1}


def conventions(records: Sequence[RunRecord]) -> Iterator[str]:
    """Lines on the conventions that the runs differ in."""
    found = differing_conventions(records)
    if found:
        yield from ("", "conventions that differ:")
    for point, by_answer in found.items():
        said = "; ".join(f"{words} ({', '.join(who)})" for words, who in by_answer.items())
        yield from wrapped(f"{point} = {said}", "  ", "    ")


def progress(changed: Iterable[Change], nearer: Iterable[Closer]) -> Iterator[str]:
    """What got worse, what got better, what changed otherwise, and what came closer to its bound."""
    found = list(changed)
    for trend in Trend:
        alike = [change for change in found if change.trend is trend]
        if alike:
            yield from ("", f"{trend}: {plural(len(alike), 'family', 'families')}")
            yield from _listed(alike)
    closer = sorted(nearer, key=lambda one: one.after, reverse=True)
    if closer:
        yield from ("", f"closer to the bound, and within it: {plural(len(closer), 'family', 'families')}")
        for one in closer[:MOST_CHANGES]:
            yield from wrapped(f"{one.id}: {one.before:.2g} of the tolerance, now {one.after:.2g}", "  ", "    ")
        if len(closer) > MOST_CHANGES:
            yield f"  and {len(closer) - MOST_CHANGES:,} more"
    if not found and not closer:
        yield from ("", "nothing got better or worse")


def _listed(alike: Sequence[Change]) -> Iterator[str]:
    """Lines on how many families went from one outcome to another, with the first ones."""
    kinds = Counter((change.before, change.after) for change in alike)
    for (before, after), count in sorted(kinds.items(), key=lambda kind: (kind[0][1] != Outcome.FAILED, -kind[1])):
        yield f"  {count:,} {before} -> {after}"
        of_kind = (change for change in alike if (change.before, change.after) == (before, after))
        for change in islice(of_kind, MOST_CHANGES):
            yield from wrapped(change.id + (f": {change.why}" if change.why else ""), "    ", "      ")
        if count > MOST_CHANGES:
            yield f"    and {count - MOST_CHANGES:,} more"


assert _OP + _DTYPE + MOST_RUNS * _CELL <= WIDTH
