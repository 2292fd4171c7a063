"""The verdict tables as one page, docs/frameworks.md."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from backproof.conformance.check.conventions import Followed, FollowedBy
from backproof.reference.model.vocabulary import ANSWERS
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES

from .table import COLUMNS, CONVENTION, FOLDER, FRAMEWORK, MISSED, Explanation, Facts, Outcome, Table, read

PAGE = FOLDER.parents[1] / "docs" / "frameworks.md"
WIDTH = 120

OPENING = """\
<!-- written by `python -m tests.verdicts page` from the tables in tests/verdicts/ -->

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
    read_ = {name: read(name) for name in names}
    tables = {name: table for name, (table, _) in read_.items()}
    parts = [OPENING, _table(["run", "framework", "vectors", *HEADS.values()], _totals(tables))]
    parts += [
        "## Conventions",
        "Where the field has several right answers, each operation follows one. *Undecided*: its families "
        "follow several, or required ones none. Blank: not tried.",
    ]
    parts += [_table(["point", *tables], _conventions(tables)), _list(_meanings(tables))]
    for name, (table, explanations) in read_.items():
        parts += _section(name, table, explanations)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _cells(table: Table) -> Iterator[tuple[str, Facts]]:
    """Every dtype and cell of every operation."""
    for part, facts in table.items():
        if part != FRAMEWORK:
            yield from ((dtype, facts[dtype]) for dtype in DTYPES if dtype in facts)


def _totals(tables: Mapping[str, Table]) -> Iterator[list[str]]:
    for name, table in tables.items():
        counts = [sum(cell.get(COLUMNS[outcome], 0) for _, cell in _cells(table)) for outcome in HEADS]
        about = [table[FRAMEWORK]["framework"], table[FRAMEWORK]["vectors"]]
        yield [f"[{name}](#{name})", *about, *(str(count or "") for count in counts)]


def _followed(table: Table, point: str) -> Followed | None:
    """What the operations with this point follow there; None where there are no such operations."""
    found = [
        FollowedBy(op, tuple(facts["conventions"][point]))
        for op, facts in table.items()
        if point in facts.get("conventions", ())
    ]
    common = [answer for answer in found[0].answers if all(answer in one.answers for one in found)] if found else []
    return Followed(point, tuple(common), (), operations=tuple(found)) if found else None


def _conventions(tables: Mapping[str, Table]) -> Iterator[list[str]]:
    for point in dict.fromkeys(answer.point for answer in ANSWERS):
        followed = [_followed(table, point) for table in tables.values()]
        yield [f"`{point}`", *(one.words if one else "" for one in followed)]


def _meanings(tables: Mapping[str, Table]) -> Iterator[str]:
    for answer in ANSWERS:
        followed = [one for table in tables.values() if (one := _followed(table, answer.point))]
        if any(answer.answer in by.answers for one in followed for by in one.operations):
            yield f"`{answer.point}` {answer.answer}: {answer.meaning}."


def _section(name: str, table: Table, explanations: Sequence[Explanation]) -> Iterator[str]:
    run = table[FRAMEWORK]
    yield f"## {name}"
    options = "".join(f" --impl-option {key}={value}" for key, value in run["options"].items())
    yield f"    pytest --impl={run['adapter']}{options}"
    declared = _declared(run["precision"])
    yield _wrapped(f"{run['framework']}." + (f" The adapter declares {declared}." if declared else ""))
    if len(table) == 1:
        yield "Not recorded with these vectors."
        return
    yield _table(["operation", *DTYPES], _operations(table))
    yield _wrapped("Worst error, as a fraction of the tolerance: " + _worst(table) + ".")
    if not explanations:
        yield "Nothing is missed."
    for run in dict.fromkeys(explanation.run for explanation in explanations if explanation.run):
        yield f"What is missed here and under [{run}](#{run}) is explained there."
    for explanation in (e for e in explanations if not e.run and _concerns(e, table)):
        yield _wrapped(", ".join(f"`{glob}`" for glob in explanation.families) + f": {_told(explanation)}")
        if explanation.reproduction:
            yield f"```python\n{explanation.reproduction.rstrip()}\n```"


def _concerns(explanation: Explanation, table: Table) -> bool:
    """Whether any operation is recorded whose families it is about."""
    return any(fnmatchcase(op, glob.partition("/")[0]) for glob in explanation.families for op in table)


def _declared(precision: Mapping[str, str]) -> str:
    """What an adapter declares of its precisions; dtypes of which it declares the same are named together."""
    names: dict[str, dict[str, list[str]]] = {}
    for key, name in precision.items():
        dtype, _, op = key.partition(":")
        names.setdefault(dtype, {}).setdefault(name, []).extend([f"`{op}`"] if op else [])
    dtypes: dict[str, list[str]] = {}
    for dtype, ops in names.items():
        said = ", ".join(f"`{name}`" + (f" for {', '.join(of)}" if of else "") for name, of in ops.items())
        dtypes.setdefault(said, []).append(dtype)
    return "; ".join(f"in {' and '.join(alike)} {said}" for said, alike in dtypes.items())


def _operations(table: Table) -> Iterator[list[str]]:
    for op in store.golden_operations():
        cells = [_cell(table[op].get(dtype, {})) for dtype in DTYPES] if op in table else ["not recorded"] * len(DTYPES)
        yield [f"`{op}`", *cells]


def _cell(cell: Facts) -> str:
    passed = cell.get(COLUMNS[Outcome.PASSED], 0)
    missed = [f"{cell[COLUMNS[outcome]]} {HEADS[outcome]}" for outcome in MISSED if COLUMNS[outcome] in cell]
    return ", ".join([str(passed), *missed]) if passed or missed else "-"


def _worst(table: Table) -> str:
    worst: dict[str, float] = {}
    for dtype, cell in _cells(table):
        worst[dtype] = max(worst.get(dtype, 0.0), cell.get("worst", 0.0))
    return ", ".join(f"{dtype} {fraction:g}" for dtype, fraction in worst.items() if fraction)


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
