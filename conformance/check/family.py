"""Check an implementation on one family of cases: call it, compare, and make the verdict."""

import inspect
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ...vectors.records import Family, OperationVectors, Tensors
from ..implementation.arrays import Arrays
from ..implementation.batching import each
from ..implementation.declarations import DETERMINISTIC, LABELS, THREAD_SAFE
from ..implementation.errors import describe_error, error_location
from ..implementation.interrupts import is_users
from ..implementation.load import Implementation
from ..implementation.timeouts import Lost
from .agreement import Agreement, Returned, agree
from .contract import (
    Call,
    Complaint,
    Malformed,
    ResultSpec,
    changed_arguments,
    overwritten_results,
    sharing_results,
)
from .first_case import FirstCase
from .further import Allowed, checks_of_many_calls, further_checks, is_small
from .guards import guarded, written_beside
from .messages import in_cases
from .values import tolerance_key
from .verdict import OF_THE_WHOLE, Cause, Miss, MissKind, Verdict, verdict_on

LABEL_RANGE = "label-range"
"""The flag of invalid families whose label is out of range."""
FURTHER_FORM = "further-form"
"""The flag of families in a form that an operation need not take: whatever it raises there says that it does not."""
FURTHER_RANK = {FURTHER_FORM, "rank"}
"""The flags of those of another number of axes: results of another shape than is due are a robust miss there."""


