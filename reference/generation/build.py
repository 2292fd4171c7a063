"""Build golden families from drafts: draw inputs, evaluate answers, and draw again what cannot be judged."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module

import numpy as np

from ...vectors.dtypes import FORMATS, PRECISIONS_OF
from ...vectors.records import Expectation, Family
from .. import cases
from ..arithmetic.protocol import RangeError, UnboundedError
from ..kinds.declared import declared
from ..model.family import Draft, Inputs
from ..model.formulations import Formulation
from ..model.operation import OWN, Operation, operation
from ..model.vocabulary import ANSWERS, FLAGS
from .draws import NotHeldError, Words
from .evaluate import BluntError, CaseError, Evaluation, UnsettledError, evaluate, lets_zero_pass

ATTEMPTS = 200
"""How often a case is drawn before its draft is refused."""
SHARP = ("float64", "float32", "fused")
"""At these precisions no tolerance of a drawn, required case may let 0 pass for what is not 0."""
SHARP_IF_DRAWN = ("stepwise",)
"""Nor at these, where one of the first so many draws allows it; a family of which one case had none stops looking."""
DRAWS = 16


class SubnormalError(ArithmeticError):
    """An argument or a result of ordinary input is subnormal in its dtype."""


@cache
def drafts(op: str, dtype: str) -> Mapping[str, Draft]:
    """Give an operation's drafts at a dtype by name. Raises CaseError on an invalid draft."""
    by_name: dict[str, Draft] = {}
    for draft in declared(OWN[op], dtype) if op in OWN else import_module(f"{cases.__name__}.{op}").drafts(dtype):
        where = f"{op}/{dtype}/{draft.name}"
        if draft.name in by_name:
            raise CaseError(f"{where}: the name is used twice")
        if unknown := set(draft.flags) - set(FLAGS):
            raise CaseError(f"{where}: unknown flags {sorted(unknown)}")
        if not draft.comment or not draft.flags:
            raise CaseError(f"{where}: a comment and a flag are needed")
        if (draft.draw is None) == (not draft.cases):
            raise CaseError(f"{where}: either cases or a draw is needed")
        if draft.overflows and draft.level != "robust":
            raise CaseError(f"{where}: a case that overflows is robust")
        by_name[draft.name] = draft
    return by_name


def build(op: str, dtype: str, name: str) -> Family:
    """Build the golden family of a draft.

    Raises CaseError where a curated case has no golden answer, or no draw of a case can be judged.
    """
    described, draft = operation(op), drafts(op, dtype)[name]
    where = f"{op}/{dtype}/{name}"
    if draft.result == "invalid":
        return _family(described, dtype, draft, _refused(described, draft, where), [], {})
    inputs, evaluations, others = [], [], {key: list[Evaluation]() for key in _alternatives(described, draft)}
    draws = DRAWS
    for index in range(draft.count if draft.random else len(draft.cases)):
        case, evaluation, alternatives, draws = _case(described, dtype, draft, index, where, draws)
        inputs.append(case)
        evaluations.append(evaluation)
        for key, alternative in alternatives.items():
            others[key].append(alternative)
    return _family(described, dtype, draft, inputs, evaluations, others)


def _case(
    described: Operation, dtype: str, draft: Draft, index: int, where: str, draws: int
) -> tuple[Inputs, Evaluation, dict[str, Evaluation], int]:
    """Build a case, of `draws` draws one that is sharp throughout, and say how many to look through for the next."""
    if draft.draw is None:
        try:
            return *_judged(described, dtype, draft, draft.cases[index], ()), draws
        except (CaseError, UnboundedError, RangeError) as error:
            raise CaseError(f"{where}#{index}: {error}") from error
    reason: Exception | None = None
    for attempt in range(ATTEMPTS):
        try:
            case = draft.draw(Words(f"{where}#{index}~{attempt}", dtype))
            sharp = SHARP + SHARP_IF_DRAWN if attempt < draws else SHARP
            judged = _judged(described, dtype, draft, case, sharp)
            if draft.ordinary:
                _require_normal(dtype, *case.values(), *judged[1].expected)
            if draft.level == "required" and draft.sharp:
                _require_teeth(dtype, judged[1])
            return *judged, draws if attempt < draws else 0
        except (NotHeldError, UnboundedError, RangeError, UnsettledError, BluntError, SubnormalError) as error:
            reason = error
            continue
    raise CaseError(f"{where}#{index}: none of {ATTEMPTS} draws can be judged: {reason}")


def _require_normal(dtype: str, *tensors: np.ndarray) -> None:
    smallest = 2.0 ** FORMATS[dtype].smallest_normal
    for magnitudes in (abs(x.astype(np.float64)) for x in tensors):
        if ((magnitudes > 0) & (magnitudes < smallest)).any():
            raise SubnormalError("a number of ordinary input is subnormal")


