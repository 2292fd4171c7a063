"""One dense case of (8, 16, 12): the check of backproof against torch.autograd.gradcheck of the same layer."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import present
from backproof.reference.generation.build import build, drafts
from backproof.reference.model.family import Draft
from backproof.vectors import store
from backproof.vectors.records import Family

from .measure import Figure, at_least, best

CASES = 20
N, I, O = 8, 16, 12  # noqa: E741 - the sizes as the field writes them


def dense_family() -> Family:
    """A family of random cases of the size in question."""
    draft = Draft(
        "backward-benchmark",
        "backward",
        ("random",),
        "Random cases.",
        draw=lambda w: {
            "dL_doutputs": w.normal((N, O)),
            "inputs": w.normal((N, I)),
            "weights": w.normal((I, O)),
            "biases": w.normal((1, O)),
        },
        count=CASES,
    )
    drafts("dense", "float64")[draft.name] = draft  # type: ignore[index]
    return build("dense", "float64", draft.name)


def gradients(dL_doutputs: Any, inputs: Any, weights: Any) -> tuple[Any, Any, Any]:
    """The rule under test, by hand."""
    return dL_doutputs @ weights.T, inputs.T @ dL_doutputs, dL_doutputs.sum(0, keepdim=True)


def figures() -> Iterator[Figure]:
    """Measure the check, with its share of the contract's further calls, and gradcheck in both modes."""
    import torch

    class Dense(torch.autograd.Function):
        """The same rule as PyTorch takes it."""

        @staticmethod
        def forward(ctx: Any, inputs: Any, weights: Any, biases: Any) -> Any:
            ctx.save_for_backward(inputs, weights)
            return inputs @ weights + biases

        @staticmethod
        def backward(ctx: Any, dL_doutputs: Any) -> Any:
            return gradients(dL_doutputs, *ctx.saved_tensors)

    def dense_backward(*arguments: np.ndarray) -> tuple[Any, Any, Any]:
        return gradients(*(torch.from_numpy(array) for array in arguments[:3]))

    adapter = present("a rule by hand", SimpleNamespace(dense_backward=dense_backward), store.golden_operations())
    family, vectors = dense_family(), store.read_golden("dense")
    assert check(family, adapter, vectors).outcome is Outcome.PASSED
    of_twenty = best(lambda: check(family, adapter, vectors), 20) / CASES
    inputs, weights, biases = (
        torch.tensor(family.inputs[name][0], requires_grad=True) for name in ("inputs", "weights", "biases")
    )
    slow = best(lambda: torch.autograd.gradcheck(Dense.apply, (inputs, weights, biases)), 3)
    quick = best(lambda: torch.autograd.gradcheck(Dense.apply, (inputs, weights, biases), fast_mode=True), 10)
    yield at_least(
        "one dense case (8, 16, 12), of a family of 20, against gradcheck", slow / of_twenty, 100, "x cheaper"
    )
    yield at_least("the same, against gradcheck's fast mode", quick / of_twenty, 10, "x cheaper")
