"""Verdict tables: what a framework's run came to, a file for each operation, and why each of its misses is one.

A run's folder has `framework.yml`, with what holds for the whole run, and `<operation>.yml`, with the outcomes by dtype
and the conventions followed. The upper part of a file is recorded; `explained`, the lower part, is written by hand.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
FRAMEWORK = "framework"
"""The file of what holds for the whole run."""
EXPLAINED = "explained"
AS = "as"
"""The key of an explanation that stands for all those of another run."""
COLUMNS = {outcome: str(outcome).replace(" ", "_") for outcome in Outcome}
MISSED = (Outcome.FAILED, Outcome.ROBUST_MISS)
THEIRS, CONVENTION = "theirs", "convention"
GROWN = 2.0
"""By what factor the largest fraction of a tolerance may grow on another machine before it is a difference."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one that is written in C, ten times as fast, where PyYAML has it."""

Facts = Mapping[str, Any]
Table = Mapping[str, Facts]
"""The recorded parts of the files, by their names without .yml."""


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
    run: str = ""
    """The run that it is taken from, where a table takes another run's explanations."""

    def covers(self, id_: str) -> bool:
        """Whether a family of this id is one of those."""
        return any(fnmatchcase(id_, glob) for glob in self.families)


def of_run(implementation: Implementation, results: Iterable[Result], vectors_version: str) -> Table:
    """The table of a run."""
    verdicts: dict[str, list[Verdict]] = {}
    for result in results:
        verdicts.setdefault(result.verdict.op, []).append(result.verdict)
    framework = {
        "framework": f"{implementation.name} {implementation.version}",
        "adapter": implementation.spec,
        "options": dict(implementation.options),
        "vectors": vectors_version,
        "precision": dict(implementation.precision),
        "declared": {key: str(value) for key, value in implementation.conventions.items()},
    }
    return {FRAMEWORK: framework} | {op: _operation(verdicts[op]) for op in sorted(verdicts)}


def _operation(verdicts: Sequence[Verdict]) -> Facts:
    conventions = {point.point: list(point.answers) for point in followed(verdicts)}
    cells = {dtype: _cell([verdict for verdict in verdicts if verdict.dtype == dtype]) for dtype in DTYPES}
    return {"conventions": conventions} | {dtype: cell for dtype, cell in cells.items() if cell}


def _cell(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    counts = Counter(COLUMNS[verdict.outcome] for verdict in verdicts)
    cell: dict[str, Any] = {name: counts[name] for name in COLUMNS.values() if counts[name]}
    told = [v.fraction for v in verdicts if v.fraction is not None and v.outcome is not Outcome.ROBUST_MISS]
    return cell | ({"worst": float(f"{max(told):.1g}")} if told else {})


def record(name: str, table: Table) -> None:
    """Write the recorded parts; what is written by hand stays as it is."""
    for part, facts in table.items():
        path = FOLDER / name / f"{part}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        _, heading, by_hand = (path.read_text() if path.exists() else "").partition(f"\n{EXPLAINED}:\n")
        recorded = "\n".join(f"{key}: {_flow(value)}" for key, value in facts.items())
        path.write_text(recorded + (heading + by_hand or "\n"))


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).removesuffix("...\n").strip()


def read(name: str) -> tuple[Table, tuple[Explanation, ...]]:
    """What is recorded of a run, and all explanations. Of a run without a folder, neither."""
    table: dict[str, Facts] = {}
    explanations: list[Explanation] = []
    for path in sorted((FOLDER / name).glob("*.yml")):
        facts = yaml.load(path.read_text(), LOADER)
        for entry in facts.pop(EXPLAINED, ()):
            explanations += _explanations(entry)
        table[path.stem] = facts
    return table, tuple(explanations)


def _explanations(entry: Mapping[str, Any]) -> Iterator[Explanation]:
    """An explanation, or, of `as: RUN`, all those of another run."""
    if AS in entry:
        yield from (replace(explanation, run=entry[AS]) for explanation in read(entry[AS])[1])
    else:
        yield Explanation(**(entry | {"families": tuple(entry["families"])}))


def other_versions(recorded: Table, seen: Table) -> str:
    """The framework and vectors that a table was recorded of, where they are not those of this run; else nothing."""
    was, now = recorded.get(FRAMEWORK, seen[FRAMEWORK]), seen[FRAMEWORK]
    versions = [{key: facts[key] for key in ("framework", "vectors")} for facts in (was, now)]
    return "" if versions[0] == versions[1] else "{framework}, vectors {vectors}".format(**versions[0])


def compared(
    recorded: Table, seen: Table, explanations: Sequence[Explanation], results: Iterable[Result]
) -> Iterator[str]:
    """A line for everything in which a run, of some operations or all, is not as its table says."""
    verdicts = {result.verdict.id: result.verdict for result in results}
    missed = {id_: verdict for id_, verdict in verdicts.items() if _needs_explaining(verdict)}
    varying = Counter(
        (verdict.op, verdict.dtype)
        for id_, verdict in verdicts.items()
        if any(explanation.only_where and explanation.covers(id_) for explanation in explanations)
    )
    yield from _differences(recorded, seen, varying)
    yield from _unexplained(explanations, missed)
    yield from _needless(explanations, verdicts.keys(), missed.keys())
    yield from not_reproduced(e for e in explanations if any(map(e.covers, missed)))


def _differences(recorded: Table, seen: Table, varying: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """A line for every fact that is not as recorded. Of `varying` families a cell the machine decides."""
    for part, facts in seen.items():
        before = recorded.get(part, {})
        for key in dict.fromkeys([*before, *facts]):
            was, now = before.get(key), facts.get(key)
            alike = _alike(was or {}, now or {}, varying.get((part, key), 0)) if key in DTYPES else was == now
            if not alike:
                yield f"{part} {key}: recorded {_flow(was)}, now {_flow(now)}"


def _alike(was: Facts, now: Facts, varying: int) -> bool:
    more = {outcome: now.get(name, 0) - was.get(name, 0) for outcome, name in COLUMNS.items()}
    moved = [abs(more.pop(outcome)) for outcome in (Outcome.PASSED, *MISSED)]
    return max(moved) <= varying and not any(more.values()) and now.get("worst", 0) <= GROWN * was.get("worst", 0)


def _needs_explaining(verdict: Verdict) -> bool:
    return verdict.cause is Cause.REFUSED or verdict.outcome in MISSED


def _unexplained(explanations: Sequence[Explanation], missed: Mapping[str, Verdict]) -> Iterator[str]:
    for id_, verdict in missed.items():
        if not any(explanation.covers(id_) for explanation in explanations):
            told = verdict.misses[0].summary if verdict.misses else verdict.reason
            yield f"{id_}: {verdict.outcome}, and not explained: {told}"


def _needless(explanations: Sequence[Explanation], ran: Iterable[str], missed: Iterable[str]) -> Iterator[str]:
    """A line for every glob of which families ran, and none missed; not for those of another run."""
    for explanation in explanations:
        for glob in () if explanation.only_where or explanation.run else explanation.families:
            if any(fnmatchcase(id_, glob) for id_ in ran) and not any(fnmatchcase(id_, glob) for id_ in missed):
                yield f"{glob}: explained, but nothing that it matches is missed"


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
