"""Judge an implementation on a live case: the check of a golden family, made of a family of this one case."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...vectors.dtypes import FORMATS, PRECISIONS_OF
from ...vectors.records import Expectation, Family
from ..check.family import FURTHER_RANK
from ..check.verdict import Outcome, Verdict
from ..implementation.load import Implementation
from ..own_data.call import OwnCall
from ..own_data.evaluation import Answer, parts_of, whole
from .cases import LiveCase, tensors_of
from .profiles import BLOCK
from .templates import Template

BY_GOLDEN_RULES = 2**6
"""Elements of all arguments up to which a case is judged by the rules of the golden files, which takes longer."""
MOST_OUTPUTS, MOST_PLACES = 2**20, 2**24
"""Elements of all outputs of a case, and those times the elements of a kernel, as a convolution may have a table
of both."""
FLAG = "live"


class UnjudgedError(ValueError):
    """A case of which nothing can be said: a number on the way or a result is not ordinary, or has no bound."""


@dataclass(frozen=True)
class Judged:
    """A live case, as a family, with the verdict on it."""

    template: Template
    case: LiveCase
    family: Family
    verdict: Verdict

    @property
    def fails(self) -> bool:
        """Whether the implementation is wrong."""
        return self.verdict.outcome is Outcome.FAILED


@dataclass(frozen=True)
class Judge:
    """Judges an implementation on live cases."""

    implementation: Implementation
    check: Callable[..., Verdict]
    """Gives the verdict on a family, as `check.family.check` does."""

    def judge(self, template: Template, case: LiveCase) -> Judged:
        """Give the verdict on a case. Raises UnjudgedError.

        Where it is not as the operation's own formulas have it, it may be another answer of the field: one that is
        declared, or any. As among golden families, what two of them come to together is an answer where it is listed.
        """
        template = template.at(case.variation)
        op, dtype = template.operation.name, template.family.dtype
        _require_few_outputs(template, case)
        call = call_of(template, case)
        precisions = (self.implementation.working_precision(dtype, op),)

        def judged(answer: Answer) -> Judged:
            family = family_of(template, case, call, answer, precisions)
            return Judged(template, case, family, self.check(family))

        own, *others = self.answers(template)
        first = judged(own)
        if not first.fails:
            return first
        return next((other for other in map(judged, others) if not other.fails), first)

    def in_full(self, template: Template, case: LiveCase) -> Judged:
        """The same with the tolerances of every precision, so that a failure can say which would allow it."""
        family = self.family_in_full(template, case)
        return Judged(template, case, family, self.check(family))

    def family_in_full(self, template: Template, case: LiveCase) -> Family:
        """The family of a case with the tolerances of every precision that has some. Raises UnjudgedError."""
        template = template.at(case.variation)
        op, dtype = template.operation.name, template.family.dtype
        first = self.implementation.working_precision(dtype, op)
        precisions = dict.fromkeys((first, *PRECISIONS_OF[dtype]))
        own, *_ = self.answers(template)
        return family_of(template, case, call_of(template, case), own, tuple(precisions))

    def answers(self, template: Template) -> Sequence[Answer]:
        """The right answers: the operation's own first, or those alone that are declared."""
        operation, direction = template.operation, template.family.direction
        declared = self.implementation.conventions
        others = operation.others(direction, template.family.parameters, declared)
        chosen = [formulations for (point, _), formulations in others.items() if point in declared]
        return chosen or [operation.formulations[direction], *others.values()]


def call_of(template: Template, case: LiveCase) -> OwnCall:
    """The call of a case. Raises UnjudgedError where the operation does not take it, or a number is not ordinary."""
    family = template.family
    try:
        tensors = tensors_of(template, case)
    except (ValueError, IndexError) as error:
        raise UnjudgedError(str(error)) from error
    for x in tensors.values():
        require_ordinary(x, family.dtype)
    return OwnCall(template.operation, family.direction, tensors, family.parameters, {}, {})


