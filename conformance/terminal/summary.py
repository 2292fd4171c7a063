"""Results as text for a terminal: the header, the lines of a failure, the summary. Lines fit 80 columns."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from ...vectors.files import one_line
from ...vectors.manifest import FamilyCount
from ...vectors.records import Family
from ..check.conventions import Followed, answers_seen
from ..check.messages import how_to_declare
from ..check.precisions import PrecisionMet, precisions_met
from ..check.verdict import Cause, Miss, MissReason, Outcome, Verdict
from ..check.wording import WIDTH, first_few, full_name, listed, plural, wrapped
from ..implementation.load import Implementation
from ..record.results import Ending, Result, by_kind, failing_functions, refused_layouts, right_in_full

if TYPE_CHECKING:
    from ..diagnosis.findings import Diagnosis

MOST_FAILURES = 5
MOST_REASONS = 12
MOST_MISSES = 8
MOST_IN_FULL = 12
"""So many operations or fewer have a row for each dtype, even where all of it passes."""
MOST_NAMED = 3
"""As many operations or fewer are named, even if they are all."""

_LARGE = "large cases (independent roundings: bias 2, mean square 0.4 at most):"
_OP, _DTYPE, _COUNT = 22, 9, 7

_COLUMNS: dict[str, Callable[[Result], bool]] = {
    "passed": lambda result: result.ending is Ending.PASSED,
    "failed": lambda result: result.ending.fails,
    "xfail": lambda result: result.ending is Ending.EXPECTED_FAILURE,
    "robust": lambda result: result.ending is Ending.ROBUST_MISS,
    "absent": lambda result: result.verdict.outcome is Outcome.NOT_IMPLEMENTED,
    "other": lambda result: result.verdict.outcome in (Outcome.UNSUPPORTED, Outcome.DECLARED),
}
"""The table's columns; each result is counted in exactly one."""

_COLOURS: dict[str, dict[str, bool]] = {
    "passed": {"green": True},
    "failed": {"red": True, "bold": True},
    "xfail": {"yellow": True},
    "robust": {"yellow": True},
}
"""Colours of counts that are not 0, in pytest's names."""

Paint = Callable[..., str]
"""(text, pytest's names of colours as keywords) -> the text with escape sequences."""


def _unpainted(text: str, **_: bool) -> str:
    return text


def header(implementation: Implementation, vectors_version: str, remarks: Iterable[str]) -> list[str]:
    """The header: the implementation and the vectors."""
    name = full_name(implementation.name, implementation.version)
    spec = "" if implementation.name == implementation.spec else f" ({implementation.spec})"
    lines = [f"{name}{spec} against vectors {vectors_version}", *remarks]
    return [f"backproof: {one_line(line)}" for line in lines]


def failure(result: Result, family: Family, argument: str, own: str = "") -> str:
    """The text of a failed family in place of a traceback: its misses, what it is for, and how to show and rerun it.

    own: arguments that name operations of the user's own.
    """
    lines = []
    if result.note and result.ending is not Ending.ROBUST_MISS:
        lines.append(result.note)
    misses, case = result.verdict.by_gravity, result.verdict.first_case
    for miss in misses[:MOST_MISSES]:
        lines += _miss(miss)
    if len(misses) > MOST_MISSES:
        lines.append(f"and {len(misses) - MOST_MISSES} more")
    lines.append("")
    if family.comment:
        lines += wrapped(one_line(family.comment), "family: ", "        ")
    if not result.drawn_by:
        lines.append(f"  show: backproof show {own}{result.nodeid}{'' if case is None else f'#{case}'}")
    lines.append(f" rerun: pytest {argument} {result.nodeid}")
    return "\n".join(lines)


