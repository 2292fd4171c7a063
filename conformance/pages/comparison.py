"""The page of several runs side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...vectors.dtypes import DTYPES
from ..check.verdict import Outcome
from ..record.contents import RunRecord
from .assessment import Assessment, assess
from .changes import Change, Closer, Trend
from .failures import failure_groups
from .overview import Cell, Stand, cells
from .render import render
from .sidebyside import differing_conventions, letters, title

MOST_CHANGES = 200
"""The most changes that are listed of one trend."""


@dataclass(frozen=True)
class Column:
    """A run."""

    letter: str
    title: str
    assessment: Assessment
    record: RunRecord


@dataclass(frozen=True)
class Chip:
    """The dtypes at which an operation has the same standing in one run."""

    stand: Stand
    dtypes: tuple[str, ...]
    """Empty if they are all."""
    count: str
    """"2 of 64" families; empty where the standing holds for all."""


@dataclass(frozen=True)
class Row:
    """An operation: its standing in each run, in brief and dtype by dtype."""

    op: str
    chips: tuple[tuple[Chip, ...], ...]
    by_dtype: dict[str, tuple[Cell | None, ...]]
    """None where a run's vectors have no such families."""


@dataclass(frozen=True)
class RunFailures:
    """How a function fails in one run."""

    families: int
    kinds: tuple[str, ...]
    findings: tuple[str, ...]
    """The names of the diagnosis."""


def comparison_page(records: Sequence[RunRecord], changed: Iterable[Change] | None, nearer: Iterable[Closer]) -> str:
    """The page as HTML without external files. `changed` is None where the runs are of different implementations.

    Raises CommandError.
    """
    columns = [Column(letter, title(r), assess(r), r) for letter, r in zip(letters(), records, strict=False)]
    found = None if changed is None else list(changed)
    return render(
        "comparison.html",
        columns=columns,
        rows=list(_rows(records)),
        wrong=_wrong(records),
        differing=differing_conventions(records),
        compared=found is not None,
        changes={trend: _first_failures(found or (), trend) for trend in Trend},
        nearer=list(nearer),
        most=MOST_CHANGES,
    )


def _first_failures(changed: Iterable[Change], trend: Trend) -> list[Change]:
    alike = (change for change in changed if change.trend is trend)
    return sorted(alike, key=lambda change: change.after != Outcome.FAILED)


def _rows(records: Sequence[RunRecord]) -> Iterator[Row]:
    runs = [cells(record) for record in records]
    for op in dict.fromkeys(op for run in runs for op in run):
        chips = tuple(tuple(_chips(run.get(op, {}))) for run in runs)
        there = [dtype for dtype in DTYPES if any(dtype in run.get(op, {}) for run in runs)]
        yield Row(op, chips, {dtype: tuple(run.get(op, {}).get(dtype) for run in runs) for dtype in there})


def _chips(by_dtype: Mapping[str, Cell]) -> Iterator[Chip]:
    alike: dict[Stand, list[Cell]] = {}
    for cell in by_dtype.values():
        alike.setdefault(cell.stand, []).append(cell)
    for stand, found in alike.items():
        dtypes = tuple(cell.dtype for cell in found)
        yield Chip(stand, dtypes if len(alike) > 1 else (), _count(stand, found))


def _count(stand: Stand, found: Sequence[Cell]) -> str:
    told = {Stand.FAILS: ("failed", "unexpected pass"), Stand.ROBUST: ("robust miss",)}.get(stand, ())
    count = sum(cell.counts[word] for cell in found for word in told)
    return f"{count:,} of {sum(cell.held for cell in found):,}" if count else ""


def _wrong(records: Sequence[RunRecord]) -> dict[str, list[RunFailures | None]]:
    """For each function that fails in some run, its failures run by run; None where it does not fail."""
    found: dict[str, list[RunFailures | None]] = {}
    for position, record in enumerate(records):
        by_function: dict[str, RunFailures] = {}
        for group in failure_groups(record.families, lambda family: family.result.ending.fails, record.diagnoses):
            before = by_function.get(group.function, RunFailures(0, (), ()))
            findings = tuple(finding.name for finding in group.diagnosis.findings) if group.diagnosis else ()
            by_function[group.function] = RunFailures(
                before.families + len(group.families), (*before.kinds, group.title), before.findings + findings
            )
        for name, wrong in by_function.items():
            found.setdefault(name, [None] * len(records))[position] = wrong
    return found
