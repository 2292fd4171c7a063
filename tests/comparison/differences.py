"""Checkers that compare a backward with differences of its own forward: no second implementation is needed."""

import logging
import os
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from .calls import Call
from .subjects import Subject

Array = Any

# PyTorch ----------------------------------------------------------------------------------------------------------


@cache
def torch_function() -> Any:
    """A torch.autograd.Function around a subject. Memory is shared with NumPy where it can be."""
    import torch

    def tensor(array: np.ndarray) -> Any:
        shared = array.flags.writeable and all(stride >= 0 for stride in array.strides)
        return torch.from_numpy(array if shared else array.copy())

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, subject: Subject, call: Call, labels: list[np.ndarray], *tensors: Any) -> Any:
            ctx.subject, ctx.call, ctx.labels = subject, call, labels
            ctx.save_for_backward(*tensors)
            return tensor(subject.output(call, [t.detach().numpy() for t in tensors], labels))

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            tensors = [t.detach().numpy() for t in ctx.saved_tensors]
            gradients = ctx.subject.gradients_of_logits(ctx.call, upstream.numpy(), tensors, ctx.labels)
            return (None, None, None, *map(tensor, gradients))

    return Wrapped


def gradcheck(subject: Subject, call: Call, *, fast: bool) -> None:
    """Call torch.autograd.gradcheck with its defaults. Raises what it raises."""
    import torch

    torch.manual_seed(0)
    tensors = [torch.tensor(t, requires_grad=True) for t in call.tensors]
    function = partial(torch_function().apply, subject, call, call.fresh_labels())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.autograd.gradcheck(function, tensors, fast_mode=fast)


# JAX --------------------------------------------------------------------------------------------------------------

_at_hand: list[Any] = []
"""Subject, call and labels: the functions that JAX compiles stay the same for all subjects."""


@cache
def jax_module() -> Any:
    """JAX with 64 bits, on the CPU, and without a log of what callbacks raise."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    logging.getLogger("jax").setLevel(logging.CRITICAL)
    return jax


@cache
def jax_function(op: str, reduction: str | None) -> Callable[..., Any]:
    """A jax.custom_vjp around whatever subject is at hand, through jax.pure_callback."""
    jax = jax_module()

    def forward_on_host(*arrays: Any) -> Any:
        subject, call, labels = _at_hand
        return subject.output(call, list(map(np.asarray, arrays)), labels)

    def backward_on_host(upstream: Any, *arrays: Any) -> Any:
        subject, call, labels = _at_hand
        return subject.gradients_of_logits(call, np.asarray(upstream), list(map(np.asarray, arrays)), labels)

    def output_of(*tensors: Any) -> Any:
        shape = _at_hand[1].upstream.shape
        return jax.pure_callback(forward_on_host, jax.ShapeDtypeStruct(shape, tensors[0].dtype), *tensors)

    def backward(saved: Any, upstream: Any) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(t.shape, t.dtype) for t in saved)
        return jax.pure_callback(backward_on_host, shapes, upstream, *saved)

    function = jax.custom_vjp(output_of)
    function.defvjp(lambda *tensors: (output_of(*tensors), tensors), backward)
    return function


def check_grads(subject: Subject, call: Call) -> None:
    """Call jax.test_util.check_grads in reverse mode with its defaults. Raises what it raises."""
    jax = jax_module()
    from jax.test_util import check_grads as check

    _at_hand[:] = subject, call, call.fresh_labels()
    check(jax_function(call.op, call.reduction), tuple(map(jax.numpy.asarray, call.tensors)), order=1, modes=["rev"])


# The lesson -------------------------------------------------------------------------------------------------------


STEP = 1e-5
BOUND, BOUND_WITH_KINKS = 1e-7, 1e-4
"""CS231n, "Gradient checks": 1e-7 and less should make one happy; 1e-4 is usually okay where there are kinks."""
WITH_KINKS = ("relu", "mlp")


def relative_error(x: np.ndarray, y: np.ndarray) -> float:
    """The largest |x - y| / (|x| + |y|), with 1e-8 for less in the denominator, as CS231n's assignments have it."""
    if x.shape != y.shape:
        raise AssertionError(f"shapes differ: {x.shape}, {y.shape}")
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))


def lesson(subject: Subject, call: Call) -> None:
    """Compare backward with centred differences of forward, weighted by the upstream. Raises AssertionError."""
    tensors, labels, upstream = call.fresh()
    subject.output(call, tensors, labels)
    gradients = subject.gradients_of_logits(call, upstream, tensors, labels)
    if len(gradients) != len(tensors):
        raise AssertionError(f"{len(gradients)} gradients of {len(tensors)} tensors")
    bound = BOUND_WITH_KINKS if call.op in WITH_KINKS else BOUND
    for tensor, gradient in zip(tensors, gradients, strict=True):
        numeric = np.zeros_like(tensor)
        for index in np.ndindex(*tensor.shape):
            there = tensor[index]
            tensor[index] = there + STEP
            above = subject.output(call, tensors, labels).copy()
            tensor[index] = there - STEP
            below = subject.output(call, tensors, labels).copy()
            tensor[index] = there
            numeric[index] = np.sum((above - below) * upstream) / (2 * STEP)
        error = relative_error(gradient, numeric)
        if not error < bound:
            raise AssertionError(f"relative error {error:.2g}")
