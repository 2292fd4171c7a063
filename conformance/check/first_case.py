"""The first case of a family after all its cases were called, of which further checks are made.

They cost several calls each, and so are made of one case.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...vectors.records import Family
from ..implementation.arrays import Arrays
from ..implementation.errors import describe_error, error_location
from .agreement import Held, Returned
from .contract import Call, overwritten_results
from .guards import Guarded
from .messages import element, unlike
from .values import agrees, bits_equal, compare, differing, is_true
from .verdict import Miss, MissKind, MissReason


@dataclass(frozen=True)
class FirstCase:
    """The first case of a family, after all its cases were called once."""

    call: Call
    family: Family
    names: tuple[str, ...]
    """Of the arguments."""
    arguments: Sequence[Guarded]
    """The arguments handed out, holding the original values."""
    returned: Returned
    """What the calls of all cases returned; of the first case, all results."""
    held: Held | None
    """The answer that its results agree with; None where they are wrong."""
    batch_axis: Mapping[str, int | None]
    changes_arguments: bool
    """Whether calls of the family change arguments, which is not to be reported twice."""
    deterministic: bool

    @property
    def robust(self) -> bool:
        """Whether a miss fails nothing."""
        return self.family.level == "robust"

    @property
    def alone(self) -> bool:
        """Whether the family has no other case."""
        return self.family.count == 1

    @cached_property
    def originals(self) -> Arrays:
        """The arguments themselves, (count, *shape) each, which no call is given."""
        return [np.ascontiguousarray(self.family.inputs[name]) for name in self.names]

    @cached_property
    def results(self) -> Arrays:
        """Copies of its results, made when they were returned."""
        return [stack[0, ...] for stack in self.returned.stacks]

    @property
    def answer(self) -> tuple[Arrays, Arrays]:
        """Expected values and tolerances, where its results are right."""
        assert self.held is not None
        return self.held.of_case(0)

    @cached_property
    def tensors(self) -> Arrays:
        """Its original arguments, to be read alone."""
        return [original[0, ...] for original in self.originals]

    @cached_property
    def memory(self) -> Arrays:
        """The arguments handed out for it, always the same arrays."""
        return [argument.stack[0, ...] for argument in self.arguments]

    @property
    def callable_cases(self) -> int:
        """How many cases there are to call: where the family has one, a second of other values, without an answer."""
        return max(self.family.count, 2)

    def copies(self, case: int = 0) -> Arrays:
        """A case's arguments in memory of their own."""
        if case < self.family.count:
            return [np.array(original[case, ...]) for original in self.originals]
        return [reversed_values(tensor) for tensor in self.tensors]

    def fill(self, case: int) -> None:
        """Write another case's arguments, or its own again, into its memory."""
        for array, original in zip(self.memory, self.originals, strict=True):
            array[...] = original[case, ...]

    def miss(
        self,
        kind: MissKind,
        summary: str,
        details: tuple[str, ...] = (),
        result: str | None = None,
        reason: MissReason | None = None,
        case: int = 0,
    ) -> Miss:
        """A miss at the family's level."""
        return Miss(kind, self.robust, case, summary, details, result=result, reason=reason)

    def failing(self, kind: MissKind, summary: str, error: BaseException, case: int = 0) -> Miss:
        """A miss that a call raises, with what it raises and where."""
        at = error_location(error, self.call.function)
        details = (describe_error(error), *([at] if at else []))
        return self.miss(kind, summary, details, reason=MissReason.EXCEPTION, case=case)

    def overwritten(self) -> Iterator[Miss]:
        """A miss for each result of any case that a later call has written over."""
        yield from overwritten_results(
            self.call.spec.names, self.returned.kept, self.returned.stacks, robust=self.robust
        )

    def changed(self, kind: MissKind, first: Arrays, then: Arrays, when: str) -> Iterator[Miss]:
        """A miss for each result of the first case that differs from what it was before."""
        for position, (name, one, other) in enumerate(zip(self.call.spec.names, first, then, strict=True)):
            if bits_equal(one, other):
                continue
            out = differing(one, other)
            if not self.deterministic:
                if self.held is None:
                    continue
                expected, tolerance = self.answer
                out = ~np.asarray(agrees(other, expected[position], tolerance[position]))
            if not out.any():
                continue
            index = tuple(int(i) for i in np.argwhere(out)[0])
            hint = 'if that is meant, declare conventions = {"deterministic": False}'
            details = (unlike(index, one[index], other[index], one.dtype), *([hint] if self.deterministic else []))
            yield self.miss(kind, f"{name} of case 0 differs {when}", details, result=name)

    def wrong(
        self,
        kind: MissKind,
        when: str,
        results: Arrays,
        expected: Arrays,
        tolerance: Arrays,
        *,
        reason: MissReason | None = None,
        case: int = 0,
    ) -> Iterator[Miss]:
        """A miss for each result out of tolerance."""
        for name, got, due, allowed in zip(self.call.spec.names, results, expected, tolerance, strict=True):
            if is_true(right := agrees(got, due, allowed)):
                continue
            comparison = compare(got[None], due[None], allowed[None], got.dtype.name)
            _, *index = comparison.worst()
            place = tuple(index)
            summary = f"{name} of case {case} is wrong {when} in {int((~right).sum())} of {right.size} elements"
            details = element(index, got[place], due[place], allowed[place], got.dtype)
            yield self.miss(kind, summary, details, result=name, reason=reason, case=case)


def reversed_values(array: np.ndarray) -> np.ndarray:
    """The same values in the reverse order; labels stay as they are."""
    return np.array(array) if array.dtype.kind == "i" else np.array(array.reshape(-1)[::-1].reshape(array.shape))
