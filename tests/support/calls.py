"""Calls of any operation, made from the names of its arguments: what the tests of the reference evaluate."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.kinds.labels import FORMS, labels_drawn
from backproof.reference.model.formulations import Formulation
from backproof.reference.model.losses import REDUCTIONS
from backproof.reference.model.operation import Operation, operation, operation_names

Draw = Callable[[Words, Shape], np.ndarray]

AXES = {
    "inputs": "NI",
    "weights": "IO",
    "biases": "1O",
    "weights1": "IH",
    "biases1": "1H",
    "weights2": "HC",
    "biases2": "1C",
    "logits": "NC",
    "probabilities": "NC",
    "outputs": "NC",
}
"""The axes of each tensor by its name; an upstream has the shape of what it is the gradient of."""
SIZES = {"N": 3, "I": 4, "O": 2, "H": 3, "C": 5, "1": 1}
SMALL = {"N": 2, "I": 3, "O": 2, "H": 2, "C": 3, "1": 1}
POSITIVE = {"probabilities", "outputs"}
RANKS = {1: (5,), 2: (3, 4), 3: (2, 3, 2), 4: (2, 1, 3, 2)}


@dataclass(frozen=True)
class Form:
    """What may differ between calls of one operation apart from values."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    labels: str | None = None
    shape: Shape | None = None
    """The shape of the only tensor of an operation that takes any rank."""

    def __str__(self) -> str:
        parts = [*self.parameters.values(), self.labels, self.shape and f"rank{len(self.shape)}"]
        return "-".join(str(part) for part in parts if part) or "plain"


def directions() -> list[tuple[str, str]]:
    """List every operation with every direction that it has."""
    return [(name, direction) for name in operation_names() for direction in operation(name).functions]


def forms(described: Operation) -> Iterator[Form]:
    """Give every reduction with every form of labels, or every rank."""
    tensors = differentiable(described)
    if described.parameters["backward"] == ("reduction",):
        for reduction, labels in product(REDUCTIONS, FORMS):
            yield Form({"reduction": reduction}, labels)
    elif len(tensors) == 1:
        yield from (Form(shape=shape) for shape in RANKS.values())
    else:
        yield Form()


def differentiable(described: Operation) -> tuple[str, ...]:
    """Name the arguments of forward that gradients are taken of."""
    arguments = [name for name in described.arguments["backward"] if not name.startswith("dL_d")]
    return tuple(name for name in arguments if name not in described.labels)


def call(described: Operation, direction: str, form: Form, words: Words, draw: Draw, sizes: Mapping[str, int]) -> dict:
    """Draw the arguments of one call in the order that it takes them. A tensor of POSITIVE gets magnitudes, no 0."""
    tensors = {}
    for name in differentiable(described):
        shape = form.shape or tuple(sizes[axis] for axis in AXES[name])
        values = draw(words, shape)
        if name in POSITIVE:
            magnitudes = abs(values.astype(np.float64))
            values = words.array(np.where(magnitudes == 0, 0.5, magnitudes))
        tensors[name] = values
    if form.labels is not None:
        scores = next(x for x in tensors.values() if x.ndim == 2)
        classes = np.empty((len(scores), sizes["C"]))
        tensors |= {name: labels_drawn(words, form.labels, classes) for name in described.labels}
    upstream = {
        name: draw(words, shape_of_result(described, name.removeprefix("dL_d"), form, tensors))
        for name in described.arguments["backward"]
        if name.startswith("dL_d")
    }
    together = tensors | upstream
    return {name: together[name] for name in described.arguments[direction]}


def shape_of_result(described: Operation, result: str, form: Form, tensors: Mapping[str, np.ndarray]) -> Shape:
    """Give the shape of a result of forward, found by evaluating it, or a loss's by its reduction."""
    if "reduction" in form.parameters:
        rows = len(next(iter(tensors.values())))
        return (rows,) if form.parameters["reduction"] == "none" else ()
    function = described.functions["forward"]
    wide = [x if x.dtype == np.int64 else x.astype(np.float64) for x in tensors.values()]
    with np.errstate(all="ignore"):
        results = as_tuple(function(*wide, **form.parameters))
    return dict(zip(described.results["forward"], results, strict=True))[result].shape


def formulations(described: Operation, direction: str) -> tuple[Formulation, ...]:
    """Give the canonical formulation first, then all others."""
    return described.formulations[direction]


def as_tuple(results: object) -> tuple:
    """Give results as a tuple, a single one too."""
    return results if isinstance(results, tuple) else (results,)
