"""Reported faults of blocks of transformers, each beside its cure."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from backproof.reference.faults import transformer_block as seen
from backproof.reference.ops import transformer_block
from public_reports import Array, Report, Small, at, reported
from reported_steps import Row

SHAPES: dict[str, tuple[int, ...]] = {
    **{"inputs": (1, 2, 3), "norm1": (3,), "wq": (3, 8), "wk": (3, 4), "wv": (3, 4), "wo": (8, 3), "norm2": (3,)},
    **{"w_gate": (3, 1), "w_up": (3, 1), "w_down": (1, 3), "cos": (2, 1), "sin": (2, 1)},
}
TWO_TOKENS = {
    name: np.resize(np.roll([1, 0.5, -0.5, 0.25, -1], k), shape) for k, (name, shape) in enumerate(SHAPES.items())
}
"""Two tokens of three features, and four heads of queries, of which two share one of keys."""
NO_BRANCH = {"wo": np.zeros((8, 3)), "w_down": np.zeros((1, 3))}
"""Attention and the network add nothing: outputs are the inputs, and their gradient is the upstream."""
UPSTREAM = [[[1.0, 0.0, 0.5], [0.0, -2.0, 1.0]]]


def last_three(x: Array) -> Array:
    return x.ravel()[-3:]


def outputs(**changed: Any) -> Small:
    return at(*(TWO_TOKENS | changed).values(), heads=4, eps=0.0, of=last_three)


def gradient(name: str, **changed: Any) -> Small:
    place, tensors = [*TWO_TOKENS].index(name), (TWO_TOKENS | changed).values()
    return at(UPSTREAM, *tensors, result=place, heads=4, eps=0.0, of=last_three)


def severed(*names: str) -> Any:
    """The gradients of some arguments are 0, as where a function leaves no trace for automatic differentiation."""

    def call(*tensors: Array, **how: Any) -> Any:
        found = zip(TWO_TOKENS, transformer_block.backward(*tensors, **how), strict=False)
        return tuple(d * 0 if name in names else d for name, d in found)

    return call


def rows() -> Iterator[Row]:
    op, forward, backward = "transformer_block", transformer_block.forward, transformer_block.backward
    plain, branchless = outputs(), gradient("inputs", **NO_BRANCH)
    due, none, passed = [0.572652, -0.636854, 2.315671], [0, 0, 0], [0, -2, 1]
    for fault, kind, small, of_right, of_wrong in (
        (seen.residual_of_normalized_inputs, "residual of normalised inputs", outputs(**NO_BRANCH),
         [0.25, -1, 1], [-0.301511, -1.206045, 0.603023]),
        (seen.scaled_by_all_features, "scaled by all features", plain, due, [0.583643, -0.639035, 2.296281]),
        (seen.heads_of_keys_tiled, "heads of keys tiled", plain, due, [-0.833342, -1.124731, 1.901623]),
        (seen.second_residual_gradient_lost, "second residual lost", branchless, passed, none),
        (seen.first_residual_gradient_lost, "first residual lost", branchless, passed, none),
        (seen.both_residual_gradients_lost, "both residuals lost", branchless, passed, none),
        (seen.residual_gradient_through_the_norm, "residual through the norm", branchless,
         passed, [-0.365468, -0.950218, -0.858850]),
        (seen.gate_alone_reaches_the_inputs, "gate alone", gradient("norm2"),
         [-0.267100, -0.684666, -3.016879], [-0.082728, -0.492849, -1.215613]),
        (seen.gradients_of_shared_keys_not_summed, "shared keys not summed", gradient("wv"),
         [-0.065254, 2.173087, 0.475319], [0.081581, 0.951411, -0.063061]),
    ):  # fmt: skip
        right, wrong = {"forward": forward, "backward": backward}[fault.direction], fault.functions[fault.direction]
        yield fault.direction, fault.seen, kind, op, wrong, right, small, of_right, of_wrong
    for source, kind, names, of_right in (
        ("huggingface/candle#3568", "no gradient through the rotary embedding", ("wq", "wk"),
         [-0.013294, 0.083757, 0.062812]),
        ("paiml/aprender PR 2196", "no gradient of norms", ("norm1", "norm2"), [-1.744297, 1.771304, 2.656603]),
    ):  # fmt: skip
        yield "backward", source, kind, op, severed(*names), backward, gradient(names[0]), of_right, none


REPORTS: tuple[Report, ...] = tuple(reported(*row) for row in rows())
