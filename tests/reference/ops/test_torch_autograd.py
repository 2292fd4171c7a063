"""The golden values against PyTorch's float64 autograd: each agrees with the other within the stored bound."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backproof.vectors import store
from backproof.vectors.records import Family

torch = pytest.importorskip("torch")
functional = torch.nn.functional

pytestmark = pytest.mark.torch


def cross_entropy_of_log(log_probabilities: Any, labels: Any, reduction: str) -> Any:
    rows = labels if labels.ndim == 2 else functional.one_hot(labels, log_probabilities.shape[1]).double()
    losses = -torch.where(rows == 0, 0.0, rows * log_probabilities).sum(-1)
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def network(x: Any, w1: Any, b1: Any, w2: Any, b2: Any, labels: Any, reduction: str) -> Any:
    return functional.cross_entropy(functional.relu(x @ w1 + b1) @ w2 + b2, labels, reduction=reduction)


FORWARD: dict[str, Callable[..., Any]] = {
    "dense": lambda x, w, b: functional.linear(x, w.T, b[0]),
    "relu": functional.relu,
    "softmax": lambda z: functional.softmax(z, -1),
    "cross_entropy": lambda p, y, reduction: cross_entropy_of_log(p.log(), y, reduction),
    "softmax_cross_entropy": functional.cross_entropy,
    "mlp": network,
}


def ordinary(op: str) -> list[Family]:
    return [
        family
        for family in store.read_golden(op).families
        if family.dtype == "float64" and family.level == "required" and family.result == "valid"
    ]


def evaluated(op: str, direction: str, arguments: list[np.ndarray], **parameters: Any) -> list[np.ndarray]:
    tensors = [torch.from_numpy(np.array(a)) for a in arguments]
    names = {name: parameters[name] for name in parameters}
    if direction == "forward":
        result = call(op, tensors, names)
        return [result.numpy()]
    upstream, *tensors = tensors
    leaves = [t.requires_grad_() for i, t in enumerate(tensors) if t.is_floating_point() and not is_label(op, i)]
    gradients = torch.autograd.grad(call(op, tensors, names), leaves, upstream)
    return [g.numpy() for g in gradients]


def is_label(op: str, position: int) -> bool:
    return {"cross_entropy": 1, "softmax_cross_entropy": 1, "mlp": 5}.get(op) == position


def call(op: str, tensors: list[Any], parameters: dict[str, Any]) -> Any:
    if op == "softmax_cross_entropy":
        return functional.cross_entropy(*tensors, **parameters)
    return FORWARD[op](*tensors, **parameters)


@pytest.mark.parametrize("op", sorted(FORWARD))
def test_golden_values_agree_with_autograd_within_the_bound(op: str) -> None:
    families = ordinary(op)
    assert families
    for family in families:
        for case in range(family.count):
            results = evaluated(
                op, family.direction, [tensor[case, ...] for tensor in family.inputs.values()], **family.parameters
            )
            for result, (name, expected) in zip(results, family.answer.expected.items(), strict=True):
                error = np.abs(result - expected[case, ...])
                tolerance = family.answer.tolerance["float64"][name][case, ...]
                assert (error <= tolerance).all(), f"{family.id}#{case} {name}: {error.max()} over {tolerance.min()}"
