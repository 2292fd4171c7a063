"""What a campaign keeps in its folder: where it is, what was found, and the record of it as of a run of pytest.

All of it is written anew after each stretch, each file atomically: what was found first, and last how far the campaign
has come, so that what a killed campaign had not written yet is tried again.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from ...vectors import store
from ...vectors.files import bytes_of, replace_all
from ...vectors.manifest import read_manifest
from ...vectors.parse_json import json_object
from ...vectors.records import Family, Flag, OperationVectors, VectorError
from ...vectors.tolerances import up_to_16_bits
from ..check.conventions import followed
from ..check.precisions import precisions_met
from ..diagnosis.findings import Diagnosis, Finding
from ..implementation.errors import CommandError, describe_error
from ..implementation.load import Implementation
from ..live.judging import FLAG
from ..live.search import together
from ..record import about
from ..record.contents import NOT_ASKED, NOT_RUN, STANDINGS, Asked, FamilyRecord, Planned, Progress, RunRecord
from ..record.document import text_of
from ..record.plain import pack, unpack
from ..record.reader import read_record
from ..session.outcome import conclude
from .stretch import Found, Function, Stretch, Subject, Tried

BOOK, RECORD, FOUND = "campaign.json", "run.json", "found"
VERSION = 1
"""Of the layout of BOOK."""
CASES = 20
"""Of a stretch."""
_FLAGS = (Flag(FLAG, "length or value", "a case that a campaign drew is wrong", ""),)
_CURE = "name a folder that backproof campaign made"


@dataclass(frozen=True)
class Started:
    """What a campaign is, from its beginning to its end, however often it is resumed."""

    subject: Subject
    functions: tuple[Function, ...]
    seed: int
    ops: tuple[str, ...]
    dtypes: tuple[str, ...]
    started: str


@dataclass
class Book:
    """How far a campaign has come, and what it found."""

    folder: Path
    started: Started
    implementation: Implementation
    vectors_version: str
    next: int = 0
    """The number of the first stretch that was never begun."""
    undone: list[int] = field(default_factory=list)
    """Numbers of stretches that were begun, and did not end."""
    seconds: float = 0.0
    cases: Counter[str] = field(default_factory=Counter)
    """Cases that were judged, by function and dtype."""
    passed: dict[str, FamilyRecord] = field(default_factory=dict)
    """What is right, by node id."""
    found: dict[str, Found] = field(default_factory=dict)
    """The smallest case of each finding, by what it looks like, in the order in which they were found."""
    seen: Counter[str] = field(default_factory=Counter)
    """In how many stretches each was found."""
    problems: list[str] = field(default_factory=list)
    """Stretches of which nothing came; one line each."""

    @property
    def total(self) -> int:
        """How many cases were judged."""
        return sum(self.cases.values())

    def stretches(self) -> Iterator[Stretch]:
        """The stretches that are to come, without an end: those that were begun, then new ones."""
        yield from map(self._stretch, list(self.undone))
        for number in count(self.next):
            self.next = number + 1
            self.undone.append(number)
            yield self._stretch(number)

    def _stretch(self, number: int) -> Stretch:
        functions = self.started.functions
        turn, place = divmod(number, len(functions))
        return Stretch(number, functions[place], self.started.seed, turn * CASES, CASES)

    def add(self, tried: Tried) -> list[Found]:
        """Enter what came of a stretch, and give what is new of it."""
        self.undone.remove(tried.stretch.number)
        self.cases["/".join(tried.stretch.function)] += tried.cases
        self._pass(tried.passed)
        new = []
        for one in tried.found:
            known = self.found.get(one.key)
            self.seen[one.key] += 1
            if known is None:
                new.append(one)
            if known is None or one.family.elements < known.family.elements:
                self.found[one.key] = one
        return new

    def lost(self, stretch: Stretch, why: str) -> str:
        """Enter that nothing came of a stretch, and why. Gives the problem, in a line."""
        self.undone.remove(stretch.number)
        op, dtype, direction = stretch.function
        last = stretch.first + stretch.cases - 1
        self.problems.append(f"{op}_{direction} at {dtype}, cases {stretch.first} to {last}: {why}")
        return self.problems[-1]

    def _pass(self, record: FamilyRecord) -> None:
        nodeid, verdict = record.result.nodeid, record.result.verdict
        known = self.passed.get(nodeid)
        both = verdict if known is None else together([known.result.verdict, verdict])
        self.passed[nodeid] = replace(record, result=conclude(nodeid, both, None, strict=False))

    def write(self, progress: Progress, reason: str = "", status: int | None = None) -> None:
        """Write what was found, the record of it, and how far the campaign has come. Raises OSError, VectorError."""
        self.folder.joinpath(FOUND).mkdir(parents=True, exist_ok=True)
        files = {self.folder / FOUND / f"{op}.h5": store.image_of(vectors) for op, vectors in self._vectors()}
        files[self.folder / RECORD] = text_of(self._record(progress, reason, status)).encode()
        state = {
            "backproof_campaign": VERSION,
            "started": pack(self.started),
            "next": self.next,
            "undone": sorted(self.undone),
            "seconds": round(self.seconds, 3),
            "cases": self.cases,
            "found": {
                key: {
                    "nodeid": found.record.result.nodeid,
                    "family": self._name(key),
                    "stretches": self.seen[key],
                    "findings": pack(found.findings),
                }
                for key, found in self.found.items()
            },
            "problems": self.problems,
        }
        files[self.folder / BOOK] = f"{json.dumps(state, indent=1)}\n".encode()
        replace_all(files)

    def _name(self, key: str) -> str:
        """What the family of a finding is called in its file: by its place among those of the function, which stays."""
        direction, op = (getattr(self.found[key].family, name) for name in ("direction", "op"))
        alike = [k for k, one in self.found.items() if (one.family.op, one.family.direction) == (op, direction)]
        return f"{direction}-found-{alike.index(key)}"

    def _vectors(self) -> Iterator[tuple[str, OperationVectors]]:
        """By operation, what was found as golden vectors."""
        for op in dict.fromkeys(found.family.op for found in self.found.values()):
            golden = store.read_golden(op)
            families = [
                _storable(replace(found.family, name=self._name(key)))
                for key, found in self.found.items()
                if found.family.op == op
            ]
            used = {flag for family in families for flag in family.flags}
            flags = tuple(flag for flag in (*_FLAGS, *golden.flags) if flag.name in used)
            yield op, replace(golden, generator="backproof campaign", aliases={}, flags=flags, families=families)

    def _record(self, progress: Progress, reason: str, status: int | None) -> RunRecord:
        """The campaign as a run, in which cases that were found are families, and all that is right one more."""
        families = [*self.passed.values(), *(found.record for found in self.found.values())]
        families = [family for family in families if family.result.verdict.cases]
        results = [family.result for family in families]
        ran = Counter((v.op, v.dtype, v.direction) for v in (result.verdict for result in results))
        planned = tuple(
            Planned(*function, families=max(ran[function], 1), asked=max(ran[function], 1))
            for function in self.started.functions
        )
        standings = Counter(family.standing for family in families)
        standings |= {NOT_RUN: sum(p.asked for p in planned) - len(families), NOT_ASKED: 0}
        subject = self.started.subject
        return RunRecord(
            state=progress,
            reason=reason,
            started=self.started.started,
            ended=None if progress is Progress.RUNNING else now(),
            seconds=round(self.seconds, 3),
            exit_status=status,
            implementation=about.tested(self.implementation),
            versions=about.versions(self.vectors_version),
            machine=about.machine(),
            asked=Asked(False, self.started.ops, self.started.dtypes, False, "", FLAG, subject.timeout, ""),
            problems=tuple(self.problems),
            planned=planned,
            counts={word: standings[word] for word in STANDINGS},
            conventions=followed(result.verdict for result in results),
            precisions=precisions_met((r.verdict for r in results), self.implementation.working_precision),
            diagnoses=tuple(self._diagnoses()),
            flags=_FLAGS,
            answers=(),
            families=tuple(families),
        )

    def _diagnoses(self) -> Iterator[Diagnosis]:
        by_function: dict[tuple[str, str], dict[Finding, None]] = {}
        for found in self.found.values():
            function = found.family.op, found.family.direction
            by_function.setdefault(function, {}).update(dict.fromkeys(found.findings))
        for (op, direction), findings in by_function.items():
            if findings:
                yield Diagnosis(op, direction, tuple(findings))


def begun(folder: Path, started: Started, implementation: Implementation) -> Book:
    """A new campaign. Raises CommandError where there is one in the folder."""
    if (folder / BOOK).exists():
        raise CommandError(f"{folder}: there is a campaign; go on with it by --resume {folder}, or name another by -o")
    return Book(folder, started, implementation, _version())


def started_in(folder: Path) -> tuple[Started, dict[str, Any]]:
    """What the campaign of a folder is, and the rest of its book. Raises CommandError."""
    path = folder / BOOK
    with _reading(path):
        book = json_object(bytes_of(path, _CURE).decode(errors="replace"), f"{path}:")
        if book.get("backproof_campaign") != VERSION:
            raise CommandError(f"{path}: is no campaign of this version of backproof; {_CURE}")
        return unpack(Started, book["started"]), book


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what is wrong with the files of a campaign into a CommandError."""
    try:
        yield
    except VectorError as error:
        raise CommandError(str(error)) from None
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise CommandError(f"{path}: is not as backproof wrote it ({describe_error(error)}); {_CURE}") from None


