"""Families of cases for dropout with a given mask."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ..generation.draws import Words, held
from ..kinds.elementwise import Elementwise, again, elementwise
from ..kinds.paired import changed, families, refused
from ..model.family import Draft, Inputs

DROPOUT = Elementwise(parameters={"p": 0.3}, cases=4)
FURTHER = {"-half": 0.5, "-none": 0.0, "-most": 0.9}
"""By suffix, further shares that are dropped."""
KEPT = [1, 0, 1, 1, 0]
"""The mask of numbers that are not drawn, again and again."""
G, X = [[2, -3, 5, 7]], [[1.5, -2, 0.25, -0.5]]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    others = (replace(DROPOUT, parameters={"p": p}, suffix=suffix) for suffix, p in FURTHER.items())
    further = chain.from_iterable(again(kind, elementwise(kind, dtype)) for kind in others)
    for draft in chain(elementwise(DROPOUT, dtype), further):
        yield masked(draft, dtype)
    yield from changed(of_masks(dtype), {}, DROPOUT.parameters)


def masked(draft: Draft, dtype: str) -> Draft:
    """Give a draft of inputs a mask: a drawn one, one with zeros, or of ones where NaN and infinities are about."""
    kept = [1] if {"nan", "infinity", "infinite-upstream"} & {*draft.flags} else KEPT
    draw = draft.draw

    def with_mask(case: Inputs) -> Inputs:
        return {**case, "mask": held(np.resize(kept, case["inputs"].shape), dtype)}

    def drawn(w: Words) -> Inputs:
        case = draw(w) if draw else {}
        return {**case, "mask": w.array(w.integers(case["inputs"].shape, 0, 2))}

    return replace(draft, cases=tuple(map(with_mask, draft.cases)), draw=drawn if draw else None)


def of_masks(dtype: str) -> Iterator[Draft]:
    """Masks of all sorts."""

    def case(g: object, x: object, mask: object) -> Inputs:
        return {"dL_doutputs": held(g, dtype), "inputs": held(x, dtype), "mask": held(mask, dtype)}

    none, every = case(G, X, [[0] * 4]), case(G, X, [[1] * 4])
    yield from families("dropped", "dead", "All is dropped, then nothing is.", (none, every))
    comment = "Each case differs from the one before in the mask alone: one that is remembered shows."
    masks = ([[1, 0, 0, 1]], [[0, 1, 0, 1]], [[0, 0, 1, 1]])
    yield from families("another-mask", "successive", comment, tuple(case(G, X, mask) for mask in masks))
    comment = "Inputs of 0 that are kept: a mask read off the inputs or outputs shows."
    zeros = case(G, [[0, 1.5, 0, -2]], [[1, 1, 0, 0]])
    yield from families("backward-zero-inputs", "dead", comment, (zeros,))
    for word, value in (("infinite", np.inf), ("nan", np.nan)):
        comment, mask = f"What is dropped is {word}.", [[1, 0, 1, 0]]
        more: dict[str, Any] = {"level": "robust", "point": "infinite_times_zero"}
        for direction, spoilt in (
            ("forward", case(G, [[1.5, value, 0.25, -value]], mask)),
            ("backward", case([[2, value, 5, -value]], X, mask)),
        ):
            yield from families(f"{direction}-dropped-{word}", "infinite-upstream dead", comment, (spoilt,), **more)
    wrong: dict[str, object] = {
        "one-row": [[1, 0, 1, 1]],
        "one-column": [[1], [0], [1]],
        "rank": [1, 0, 1, 1],
        "scalar": 1,
    }
    for word, other in wrong.items():
        comment = "A mask of another shape than the inputs, to be broadcast by none."
        yield from refused(f"mask-{word}", "size-mismatch", comment, case(G * 3, X * 3, other))