def check(
    family: Family,
    implementation: Implementation,
    vectors: OperationVectors,
    *,
    many_calls: bool = False,
    hold: Callable[[Returned, Tensors], Agreement] | None = None,
) -> Verdict:
    """The verdict on one family.

    With `many_calls` its first case is also called many times, and from several threads: see `called_many_times`.
    `hold`: compares the results instead, where the family is too large to hold what is expected of it, and is given
    the arguments of its case as well, by name. There is one case, called once. Its arguments are asked for one at a
    time, and again only where the call has changed one.

    Whatever the implementation raises becomes part of the verdict, except the user's KeyboardInterrupt. Warnings of
    Python and NumPy are silenced meanwhile: they are no failures.
    """
    started = time.perf_counter()
    declined = _declined(family, implementation, vectors)
    if declined is not None:
        cause, reason = declined
        return verdict_on(family, cause=cause, reason=reason, seconds=time.perf_counter() - started)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if family.result == "invalid":
            findings = _check_refusals(family, implementation, vectors)
        else:
            findings = _check_values(family, implementation, vectors, many_calls, hold)
    return verdict_on(
        family,
        findings.misses,
        Cause.REFUSED if findings.raised.unsupported else None,
        reason=findings.raised.unsupported_reason(family.count),
        fraction=findings.fraction,
        ulps=findings.ulps,
        kept=findings.kept,
        answers=findings.answers,
        calls=findings.calls,
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Findings:
    """What the check of a family has found so far."""

    misses: list[Miss] = field(default_factory=list)
    raised: "_Raised" = field(default_factory=lambda: _Raised())
    fraction: float | None = None
    ulps: float | None = None
    kept: Mapping[str, bool] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    calls: int = 0


def _declined(family: Family, implementation: Implementation, vectors: OperationVectors) -> tuple[Cause, str] | None:
    """Why the family is not called; None where it is."""
    if (family.op, family.direction) not in implementation.functions:
        return Cause.NO_FUNCTION, f"no function {family.op}_{family.direction}"
    if family.dtype not in implementation.dtypes:
        return Cause.NO_DTYPE, f"{family.dtype} is not among its dtypes"
    if lacking := _lacking(implementation.functions[family.op, family.direction], family.parameters):
        return Cause.REFUSED, f"{family.op}_{family.direction} takes no {' and no '.join(lacking)}"
    if family.result == "invalid":
        if LABEL_RANGE in family.flags and implementation.conventions.get(LABELS) == "unchecked":
            return Cause.DECLARED, 'conventions = {"labels": "unchecked"}'
        return None
    precision = implementation.working_precision(family.dtype, family.op)
    if tolerance_key(family.answer, precision, vectors.aliases) is None:
        return Cause.NO_TOLERANCE, f"no tolerance is given at precision {precision}"
    return None


def _lacking(function: Callable[..., object], parameters: Iterable[str]) -> list[str]:
    """The parameters that a function does not take by keyword; none of one whose signature is not told."""
    try:
        known = _known(function)
    except TypeError:  # it has no hash
        known = _known.__wrapped__(function)
    return [name for name in parameters if name not in known] if known is not None else []


@lru_cache(maxsize=512)
def _known(function: Callable[..., object]) -> Collection[str] | None:
    """The parameters of a function; None where it takes any, or does not tell."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    return None if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()) else tuple(known)


def _call(family: Family, implementation: Implementation, vectors: OperationVectors) -> Call:
    names = vectors.results[family.direction]
    expected = family.answer.expected
    shapes = tuple(expected[name].shape[1:] for name in names) if expected else ()
    spec = ResultSpec(names, shapes, numpy_dtype(family.dtype))
    return Call(implementation.functions[family.op, family.direction], family.parameters, spec)


def _check_refusals(family: Family, implementation: Implementation, vectors: OperationVectors) -> _Findings:
    findings = _Findings()
    function = implementation.functions[family.op, family.direction]
    names = vectors.arguments[family.direction]
    handed = [guarded(np.ascontiguousarray(family.inputs[name])) for name in names]
    robust = family.level == "robust"
    accepted = []
    calls = [[argument.stack[case, ...] for argument in handed] for case in range(family.count)]
    for case, result in enumerate(each(function, calls, family.parameters)):
        findings.calls += 1
        try:
            result()
            accepted.append(case)
        except BaseException as error:
            if not isinstance(error, Exception) or isinstance(error, NotImplementedError):
                findings.raised.add(case, error, function)
    if accepted:
        arguments = ", ".join(f"{name} {x.stack.shape[1:]}" for name, x in zip(names, handed, strict=True))
        findings.misses.append(
            Miss(
                MissKind.ACCEPTED,
                robust,
                accepted[0],
                f"case {accepted[0]} is accepted, where an exception is due: {family.comment}",
                (f"called with {arguments}", in_cases(accepted, family.count)),
            )
        )
    findings.misses += findings.raised.misses(family.count, robust=robust)
    findings.misses += changed_arguments(names, handed, family.inputs, robust=robust)
    findings.misses += written_beside(names, handed, robust=robust)
    return findings


def _check_values(
    family: Family,
    implementation: Implementation,
    vectors: OperationVectors,
    many_calls: bool,
    hold: Callable[[Returned, Tensors], Agreement] | None,
) -> _Findings:
    call = _call(family, implementation, vectors)
    names = vectors.arguments[family.direction]
    robust = family.level == "robust"
    arguments = [guarded(np.ascontiguousarray(family.inputs[name])) for name in names]
    findings = _Findings()

    stacks, further = [argument.stack for argument in arguments], FURTHER_RANK & {*family.flags}
    returned = _call_all(call, stacks, family.count, findings, robust, further, copied=hold is None)
    implementation.after_calls()
    changed = list(changed_arguments(names, arguments, family.inputs, robust=robust))
    changed += written_beside(names, arguments, robust=robust)
    overwritten = []
    if hold is not None:
        held = family.inputs if changed else dict(zip(names, stacks, strict=True))
        agreement = hold(returned, {name: stack[0, ...] for name, stack in held.items()})
    else:
        overwritten = list(overwritten_results(call.spec.names, returned.kept, returned.stacks, robust=robust))
        precision = implementation.working_precision(family.dtype, family.op)
        declared = None if family.point is None else implementation.conventions.get(family.point)
        agreement = agree(family, vectors, precision, declared, returned)
    findings.misses += agreement.misses
    findings.answers = agreement.answers
    findings.kept = {} if further == FURTHER_RANK and not returned.whole.all() else agreement.kept
    findings.fraction, findings.ulps = agreement.fraction, agreement.ulps
    findings.misses += changed + overwritten
    if returned.kept[0] is not None and hold is None:
        first = FirstCase(
            call,
            family,
            names,
            arguments,
            returned,
            agreement.first,
            vectors.batch_axis,
            changes_arguments=bool(changed),
            deterministic=implementation.conventions.get(DETERMINISTIC) is not False,
        )
        if not changed:
            findings.misses += sharing_results(call.spec, returned.kept[0], names, first.memory)
        threads = not implementation.isolated and implementation.conventions.get(THREAD_SAFE) is not False
        allowed = Allowed(implementation.layouts, threads)
        findings.misses += _until_lost(further_checks(first, allowed))
        findings.calls = call.made  # those of several threads are not counted
        if many_calls and all(miss.kind in OF_THE_WHOLE for miss in findings.misses):
            others = _with_other_options(family, implementation, vectors)
            findings.misses += _until_lost(checks_of_many_calls(first, allowed, others))
    else:
        findings.calls = call.made
    return findings


def _with_other_options(
    family: Family, implementation: Implementation, vectors: OperationVectors
) -> Iterator[Callable[[], Arrays]]:
    """Calls of the operation's functions: of each the first families in which one more parameter has another value than
    the family's."""
    seen: set[tuple[str, str]] = set()
    for other in vectors.families:
        if other.dtype != family.dtype or other.level != "required" or other.result == "invalid" or not is_small(other):
            continue
        differing = (name for name, value in other.parameters.items() if value != family.parameters.get(name))
        further = {(other.direction, name) for name in differing} - seen
        if further and _declined(other, implementation, vectors) is None:
            seen |= further
            arguments = [np.array(other.inputs[name][0, ...]) for name in vectors.arguments[other.direction]]
            yield partial(_call(other, implementation, vectors), arguments)


def _until_lost(misses: Iterator[Miss]) -> Iterator[Miss]:
    """The misses of a first case, the last one a lost call if there is one."""
    try:
        yield from misses
    except Lost as error:
        yield Miss(MissKind.LOST, False, 0, f"case 0, called again: {error}")


class _Raised:
    """Exceptions of a family, gathered by type and place."""

    def __init__(self) -> None:
        self.unsupported: list[int] = []
        """Cases that raised NotImplementedError, or anything where a family is optional."""
        self._unsupported_words = ""
        self._seen: dict[tuple[type[BaseException], str], tuple[str, list[int]]] = {}
        self._lost: dict[str, list[int]] = {}

    def add(self, number: int, error: BaseException, function: object, *, optional: bool = False) -> None:
        """Note that case `number` raised `error`. Raises it again if it is the user's interrupt."""
        match error:
            case KeyboardInterrupt() if is_users(error):
                raise error
            case Lost():
                self._lost.setdefault(str(error), []).append(number)
            case Exception() if optional or isinstance(error, NotImplementedError):
                self.unsupported.append(number)
                self._unsupported_words = self._unsupported_words or describe_error(error)
            case _:
                at = error_location(error, function)
                _, cases = self._seen.setdefault((type(error), at), (describe_error(error), []))
                cases.append(number)

    def unsupported_reason(self, count: int) -> str:
        """Why cases are unsupported; empty where none is."""
        some = f" {in_cases(self.unsupported, count)}" if len(self.unsupported) < count else ""
        return f"{self._unsupported_words}{some}" if self.unsupported else ""

    def misses(self, count: int, *, robust: bool) -> Iterator[Miss]:
        """One miss for each kind of exception. A lost call is never robust: no input makes it right not to return."""
        for words, cases in self._lost.items():
            yield Miss(MissKind.LOST, False, cases[0], f"case {cases[0]}: {words}", (in_cases(cases, count),))
        for (_, at), (words, cases) in self._seen.items():
            place = (f"at {at}",) if at else ()
            summary = f"case {cases[0]} raised {words}"
            yield Miss(MissKind.RAISED, robust, cases[0], summary, (*place, in_cases(cases, count)))


def _call_all(
    call: Call, stacks: Arrays, count: int, findings: _Findings, robust: bool, further: set[str], *, copied: bool
) -> Returned:
    """Make the calls of all cases, of a form with the flags `further`, if any. Without `copied` there is one, whose
    results are taken as they are."""
    spec = call.spec
    copies = [np.empty((count, *shape), spec.dtype) for shape in spec.shapes]
    whole = np.ones((len(copies), count), dtype=bool)
    kept: list[Arrays | None] = [None] * count
    complaints: dict[Complaint, list[int]] = {}
    for case, results in enumerate(call.each([[stack[case, ...] for stack in stacks] for case in range(count)])):
        try:
            arrays = results()
            kept[case] = arrays
            if not copied:
                copies = [array[None, ...] for array in arrays]
                continue
            for copy, array in zip(copies, arrays):  # noqa: B905 - one a result, and this is the inner loop
                copy[case, ...] = array
        except Malformed as malformed:
            if further == FURTHER_RANK and any(of.kind is MissKind.SHAPE for of in malformed.complaints):
                whole[:, case] = False
            for complaint in malformed.complaints:
                complaints.setdefault(complaint, []).append(case)
            for position, result in enumerate(malformed.arrays):
                if result is None:
                    whole[position, case] = False
                else:
                    copies[position][case, ...] = result
        except BaseException as error:  # SystemExit and pytest.skip() from an adapter do not end the run either
            findings.raised.add(case, error, call.function, optional=FURTHER_FORM in further)
            whole[:, case] = False
    findings.misses += findings.raised.misses(count, robust=robust)
    for complaint, cases in complaints.items():
        details = (in_cases(cases, count),)
        mild = robust or (further == FURTHER_RANK and complaint.kind is MissKind.SHAPE)
        findings.misses.append(Miss(complaint.kind, mild, cases[0], complaint.text, details, result=complaint.result))
    return Returned(copies, whole, kept)
