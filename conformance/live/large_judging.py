"""Judge an implementation on large cases: each is called once, and held against what is expected piece by piece."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ...vectors.records import Expectation, Family
from ..check.agreement import Agreement, Returned
from ..check.messages import element, wrong_elements
from ..check.values import compare
from ..check.verdict import Miss, MissKind, Outcome
from ..check.wording import listed
from ..own_data.call import OwnCall
from ..own_data.evaluation import Answer, parts_of
from ..own_data.judging import Judgement, is_right, judge
from ..own_data.progress import Progress
from ..own_data.reading import readings
from ..own_data.sampling import TILE, sampled
from .cases import MOST_ELEMENTS, LiveCase, draw_argument, elements, result_shapes, shapes_of
from .judging import Judge, Judged, UnjudgedError, require_ordinary, stand_in, varied_in
from .large import CASES, FULL, elements_of, sample_of, terms_of
from .templates import Template

FLAG = "large"
NOTHING_HELD = Agreement((), (), {}, None, None, None)
PART = 16
"""A large matrix is judged at one of so many elements at most."""


class _Stacks(Mapping[str, np.ndarray]):
    """The arguments of a case as stacks of one, each drawn anew whenever it is asked for, so that none is held.

    Raises UnjudgedError where the operation does not take such shapes, or a number is not ordinary. The latter is kept
    as `refused`: an exception that ends a check counts as the implementation's there.
    """

    def __init__(self, template: Template, case: LiveCase) -> None:
        self._template, self._case = template, case
        self.refused: UnjudgedError | None = None
        try:
            self._shapes = shapes_of(template, case.sizes)
        except (ValueError, IndexError) as error:
            raise UnjudgedError(str(error)) from error

    def __getitem__(self, name: str) -> np.ndarray:
        x = draw_argument(self._template, self._case, name, self._shapes)
        try:
            require_ordinary(x, self._template.family.dtype)
        except UnjudgedError as error:
            self.refused = error
            raise
        return x[None]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


@dataclass(frozen=True)
class LargeJudge(Judge):
    """Judges an implementation on large cases."""

    def judge(self, template: Template, case: LiveCase) -> Judged:
        """Give the verdict on a case. Raises UnjudgedError."""
        template = template.at(case.variation)
        operation, golden = template.operation, template.family
        precision = self.implementation.working_precision(golden.dtype, operation.name)
        sample = _sample(template, case)
        shapes = result_shapes(template, case.sizes)
        standing = _standing(template, case)
        stacks = _Stacks(template, case)
        called = replace(
            standing,
            count=1,
            inputs=stacks,
            answer=Expectation(
                {name: np.broadcast_to(np.nan, (1, *shape)) for name, shape in shapes.items()}, {precision: {}}
            ),
        )
        answer, *_ = self.answers(template)
        came: list[OwnCall] = []
        without_bound: list[UnjudgedError] = []

        def hold(returned: Returned, arguments: Mapping[str, np.ndarray]) -> Agreement:
            came_as = zip(operation.results[golden.direction], returned.stacks, returned.whole, strict=True)
            results = {name: stack[0] for name, stack, whole in came_as if whole[0]}
            declared = self._declared(template)
            given = dict(arguments), golden.parameters, results, declared, sample
            came.append(OwnCall(operation, golden.direction, *given))
            try:
                return _held(came[0], answer, precision)
            except UnjudgedError as error:  # an exception that leaves the check is the implementation's
                without_bound.append(error)
                return NOTHING_HELD

        verdict = self.check(called, hold=hold)
        if stacks.refused is not None:
            raise stacks.refused
        if without_bound and verdict.outcome is not Outcome.FAILED:
            raise without_bound[0]
        if came and verdict.outcome is Outcome.FAILED:
            _require_taken(came[0], answer, precision, golden.dtype)
        if verdict.outcome is Outcome.PASSED and not verdict.reason:
            verdict = replace(verdict, reason=_said(came[0], case, answer, precision))
        return Judged(template, case, standing, verdict)

    def in_full(self, template: Template, case: LiveCase) -> Judged:
        """The same with the tolerances of every precision, where the case is small enough to hold them."""
        family = self.family_in_full(template, case)
        if family.seed == str(case) and (judged := Judged(template, case, family, self.check(family))).fails:
            return judged
        return self.judge(template, case)

    def family_in_full(self, template: Template, case: LiveCase) -> Family:
        """The family of a case, with what is expected where it is small; else the golden one, and what the case is."""
        standing = _standing(template.at(case.variation), case)
        if elements(template, case.sizes) > MOST_ELEMENTS:
            return standing
        try:
            family = super().family_in_full(template, case)
        except UnjudgedError:  # small as it is it has no bound
            return standing
        return replace(family, name=standing.name, flags=standing.flags)

    def _declared(self, template: Template) -> dict[str, str]:
        points = {point for point, _ in template.operation.alternatives}
        return {p: str(answer) for p, answer in self.implementation.conventions.items() if p in points}


def _require_taken(call: OwnCall, answer: Answer, precision: str, dtype: str) -> None:
    """Raise UnjudgedError where the formula itself refuses a call."""
    try:
        next(parts_of(call, answer[:1], dtype, precision), None)
    except ValueError as error:
        raise UnjudgedError(str(error)) from error


def _said(call: OwnCall, case: LiveCase, answer: Answer, precision: str) -> str:
    """What is told of a case that is right: of the first how large it is, and what is not judged in full; of the last
    what its errors are like."""
    if case.profile == CASES[0][0]:
        largest = max(call.arguments, key=lambda name: call.arguments[name].size)
        parts = [f"{some / size:.2g} of {name}" for name, some, size in sampled(call)]
        judged = f", judged at {listed(parts)}" if parts else ""
        return f"{largest} {call.arguments[largest].shape}{judged}"
    found = readings(call, answer[:1], _dtype(call), precision) if case.profile == CASES[-1][0] else []
    return str(found[0]) if found else ""


def _dtype(call: OwnCall) -> str:
    return next(iter(call.results.values())).dtype.name


def _held(call: OwnCall, answer: Answer, precision: str) -> Agreement:
    """Hold what was returned against what is expected: at first by one answer."""
    if not call.results:
        return NOTHING_HELD
    dtype = _dtype(call)
    fraction, ulps, right = _read(call, answer, dtype, precision)
    if right:
        return Agreement((), (), {precision: True}, fraction, ulps, None)
    try:
        judgement = judge(call, tuple(call.results), dtype, precision, Progress(str(call)), unlike_first=True)
    except ValueError as error:
        raise UnjudgedError(str(error)) from error
    misses = tuple(_misses(judgement))
    return Agreement(misses, (), {precision: not misses}, fraction if misses else None, ulps, None)


def _sample(template: Template, case: LiveCase) -> int | None:
    """Of how many elements each result is judged; None for all. Of a matrix that is small beside the arguments it is a
    part as well: to know all of it all that others sum over is computed."""
    limits = FULL[0] * 1.1, FULL[1] * 1.1
    if elements_of(template, case.sizes) <= limits[0] and terms_of(template, case.sizes) <= limits[1]:
        return None
    shapes = result_shapes(template, case.sizes).values()
    return min(
        [
            sample_of(template, case.sizes),
            *(math.prod(shape) // PART for shape in shapes if sum(n > TILE for n in shape) > 1),
        ]
    )


def _standing(template: Template, case: LiveCase) -> Family:
    """What stands for a case: the golden family that it is made after, which says what the case is."""
    shapes = ", ".join(f"{name} {shape}" for name, shape in template.shapes(case.sizes).items())
    comment = f"A large case after {template.family.name}: {shapes}, {case.profile} numbers{varied_in(template, case)}."
    return replace(stand_in(template.family, FLAG), comment=comment)


def _read(call: OwnCall, answer: Answer, dtype: str, precision: str) -> tuple[float | None, float, bool]:
    """The largest error as a fraction of the first formulation's bound, if that explains all, and in units in the last
    place; and whether all is right."""
    fractions, ulps, right, bounded = [], 0.0, True, False
    try:
        for part in parts_of(call, answer, dtype, precision):
            if part.result in call.results and part.expected.size:
                bounded = bounded or bool(part.bound.min() < np.inf)
                got = call.results[part.result][part.where]
                found = compare(got, part.expected, part.bound, dtype)
                right = right and (found.all_right or is_right(got, part)[0])
                fractions += [found.fraction] if found.fraction is not None else []
                ulps = max(ulps, found.ulps)
    except (ValueError, TypeError) as error:  # the formula refuses it, or there is no bound for its sums or a step
        raise UnjudgedError(str(error)) from error
    if not bounded:
        raise UnjudgedError("no element of any result has a bound")
    fraction = max(fractions, default=None)
    return None if right and fraction is not None and fraction > 1 else fraction, ulps, right


def _misses(judgement: Judgement) -> Iterator[Miss]:
    for name, shape in judgement.misshapen:
        yield Miss(MissKind.SHAPE, False, 0, f"{name} is not of shape {shape}", result=name)
    for tally in judgement.wrong:
        index, expected, tolerance = tally.worst
        got = tally.got[index]
        with np.errstate(all="ignore"):
            details = element(index, got, expected, tolerance, numpy_dtype(judgement.dtype))
        yield Miss(
            MissKind.VALUE,
            False,
            0,
            f"{wrong_elements(tally.name, tally.wrong, tally.seen)} of case 0",
            (*details, *tally.picture.lines()),
            result=tally.name,
        )
