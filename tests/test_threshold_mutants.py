"""Faults beyond every golden length are found by live cases, and shrunk to the length from which they are at work.

What is recorded of each mutant of two seeds: which it is, at which case it was found, and the length of the
axis in the case that it was shrunk to. `pytest -m catalogue tests/test_threshold_mutants.py --force-regen` writes it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from backproof.conformance.live.judging import Judged, UnjudgedError
from live_runs import judge_of, searched
from threshold_mutants import DTYPE, ThresholdMutant, threshold_mutant

RECORD = Path(__file__).with_suffix(".json")
COUNTS = {0: 63, 1: 27}
"""How many mutants of each seed are on record."""
MISSED = {
    "0/15": "images as high would need as many weights behind them",
    "0/29": "indices as long as that come with inputs of few columns, which the fault leaves alone",
    "0/58": "where two conventions differ, a case that fails is not judged unless they are declared",
    "1/7": "the largest score of all does for each row, unless the rows are far apart",
    "1/21": "found, and shrunk to a length that is not the shortest",
}
"""Mutants that are not found, or not shrunk to the threshold, and why."""
CASES, SECONDS = 1000, 60.0
"""At most so many cases of a function, which take at most so long: a share of what `--impl-live=120` makes of both
functions of an operation on one core."""
SAMPLE = ("0/0", "1/1")
"""Those that are tried by default."""


def found_by_live_cases(mutant: ThresholdMutant) -> dict[str, object]:
    """What live cases make of a mutant."""
    op, direction = mutant.fault.op, mutant.fault.direction
    live = searched(mutant.implementation, op, direction, DTYPE, f"0/{op}/{DTYPE}/{direction}-live", CASES, SECONDS)
    found: dict[str, object] = {"mutant": mutant.name, "threshold": mutant.threshold}
    if live.judged is None:
        return {**found, "at case": None}
    shape = live.judged.family.inputs[mutant.argument].shape[1:]
    shrunk = not any(fails_for_shorter(mutant, live.judged))
    return {**found, "at case": live.verdict.cases, "length": shape[mutant.axis], "shrunk": shrunk}


def fails_for_shorter(mutant: ThresholdMutant, judged: Judged) -> Iterator[bool]:
    """Whether the same case is wrong, too, with shorter lengths of the axis that are no shorter than the threshold: not
    each length shows a fault of tiles."""
    name, axis = mutant.argument, mutant.axis + judged.template.family.inputs[mutant.argument].ndim - 1
    place = next(i for i, length in enumerate(judged.template.lengths) if (name, axis) in length.multiples)
    multiple = judged.template.lengths[place].multiples[name, axis]
    sizes, judge = judged.case.sizes, judge_of(mutant.fault.op, mutant.implementation)
    for size in range(-(-mutant.threshold // multiple), sizes[place]):
        case = replace(judged.case, sizes=(*sizes[:place], size, *sizes[place + 1 :]))
        with suppress(UnjudgedError):
            yield judge.judge(judged.template, case).fails


def recorded() -> dict[str, dict[str, object]]:
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def test_all_other_mutants_were_found_and_shrunk_to_their_threshold() -> None:
    assert recorded().keys() == {f"{seed}/{number}" for seed, count in COUNTS.items() for number in range(count)}
    assert {key for key, found in recorded().items() if not found.get("shrunk")} == MISSED.keys()


def marks(key: str) -> list[pytest.MarkDecorator]:
    found = [] if key in SAMPLE else [pytest.mark.catalogue]
    return [*found, pytest.mark.xfail(reason=MISSED[key], strict=True)] if key in MISSED else found


@pytest.mark.parametrize(
    ("seed", "number"),
    [
        pytest.param(seed, number, marks=marks(f"{seed}/{number}"))
        for seed, count in COUNTS.items()
        for number in range(count)
    ],
)
def test_a_mutant_is_found_and_shrunk_to_its_threshold(seed: int, number: int, request: pytest.FixtureRequest) -> None:
    found, key = found_by_live_cases(threshold_mutant(seed, number)), f"{seed}/{number}"
    if request.config.getoption("force_regen"):
        in_order = sorted({**recorded(), key: found}.items(), key=lambda item: tuple(map(int, item[0].split("/"))))
        lines = (f" {json.dumps(name)}: {json.dumps(one)}" for name, one in in_order)
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert found.get("shrunk"), found
    assert found == recorded()[key]
