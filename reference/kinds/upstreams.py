"""Upstream gradients chosen to expose a wrong use of them, for operations whose results are tensors."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ..generation.draws import Shape, Words
from ..model.family import DRAWN, Draft, Inputs
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


FAR = 104
"""The exponent of two of numbers that float32 and bfloat16 hold, with an inverse below 1e-30: nobody may take such for
infinite, or for 0. float16 holds none of them."""


def far_upstreams(draw: Callable[[Words, int], Inputs], dtype: str, large: int, small: int) -> Iterator[Draft]:
    """Large and small upstreams: `draw` takes their exponent of two. Beyond float16 there are very large ones too."""
    clipped, hidden = "a gradient that is clipped shows", "an absolute tolerance would hide its gradient"
    for word, exponent, of_size, comment, count in (
        ("large", large, "", f"An upstream so large that {clipped}.", DRAWN),
        ("small", small, " small-values", f"An upstream so small that {hidden}.", DRAWN),
        ("huge", FAR, "", f"An upstream around 1e31: {clipped}.", 1),
        ("tiny", -FAR, " small-values", f"An upstream around 1e-31: {hidden}, or it is taken for 0.", 1),
    ):
        if dtype == "float16" and abs(exponent) == FAR:
            continue
        name, flags = f"backward-{word}-upstream", f"random upstream-signed{of_size}"
        yield from families(name, flags, comment, draw=partial(_sized, draw, exponent), counts=(count, count))


def _sized(draw: Callable[[Words, int], Inputs], exponent: int, w: Words) -> Inputs:
    return draw(w, exponent)


def mismatched(call: UnderUpstream, names: str, shapes: tuple[Shape, ...], asked: Shape) -> Iterator[Draft]:
    """Upstreams of other shapes than `asked`, to be refused, not broadcast; `names` end the names of the families."""
    for name, shape in zip(names.split(), shapes, strict=True):
        values = np.arange(1, 1 + math.prod(shape)).reshape(shape)
        comment = f"An upstream of shape {shape} where {asked} is due, to be broadcast by none."
        yield from refused(f"backward-mismatch-{name}", "size-mismatch", comment, call(values))