def family_of(template: Template, case: LiveCase, call: OwnCall, answer: Answer, precisions: Sequence[str]) -> Family:
    """The family that holds a case alone, with what is expected. Raises UnjudgedError where there is no such."""
    golden, dtype = template.family, template.family.dtype
    tolerances: dict[str, dict[str, np.ndarray]] = {}
    expected: dict[str, np.ndarray] = {}
    for precision in precisions:
        try:
            found = whole(parts_of(call, answer, dtype, precision, small=BY_GOLDEN_RULES))
        except MemoryError as error:  # of an answer whose formula has a table of all pairs of classes, say
            raise UnjudgedError("what is expected takes more memory than there is") from error
        except (ValueError, TypeError) as error:  # the formula refuses it, or there is no bound for its sums or a step
            if precision == precisions[0]:
                raise UnjudgedError(str(error)) from error
            continue
        expected = expected or found[0]
        tolerances[precision] = {name: t.astype(np.float64)[None] for name, t in found[1].items()}
        if precision == precisions[0]:
            _require_bounds(found[0], found[1], dtype)
    return replace(
        stand_in(golden),
        count=1,
        seed=str(case),
        comment=f"Drawn after {golden.name}: {', '.join(f'{n} {x.shape}' for n, x in call.arguments.items())}, "
        f"{case.profile} numbers{varied_in(template, case)}.",
        inputs={name: x[None] for name, x in call.arguments.items()},
        answer=Expectation({name: e.astype(np.float64)[None] for name, e in expected.items()}, tolerances),
    )


def varied_in(template: Template, case: LiveCase) -> str:
    """Write the parameters that a case does not have of its golden family: ", eps=0.01"."""
    parameters = template.family.parameters
    return "".join(f", {name}={parameters[name]}" for name in template.ranges) if case.variation else ""


def stand_in(golden: Family, kind: str = FLAG) -> Family:
    """What stands for the cases of a function and dtype, before any is drawn: a golden family by another name."""
    flags = (kind, *(flag for flag in golden.flags if flag in FURTHER_RANK))
    return replace(golden, name=f"{golden.direction}-{kind}", flags=flags, comment="Cases that are drawn.", source="")


def _require_few_outputs(template: Template, case: LiveCase) -> None:
    """Raise UnjudgedError where the outputs are much larger than the arguments, or the operation refuses the shapes."""
    try:
        outputs = template.output_shapes(case.sizes)
    except (ValueError, IndexError) as error:
        raise UnjudgedError(str(error)) from error
    windows = [a for a, follows in zip(template.lengths, template.followers, strict=True) if follows is None]
    shapes = template.shapes(case.sizes)
    kernels = (
        math.prod(shapes[name][axis] for length in windows for of, axis in length.multiples if of == name)
        for name in template.drawn_first[1:]
    )
    total = sum(map(math.prod, outputs))
    if total > MOST_OUTPUTS or total * max(kernels, default=1) > MOST_PLACES:
        raise UnjudgedError("the outputs are too large")


def require_ordinary(x: np.ndarray, dtype: str) -> None:
    """Raise UnjudgedError where a number is subnormal or not finite."""
    if x.dtype == np.int64:
        return
    smallest, flat = 2.0 ** FORMATS[dtype].smallest_normal, x.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        some = flat[start : start + BLOCK]
        size = np.abs(some if x.dtype.itemsize > 2 else some.astype(np.float32))
        if not (((size >= smallest) | (size == 0)) & (size <= float(FORMATS[dtype].largest))).all():
            raise UnjudgedError("a number is subnormal or not finite")


def _require_bounds(expected: dict[str, np.ndarray], tolerance: dict[str, np.ndarray], dtype: str) -> None:
    for name, value in expected.items():
        require_ordinary(value, dtype)
        if not np.isfinite(tolerance[name]).all():
            raise UnjudgedError(f"{name} has no bound")
