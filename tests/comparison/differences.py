"""Checkers that compare a backward with differences of its own forward: no second implementation is needed."""

import logging
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from unittest import mock

import numpy as np

from .calls import Call
from .subjects import Subject

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
        def forward(ctx: Any, subject: Subject, call: Call, *tensors: Any) -> Any:
            ctx.subject, ctx.call = subject, call
            ctx.save_for_backward(*tensors)
            return tuple(map(tensor, subject.outputs(call.at([t.detach().numpy() for t in tensors]))))

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            tensors = [t.detach().numpy() for t in ctx.saved_tensors]
            gradients = ctx.subject.gradients(ctx.call.at(tensors, [g.numpy() for g in upstream]))
            return (None, None, *map(tensor, gradients))

    return Wrapped


def gradcheck(subject: Subject, call: Call, *, fast: bool) -> None:
    """Call torch.autograd.gradcheck with its defaults. Raises what it raises, without the words that its fast mode gets
    from a run of the slow one."""
    import torch

    torch.manual_seed(0)
    module = sys.modules["torch.autograd.gradcheck"]  # whose name is that of the function
    tensors = [torch.tensor(t, requires_grad=True) for t in call.tensors]
    function = partial(torch_function().apply, subject, call.fresh())
    with warnings.catch_warnings(), mock.patch.object(module, "_run_slow_mode_and_get_error", return_value=""):
        warnings.simplefilter("ignore")
        torch.autograd.gradcheck(function, tensors, fast_mode=fast)


# JAX --------------------------------------------------------------------------------------------------------------

_at_hand: list[Any] = []
"""Subject and call: the functions that JAX compiles stay the same for all subjects."""


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
def jax_function(op: str, parameters: str) -> Callable[..., Any]:
    """A jax.custom_vjp around whatever subject is at hand, through jax.pure_callback."""
    jax = jax_module()

    def forward_on_host(*arrays: Any) -> Any:
        subject, call = _at_hand
        return subject.outputs(call.at(list(map(np.asarray, arrays))))

    def backward_on_host(upstream: Any, *arrays: Any) -> Any:
        subject, call = _at_hand
        return subject.gradients(call.at(list(map(np.asarray, arrays)), list(map(np.asarray, upstream))))

    def outputs_of(*tensors: Any) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(g.shape, tensors[0].dtype) for g in _at_hand[1].upstream)
        return jax.pure_callback(forward_on_host, shapes, *tensors)

    def backward(saved: Any, upstream: Any) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(t.shape, t.dtype) for t in saved)
        return jax.pure_callback(backward_on_host, shapes, upstream, *saved)

    function = jax.custom_vjp(outputs_of)
    function.defvjp(lambda *tensors: (outputs_of(*tensors), tensors), backward)
    return function


def check_grads(subject: Subject, call: Call) -> None:
    """Call jax.test_util.check_grads in reverse mode with its defaults. Raises what it raises."""
    jax = jax_module()
    from jax.test_util import check_grads as check

    _at_hand[:] = subject, call.fresh()
    function = jax_function(call.op, repr(sorted(call.parameters.items())))
    check(function, tuple(map(jax.numpy.asarray, call.tensors)), order=1, modes=["rev"])
