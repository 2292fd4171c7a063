"""Checkers that compare with what PyTorch computes: forward and backward of a call, by one tolerance for all of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .calls import Call, trusted
from .subjects import Subject

Compare = Callable[[np.ndarray, np.ndarray], None]
"""From got and expected; raises where they differ."""


def same_values(subject: Subject, call: Call, compare: Compare) -> None:
    """Call forward, then backward with the same arguments, and compare each result as it comes."""
    answer = trusted(call)
    tensors, labels, upstream = call.fresh()
    if answer.output is not None:
        compare(subject.output(call, tensors, labels), answer.output)
    gradients = subject.gradients(call, upstream, tensors, labels)
    if len(gradients) != len(answer.gradients):
        raise AssertionError(f"{len(gradients)} gradients, expected {len(answer.gradients)}")
    for got, expected in zip(gradients, answer.gradients, strict=True):
        compare(got, expected)


numpy_default: Compare = np.testing.assert_allclose


def onnx(got: np.ndarray, expected: np.ndarray) -> None:
    """Compare dtypes, then values at rtol=1e-3 and atol=1e-7: assert_similar_outputs of onnx/backend/test/runner."""
    np.testing.assert_equal(got.dtype, expected.dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-7)


def torch_default(got: np.ndarray, expected: np.ndarray) -> None:
    """torch.testing.assert_close, which takes its tolerances from the dtype and compares dtypes and shapes too."""
    import torch

    torch.testing.assert_close(tensor_of(got), tensor_of(expected))


def tensor_of(array: np.ndarray) -> Any:
    """A tensor of the same dtype, bfloat16 included."""
    import torch

    whole = np.array(array, order="C")
    if whole.dtype.name == "bfloat16":
        return torch.from_numpy(whole.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(whole)
