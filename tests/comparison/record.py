"""What a run of the comparison found, as it is kept in results.json."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
DISTRIBUTIONS = ("torch", "jax", "jaxlib", "numpy", "ml_dtypes", "gpucheck")

ByColumn = dict[str, list[str]]
"""By column, the dtypes at which it rejects; a column that rejects at none is absent."""


@dataclass(frozen=True)
class Fault:
    """What was found of one fault."""

    direction: str
    kind: str
    rejected: ByColumn


@dataclass(frozen=True)
class Results:
    """All that is recorded."""

    versions: dict[str, str]
    seconds: dict[str, dict[str, float]]
    """By checker and operation, processor time to check the plain implementation."""
    spoiled: dict[str, dict[str, dict[str, list[int]]]]
    """By checker, operation and dtype: calls at which it rejects the plain implementation, and all calls."""
    lost: list[str]
    """"checker: subject" of what hung or crashed."""
    faults: dict[str, Fault]
    variants: dict[str, ByColumn]
    """By "variant: operation"."""

    def rejections(self) -> dict[str, ByColumn]:
        """Of faults and sound variants alike."""
        return {name: fault.rejected for name, fault in self.faults.items()} | self.variants


def versions() -> dict[str, str]:
    """Of everything whose version may matter, without what follows a plus sign."""
    return {name: version(name).partition("+")[0] for name in DISTRIBUTIONS}


def write(results: Results) -> None:
    """Write the record, a line a fault and a variant."""
    plain = {**vars(results), "faults": {name: vars(fault) for name, fault in results.faults.items()}}
    blocks = []
    for key, value in plain.items():
        if isinstance(value, Mapping):
            rows = (f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items())
            blocks.append(f" {json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n }")
        else:
            blocks.append(f" {json.dumps(key)}: {json.dumps(value)}")
    RESULTS.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


def load() -> Results:
    """Read the record."""
    plain: dict[str, Any] = json.loads(RESULTS.read_text())
    return Results(**{**plain, "faults": {name: Fault(**fault) for name, fault in plain["faults"].items()}})


def differences(recorded: Results, found: Results, columns: Sequence[str] | None = None) -> Iterator[str]:
    """What came out otherwise than recorded, a line each; in some columns, or in all and in what is spoiled.

    Times and versions are not compared.
    """
    if columns is None:
        for name in sorted({*recorded.spoiled, *found.spoiled}):
            if recorded.spoiled.get(name) != found.spoiled.get(name):
                yield f"{name}: recorded {recorded.spoiled.get(name)}, found {found.spoiled.get(name)} spoiled calls"
    before, now = recorded.rejections(), found.rejections()
    for name in sorted({*before, *now}):
        was, is_ = before.get(name, {}), now.get(name, {})
        for column in columns or dict.fromkeys([*was, *is_]):
            if was.get(column) != is_.get(column):
                yield f"{name}: {column} recorded {_listed(was.get(column))}, found {_listed(is_.get(column))}"


def _listed(dtypes: Sequence[str] | None) -> str:
    return ", ".join(dtypes or ["no rejection"])


def other_versions(recorded: Results, found: Results) -> Iterator[str]:
    """Whose version is not the one that the record was made with, a line each."""
    for name, then in recorded.versions.items():
        if found.versions[name] != then:
            yield f"{name} is {found.versions[name]}, the record was made with {then}"
