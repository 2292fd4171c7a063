"""Calls of any operation, made from its own cases: what the tests of the reference evaluate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from backproof.reference.generation.build import drafts
from backproof.reference.generation.draws import NotHeldError, Shape, Words
from backproof.reference.model.operation import Operation, operation, operation_names
from backproof.vectors.dtypes import DTYPES

Draw = Callable[[Words, Shape], np.ndarray]
Tensors = dict[str, np.ndarray]
LEAST = 10
"""Elements in a call's tensors together: below that, sums have hardly any terms."""
ATTEMPTS = 20


class Placeholders(Words):
    """Words whose bell-shaped and uniform numbers are all alike, and cost nothing: for shapes and sorts of tensors."""

    def normal(self, shape: Shape, scale: float = 1.0) -> np.ndarray:  # noqa: ARG002
        """Give the same number throughout."""
        return np.full(shape, 1.5)

    def uniform(self, shape: Shape, low: float, high: float) -> np.ndarray:
        """Give the same number throughout, not halfway, which may be 0."""
        return np.full(shape, (low + 3 * high) / 4)


@dataclass(frozen=True)
class Form:
    """What may differ between calls of one operation apart from values: as one of its families, drawn at random, has
    it."""

    op: str
    family: str

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The keywords of the call."""
        return drafts(self.op, DTYPES[0])[self.family].parameters

    def __str__(self) -> str:
        return self.family

    def drawn(self, words: Words) -> Tensors:
        """Draw the arguments as the family does."""
        draw = drafts(self.op, words.dtype)[self.family].draw
        assert draw is not None
        for _ in range(ATTEMPTS):
            try:
                return dict(draw(words))
            except NotHeldError:
                continue
        raise NotHeldError(f"{self.family}: none of {ATTEMPTS} draws is held by {words.dtype}")


def directions() -> list[tuple[str, str]]:
    """List every operation with every direction that it has."""
    return [(name, direction) for name in operation_names() for direction in operation(name).functions]


@cache
def forms(op: str, direction: str) -> tuple[Form, ...]:
    """Give the smallest form of each set of parameters, ranks and sorts of labels that the required families have."""
    smallest = dict[object, tuple[int, Form]]()
    names = set.intersection(*(set(drafts(op, dtype)) for dtype in DTYPES))
    for name, draft in drafts(op, DTYPES[0]).items():
        if not (draft.random and name in names and draft.level == "required" and draft.result == "valid"):
            continue
        if draft.direction == direction:
            form = Form(op, name)
            tensors = form.drawn(Placeholders(name, DTYPES[0]))
            size = sum(x.size for x in tensors.values())
            sort = (tuple(draft.parameters.items()), *(kind_of(x) for x in tensors.values()))
            if size >= LEAST and size < smallest.get(sort, (size + 1, form))[0]:
                smallest[sort] = size, form
    return tuple(form for _, form in smallest.values())


def kind_of(x: np.ndarray) -> object:
    """Tell tensors of different rank apart, and indices, one-hot rows and masks from others."""
    return x.ndim, x.dtype.kind, x.ndim > 1 and bool(np.isin(x.astype(np.float64), (0, 1)).all())


def differentiable(described: Operation) -> tuple[str, ...]:
    """Name the arguments of forward that gradients are taken of; none without a backward."""
    arguments = [name for name in described.arguments.get("backward", ()) if not name.startswith("dL_d")]
    return tuple(name for name in arguments if name not in described.labels)


def call(form: Form, words: Words, draw: Draw) -> Tensors:
    """Draw the arguments of one call in the order that it takes them.

    What is never differentiated is as the family has it, and a tensor that it has positive gets magnitudes, no 0, and
    below 1 where all of it is.
    """
    labels, tensors = operation(form.op).labels, form.drawn(words)
    for name, drawn in tensors.items():
        if name in labels or (drawn.dtype.kind != "f" and drawn.dtype.kind != "V"):
            continue
        tensors[name] = draw(words, drawn.shape)
        if (drawn > 0).all() and (drawn.size > 1 or always_positive(form, name, words.dtype)):
            magnitudes = abs(tensors[name].astype(np.float64))
            if (drawn < 1).all():  # probabilities, which some operations refuse beyond 1
                magnitudes = np.where(magnitudes < 1, magnitudes, np.frexp(magnitudes)[0])
            tensors[name] = words.array(np.where(magnitudes == 0, 0.5, magnitudes))
    return tensors


def always_positive(form: Form, name: str, dtype: str) -> bool:
    """Whether a tensor of few elements is positive in other draws of its family too."""
    words = Words(f"again/{form}", dtype)
    return all((form.drawn(words)[name] > 0).all() for _ in range(8))


def as_tuple(results: object) -> tuple:
    """Give results as a tuple, a single one too."""
    return results if isinstance(results, tuple) else (results,)
