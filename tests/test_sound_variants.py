"""No right implementation is failed at any dtype, however it computes; how near they come is recorded."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sound_variants
from backproof.conformance.check.conventions import inconsistencies
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import load
from backproof.reference.generation.evaluate import evaluate
from backproof.reference.model.operation import operation_names
from backproof.vectors.dtypes import PRECISIONS_OF
from backproof.vectors.records import Family
from kill_matrix import vectors_of
from shares import one_in
from sound_variants import SoundVariant, variants_of

MARGINS = Path(__file__).with_suffix(".json")
"""By operation and dtype the largest error of all variants as a share of its tolerance. It differs a little with the
machine's matrix products and elementary functions; --force-regen writes it anew."""
ELSEWHERE = 0.1
SHARES = {"formulation": 48}
SHARE = 24
"""Each variant is tried with one family in so many, and with all by tox -e catalogue."""


def tried(op: str, variant: SoundVariant, whole: bool) -> Iterator[Family]:
    """All families of an operation in the directions that a variant computes, or its share of them.

    What is curated may lie where a convention shows beside its own point, so those are tried with what is drawn.
    """
    share = 1 if whole else SHARES.get(variant.sort, SHARE)
    place = variants_of(op).index(variant)
    for index, family in enumerate(vectors_of(op).families):
        if f"{op}_{family.direction}" not in variant.functions or (index + place) % share:
            continue
        if not applies(variant, family):
            continue
        if variant.sort != "convention" or family.seed or family.point == variant.point:
            yield family


def applies(variant: SoundVariant, family: Family) -> bool:
    """Whether the formulation is one for all of a family's cases."""
    cases = ({name: x[case, ...] for name, x in family.inputs.items()} for case in range(family.count))
    return variant.formulation is None or all(variant.formulation.applies({**x, **family.parameters}) for x in cases)


def has_no_bound(variant: SoundVariant, family: Family) -> bool:
    """Whether the formulation is not counted for one of a family's cases: none of them may rely on it there."""
    if variant.formulation is None or not applies(variant, family):
        return variant.formulation is not None
    for case in range(family.count):
        inputs = {name: x[case, ...] for name, x in family.inputs.items()}
        precisions = [PRECISIONS_OF[family.dtype][0]]
        try:
            formulas = (variant.formulation,)
            evaluate(formulas, inputs, family.parameters, family.dtype, precisions, required=True, guard=True)
        except ArithmeticError:
            return True
    return False


def is_undefined(variant: SoundVariant, family: Family) -> bool:
    """Whether the formulation itself has no number for some element, as where infinite terms cancel in exact
    arithmetic."""
    if variant.formulation is None:
        return False
    with np.errstate(all="ignore"):
        stacks = [x if x.dtype.kind == "i" else x.astype(float) for x in family.inputs.values()]
        cases = ([x[case, ...] for x in stacks] for case in range(family.count))
        results = [variant.formulation.function(*arguments, **family.parameters) for arguments in cases]
    return any(bool(np.isnan(x).any()) for x in results)


def largest_margins(op: str, whole: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Assert that no variant is failed; give the largest margin at each dtype."""
    margins, vectors = dict[str, float](), vectors_of(op)
    for variant in variants_of(op):
        monkeypatch.setattr(sound_variants, "VARIANT", variant, raising=False)
        subject = replace(load("sound_variants:VARIANT", [op]), layouts=variant.sort != "style")
        found = []
        for family in tried(op, variant, whole):
            found.append(verdict := check(family, subject, vectors))
            told = f"{variant.name}: {verdict.id}: {[miss.summary for miss in verdict.misses]}"
            lost = verdict.fraction == math.inf and has_no_bound(variant, family)  # a finite result has its bound
            fails = verdict.outcome is Outcome.FAILED
            assert not fails or lost or (not variant.robust and is_undefined(variant, family)), told
            lost = lost or (verdict.outcome is Outcome.ROBUST_MISS and is_undefined(variant, family))
            assert verdict.outcome is not Outcome.ROBUST_MISS or not variant.robust or lost, told
            if verdict.fraction is not None and verdict.outcome is Outcome.PASSED:
                margins[verdict.dtype] = max(margins.get(verdict.dtype, 0.0), verdict.fraction)
        assert list(inconsistencies(found, strict=variant.robust)) == [], variant.name
    return {dtype: round(margin, 2) for dtype, margin in margins.items()}


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_there_are_at_least_24_of_every_operation_and_every_family_is_tried(op: str) -> None:
    found = variants_of(op)
    assert len({variant.name for variant in found}) == len(found) >= 24
    tries = Counter(family.id for variant in found for family in tried(op, variant, whole=False))
    assert all(tries[family.id] for family in vectors_of(op).families)


@pytest.mark.parametrize("op", one_in(31, operation_names()))
def test_no_sound_variant_is_failed_and_the_largest_margins_are_as_recorded(
    op: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    margins, recorded = largest_margins(op, False, monkeypatch), json.loads(MARGINS.read_text(encoding="utf-8"))
    if request.config.getoption("force_regen"):
        recorded[op] = margins
        lines = (f" {json.dumps(name)}: {json.dumps(recorded[name])}" for name in sorted(recorded))
        MARGINS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert op in recorded, "not recorded; run pytest tests/test_sound_variants.py --force-regen"
    assert margins == pytest.approx(recorded[op], abs=ELSEWHERE)


@pytest.mark.catalogue
@pytest.mark.parametrize("op", operation_names())
def test_no_sound_variant_is_failed_by_any_family(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(largest_margins(op, True, monkeypatch).values(), default=0.0) <= 1  # ReLU rounds nothing
