"""Every backward is the derivative of its forward, to 30 digits."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.arithmetic.exact import exact_array
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.ops import softmax, softmax_cross_entropy, softmax_cross_entropy_from_outputs
from calls import Form, as_tuple, call, differentiable, forms
from flint import arb

BITS = 400
STEP = arb(2) ** -110
"""The error of a central difference is about its square: 66 digits away."""
DIGITS = arb(10) ** -30
Tensors = Mapping[str, np.ndarray]
WITH_FORWARD = [op for op in operation_names() if "forward" in operation(op).functions]


def lifted(tensors: Iterable[np.ndarray]) -> list[Any]:
    """Give tensors as balls; index labels stay what they are."""
    return [x if x.dtype.kind == "i" else Ball(x) for x in tensors]


def drawn(w: Words, shape: Shape) -> np.ndarray:
    """Bell-shaped numbers with all their bits: no kink is nearer than a step."""
    return w.normal(shape)


def loss(form: Form, arguments: Tensors, upstreams: list[np.ndarray]) -> arb:
    """Sum outputs times upstream: the scalar whose gradients backward gives."""
    described = operation(form.op)
    tensors = lifted(arguments[name] for name in described.arguments["forward"])
    outputs = as_tuple(described.functions["forward"](*tensors, **form.parameters))
    return sum((np.sum(Ball(g) * y) for g, y in zip(upstreams, outputs, strict=True)), Ball(np.zeros(()))).balls[()]


def moved(x: np.ndarray, index: tuple[int, ...], step: arb) -> np.ndarray:
    """Give a tensor of balls with one element moved."""
    changed = x.copy()
    changed[index] = x[index] + step
    return changed


@pytest.mark.parametrize("form", [form for op in WITH_FORWARD for form in forms(op, "backward")], ids=str)
def test_backward_is_the_derivative_of_forward(form: Form) -> None:
    flint.ctx.prec = BITS
    described = operation(form.op)
    inputs = call(form, Words(f"derivative/{form}", "float64"), drawn)
    inputs = {name: x if x.dtype.kind == "i" else exact_array(x) for name, x in inputs.items()}
    upstreams = [inputs[name] for name in inputs if name.startswith("dL_d")]
    gradients = as_tuple(described.functions["backward"](*lifted(inputs.values()), **form.parameters))
    of = partial(loss, form, upstreams=upstreams)
    assert len(gradients) == len(differentiable(described))
    for argument, gradient in zip(differentiable(described), gradients, strict=True):
        x = inputs[argument]
        assert gradient.shape == x.shape
        for index in np.ndindex(x.shape):
            ahead, behind = (of(arguments={**inputs, argument: moved(x, index, h)}) for h in (STEP, -STEP))
            slope = (ahead - behind) / (2 * STEP)
            assert abs(gradient.balls[index] - slope) < DIGITS * (1 + abs(slope)), f"{argument}{index}"


@pytest.mark.parametrize(
    "form",
    [form for form in forms("softmax_cross_entropy", "backward") if set(form.parameters) == {"reduction"}],
    ids=str,
)
def test_the_gradient_from_saved_outputs_is_that_at_the_logits_they_came_from(form: Form) -> None:
    flint.ctx.prec = BITS
    dL_dloss, logits, labels = lifted(call(form, Words(f"saved/{form}", "float64"), drawn).values())
    whole = softmax_cross_entropy.backward(dL_dloss, logits, labels, **form.parameters)
    outputs = softmax.forward(logits)
    saved = softmax_cross_entropy_from_outputs.backward(dL_dloss, outputs, labels, **form.parameters)
    assert all(abs(a - b) < DIGITS for a, b in zip(whole.balls.ravel(), saved.balls.ravel(), strict=True))


def test_every_operation_without_a_forward_is_held_against_another() -> None:
    assert set(operation_names()) - set(WITH_FORWARD) == {"softmax_cross_entropy_from_outputs"}
