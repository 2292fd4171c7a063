"""Faults beyond every golden length are found by live or large cases, and shrunk to the length from which they work.

What is recorded of each mutant, one of an operation and a seed: which it is, at which case it was found, and the length
of the axis in the case that it was shrunk to; `pytest -m catalogue tests/test_threshold_mutants.py --force-regen`
writes it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from backproof.conformance.live.judging import Judge, Judged, UnjudgedError
from backproof.reference.model.operation import operation_names
from live_runs import judge_of, large_judge_of, searched, searched_large
from threshold_mutants import DTYPE, ThresholdMutant, threshold_mutant

RECORD = Path(__file__).with_suffix(".json")
SEEDS = (0, 1)
"""Of each, every operation has a mutant on record."""
CASES, SECONDS = 1000, 60.0
"""At most so many cases of a function, which take at most so long: a share of what `--impl-live=120` makes of both
functions of an operation on one core."""
SAMPLE = ("0/nll", "0/sgd_step")
"""Those that are tried by default."""


def found_by_cases(mutant: ThresholdMutant) -> dict[str, object]:
    """What live cases make of a mutant, and large ones where these find nothing."""
    op, direction, subject = mutant.fault.op, mutant.fault.direction, mutant.implementation
    key = f"0/{op}/{DTYPE}/{direction}"
    live, judge = searched(subject, op, direction, DTYPE, f"{key}-live", CASES, SECONDS), judge_of(op, subject)
    found: dict[str, object] = {"mutant": mutant.name, "threshold": mutant.threshold}
    if live.judged is None:
        live, judge = searched_large(subject, op, direction, DTYPE, f"{key}-large"), large_judge_of(op, subject)
        found["size"] = "large"
    if live.judged is None:
        return {**found, "at case": None}
    length = length_in(mutant, live.judged)
    shrunk = not any(fails_for_shorter(mutant, live.judged, judge))
    return {**found, "at case": live.verdict.cases, "length": length, "shrunk": shrunk}


def length_in(mutant: ThresholdMutant, judged: Judged) -> int:
    """The length in a case of the axis from which a mutant is at work."""
    return judged.template.shapes(judged.case.sizes)[mutant.argument][mutant.axis]


def fails_for_shorter(mutant: ThresholdMutant, judged: Judged, judge: Judge) -> Iterator[bool]:
    """Whether the same case is wrong, too, with shorter lengths of the axis that are no shorter than the threshold: not
    each length shows a fault of tiles."""
    name, axis = mutant.argument, mutant.axis + judged.template.family.inputs[mutant.argument].ndim - 1
    place = next(i for i, length in enumerate(judged.template.lengths) if (name, axis) in length.multiples)
    multiple = judged.template.lengths[place].multiples[name, axis]
    sizes = judged.case.sizes
    for size in range(-(-mutant.threshold // multiple), sizes[place]):
        case = replace(judged.case, sizes=(*sizes[:place], size, *sizes[place + 1 :]))
        with suppress(UnjudgedError):
            yield judge.judge(judged.template, case).fails


def recorded() -> dict[str, dict[str, object]]:
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


KEYS = [f"{seed}/{op}" for seed in SEEDS for op in operation_names()]


def test_every_mutant_was_found_and_shrunk_to_its_threshold() -> None:
    assert recorded().keys() == set(KEYS)
    assert all(found["shrunk"] for found in recorded().values())


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[] if key in SAMPLE else [pytest.mark.catalogue]) for key in KEYS]
)
def test_a_mutant_is_found_and_shrunk_to_its_threshold(key: str, request: pytest.FixtureRequest) -> None:
    seed, op = key.split("/")
    found = found_by_cases(threshold_mutant(int(seed), op))
    if request.config.getoption("force_regen"):
        in_order = sorted({**recorded(), key: found}.items())
        lines = (f" {json.dumps(name)}: {json.dumps(one)}" for name, one in in_order)
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert found.get("shrunk"), found
    assert found == recorded()[key]
