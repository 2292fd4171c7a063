"""One dense case of (8, 16, 12): the check of backproof against torch.autograd.gradcheck of the same layer."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from backproof.conformance.adapter import load
from backproof.conformance.check import check
from backproof.reference.build import build, drafts
from backproof.reference.draft import Draft
from backproof.vectors import store
from backproof.vectors.records import Family

from .measure import Figure, at_least, best

N, I, O = 8, 16, 12  # noqa: E741 - the sizes as the field writes them


def dense_family() -> Family:
    """A family of one random case of the size in question."""
    draft = Draft(
        "backward-benchmark",
        "backward",
        ("random",),
        "One random case.",
        draw=lambda w: {
            "dL_doutputs": w.normal((N, O)),
            "inputs": w.normal((N, I)),
            "weights": w.normal((I, O)),
            "biases": w.normal((1, O)),
        },
    )
    drafts("dense", "float64")[draft.name] = draft  # type: ignore[index]
    return build("dense", "float64", draft.name)


def figures() -> Iterator[Figure]:
    """Measure the check with and without the contract's further calls, and gradcheck in both modes."""
    import torch

    family, vectors = dense_family(), store.read_golden("dense")
    adapter = load("backproof.conformance.adapters.torch", operations=store.golden_operations())
    adapter.setup()
    check(family, adapter, vectors)
    repeated = replace(
        family,
        count=20,
        inputs={k: np.repeat(v, 20, 0) for k, v in family.inputs.items()},
        answer=replace(
            family.answer,
            expected={k: np.repeat(v, 20, 0) for k, v in family.answer.expected.items()},
            tolerance={p: {k: np.repeat(v, 20, 0) for k, v in t.items()} for p, t in family.answer.tolerance.items()},
        ),
    )
    one = best(lambda: check(family, adapter, vectors), 20)
    of_twenty = best(lambda: check(repeated, adapter, vectors), 20) / 20
    inputs, weights, biases = (
        torch.tensor(family.inputs[name][0], requires_grad=True) for name in ("inputs", "weights", "biases")
    )

    def layer(x: object, w: object, b: object) -> object:
        return x @ w + b  # type: ignore[operator]

    slow = best(lambda: torch.autograd.gradcheck(layer, (inputs, weights, biases)), 3)
    fast = best(lambda: torch.autograd.gradcheck(layer, (inputs, weights, biases), fast_mode=True), 10)
    yield at_least(
        "one dense case (8, 16, 12) in a family of 20, against gradcheck", slow / of_twenty, 100, "x cheaper"
    )
    yield at_least("the same, against gradcheck's fast mode", fast / of_twenty, 10, "x cheaper")
    yield at_least("a family of that one case, contract and all, against gradcheck", slow / one, 10, "x cheaper")
