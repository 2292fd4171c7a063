"""Why a function fails a family: the first explanation that fits the results of its calls."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ...vectors.records import Family, OperationVectors
from ..check.family import check
from ..check.messages import how_to_declare
from ..check.verdict import MissKind, Outcome, Verdict
from ..diagnosis.evidence import MOST_CASES, Ran, gather
from ..diagnosis.findings import diagnose, raising
from ..diagnosis.observation import Observation, called
from ..implementation.load import Implementation
from .adjustments import Adjustment, adjustments
from .fit import Misfit
from .probes import small


def explain_misfit(
    family: Family, verdict: Verdict, implementation: Implementation, vectors: OperationVectors
) -> Misfit:
    """What is wrong with a function that fails a family."""
    if lost := next((miss.summary for miss in verdict.misses if miss.kind is MissKind.LOST), ""):
        return Misfit(f"a call of it does not return: {lost}", "")
    alike = [one for one in vectors.families if (one.op, one.direction) == (family.op, family.direction)]
    if any(miss.kind is MissKind.RAISED for miss in verdict.misses):
        ran = _ran([family, *small(alike, implementation.dtypes)], implementation, vectors)
        said = raising(gather(ran, family.direction, implementation, vectors))
        return _wants(family, implementation, vectors) or Misfit(said.wrong.rstrip("."), said.cure.rstrip("."))
    some, of_dtype = small(alike, implementation.dtypes), [one for one in alike if one.dtype == family.dtype]
    diagnoses = [*diagnose(_ran(some, implementation, vectors), implementation, vectors)]
    if verdict.looser is not None and not diagnoses:  # of roundings a few small families show too little
        diagnoses = [*diagnose(_ran(of_dtype, implementation, vectors), implementation, vectors)]
    findings = [finding for diagnosis in diagnoses for finding in diagnosis.findings]
    found = _together([Misfit(finding.wrong.rstrip("."), finding.cure.rstrip(".")) for finding in findings])
    if verdict.looser is not None and not any(diagnosis.names_a_fault for diagnosis in diagnoses):
        sentence = " ".join(how_to_declare(verdict.looser, family.dtype, family.op))
        return Misfit(f"{found.words if found else verdict.misses[0].summary}, {sentence}", "")
    gravest = verdict.gravest
    assert gravest is not None
    found = found or _wants(family, implementation, vectors)
    return found or Misfit("; ".join([gravest.summary, *gravest.details[:2]]), "")


def _wants(family: Family, implementation: Implementation, vectors: OperationVectors) -> Misfit | None:
    """Other arguments that the function gives right results with."""
    function, names = implementation.functions[family.op, family.direction], vectors.arguments[family.direction]
    precision = implementation.working_precision(family.dtype, family.op)
    some = [Observation(family, vectors, case, precision) for case in range(family.count)[:MOST_CASES]]
    for tried in adjustments(family, names):
        # where something is kept between calls, they prove nothing
        if _is_right(function, some, tried) and not _is_right(function, some, ()):
            return _together([change.misfit for change in tried])
    return None


def _is_right(function: Callable[..., object], some: Iterable[Observation], tried: Iterable[Adjustment]) -> bool:
    """Whether calls return what is due with their arguments adjusted."""

    def adjusted(*tensors: object, **parameters: object) -> object:
        arguments = list(tensors)
        for change in tried:
            arguments = change.apply(arguments)
        return function(*arguments, **parameters)

    try:
        return not any(any(replace(one, results=called(adjusted, one)).failing) for one in some)
    except NotImplementedError:
        return False


def _ran(families: Iterable[Family], implementation: Implementation, vectors: OperationVectors) -> list[Ran]:
    verdicts = ((one, check(one, implementation, vectors)) for one in families)
    return [Ran(one, verdict, verdict.outcome is Outcome.FAILED) for one, verdict in verdicts]


def _together(misfits: Sequence[Misfit]) -> Misfit | None:
    cures = dict.fromkeys(misfit.cure for misfit in misfits if misfit.cure)
    return Misfit("; ".join(misfit.words for misfit in misfits), "; ".join(cures)) if misfits else None
