"""What is held against the checkers: the faults of the catalogue, and the sound variants one operation at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from backproof.conformance.implementation.arrays import NotAnArray, to_numpy
from backproof.reference.faults import by_name, faults_of, former
from backproof.reference.model.fault import Fault, widened
from backproof.reference.model.operation import operation
from backproof.reference.ops import softmax, softmax_cross_entropy
from backproof.vectors.dtypes import DTYPES
from sound_variants import variants

from .calls import OPERATIONS, Call

Array = Any
Function = Callable[..., Any]

PLAIN = "as NumPy has it"
"""The variant that tells, with the reference, which calls are of use to a checker, and whose check is timed."""


@dataclass(frozen=True)
class Subject:
    """One implementation of one operation."""

    group: str
    """The variant's name, or "fault"."""
    name: str
    op: str
    functions: Mapping[str, Function] = field(repr=False)
    """By direction; what an implementation leaves out is the reference's."""
    directions: tuple[str, ...]
    """Those that are its own."""
    dtypes: tuple[str, ...] = DTYPES
    fresh: Callable[[], None] = field(default=lambda: None, repr=False)
    """Forget what earlier calls left behind."""
    memory: Mapping[Any, Any] = field(default_factory=dict, repr=False)
    """What a fault of state has kept."""

    def output(self, call: Call, tensors: list[Array], labels: list[Array]) -> np.ndarray:
        """What its forward returns. Where the operation is a backward alone the tensors are logits, and the forward
        is the reference's, from logits to the loss."""
        forward = self.functions.get("forward", careful_loss)
        (output,) = several(forward(*tensors, *labels, **call.parameters))
        return read(output)

    def gradients(
        self, call: Call, upstream: Array, tensors: list[Array], labels: list[Array]
    ) -> tuple[np.ndarray, ...]:
        """What its backward returns, one gradient a tensor."""
        return tuple(map(read, several(self.functions["backward"](upstream, *tensors, *labels, **call.parameters))))

    def gradients_of_logits(
        self, call: Call, upstream: Array, tensors: list[Array], labels: list[Array]
    ) -> tuple[np.ndarray, ...]:
        """The same for a checker that differentiates: a backward alone gets the softmax of the tensors."""
        saved = tensors if "forward" in self.functions else [careful_softmax(tensors[0])]
        return self.gradients(call, upstream, saved, labels)


careful_softmax, careful_loss = widened(softmax.forward), widened(softmax_cross_entropy.forward)


def several(results: Any) -> tuple[Any, ...]:
    """Results as an adapter may return them: one bare, or any number in a tuple or list."""
    return tuple(results) if isinstance(results, tuple | list) else (results,)


def read(result: Any) -> np.ndarray:
    """A result as NumPy sees it."""
    try:
        return to_numpy(result)
    except NotAnArray:
        return np.asarray(result)


@cache
def reference(op: str) -> Subject:
    """The reference's own formulas, which a fault has in its sound direction."""
    functions = {direction: widened(function) for direction, function in operation(op).functions.items()}
    return Subject("reference", f"reference: {op}", op, functions, tuple(functions))


def compared(op: str) -> Mapping[str, Fault]:
    """The faults of the comparison: those that were seen, and those that were once written by hand, by that name."""
    return {fault.name: fault for fault in faults_of(op)} | {name: by_name(op)[now] for name, now in former(op).items()}


@cache
def subjects() -> Mapping[str, Subject]:
    """All of them by name: "dense.bias_gradient_flat", "pairwise sums: dense".

    Not among the variants are those that declare a lower precision, which no other checker can be told of, and those
    of other formulas, which differ from the plain one by what the styles show.
    """
    found = [
        Subject("fault", f"{op}.{name}", op, f.functions, (f.direction,), fresh=f.setup, memory=f.memory)
        for op in OPERATIONS
        for name, f in compared(op).items()
    ]
    for variant in variants():
        if variant.sort not in ("style", "results", "algorithm"):
            continue
        for op in OPERATIONS:
            sound = reference(op).functions
            own = {d: variant.functions[f"{op}_{d}"] for d in sound if f"{op}_{d}" in variant.functions}
            if own:
                name = f"{variant.name}: {op}"
                found.append(Subject(variant.name, name, op, {**sound, **own}, tuple(own), variant.dtypes))
    return {subject.name: subject for subject in found}