def _require_teeth(dtype: str, evaluation: Evaluation) -> None:
    """Raise BluntError where 0 would pass for what is not 0 at the strictest precision, tolerances rounded up."""
    if any(map(lets_zero_pass, evaluation.tolerance[PRECISIONS_OF[dtype][0]], evaluation.expected)):
        raise BluntError("0 would pass, once tolerances are rounded up, for an element that is not 0")


def _judged(
    described: Operation, dtype: str, draft: Draft, case: Inputs, sharp: tuple[str, ...]
) -> tuple[Inputs, Evaluation, dict[str, Evaluation]]:
    wanted = described.arguments[draft.direction]
    if tuple(case) != wanted:
        raise CaseError(f"inputs {tuple(case)} where the call takes {wanted}")

    def answer(formulas: tuple[Formulation, ...], sharp: tuple[str, ...] = ()) -> Evaluation:
        return evaluate(
            formulas,
            case,
            draft.parameters,
            dtype,
            PRECISIONS_OF[dtype],
            required=draft.level == "required" and not draft.stable,
            guard=not draft.overflows,
            sharp=sharp,
            affine=described.affine,
        )

    evaluation = answer(_canonical(described, draft), sharp if draft.level == "required" and draft.sharp else ())
    others = {key: answer(formulas) for key, formulas in _alternatives(described, draft).items()}
    return case, evaluation, {key: _at_the_same_precisions(other, evaluation) for key, other in others.items()}


def _at_the_same_precisions(alternative: Evaluation, evaluation: Evaluation) -> Evaluation:
    """Give an alternative tolerances at the canonical answer's precisions: the strictest ones where it has none."""
    known = alternative.tolerance
    return replace(alternative, tolerance={p: known.get(p, next(iter(known.values()))) for p in evaluation.tolerance})


def _canonical(described: Operation, draft: Draft) -> tuple[Formulation, ...]:
    """Give the formulations of the canonical answer: at a point where not all of the operation's own follow it, those
    that its alternatives name for it."""
    named = (described.alternatives.get((a.point, a.answer)) for a in ANSWERS if a.point == draft.point and a.canonical)
    return (next(named, None) or described.formulations)[draft.direction]


def _alternatives(described: Operation, draft: Draft) -> dict[str, tuple[Formulation, ...]]:
    if draft.result != "convention":
        return {}
    return {
        f"{a.point}={a.answer}": described.alternatives[a.point, a.answer][draft.direction]
        for a in ANSWERS
        if a.point == draft.point and not a.canonical and (a.point, a.answer) in described.alternatives
    }


def _refused(described: Operation, draft: Draft, where: str) -> list[Inputs]:
    """Give an invalid draft's cases, each of which the reference must refuse. Raises CaseError where it does not."""
    for index, case in enumerate(draft.cases):
        try:
            described.functions[draft.direction](*case.values(), **draft.parameters)
        except (ValueError, IndexError):
            continue
        raise CaseError(f"{where}#{index}: meant to be refused, but the reference computes it")
    return list(draft.cases)


def _family(
    described: Operation,
    dtype: str,
    draft: Draft,
    inputs: list[Inputs],
    evaluations: list[Evaluation],
    alternatives: Mapping[str, list[Evaluation]],
) -> Family:
    results = described.results[draft.direction]
    return Family(
        op=described.name,
        dtype=dtype,
        name=draft.name,
        direction=draft.direction,
        count=len(inputs),
        level=draft.level,
        result=draft.result,
        flags=draft.flags,
        parameters=dict(draft.parameters),
        seed=f"{described.name}/{dtype}/{draft.name}" if draft.random else "",
        comment=draft.comment,
        source=draft.source,
        inputs={name: np.stack([case[name] for case in inputs]) for name in inputs[0]},
        answer=stacked(evaluations, results),
        alternatives={key: stacked(found, results) for key, found in alternatives.items()},
    )


def stacked(evaluations: list[Evaluation], results: tuple[str, ...]) -> Expectation:
    """Put the cases of a family together. A precision that one case lacks is left out for all."""
    if not evaluations:
        return Expectation({}, {})
    common = [p for p in evaluations[0].tolerance if all(p in e.tolerance for e in evaluations)]
    return Expectation(
        {name: np.stack([e.expected[i] for e in evaluations]) for i, name in enumerate(results)},
        {
            precision: {
                name: np.stack([e.tolerance[precision][i] for e in evaluations]) for i, name in enumerate(results)
            }
            for precision in common
        },
    )
