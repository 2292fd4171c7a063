"""Upstream gradients chosen to expose a wrong use of them, for operations whose results are tensors."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ..generation.draws import Shape, Words
from ..model.family import Draft, Inputs
from .paired import families, refused

UnderUpstream = Callable[[object], Inputs]
"""Gives the arguments of backward for the values of an upstream."""


def units(call: UnderUpstream, shape: Shape) -> Iterator[Draft]:
    """An upstream of zeros, and one unit of upstream at each place in turn."""
    size = math.prod(shape)
    ones = tuple(call(unit) for unit in np.eye(size).reshape(size, *shape))
    yield from families(
        "backward-upstream-zero", "upstream-zero", "No upstream, no gradient.", (call(np.zeros(shape)),)
    )
    comment = "One unit of upstream at each place in turn: one row of the Jacobian at a time."
    yield from families("backward-upstream-one-hot", "upstream-one-hot", comment, ones)


def far_upstreams(draw: Callable[[Words, int], Inputs], large: int, small: int) -> Iterator[Draft]:
    """Large and small upstreams: `draw` takes their exponent of two."""
    for word, exponent, flags, comment in (
        ("large", large, "", "An upstream so large that a gradient that is clipped shows."),
        ("small", small, " small-values", "An upstream so small that an absolute tolerance would hide its gradient."),
    ):
        name, flags = f"backward-{word}-upstream", f"random upstream-signed{flags}"
        yield from families(name, flags, comment, draw=partial(_sized, draw, exponent))


def _sized(draw: Callable[[Words, int], Inputs], exponent: int, w: Words) -> Inputs:
    return draw(w, exponent)


def mismatched(call: UnderUpstream, names: str, shapes: tuple[Shape, ...], asked: Shape) -> Iterator[Draft]:
    """Upstreams of other shapes than `asked`, to be refused, not broadcast; `names` end the names of the families."""
    for name, shape in zip(names.split(), shapes, strict=True):
        values = np.arange(1, 1 + math.prod(shape)).reshape(shape)
        comment = f"An upstream of shape {shape} where {asked} is due, to be broadcast by none."
        yield from refused(f"backward-mismatch-{name}", "size-mismatch", comment, call(values))
