"""Golden values agree with mpmath, index by index: forward with its formula over mpmath's numbers, and backward with
that formula differentiated numerically. Neither shares anything with the balls, the second nothing with backward."""

from collections.abc import Iterator, Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
from backproof.reference.model.operation import Operation, operation, operation_names
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import Family
from calls import as_tuple, differentiable
from number_arrays import MpmathArray
from shares import one_in

BITS = {"float64": 4000}
"""Enough for the smallest product beside the largest of a loss whose factors fill the range of float64."""
FEWER_BITS = 1200
"""Enough for the same in the other dtypes."""
STEP_BITS = 200
"""A step is 2**-200, and the error of a central difference about its square: no double lies so near a rounding
boundary without lying on it."""
FAMILIES, CASES, INDICES = 2, 1, 1
"""How many families of each operation, direction and dtype, how many cases of each, and how many elements of each
gradient."""


def sample(op: str, direction: str, dtype: str) -> list[Family]:
    """Give some families that were drawn, spread over all that there are."""
    drawn = [
        f
        for f in store.read_golden(op).families
        if f.seed
        and (f.direction, f.dtype, f.level, f.result) == (direction, dtype, "required", "valid")
        and next(x for x in f.inputs.values() if x.ndim > 1)[0].size < 100
    ]
    return drawn[:: max(len(drawn) // FAMILIES, 1)]


def lifted(x: np.ndarray) -> Any:
    return x if x.dtype.kind == "i" else MpmathArray(x)


def evaluated(described: Operation, direction: str, arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    """Give the results, each an array of mpmath's numbers."""
    tensors = (arguments[name] for name in described.arguments[direction])
    return as_tuple(described.functions[direction](*tensors, **parameters))


def slopes(described: Operation, inputs: dict[str, Any], parameters: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Give index, and the derivative with respect to it of the sum of outputs times upstreams, where there is one."""
    upstreams = [x for argument, x in inputs.items() if argument.startswith("dL_d")]
    step, x = mpmath.ldexp(1, -STEP_BITS), inputs[name].data

    def loss(moved: Mapping[tuple[int, ...], Any]) -> Any:
        data = x.copy()
        for index, by in moved.items():
            data[index] += by
        outputs = evaluated(described, "forward", {**inputs, name: MpmathArray(data)}, parameters)
        return sum((g * y).sum().data[()] for g, y in zip(upstreams, outputs, strict=True))

    here = loss({})
    for index in list(np.ndindex(x.shape))[:: max(x.size // INDICES, 1)]:
        ahead, behind = loss({index: step}) - here, here - loss({index: -step})
        if abs(ahead - behind) <= abs(ahead) * mpmath.ldexp(1, -STEP_BITS // 2):  # else a kink is nearer than a step
            yield index, (ahead + behind) / (2 * step)


def pairs(described: Operation, family: Family, case: int) -> Iterator[tuple[str, float, float]]:
    """Give what is compared, the golden value and mpmath's."""
    inputs = {name: lifted(x[case, ...]) for name, x in family.inputs.items()}
    expected = {name: x[case, ...] for name, x in family.answer.expected.items()}
    if family.direction == "backward" and "forward" in described.functions:
        for name, golden in zip(differentiable(described), expected.values(), strict=True):
            for index, slope in slopes(described, inputs, family.parameters, name):
                yield f"{name}{index}", golden[index], float(slope)
    else:
        for golden, result in zip(
            expected.values(), evaluated(described, family.direction, inputs, family.parameters), strict=True
        ):
            for index in np.ndindex(golden.shape):
                yield str(index), golden[index], float(result.data[index])


@pytest.mark.parametrize("dtype", ["float64", *(pytest.param(d, marks=pytest.mark.catalogue) for d in DTYPES[1:])])
@pytest.mark.parametrize("op", one_in(8, operation_names()))
def test_golden_values_are_those_of_mpmath(op: str, dtype: str) -> None:
    described = operation(op)
    for direction in described.functions:
        families = sample(op, direction, dtype)
        assert len(families) >= FAMILIES
        with mpmath.workprec(BITS.get(dtype, FEWER_BITS)):
            compared = [
                (f"{family.id}#{case} {what}", golden, right)
                for family in families
                for case in range(min(family.count, CASES))
                for what, golden, right in pairs(described, family, case)
            ]
        assert len(compared) >= FAMILIES * CASES
        assert [line for line in compared if line[1] != line[2]] == []
