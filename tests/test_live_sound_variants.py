"""Live cases give no alarm at a right implementation, however it computes: 20,000 and more of them are tried.

What is recorded of an operation: how many cases of its sound variants were judged, and how near to its tolerance the
worst of them comes. `pytest -m catalogue tests/test_live_sound_variants.py --force-regen` writes it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from backproof.conformance.implementation.load import Implementation, load, present
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors.dtypes import DTYPES
from live_runs import judged, templates_of
from shares import one_in
from sound_variants import variants_of
from test_sound_variants import ELSEWHERE, has_no_bound

RECORD = Path(__file__).with_suffix(".json")
CASES = 5
"""Of each variant of each function, with a seed of its own, unless others are on record: more of elementwise operations
and fewer of those that take long."""
PIECES = {"lstm": 4}
"""In how many pieces the variants of an operation are tried that take long, each on record by itself: "lstm/0"."""
LONGEST_IN_STYLE = 4200
"""Lengths that are tried in styles, which add up in Python."""
LONGEST_IN_LOOP = 257
"""Lengths that are tried of an operation with a loop, as over time: each step of a bound takes long."""
LONGEST_IN_TABLE = 257
"""Lengths that are tried where each row has a table of as many rows and columns."""
DTYPE = "float32"
"""At which variants differ most from one another, if they have it. The NumPy adapter is tried at all."""
ALARMS: dict[str, str] = {}
"""Operations of which a variant gives an alarm, and why; NumPy's functions are others on other processors."""
ADAPTER = "backproof.conformance.adapters.numpy"


@dataclass
class Tally:
    """What came of an operation's cases."""

    cases: int = 0
    largest: float = 0.0
    """The largest error, in tolerances."""
    alarms: list[str] = field(default_factory=list)


def implementations(key: str) -> Iterator[tuple[str, Implementation, tuple[str, ...]]]:
    """The sound variants of an operation, or of a piece of it, with their names and the dtypes to try."""
    op, _, piece = key.partition("/")
    return islice(all_implementations(op), int(piece or 0), None, PIECES.get(op, 1) if piece else 1)


def all_implementations(op: str) -> Iterator[tuple[str, Implementation, tuple[str, ...]]]:
    """The sound variants of an operation and the NumPy adapter."""
    yield "the NumPy adapter", load(ADAPTER, [op]), DTYPES
    for variant in variants_of(op):
        subject = replace(present("variant", variant, [op]), layouts=variant.sort != "style")
        yield variant.name, subject, (DTYPE if DTYPE in variant.dtypes else variant.dtypes[0],)


def tried(key: str, cases: int) -> Tally:
    """Judge so many live cases of each sound variant of an operation's functions, or of a piece of these."""
    tally, op = Tally(), key.partition("/")[0]
    formulations = {variant.name: variant for variant in variants_of(op)}
    for name, subject, dtypes in implementations(key):
        for direction in operation(op).functions:
            for dtype in dtypes if (op, direction) in subject.functions else ():
                longest = math.inf if subject.layouts else LONGEST_IN_STYLE
                longest = min(longest, LONGEST_IN_TABLE) if "Jacobian" in name else longest
                longest = min(longest, LONGEST_IN_LOOP) if has_loop(op, direction, dtype) else longest
                for one in judged(subject, op, direction, dtype, f"{name}/{dtype}/{op}_{direction}", cases, longest):
                    tally.cases += one.verdict.cause is None
                    if not one.fails:
                        tally.largest = max(tally.largest, one.verdict.fraction or 0.0)
                    elif name not in formulations or not has_no_bound(formulations[name], one.family):
                        summary = "; ".join(miss.summary for miss in one.verdict.misses)
                        tally.alarms.append(f"{name}: {dtype}/{direction}: {one.case}: {summary}")
    return tally


@cache
def has_loop(op: str, direction: str, dtype: str) -> bool:
    """Whether a length of an operation is one of steps in a loop."""
    return any(any(template.loops) for template in templates_of(op, direction, dtype))


def recorded() -> dict[str, dict[str, float]]:
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def test_20_000_live_cases_of_sound_variants_were_judged() -> None:
    assert sum(one["cases"] for one in recorded().values()) >= 20_000
    assert {op for op, one in recorded().items() if one["alarms"]} == ALARMS.keys()


@pytest.mark.parametrize("op", one_in(31, operation_names()))
def test_of_a_sample_no_sound_variant_gives_an_alarm(op: str) -> None:
    assert tried(op, 1).alarms == []


@pytest.mark.catalogue
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=pytest.mark.xfail(reason=ALARMS[key], strict=False) if key in ALARMS else ())
        for op in operation_names()
        for key in ([f"{op}/{piece}" for piece in range(PIECES[op])] if op in PIECES else [op])
    ],
)
def test_no_sound_variant_gives_an_alarm(key: str, request: pytest.FixtureRequest) -> None:
    each = int(recorded().get(key, {}).get("of each", CASES))
    tally = tried(key, each)
    now = {"of each": each, "cases": tally.cases, "largest error": round(tally.largest, 2), "alarms": len(tally.alarms)}
    if request.config.getoption("force_regen"):
        lines = (f" {json.dumps(name)}: {json.dumps(one)}" for name, one in sorted({**recorded(), key: now}.items()))
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert tally.alarms == []
    assert now == pytest.approx(recorded().get(key, now), abs=ELSEWHERE)
