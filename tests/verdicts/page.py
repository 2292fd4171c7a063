"""The verdict tables as one page, docs/frameworks.md."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from backproof.reference.model.vocabulary import ANSWERS
from backproof.vectors.dtypes import DTYPES

from .table import COLUMNS, CONVENTION, FOLDER, MISSED, Explanation, Outcome, Table, read

PAGE = FOLDER.parents[1] / "docs" / "frameworks.md"
WIDTH = 120
Cell = Mapping[str, Any]

OPENING = """\
<!-- written by `python -m tests.verdicts page` from tests/verdicts/*.yml -->

# Frameworks, held against the vectors

Each framework goes through all families by its ready-made adapter (`backproof.conformance.adapters`), which uses the
framework's own functions and its own automatic differentiation. No tolerance is widened for any of them, and every miss
is explained: a convention, or the framework's, with a reproduction in plain code that needs no backproof. A miss that
was the adapter's or the checker's was mended. `tox -e NAME` repeats a run, holds it against the record, and runs the
reproductions.

Families, by how they ended. A *robust* miss concerns NaN, infinities, subnormal numbers, empty batches, overflow and
calls that should be refused; it fails a strict run alone. *Not tried* are long sums of an adapter that declares sums
accumulated in half precision, which have no tolerance, and what an adapter refuses, which is explained like a miss.
*Not promised*, where an adapter declares so, is that labels out of range are refused.
"""
HEADS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ROBUST_MISS: "robust",
    Outcome.UNSUPPORTED: "not tried",
    Outcome.DECLARED: "not promised",
    Outcome.NOT_IMPLEMENTED: "no such dtype",
}


def page(names: Iterable[str]) -> str:
    """The page of the tables with these names."""
    tables = {name: read(name) for name in names}
    parts = [OPENING, _table(["run", "framework", *HEADS.values()], _totals(tables))]
    parts += [
        "## Conventions",
        "Where the field has several right answers, each framework follows one throughout. Blank: not tried.",
    ]
    parts += [_table(["point", *tables], _conventions(tables)), _list(_meanings(tables))]
    for name, (table, explanations) in tables.items():
        parts += _section(name, table, explanations)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _totals(tables: Mapping[str, tuple[Table, Sequence[Explanation]]]) -> Iterator[list[str]]:
    for name, (table, _) in tables.items():
        cells = [cell for by_dtype in table["operations"].values() for cell in by_dtype.values()]
        counts = [sum(cell.get(COLUMNS[outcome], 0) for cell in cells) for outcome in HEADS]
        yield [f"[{name}](#{name})", table["framework"], *(str(count or "") for count in counts)]


def _conventions(tables: Mapping[str, tuple[Table, Sequence[Explanation]]]) -> Iterator[list[str]]:
    for point in dict.fromkeys(answer.point for answer in ANSWERS):
        yield [f"`{point}`", *(table["conventions"].get(point, "") for table, _ in tables.values())]


def _meanings(tables: Mapping[str, tuple[Table, Sequence[Explanation]]]) -> Iterator[str]:
    followed = {item for table, _ in tables.values() for item in table["conventions"].items()}
    for answer in ANSWERS:
        if (answer.point, answer.answer) in followed:
            yield f"`{answer.point}` {answer.answer}: {answer.meaning}."


def _section(name: str, table: Table, explanations: Sequence[Explanation]) -> Iterator[str]:
    yield f"## {name}"
    options = "".join(f" --impl-option {key}={value}" for key, value in table["options"].items())
    yield f"    pytest --impl={table['adapter']}{options}"
    declared = ", ".join(f"`{precision}` for {dtype}" for dtype, precision in table["precision"].items())
    yield _wrapped(f"{table['framework']}." + (f" The adapter declares {declared}." if declared else ""))
    yield _table(["operation", *DTYPES], _operations(table))
    yield _wrapped("Worst error, as a fraction of the tolerance: " + _worst(table) + ".")
    if not explanations:
        yield "Nothing is missed."
    for explanation in explanations:
        yield _wrapped(", ".join(f"`{glob}`" for glob in explanation.families) + f": {_told(explanation)}")
        if explanation.reproduction:
            yield f"```python\n{explanation.reproduction.rstrip()}\n```"


def _operations(table: Table) -> Iterator[list[str]]:
    for op, cells in table["operations"].items():
        yield [f"`{op}`", *(_cell(cells[dtype]) for dtype in DTYPES)]


def _cell(cell: Cell) -> str:
    passed = cell.get(COLUMNS[Outcome.PASSED], 0)
    missed = [f"{cell[COLUMNS[outcome]]} {HEADS[outcome]}" for outcome in MISSED if COLUMNS[outcome] in cell]
    return ", ".join([str(passed), *missed]) if passed or missed else "-"


def _worst(table: Table) -> str:
    worst: dict[str, float] = {}
    for cells in table["operations"].values():
        for dtype, cell in cells.items():
            if "worst" in cell:
                worst[dtype] = max(worst.get(dtype, 0.0), cell["worst"])
    return ", ".join(f"{dtype} {fraction:g}" for dtype, fraction in worst.items())


def _told(explanation: Explanation) -> str:
    kind = "a convention. " if explanation.because == CONVENTION else ""
    where = f" Only where {explanation.only_where}." if explanation.only_where else ""
    return f"{kind}{explanation.why}{where}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _list(items: Iterable[str]) -> str:
    return "\n".join(_wrapped(item, "- ") for item in items)


def _wrapped(text: str, bullet: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )
