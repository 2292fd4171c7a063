"""Wrong implementations that are right up to a length which no golden file reaches: a fault made by rule, at work only
where an axis is at least so long."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import Implementation, present
from backproof.conformance.live.cases import elements
from backproof.reference.faults import mutants_of, wrappers_of
from backproof.reference.model.fault import Fault, widened
from backproof.reference.model.operation import operation
from backproof.vectors import store
from live_runs import templates_of

DTYPE = "float32"
LARGEST = 2**16
"""No threshold is larger."""
MOST_ELEMENTS = 2**28
"""Of all arguments at a threshold, other lengths being 1: 1 GiB, which gradients and bounds make 4."""
ATTEMPTS = 200


@dataclass(frozen=True)
class ThresholdMutant:
    """A fault that is at work where an axis of an argument has a length of at least a threshold."""

    fault: Fault
    argument: str
    axis: int
    """Counted from the last, so that it is the same at any rank."""
    threshold: int

    @property
    def name(self) -> str:
        return f"{self.fault.op}.{self.fault.name}, from {self.threshold} along axis {self.axis} of {self.argument}"

    @cached_property
    def implementation(self) -> Implementation:
        """The faulty function alone."""
        op, direction = self.fault.op, self.fault.direction
        functions = {f"{op}_{direction}": self._called, "dtypes": (DTYPE,)}
        return present("mutant", functions, (op,))

    def is_at_work(self, shape: tuple[int, ...]) -> bool:
        """Whether it is at work for an argument of a shape."""
        return len(shape) >= -self.axis and shape[self.axis] >= self.threshold

    @cached_property
    def _called(self) -> Callable[..., Any]:
        op, direction = operation(self.fault.op), self.fault.direction
        sound, position = widened(op.functions[direction]), op.arguments[direction].index(self.argument)

        def call(*tensors: np.ndarray, **parameters: Any) -> Any:
            wrong = self.is_at_work(tensors[position].shape)
            return (self.fault.functions[direction] if wrong else sound)(*tensors, **parameters)

        return call


@cache
def threshold_mutant(seed: int, op: str) -> ThresholdMutant:
    """Draw a seed's mutant of an operation, whatever others there are."""
    return _drawn(random.Random(f"{seed}/{op}"), op)


def _drawn(dice: random.Random, op: str) -> ThresholdMutant:
    """Draw a direction, an axis and a threshold beyond its golden lengths, whose arguments fit, and a fault that a
    golden family of ordinary numbers shows."""
    for _ in range(ATTEMPTS):
        direction = dice.choice(tuple(operation(op).functions))
        template = dice.choice(templates_of(op, direction, DTYPE))
        if not template.lengths:
            continue
        length = dice.choice(template.lengths)
        argument, axis = dice.choice(tuple(length.multiples))
        multiple = length.multiples[argument, axis]
        axis -= len(template.shapes([1] * len(template.lengths))[argument])
        longest = _longest(op, argument, axis)
        if longest >= LARGEST:
            continue
        threshold = round(math.exp(dice.uniform(math.log(longest + 1), math.log(LARGEST))))
        shortest = [-(-threshold // multiple) if one is length else 1 for one in template.lengths]
        if elements(template, shortest) > MOST_ELEMENTS:
            continue
        fault = dice.choice([f for f in (*mutants_of(op), *wrappers_of(op)) if f.direction == direction and f.formula])
        shows = present("fault", {f"{op}_{direction}": fault.functions[direction], "dtypes": (DTYPE,)}, (op,))
        if check(template.family, shows, store.read_golden(op)).outcome is Outcome.FAILED:
            return ThresholdMutant(fault, argument, axis, threshold)
    raise AssertionError(f"no fault of {op} shows in {ATTEMPTS} attempts")


def _longest(op: str, argument: str, axis: int) -> int:
    """The largest length of an axis of an argument in the golden families."""
    shapes = (f.inputs[argument].shape[1:] for f in store.read_golden(op).families if argument in f.inputs)
    return max(shape[axis] for shape in shapes if len(shape) >= -axis)
