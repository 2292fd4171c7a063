"""Why a function fails a family: the first explanation that fits the results of its calls."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ...vectors.records import Family, OperationVectors
from ..check.family import check
from ..check.messages import how_to_declare
from ..check.verdict import MissKind, Outcome, Verdict
from ..diagnosis.evidence import Ran
from ..diagnosis.findings import Diagnosis, diagnose
from ..implementation.errors import describe_error, error_location, text_of
from ..implementation.load import Implementation
from .adjustments import Adjustment, adjustments
from .attempts import Arguments, Attempt, attempts, is_right
from .fit import Misfit
from .probes import small
from .signature import named_order

_HINTS = (
    ("requires grad", "call .detach() before .numpy(), or return the tensor itself"),
    ("must be Tensor, not", "make tensors of the arrays first: torch.tensor(array)"),
    ("read-only", "work on a copy of the argument: array.copy()"),
    ("casting rule", "keep the dtype of the arguments: allocate with dtype=array.dtype"),
)
"""What to do about exceptions of frameworks, by a part of their message, which is all that tells them apart."""


def explain_misfit(
    family: Family, verdict: Verdict, implementation: Implementation, vectors: OperationVectors
) -> Misfit:
    """What is wrong with a function that fails a family."""
    function = implementation.functions[family.op, family.direction]
    names = vectors.arguments[family.direction]
    if lost := next((miss.summary for miss in verdict.misses if miss.kind is MissKind.LOST), ""):
        return Misfit(f"a call of it does not return: {lost}", "")
    tries = attempts(function, family, names)
    if any(one.error is not None for one in tries):
        unlike = _unlike(family, implementation, vectors)
        return _wants(function, family, names) or _raised(tries, function, unlike)
    alike = _alike(family, vectors)
    diagnoses = _diagnoses(small(alike, implementation.dtypes), implementation, vectors)
    if verdict.looser is not None and not diagnoses:  # of roundings a few small families show too little
        diagnoses = _diagnoses([one for one in alike if one.dtype == family.dtype], implementation, vectors)
    findings = [finding for diagnosis in diagnoses for finding in diagnosis.findings]
    found = _together([Misfit(finding.wrong.rstrip("."), finding.cure.rstrip(".")) for finding in findings])
    if verdict.looser is not None and not any(diagnosis.names_a_fault for diagnosis in diagnoses):
        sentence = " ".join(how_to_declare(verdict.looser, family.dtype, family.op))
        return Misfit(f"{found.words if found else verdict.misses[0].summary}, {sentence}", "")
    found = found or _wants(function, family, names)
    gravest = verdict.gravest
    assert gravest is not None
    return found or Misfit("; ".join([gravest.summary, *gravest.details[:2]]), "")


def _wants(function: Callable[..., object], family: Family, names: Sequence[str]) -> Misfit | None:
    """Other arguments that the function gives right results with."""
    for tried in adjustments(family, names, named_order(function, names)):
        made = attempts(function, family, names, partial(_changed, tried))
        # where something is kept between calls, they prove nothing
        if is_right(family, made) and not is_right(family, attempts(function, family, names)):
            return _together([change.misfit for change in tried])
    return None


def _changed(tried: Iterable[Adjustment], arguments: Arguments) -> Arguments:
    for change in tried:
        arguments = change.apply(arguments)
    return arguments


def _raised(tries: Sequence[Attempt], function: object, unlike: str) -> Misfit:
    error = next(one.error for one in tries if one.error is not None)
    at = error_location(error, function)
    cure = next((cure for part, cure in _HINTS if part in text_of(error)), "")
    where = f", with {unlike}" if unlike else ""
    cure = cure or (unlike and f"handle {unlike}, or raise NotImplementedError there")
    return Misfit(f"it raises {describe_error(error).rstrip('.')}{f' ({at})' if at else ''}{where}", cure)


def _unlike(family: Family, implementation: Implementation, vectors: OperationVectors) -> str:
    """What sets a family apart from all small ones that pass, a parameter or a rank; empty where nothing does."""
    families = small(_alike(family, vectors), implementation.dtypes)
    passed = [one for one in families if check(one, implementation, vectors).outcome is Outcome.PASSED]
    for name, value in family.parameters.items():
        if passed and all(one.parameters.get(name) != value for one in passed):
            return f"{name}={value!r}"
    rank = _rank(family)
    return f"tensors of rank {rank}" if passed and all(_rank(one) != rank for one in passed) else ""


def _rank(family: Family) -> int:
    """Of the largest argument, without the axis of cases."""
    return max(tensor.ndim for tensor in family.inputs.values()) - 1


def _alike(family: Family, vectors: OperationVectors) -> list[Family]:
    """The families of the same function."""
    return [one for one in vectors.families if (one.op, one.direction) == (family.op, family.direction)]


def _diagnoses(
    families: Iterable[Family], implementation: Implementation, vectors: OperationVectors
) -> list[Diagnosis]:
    """What the diagnosis of a run finds in some families."""
    verdicts = ((one, check(one, implementation, vectors)) for one in families)
    ran = [Ran(one, verdict, verdict.outcome is Outcome.FAILED) for one, verdict in verdicts]
    return list(diagnose(ran, implementation, vectors))


def _together(misfits: Sequence[Misfit]) -> Misfit | None:
    cures = dict.fromkeys(misfit.cure for misfit in misfits if misfit.cure)
    return Misfit("; ".join(misfit.words for misfit in misfits), "; ".join(cures)) if misfits else None