def resumed(folder: Path, started: Started, book: dict[str, Any], implementation: Implementation) -> Book:
    """The campaign of a folder as far as it has come. Raises CommandError."""
    records = {family.result.nodeid: family for family in read_record(folder / RECORD).families}
    with _reading(folder / BOOK):
        return Book(
            folder,
            started,
            implementation,
            _version(),
            next=book["next"],
            undone=book["undone"],
            seconds=book["seconds"],
            cases=Counter(book["cases"]),
            passed={nodeid: record for nodeid, record in records.items() if not record.result.ending.fails},
            found={key: _found(folder, one, records[one["nodeid"]]) for key, one in book["found"].items()},
            seen=Counter({key: one["stretches"] for key, one in book["found"].items()}),
            problems=book["problems"],
        )


def _found(folder: Path, one: dict[str, Any], record: FamilyRecord) -> Found:
    verdict = record.result.verdict
    families = store.read(folder / FOUND / f"{verdict.op}.h5").families
    family = next(f for f in families if (f.dtype, f.name) == (verdict.dtype, one["family"]))
    return Found(family, record, tuple(unpack(Finding, finding) for finding in one["findings"]))


def _storable(family: Family) -> Family:
    """A family whose tolerances are of as many bits as a file has, rounded up."""
    tolerance = {
        precision: {name: up_to_16_bits(x) for name, x in by_name.items()}
        for precision, by_name in family.answer.tolerance.items()
        if all(np.isfinite(x).all() for x in by_name.values())
    }
    return replace(family, answer=replace(family.answer, tolerance=tolerance))


def _version() -> str:
    return read_manifest(store.golden_folder()).vectors_version


def now() -> str:
    """The time, as records have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
