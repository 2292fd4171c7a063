"""Families and operations built by hand, small enough to see through, for tests of the checker."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from backproof.conformance.implementation.load import Implementation
from backproof.vectors.dtypes import PRECISIONS_OF, numpy_dtype
from backproof.vectors.records import Answer, Expectation, Family, OperationVectors

POINT = "slope_at_zero"

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""The unit roundoff."""

DENSE = OperationVectors(
    op="dense",
    vectors_version="1.0.0",
    generator="by hand",
    arguments={
        "forward": ("inputs", "weights", "biases"),
        "backward": ("dL_doutputs", "inputs", "weights", "biases"),
    },
    results={"forward": ("outputs",), "backward": ("dL_dinputs", "dL_dweights", "dL_dbiases")},
    batch_axis={
        "inputs": 0,
        "weights": None,
        "biases": None,
        "outputs": 0,
        "dL_doutputs": 0,
        "dL_dinputs": 0,
        "dL_dweights": None,
        "dL_dbiases": None,
    },
    aliases={},
    flags=(),
    answers=(),
    families=(),
)

SLOPE = OperationVectors(
    op="slope",
    vectors_version="1.0.0",
    generator="by hand",
    arguments={"forward": ("inputs",), "backward": ("dL_doutputs", "inputs")},
    results={"forward": ("outputs",), "backward": ("dL_dinputs",)},
    batch_axis={"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0},
    aliases={"tf32": "float32"},
    flags=(),
    answers=(
        Answer(POINT, "0", True, "the slope from the left"),
        Answer(POINT, "1/2", False, "halfway"),
        Answer(POINT, "1", False, "the slope from the right"),
    ),
    families=(),
)
"""max(0, x), whose slope at 0 is a convention."""


def dense_backward_family(dtype: str = "float64", *, count: int = 3, level: str = "required") -> Family:
    """Cases of a dense layer's backward with N = 4, I = 3 and O = 2."""
    numbers = np.random.default_rng(5)
    inputs = {
        name: numbers.standard_normal((count, *shape)).astype(numpy_dtype(dtype))
        for name, shape in {
            "dL_doutputs": (4, 2),
            "inputs": (4, 3),
            "weights": (3, 2),
            "biases": (1, 2),
        }.items()
    }
    upstream, values, weights, _ = (array.astype(np.float64) for array in inputs.values())
    expected = {
        "dL_dinputs": upstream @ weights.swapaxes(1, 2),
        "dL_dweights": values.swapaxes(1, 2) @ upstream,
        "dL_dbiases": upstream.sum(axis=1, keepdims=True),
    }
    return _family("dense", dtype, "backward-by-hand", "backward", inputs, _within(expected, dtype, 16.0), level=level)


def slope_backward_family(
    values: list[list[float]], *, dtype: str = "float64", level: str = "required", name: str = "backward-by-hand"
) -> Family:
    """Cases of max(0, x) with an upstream of 1, 2, 3 and so on. A convention where a value is 0."""
    inputs = np.array(values, numpy_dtype(dtype))
    upstream = np.broadcast_to(np.arange(1.0, inputs.shape[-1] + 1), inputs.shape).astype(inputs.dtype)
    answers = {
        key: _within({"dL_dinputs": upstream * np.where(inputs == 0, slope, inputs > 0).astype(np.float64)}, dtype, 0.0)
        for key, slope in {"0": 0.0, "1/2": 0.5, "1": 1.0}.items()
    }
    return _family(
        "slope",
        dtype,
        name,
        "backward",
        {"dL_doutputs": upstream, "inputs": inputs},
        answers.pop("0"),
        level=level,
        result="convention" if (inputs == 0).any() else "valid",
        alternatives={f"{POINT}={key}": answer for key, answer in answers.items()} if (inputs == 0).any() else {},
    )


def slope_forward_family(
    values: Any, expected: Any, tolerance: float = 0.0, *, dtype: str = "float64", level: str = "required"
) -> Family:
    """Cases of max(0, x), or of whatever `expected` says."""
    inputs = np.array(values, numpy_dtype(dtype))
    answer = Expectation(
        {"outputs": np.array(expected, np.float64)},
        {PRECISIONS_OF[dtype][0]: {"outputs": np.full(inputs.shape, tolerance)}},
    )
    return _family("slope", dtype, "forward-by-hand", "forward", {"inputs": inputs}, answer, level=level)


def invalid_family(*, count: int = 2, level: str = "required", flags: tuple[str, ...] = ()) -> Family:
    """Cases of max(0, x) that have to be refused, for no better reason than that a value is negative."""
    inputs = -np.ones((count, 3))
    nothing = Expectation({}, {})
    return _family(
        "slope",
        "float64",
        "forward-negative",
        "forward",
        {"inputs": inputs},
        nothing,
        level=level,
        result="invalid",
        flags=flags,
    )


def implementation(
    vectors: OperationVectors = SLOPE, dtypes: tuple[str, ...] = tuple(UNIT), **functions: Any
) -> Implementation:
    """An implementation of the functions given as `backward=...`, `forward=...`; other keywords are its fields."""
    fields = {name: functions.pop(name) for name in ("conventions", "precision") if name in functions}
    return Implementation(
        spec="by_hand",
        name="by hand",
        version="",
        functions={(vectors.op, direction): function for direction, function in functions.items()},
        dtypes=dtypes,
        **fields,
    )


def dense_backward(dL_doutputs, inputs, weights, biases):
    """The gradients of a dense layer, right."""
    wide = np.float32 if inputs.dtype.itemsize == 2 else inputs.dtype
    upstream, values, factors = (array.astype(wide) for array in (dL_doutputs, inputs, weights))
    gradients = upstream @ factors.T, values.T @ upstream, upstream.sum(axis=0, keepdims=True)
    return tuple(gradient.astype(inputs.dtype) for gradient in gradients)


def slope_backward(at_zero: float = 0.0) -> Callable[..., np.ndarray]:
    """The gradient of max(0, x) with a slope at 0."""

    def backward(dL_doutputs, inputs):
        return np.where(inputs == 0, np.asarray(at_zero, inputs.dtype), inputs > 0) * dL_doutputs

    return backward


def _within(expected: Mapping[str, np.ndarray], dtype: str, units: float) -> Expectation:
    """Expected values with the same tolerance for each element, in units of roundoff."""
    return Expectation(
        expected,
        {
            PRECISIONS_OF[dtype][0]: {
                name: np.full(array.shape, units * UNIT[dtype]) for name, array in expected.items()
            }
        },
    )


def _family(
    op: str,
    dtype: str,
    name: str,
    direction: str,
    inputs: Mapping[str, np.ndarray],
    answer: Expectation,
    **other: Any,
) -> Family:
    fields = {"level": "required", "result": "valid", "flags": (), "alternatives": {}, **other}
    return Family(
        op=op,
        dtype=dtype,
        name=name,
        direction=direction,
        count=len(next(iter(inputs.values()))),
        parameters={},
        seed="",
        comment="made up",
        source="",
        inputs=inputs,
        answer=answer,
        **fields,
    )
