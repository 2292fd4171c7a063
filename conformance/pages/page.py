"""The page of one run."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ..check.conventions import answers_seen
from ..record.contents import NOT_RUN, FamilyRecord, Progress, RunRecord
from ..record.results import failing_functions, refused_layouts
from .assessment import absent, assess, incompleteness
from .failures import FailureGroup, failure_groups, rerun_command, show_command
from .heatmap_cells import BANDS, HeatmapView
from .overview import EDGES, Stand, cells
from .render import render

MOST_OF_A_GROUP = 10
MOST_OF_A_PAGE = 120
"""Failures that are shown in full; of the others only the id."""


def run_page(record: RunRecord) -> str:
    """The page as HTML without external files. Raises CommandError."""
    failing = failure_groups(record.families, lambda family: family.result.ending.fails, record.diagnoses)
    table = cells(record)
    nowhere = [op for op, row in table.items() if all(cell.stand is Stand.ABSENT for cell in row.values())]
    return render(
        "run.html",
        record=record,
        assessment=assess(record),
        incomplete="" if record.state is Progress.COMPLETE else incompleteness(record),
        table={op: row for op, row in table.items() if op not in nowhere or len(nowhere) == len(table)},
        nowhere=len(nowhere) if len(nowhere) < len(table) else 0,
        dtypes=list(dict.fromkeys(planned.dtype for planned in record.planned)),
        edges=EDGES,
        failing=failing,
        failures=sum(len(group.families) for group in failing),
        functions=failing_functions((family.result for family in record.families), record.diagnoses),
        sections={group.function: group for group in reversed(failing)},  # the first of each function
        shown=_shown(failing),
        expected=failure_groups(record.families, lambda family: family.standing == "expected failure"),
        robust=failure_groups(record.families, lambda family: family.standing == "robust miss"),
        refused=_refused_layouts(record),
        reasons=_reasons(record),
        absent=list(absent(record)),
        not_run=record.counts[NOT_RUN],
        flags={flag.name: flag for flag in record.flags},
        answers_seen=lambda point: answers_seen(point, (family.result.verdict for family in record.families)),
        levels=BANDS,
        heats=_heats,
        show_command=show_command,
        rerun_command=rerun_command,
    )


def _shown(failing: tuple[FailureGroup, ...]) -> set[str]:
    """The node ids of the failures that are shown in full: the first of each group, and further ones up to a limit."""
    first = (group.families[0] for group in failing)
    others = (family for group in failing for family in group.families[1:MOST_OF_A_GROUP])
    return {family.result.nodeid for family in [*first, *islice(others, MOST_OF_A_PAGE)]}


def _heats(family: FamilyRecord) -> Iterator[HeatmapView]:
    """The heatmaps of a family."""
    return (HeatmapView(miss.heatmap) for miss in family.result.verdict.by_gravity if miss.heatmap is not None)


def _refused_layouts(record: RunRecord) -> list[tuple[str, int]]:
    """ "function: refused layout", and the number of families, the most frequent first."""
    refused = refused_layouts(family.result for family in record.families)
    counted = Counter({f"{name}: {misses[0].summary}": len(misses) for (name, _), misses in refused.items()})
    return counted.most_common()


def _reasons(record: RunRecord) -> list[tuple[str, int]]:
    """Why families are unsupported or declared, and how many, the most frequent first."""
    counted = Counter(
        f"{family.result.verdict.function}: {family.result.note}"
        for family in record.families
        if family.standing in ("unsupported", "declared")
    )
    return counted.most_common()