def nothing_passed(results: Sequence[Result], other_paths: Sequence[str]) -> Iterator[str]:
    """A line where no family passed: such a run fails."""
    if any(result.ending is Ending.PASSED for result in results):
        return
    if results:
        outcomes = Counter(result.verdict.outcome for result in results)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        empty = not outcomes.keys() - {Outcome.UNSUPPORTED, Outcome.NOT_IMPLEMENTED}
        cure = (
            "; fill in a function that raises NotImplementedError" if empty and Outcome.UNSUPPORTED in outcomes else ""
        )
        yield f"no family passed ({counts}), and that is a failure{cure}"
    elif other_paths:
        yield f"no family ran: {' '.join(other_paths)} names no vector file; give no path, or vectors/OP.h5"
    else:
        yield "no family ran, and that is a failure; the options or node ids leave none"


def required_and_missing(results: Iterable[Result], required: Mapping[str, Iterable[FamilyCount]]) -> Iterator[str]:
    """A line for each operation of --impl-require with a function that has no family that passed, at some dtype."""
    passed = {(r.verdict.op, r.verdict.direction, r.verdict.dtype) for r in results if r.ending is Ending.PASSED}
    for op, counts in required.items():
        missing: dict[str, list[str]] = {}
        for count in counts:
            if (op, count.direction, count.dtype) not in passed:
                missing.setdefault(f"{op}_{count.direction}", []).append(count.dtype)
        if missing:
            functions = "; ".join(f"{function} in {listed(dtypes)}" for function, dtypes in missing.items())
            yield f"{op} is required, and no family passed of {functions}"


