"""Tensors of frameworks are read as they are: any dtype and memory layout, with their history."""

from typing import Any

import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs
from numpy.random import default_rng

DRAWN = default_rng(0).standard_normal((2, 6, 8)).astype(np.float32)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    x, g = (torch.tensor(t).to(getattr(torch, dtype)) for t in DRAWN)
    x.requires_grad_()
    y = torch.nn.functional.silu(x)
    y.backward(g)
    assert_outputs("silu", y, inputs=x)
    assert_gradients("silu", x.grad, inputs=x, upstream=g)
    with pytest.raises(AssertionError, match=f"silu backward .*{dtype}"):
        assert_gradients("silu", x.grad * 1.25, inputs=x, upstream=g)


@pytest.mark.torch
def test_torch_tensors_that_are_not_contiguous() -> None:
    torch = pytest.importorskip("torch")
    x, w = torch.tensor(DRAWN[0]).t(), torch.tensor(DRAWN[1])[:, ::2]
    assert_outputs("dense", x @ w, inputs=(x, w, torch.zeros(1, 4)))
    halves = x.bfloat16()
    assert_outputs("relu", halves.relu(), inputs=halves)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_torch_tensors_of_a_byte_are_exact_arguments(name: str) -> None:
    torch = pytest.importorskip("torch")
    x, w = torch.tensor(DRAWN[0]).to(getattr(torch, name)), torch.tensor(DRAWN[1].T.copy()).to(getattr(torch, name))
    right = (x.float() @ w.float()).bfloat16()
    assert_outputs("dense", right, inputs=(x, w, torch.zeros(1, 6)))
    with pytest.raises(AssertionError):
        assert_outputs("dense", right * 1.0625, inputs=(x, w, torch.zeros(1, 6)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_jax(dtype: str) -> None:
    jax = pytest.importorskip("jax")
    x, g = (jax.numpy.asarray(t, dtype) for t in DRAWN)
    _, pull_back = jax.vjp(jax.nn.relu, x)
    assert_gradients("relu", pull_back(g), inputs=x, upstream=g)
    with pytest.raises(AssertionError):
        assert_gradients("relu", g, inputs=x, upstream=g)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_mlx(dtype: str) -> None:
    mx: Any = pytest.importorskip("mlx.core")
    x, g = (mx.array(t).astype(getattr(mx, dtype)) for t in DRAWN)
    assert_gradients("absolute", g * mx.sign(x), inputs=x, upstream=g)
    with pytest.raises(AssertionError):
        assert_gradients("absolute", g, inputs=x, upstream=g)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_tensorflow(dtype: str) -> None:
    tf = pytest.importorskip("tensorflow")
    x, g = (tf.cast(t, dtype) for t in DRAWN)
    assert_outputs("relu", tf.nn.relu(x), inputs=x)
    with pytest.raises(AssertionError):
        assert_outputs("relu", g, inputs=x)
