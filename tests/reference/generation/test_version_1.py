"""What version 1 of the vectors held is held: ids, seeds, inputs and expected values of its families.

`version_1_families.txt` has a line for each family of version 1: its operation and name, and the start of a SHA-256
over its first cases in all dtypes. Those that the changelog names are gone, or drawn anew.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, HALF
from backproof.vectors.records import Family

CASES = 8
"""How many cases of a family the hash covers at most: version 1 had more."""
RECORDED = Path(__file__).with_name("version_1_families.txt")
CHANGELOG = Path(__file__).parents[3] / "CHANGELOG.md"


def digest(family: Family) -> str:
    """A hash of what may not change: not of tolerances, flags and words."""
    hashed = hashlib.sha256()
    head = [family.direction, dict(family.parameters), family.seed, family.level, family.result]
    hashed.update(json.dumps(head).encode())
    tensors = [*family.inputs.items(), *family.answer.expected.items()]
    for key, alternative in sorted(family.alternatives.items()):
        tensors += [(f"{key} {name}", tensor) for name, tensor in alternative.expected.items()]
    for name, tensor in tensors:
        cases = np.ascontiguousarray(tensor[:CASES])
        hashed.update(f"{name} {cases.dtype.name} {cases.shape}\n".encode() + cases.tobytes())
    return hashed.hexdigest()


def digests(op: str) -> dict[str, set[str]]:
    """The hash of each family of the golden files by operation and name, over all dtypes, widest first: as it is, and
    as it was before it told conventions apart, in all dtypes or in the half precisions."""
    found: dict[str, set[str]] = {}
    families = list(store.read_golden(op).families)
    for since in ((), HALF, DTYPES):
        lines: dict[str, list[str]] = defaultdict(list)
        for family in families:
            other = family.result == "convention" and family.dtype in since
            then = replace(family, result="valid", alternatives={}) if other else family
            lines[f"{op}/{family.name}"].append(f"{family.dtype} {digest(then)}\n")
        for name, parts in lines.items():
            found.setdefault(name, set()).add(hashlib.sha256("".join(parts).encode()).hexdigest()[:12])
    return found


def recorded() -> dict[str, dict[str, str]]:
    """The recorded hashes by operation."""
    by_op: dict[str, dict[str, str]] = defaultdict(dict)
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        name, digest = line.split()
        by_op[name.partition("/")[0]][name] = digest
    return by_op


@pytest.mark.parametrize("op", recorded())
def test_families_of_version_1_have_their_inputs_and_expected_values(op: str) -> None:
    changelog, found = CHANGELOG.read_text(encoding="utf-8"), digests(op)
    kept = {name: digest for name, digest in recorded()[op].items() if f"`{name}`" not in changelog}
    assert {name: digest for name, digest in kept.items() if digest not in found.get(name, ())} == {}


def test_a_change_of_one_bit_shows() -> None:
    family = next(iter(store.read_golden("relu").families))
    inputs = family.inputs["inputs"].copy()
    inputs.view(np.uint8).flat[0] ^= 1
    assert digest(replace(family, inputs={"inputs": inputs})) != digest(family)
