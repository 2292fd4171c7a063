"""Checkers that compare with what PyTorch computes: forward and backward of a call, by one rule for all of it."""

from collections.abc import Callable
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
from backproof.conformance import expectation
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import numpy_dtype

from .calls import Arrays, Call, Trusted, in_the_same_precision, trusted, trusted_rounded
from .subjects import Subject

Compare = Callable[[np.ndarray, np.ndarray], None]
"""From got and expected; raises where they differ."""
TIMES = 2.0
"""How far off FlashAttention's tests let a kernel be, as a multiple of PyTorch's own error in the same precision."""


def same_values(subject: Subject, call: Call, compare: Compare) -> None:
    """Call forward, then backward with the same arguments, and compare each result as it comes."""
    for got, expected in paired(subject, call, trusted_rounded(call)):
        compare(got, expected)


def paired(subject: Subject, call: Call, answer: Trusted) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a subject returns, with what is expected of it."""
    fresh = call.fresh()
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for results, made in ((answer.outputs, subject.outputs), (answer.gradients, subject.gradients)):
        if results is not None:
            got = made(fresh)
            if len(got) != len(results):
                raise AssertionError(f"{len(got)} results, expected {len(results)}")
            found += zip(got, results, strict=True)
    return found


numpy_default: Compare = np.testing.assert_allclose


def torch_default(got: np.ndarray, expected: np.ndarray) -> None:
    """torch.testing.assert_close, which takes its tolerances from the dtype and compares dtypes and shapes too."""
    import torch

    torch.testing.assert_close(tensor_of(got), tensor_of(expected))


def gpucheck_default(got: np.ndarray, expected: np.ndarray) -> None:
    """assert_close of gpucheck, which has a table of tolerances by dtype. Its report is left out: it takes seconds."""
    from gpucheck.assertions import close

    with mock.patch.object(close, "format_mismatch_report", return_value=""):
        close.assert_close(tensor_of(got), tensor_of(expected))


def twice_the_framework(subject: Subject, call: Call) -> None:
    """FlashAttention's rule: the largest error is at most twice PyTorch's own at the same dtype, result by result."""
    exact, framework = trusted(call), in_the_same_precision(call)
    theirs = [*(framework.outputs or ()), *(framework.gradients or ())]
    for (got, expected), their in zip(paired(subject, call, exact), theirs, strict=True):
        if got.shape != expected.shape:
            raise AssertionError(f"shapes differ: {got.shape}, {expected.shape}")
        error, allowed = largest(got, expected), TIMES * largest(their, expected)
        if not error <= allowed:
            raise AssertionError(f"off by {error:.3g}, where {allowed:.3g} is allowed")


def largest(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.max(np.abs(got.astype(np.float64) - expected), initial=0.0))


def on_the_same_inputs(subject: Subject, call: Call) -> None:
    """backproof's own answer and tolerance for these tensors, as `assert_outputs` and `assert_gradients` have them."""
    exact, tolerances = derived(call)
    for (got, due), tolerance in zip(paired(subject, call, exact), tolerances, strict=True):
        if got.shape != due.shape or got.dtype != numpy_dtype(call.dtype):
            raise AssertionError(f"{got.dtype} {got.shape}, expected {call.dtype} {due.shape}")
        out = ~(np.abs(got.astype(np.float64) - due) <= tolerance)
        if out.any():
            raise AssertionError(f"{out.sum()} elements are out of their tolerance")


@cache
def derived(call: Call) -> tuple[Trusted, list[np.ndarray]]:
    """What is due and the tolerances, forward's and then backward's."""
    results: dict[str, Arrays] = {}
    tolerances: list[np.ndarray] = []
    for direction in operation(call.op).functions:
        expected, bounds = expectation(call.op, direction, *call.arguments(direction), **call.parameters)
        results[direction] = tuple(expected.values())
        tolerances += bounds.values()
    return Trusted(results.get("forward"), results.get("backward")), tolerances


def tensor_of(array: np.ndarray) -> Any:
    """A tensor of the same dtype, bfloat16 included."""
    import torch

    whole = np.array(array, order="C")
    if whole.dtype.name == "bfloat16":
        return torch.from_numpy(whole.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(whole)