def summary(
    results: Sequence[Result],
    implementation: Implementation,
    followed: Iterable[Followed],
    diagnoses: Iterable["Diagnosis"] = (),
    paint: Paint = _unpainted,
    unread: Mapping[str, Sequence[FamilyCount]] = MappingProxyType({}),
    ranks: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """The summary: the table, why families did not run, conventions, the first failures with their diagnoses. Empty
    without results. `paint` colours text; `unread` counts the families of operations that are not implemented at
    all, which have no results; `ranks` are those of the families' largest arguments, by node id."""
    if not results:
        return []
    met = precisions_met((result.verdict for result in results), implementation.working_precision)
    blocks = [
        _table(results, paint, sum(count.families for counts in unread.values() for count in counts)),
        _reasons(results, unread),
        _section("layouts refused (fails under --impl-strict):", _refused_layouts(results)),
        _section("conventions followed:", (_followed(point, results) for point in followed)),
        _section("strictest precision met:", _precisions(met)),
        _section(_LARGE, _large(results)),
        _section("warnings of the adapter:", implementation.warnings),
        _section("right at a looser precision:", _looser(met, diagnoses)),
        _failures(results, implementation.argument, diagnoses),
        _section("other ranks may be refused:", _other_ranks(results, ranks)),
    ]
    lines = _totals(results, implementation, unread)
    for block in blocks:
        if block:
            lines += ["", *block]
    return lines


def _totals(
    results: Sequence[Result], implementation: Implementation, unread: Mapping[str, Sequence[FamilyCount]]
) -> list[str]:
    """How many families and cases there are, and how many families, operations and dtypes passed of them."""
    counts = [count for counts in unread.values() for count in counts]
    families = len(results) + sum(count.families for count in counts)
    cases = sum(result.verdict.cases for result in results) + sum(count.cases for count in counts)
    passed = [result.verdict for result in results if result.ending is Ending.PASSED]
    ops = {*unread, *(result.verdict.op for result in results)}
    dtypes = {count.dtype for count in counts} | {result.verdict.dtype for result in results}
    whole = len(right_in_full(results, implementation.dtypes))
    shares = [
        f"{len(passed):,} of {plural(families, 'family', 'families')}",
        f"{whole} of {plural(len(ops), 'operation', 'operations')} in full",
        f"{len({verdict.dtype for verdict in passed})} of {plural(len(dtypes), 'dtype', 'dtypes')}",
    ]
    there = f"{plural(families, 'family', 'families')}, {plural(cases, 'case', 'cases')}"
    return [there, f"passed: {', '.join(shares)}"]


def _table(results: Sequence[Result], paint: Paint, unread: int) -> list[str]:
    """Counts by operation and dtype; a dtype at which an operation is not implemented has no row."""
    columns = [name for name, counts in _COLUMNS.items() if name != "xfail" or any(map(counts, results))]
    cells: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        cells.setdefault((result.verdict.op, result.verdict.dtype), []).append(result)
    titles = "".join(f"{name:>{_COUNT}}" for name in columns)
    lines = [f"{'operation':<{_OP}}{'dtype':<{_DTYPE}}{titles}{'worst':>{_COUNT}}"]
    above = None
    for op, dtype, cell in _rows(cells):
        label = op if op != above else ""
        if len(label) >= _OP:
            lines.append(label)
            label = ""
        lines.append(f"{label:<{_OP}}{dtype:<{_DTYPE}}{_counts(cell, columns, paint)}{_worst(cell):>{_COUNT}}")
        above = op
    lines.append(f"{'all':<{_OP + _DTYPE}}{_counts(results, columns, paint, unread)}{_worst(results):>{_COUNT}}")
    lines.append("")
    lines.append("absent: not implemented; other: unsupported or declared; worst: the largest")
    lines.append("error as a fraction of its tolerance")
    return lines


def _rows(cells: Mapping[tuple[str, str], list[Result]]) -> Iterator[tuple[str, str, list[Result]]]:
    """Operation, dtype and results of each row; of many operations, one that passes whole has a row for all dtypes."""
    by_op: dict[str, dict[str, list[Result]]] = {}
    for op, dtype in sorted(cells, key=lambda cell: (cell[0], DTYPES.index(cell[1]))):
        if not all(map(_COLUMNS["absent"], cells[op, dtype])):
            by_op.setdefault(op, {})[dtype] = cells[op, dtype]
    for op, by_dtype in by_op.items():
        together = [result for cell in by_dtype.values() for result in cell]
        passes = all(map(_COLUMNS["passed"], together))
        if len(by_op) > MOST_IN_FULL and len(by_dtype) > 1 and passes:
            yield op, f"{len(by_dtype)} dtypes", together
        else:
            yield from ((op, dtype, cell) for dtype, cell in by_dtype.items())


def _counts(results: Sequence[Result], columns: Iterable[str], paint: Paint, unread: int = 0) -> str:
    counts = ((name, sum(map(_COLUMNS[name], results)) + (unread if name == "absent" else 0)) for name in columns)
    padded = ((name, f"{count or '.':>{_COUNT}}", count) for name, count in counts)
    return "".join(paint(text, **_COLOURS.get(name, {})) if count else text for name, text, count in padded)


def _worst(results: Iterable[Result]) -> str:
    """The largest error as a fraction of the tolerance, without robust misses."""
    counted = (result.verdict for result in results if result.ending is not Ending.ROBUST_MISS)
    fractions = [verdict.fraction for verdict in counted if verdict.fraction is not None]
    if not fractions:
        return "-"
    largest = max(fractions)
    return f"{largest:.2g}" if largest < 100 else f"{largest:.0e}"


def _reasons(results: Sequence[Result], unread: Mapping[str, Sequence[FamilyCount]]) -> list[str]:
    """Why families are forgiven or did not run, the most frequent first; what is not implemented, last."""
    absent = [r.verdict for r in results if r.verdict.outcome is Outcome.NOT_IMPLEMENTED]
    skipped = (r for r in results if r.ending is Ending.SKIPPED and not _COLUMNS["absent"](r))
    reasons = Counter(result.note for result in skipped)
    missed: dict[str, list[str]] = {}
    for result in results:
        words = f"{result.ending}: {result.verdict.function}: {result.note.removeprefix('robust miss: ')}"
        if result.ending is Ending.ROBUST_MISS:
            missed.setdefault(words, []).append(result.verdict.id)
        elif result.ending is Ending.EXPECTED_FAILURE:
            reasons[f"{result.ending}: {result.note}"] += 1
    reasons += Counter({f"{words} ({first_few(ids, 1)})": len(ids) for words, ids in missed.items()})
    ordered = reasons.most_common()
    lines = [part for reason, count in ordered[:MOST_REASONS] for part in wrapped(reason, f"{count:>7}  ", " " * 11)]
    if absent or unread:
        number = len(absent) + sum(count.families for counts in unread.values() for count in counts)
        lines += wrapped(f"{Outcome.NOT_IMPLEMENTED}: {_absent(absent, unread)}", f"{number:>7}  ", " " * 11)
    if rest := ordered[MOST_REASONS:]:
        count = sum(count for _, count in rest)
        lines.append(f"{count:>7}  for {plural(len(rest), 'further reason', 'further reasons')}; -rsx prints them")
    return lines and ["neither passed nor failed:", *lines]


def _absent(verdicts: Sequence[Verdict], unread: Mapping[str, Sequence[FamilyCount]]) -> str:
    """What an adapter lacks: operations, functions, and dtypes."""
    functions = {v.function for v in verdicts if v.cause is Cause.NO_FUNCTION}
    dtypes = {v.dtype for v in verdicts if v.cause is Cause.NO_DTYPE}
    operations = [f"{plural(len(unread), 'operation', 'operations')} ({first_few(unread, MOST_NAMED)})"] * bool(unread)
    return ", ".join([*operations, *sorted(functions), *(dtype for dtype in DTYPES if dtype in dtypes)])


def _refused_layouts(results: Iterable[Result]) -> Iterator[str]:
    """A line for each refused layout: functions and number of families."""
    by_layout: dict[MissReason | None, dict[str, list[Miss]]] = {}
    for (function, layout), misses in refused_layouts(results).items():
        by_layout.setdefault(layout, {})[function] = misses
    for functions in by_layout.values():
        first, *others = (miss for misses in functions.values() for miss in misses)
        families = plural(1 + len(others), "family", "families")
        yield f"{', '.join(functions)} ({families}): {first.summary}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    shown = [part for line in lines for part in wrapped(line, "  ", "    ")]
    return shown and [title, *shown]


def _followed(point: Followed, results: Iterable[Result]) -> str:
    """The answer followed at a point; where an operation's families do not agree, which follow which, and which follow
    none."""
    seen = answers_seen(point, (result.verdict for result in results))
    told = "; ".join(f"{words} in {first_few(ids, 2)}" for words, ids in seen.items())
    if point.answers:
        families = plural(len(point.families), "family", "families")
        return f"{point.point} = {point.words} ({families}{told and '; '}{told})"
    return f"{point.point}: {point.words}{told and ': '}{told}"


def _precisions(met: Sequence[PrecisionMet]) -> Iterator[str]:
    """The precision that is met by which operations, for each dtype that has more than one."""
    for dtype in (name for name in DTYPES if len(PRECISIONS_OF[name]) > 1):
        here = [one for one in met if one.dtype == dtype]
        groups: dict[tuple[str | None, str], list[str]] = {}
        for one in here:
            groups.setdefault((one.strictest, one.declared), []).append(one.op)
        for (strictest, declared), ops in groups.items():
            where = listed(ops) if len(ops) <= MOST_NAMED or len(ops) < len(here) else f"all {len(ops)} operations"
            other = f" (declared {declared})" if strictest not in (None, declared) else ""
            yield f"{dtype}: {strictest or 'none'} in {where}{other}"


def _large(results: Iterable[Result]) -> Iterator[str]:
    """A line for each operation with large cases that are right: of its backward, where it has one."""
    said: dict[str, Verdict] = {}
    for verdict in (r.verdict for r in results if r.ending is Ending.PASSED and r.verdict.reason):
        if verdict.op not in said or verdict.direction < said[verdict.op].direction:
            said[verdict.op] = verdict
    return (f"{verdict.function}: {verdict.reason}" for verdict in said.values())


def _looser(met: Iterable[PrecisionMet], diagnoses: Iterable["Diagnosis"]) -> Iterator[str]:
    """The operations all of whose failures at a dtype a looser precision allows, and how to declare it; none of which
    another fault is found."""
    faulty = {diagnosis.op for diagnosis in diagnoses if diagnosis.names_a_fault}
    groups: dict[tuple[str, str], list[str]] = {}
    for one in met:
        if one.looser is not None and one.op not in faulty:
            groups.setdefault((one.dtype, one.looser), []).append(one.op)
    for (dtype, looser), ops in groups.items():
        yield f"{listed(ops)} in {dtype}: {' '.join(how_to_declare(looser, dtype, *ops))}"


def _other_ranks(results: Sequence[Result], ranks: Mapping[str, int]) -> Iterator[str]:
    """A line for each function that is right for matrices and fails for other ranks alone, more often than not."""
    failed: dict[str, list[int]] = {}
    passed: dict[str, list[int]] = {}
    for result in results:
        if result.ending.fails or result.ending is Ending.PASSED:
            by_function = failed if result.ending.fails else passed
            by_function.setdefault(result.verdict.function, []).append(ranks.get(result.nodeid, 2))
    for function, found in failed.items():
        right = passed.get(function, [])
        if 2 in right and 2 not in found and sum(rank in found for rank in right) < len(found):
            which = listed(map(str, sorted(set(found))))
            all_of = (
                f"its failure is of rank {which}"
                if len(found) == 1
                else f"all {len(found)} failures are of rank {which}"
            )
            yield f"{function}: {all_of}: where it takes matrices alone, raise NotImplementedError for other ranks"


def _failures(results: Sequence[Result], argument: str, diagnoses: Iterable["Diagnosis"]) -> list[str]:
    """The first failure of each kind, with the function's diagnosis."""
    kinds = by_kind(results)
    if not kinds:
        return []
    lines = ["failures:"]
    diagnoses = tuple(diagnoses)
    look = {(diagnosis.op, diagnosis.direction): diagnosis for diagnosis in diagnoses}
    for (op, direction, _), alike in list(kinds.items())[:MOST_FAILURES]:
        first = alike[0]
        lines.append(f"  {first.nodeid}")
        lines += wrapped(first.headline, "    ", "    ")
        if miss := first.verdict.gravest:
            lines += [_fit(f"    {detail}") for detail in miss.details[:2]]
        if len(alike) > 1:
            lines.append(_fit(f"    and {len(alike) - 1} more of {op}_{direction}"))
        if diagnosis := look.pop((op, direction), None):
            lines += looks_like(diagnosis)
    rest = sum(len(alike) for alike in list(kinds.values())[MOST_FAILURES:])
    if rest:
        lines.append(f"  and {plural(rest, 'failure', 'failures')} of other kinds")
    for (op, direction), diagnosis in look.items():
        lines += [f"  {op}_{direction}", *looks_like(diagnosis)]
    lines.append("failing functions:")
    for one in failing_functions(results, diagnoses):
        lines += wrapped(one.line, "  ", "    ")
        if not one.named:
            command = f"    the worst: pytest {argument} {one.worst.nodeid}"
            lines.append(command if len(command) <= WIDTH else f"    the worst: {one.worst.nodeid}")
    again = dict.fromkeys(result.drawn_by for alike in kinds.values() for result in alike)
    lines.append(" ".join([f"rerun these: pytest {argument} --lf", *sorted(filter(None, again))]))
    lines.append(f"rerun one:   pytest {argument} ID")
    if "" in again:  # the doctor calls functions at the sizes of golden files
        lines += wrapped(f"backproof doctor {doctors(argument, results)}", "look closer: ", "  ")
    return lines


def doctors(argument: str, results: Iterable[Result]) -> str:
    """What `backproof doctor` takes to examine the operations that fail in golden families."""
    failing = (result for result in results if result.ending.fails and not result.drawn_by)
    ops = list(dict.fromkeys(result.verdict.op for result in failing))
    only = [f"--op {op}" for op in ops] if len(ops) <= MOST_NAMED else []
    return " ".join([argument.removeprefix("--impl="), *only])


def looks_like(diagnosis: "Diagnosis") -> Iterator[str]:
    """The lines of a diagnosis, finding by finding."""
    label = "looks like"
    for finding in diagnosis.findings:
        yield from wrapped(f"{finding.name} - {finding.wrong} Cure: {finding.cure}", f"    {label}: ", "      ")
        label = "and like"


def _miss(miss: Miss) -> Iterator[str]:
    yield f"{'robust: ' if miss.robust else ''}{miss.summary}"
    yield from (f"    {detail}" for detail in miss.details)


def _fit(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
