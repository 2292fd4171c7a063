"""Families of cases for the exponential."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from ..generation.draws import nearest_held
from ..kinds.activation import NORMAL_UP_TO, activation
from ..kinds.paired import families
from ..model.family import Draft
from .sigmoid import SIGMOID

BEYOND = {"float64": 720.0, "float32": 90.0, "float16": 12.0, "bfloat16": 90.0}
"""By dtype, an input whose exponential is just beyond the largest number."""
UNBOUNDED = ("saturated-beyond", "saturated-stable", "largest")
"""Families with inputs so large that an error of a unit roundoff of theirs is a factor of any size."""
EXP = replace(SIGMOID, changes=dict.fromkeys(f"{d}-{name}" for d in ("forward", "backward") for name in UNBOUNDED))


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    far = BEYOND[dtype]
    case = {"dL_doutputs": nearest_held([2, -3, 5, 7], dtype), "inputs": nearest_held([far, far, -far, 1], dtype)}
    comment = "Just beyond where the exponential overflows, and the same below 0."
    beyond = families("overflow", "overflow subnormal", comment, (case,), level="robust", overflows=True)
    yield from chain(activation(EXP, dtype, NORMAL_UP_TO), beyond)
