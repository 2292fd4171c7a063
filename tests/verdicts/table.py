"""Verdict tables: what a framework's run came to, operation by dtype, and why each of its misses is one.

A table is a YAML file. Its upper part is recorded from a run; `explained`, the lower part, is written by hand.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from backproof.conformance.check.conventions import followed
from backproof.conformance.check.verdict import Cause, Outcome, Verdict
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.record.results import Result
from backproof.vectors.dtypes import DTYPES

FOLDER = Path(__file__).parent
BY_HAND = "explained:"
COLUMNS = {outcome: str(outcome).replace(" ", "_") for outcome in Outcome}
MISSED = (Outcome.FAILED, Outcome.ROBUST_MISS)
THEIRS, CONVENTION = "theirs", "convention"
GROWN = 2.0
"""By what factor the largest fraction of a tolerance may grow on another machine before it is a difference."""

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Why some families miss, or are not tried."""

    families: tuple[str, ...]
    """Globs of ids."""
    because: str
    """ "theirs" or "convention"."""
    why: str
    reproduction: str = ""
    """Plain code of the framework's that shows it; an assertion in it fails once the framework does otherwise."""
    only_where: str = ""
    """On which machines alone they miss; on others they pass."""

    def covers(self, id_: str) -> bool:
        """Whether a family of this id is one of those."""
        return any(fnmatchcase(id_, glob) for glob in self.families)


def of_run(implementation: Implementation, results: Iterable[Result], vectors_version: str) -> Table:
    """The recorded part of a table."""
    verdicts = [result.verdict for result in results]
    operations: dict[str, dict[str, dict[str, Any]]] = {}
    for op in sorted({verdict.op for verdict in verdicts}):
        for dtype in DTYPES:
            if cell := [verdict for verdict in verdicts if (verdict.op, verdict.dtype) == (op, dtype)]:
                operations.setdefault(op, {})[dtype] = _cell(cell)
    return {
        "framework": f"{implementation.name} {implementation.version}",
        "adapter": implementation.spec,
        "options": dict(implementation.options),
        "vectors": vectors_version,
        "precision": dict(implementation.precision),
        "declared": {key: str(value) for key, value in implementation.conventions.items()},
        "conventions": {point.point: " or ".join(point.answers) or "no single answer" for point in followed(verdicts)},
        "operations": operations,
    }


def _cell(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    counts = Counter(COLUMNS[verdict.outcome] for verdict in verdicts)
    cell: dict[str, Any] = {name: counts[name] for name in COLUMNS.values() if counts[name]}
    told = [v.fraction for v in verdicts if v.fraction is not None and v.outcome is not Outcome.ROBUST_MISS]
    return cell | ({"worst": one_digit(max(told))} if told else {})


def one_digit(fraction: float) -> float:
    """A fraction to one significant digit."""
    return float(f"{fraction:.1g}")


def written(table: Table) -> str:
    """The recorded part as text."""
    lines = []
    for key, value in table.items():
        if key == "operations":
            lines.append("operations:")
            for op, cells in value.items():
                lines.append(f"  {op}:")
                lines += [f"    {dtype}: {_flow(cell)}" for dtype, cell in cells.items()]
        elif isinstance(value, Mapping) and value:
            lines += [f"{key}:", *(f"  {word}: {_flow(said)}" for word, said in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000).removesuffix("...\n").strip()


def path_of(name: str) -> Path:
    """Where the table of this name lies."""
    return FOLDER / f"{name}.yml"


def record(name: str, table: Table) -> None:
    """Write the recorded part; what is written by hand stays as it is."""
    path = path_of(name)
    by_hand = f"{BY_HAND} []\n"
    if path.exists() and f"\n{BY_HAND}" in (text := path.read_text()):
        by_hand = text[text.index(f"\n{BY_HAND}") + 1 :]
    path.write_text(written(table) + by_hand)


def read(name: str) -> tuple[Table, tuple[Explanation, ...]]:
    """A table's two parts."""
    table = yaml.safe_load(path_of(name).read_text())
    by_hand = table.pop(BY_HAND.rstrip(":")) or ()
    return table, tuple(Explanation(**(entry | {"families": tuple(entry["families"])})) for entry in by_hand)


def compared(
    recorded: Table, seen: Table, explanations: Sequence[Explanation], results: Iterable[Result]
) -> Iterator[str]:
    """A line for everything in which a run is not as its table says."""
    verdicts = [result.verdict for result in results]
    missed = {verdict.id: verdict for verdict in verdicts if _needs_explaining(verdict)}
    varying = Counter(
        (verdict.op, verdict.dtype)
        for verdict in verdicts
        if any(explanation.only_where and explanation.covers(verdict.id) for explanation in explanations)
    )
    yield from differences(recorded, seen, varying)
    yield from unexplained(explanations, missed)
    yield from not_reproduced(e for e in explanations if not e.only_where or any(map(e.covers, missed)))


def differences(recorded: Table, seen: Table, varying: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """A line for everything that is not as recorded. Of `varying` families a cell the machine decides."""
    for key in seen.keys() - {"operations"}:
        if recorded.get(key) != seen[key]:
            yield f"{key}: recorded {_flow(recorded.get(key))}, now {_flow(seen[key])}"
    before, now = (
        {(op, dtype): cell for op, cells in table["operations"].items() for dtype, cell in cells.items()}
        for table in (recorded, seen)
    )
    for at in dict.fromkeys([*before, *now]):
        was, is_ = before.get(at, {}), now.get(at, {})
        if not _alike(was, is_, varying.get(at, 0)) or is_.get("worst", 0) > GROWN * was.get("worst", 0):
            yield f"{' '.join(at)}: recorded {_flow(was)}, now {_flow(is_)}"


def _alike(was: Mapping[str, Any], is_: Mapping[str, Any], varying: int) -> bool:
    more = {outcome: is_.get(name, 0) - was.get(name, 0) for outcome, name in COLUMNS.items()}
    moved = [abs(more.pop(outcome)) for outcome in (Outcome.PASSED, *MISSED)]
    return max(moved) <= varying and not any(more.values())


def unexplained(explanations: Sequence[Explanation], missed: Mapping[str, Verdict]) -> Iterator[str]:
    """A line for every miss, by id, that no explanation is given for, and every explanation of nothing."""
    for id_, verdict in missed.items():
        if not any(explanation.covers(id_) for explanation in explanations):
            told = verdict.misses[0].summary if verdict.misses else verdict.reason
            yield f"{id_}: {verdict.outcome}, and not explained: {told}"
    for explanation in explanations:
        for glob in () if explanation.only_where else explanation.families:
            if not any(fnmatchcase(id_, glob) for id_ in missed):
                yield f"{glob}: explained, but nothing that it matches is missed"


def _needs_explaining(verdict: Verdict) -> bool:
    return verdict.cause is Cause.REFUSED or verdict.outcome in MISSED


def not_reproduced(explanations: Iterable[Explanation]) -> Iterator[str]:
    """A line for every reproduction that does not run to its end."""
    for explanation in explanations:
        try:
            exec(compile(explanation.reproduction, "reproduction", "exec"), {})
        except Exception as error:
            lines = explanation.reproduction.splitlines()
            trace = error.__traceback__.tb_next if error.__traceback__ else None
            at = f" at {lines[trace.tb_lineno - 1].strip()!r}" if trace and trace.tb_lineno <= len(lines) else ""
            yield f"{explanation.families[0]}: its reproduction raised {type(error).__name__}{at}: {error}"
