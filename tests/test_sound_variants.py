"""No right implementation is failed at any dtype, however it computes; the margin of each is recorded."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from backproof.conformance.check.conventions import Tracker
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import Implementation, load
from backproof.reference.model.operation import operation_names
from backproof.vectors.records import Family
from kill_matrix import vectors_of
from sound_variants import COMPUTES, SoundVariant, variants

VARIANTS = [pytest.param(variant, id=variant.name) for variant in variants()]

MARGINS = Path(__file__).with_suffix(".json")
"""The largest error as a share of the tolerance, by variant, operation, direction and dtype. It differs a little with
the machine's matrix products and elementary functions; --force-regen writes it anew."""
ELSEWHERE = 0.35

LOSES_DIGITS = {
    "softmax through logsumexp",
    "softmax through a running logsumexp",
    "loss through logsumexp",
    "loss through a running logsumexp",
}
"""Formulas that lose digits where all logits share a shift: robust families say so."""
LESS_RANGE = {"tf32, declared"}
"""An operand near the largest number rounds to infinity."""


def implementation(variant: SoundVariant, monkeypatch: pytest.MonkeyPatch) -> Implementation:
    """A variant as the plugin loads it. Where arguments lie is no matter to those that differ in how they compute."""
    import sound_variants

    monkeypatch.setattr(sound_variants, "VARIANT", variant, raising=False)
    loaded = load("sound_variants:VARIANT", operation_names())
    return replace(loaded, layouts=variant.differs != COMPUTES or variant.share == 1)


def tried(variant: SoundVariant, op: str) -> Iterator[Family]:
    """The variant's share of an operation's families, and the first of each direction, dtype, level and result."""
    seen = set()
    for family in vectors_of(op).families:
        kind = family.direction, family.dtype, family.level, family.result
        if kind not in seen or crc32(f"{variant.name}/{family.id}".encode()) % variant.share == 0:
            yield family
        seen.add(kind)


def test_every_family_is_tried_with_several_of_them() -> None:
    for op in operation_names():
        tries = Counter(family.id for variant in variants() for family in tried(variant, op))
        assert all(tries[family.id] >= 6 for family in vectors_of(op).families)


def test_there_are_at_least_24_of_them_of_every_operation() -> None:
    found = list(variants())
    assert len({variant.name for variant in found}) == len(found)
    for op in operation_names():
        assert sum(any(name.rpartition("_")[0] == op for name in variant.functions) for variant in found) >= 24


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sound_variant_passes_at_every_dtype_with_the_margin_recorded(
    variant: SoundVariant, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    subject, robust = implementation(variant, monkeypatch), []
    margins: dict[str, float] = {}
    for op in operation_names():
        vectors, tracker = vectors_of(op), Tracker()
        verdicts = [tracker.add(check(family, subject, vectors)) for family in tried(variant, op)]
        assert [(v.id, v.misses[0].summary) for v in verdicts if v.outcome is Outcome.FAILED] == []
        robust += [v.id for v in verdicts if v.outcome is Outcome.ROBUST_MISS]
        for verdict in verdicts:
            if verdict.fraction is not None and verdict.outcome is Outcome.PASSED:
                key = f"{op} {verdict.direction} {verdict.dtype}"
                margins[key] = max(margins.get(key, 0.0), round(verdict.fraction, 2))
    assert robust == [] or variant.name in LOSES_DIGITS | LESS_RANGE
    if request.config.getoption("force_regen"):
        _record(variant.name, margins)
    assert margins == pytest.approx(json.loads(MARGINS.read_text())[variant.name], abs=ELSEWHERE)


def _record(name: str, margins: dict[str, float]) -> None:
    known = json.loads(MARGINS.read_text()) if MARGINS.exists() else {}
    MARGINS.write_text(json.dumps(known | {name: margins}, indent=1) + "\n")
