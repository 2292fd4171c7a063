"""Upstream gradients chosen to expose a wrong use of them, for operations whose results are tensors."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..generation.draws import Shape, Words
from ..model.family import DRAWN, Draft, Inputs
from .paired import families, refused, without_upstream

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


DrawUnder = Callable[[Words, int], Inputs]
"""Draws the arguments of backward under upstreams of a size, given as an exponent of two."""


def scaled(draw: Callable[[Words], Inputs], shape: Shape | None = None) -> DrawUnder:
    """Multiply the upstreams that `draw` gives; with a shape, draw one before, of magnitudes from 2**exponent on."""

    def under(w: Words, exponent: int) -> Inputs:
        if shape is not None:
            return {"dL_doutputs": w.around(shape, exponent), **without_upstream(draw(w))}
        return {name: w.scaled(x, exponent) if name.startswith("dL_d") else x for name, x in draw(w).items()}

    return under


def far_upstreams(
    draw: DrawUnder, dtype: str, *, half: tuple[int, int] = (6, -4), large: int = 12, cases: int = DRAWN
) -> Iterator[Draft]:
    """Large and small upstreams, of exponents `large` and -20, or `half` in float16; beyond it very large ones too."""
    large, small = half if dtype == "float16" else (large, -20)
    clipped, hidden = "a gradient that is clipped shows", "an absolute tolerance would hide its gradient"
    for word, exponent, of_size, comment, count in (
        ("large", large, "", f"An upstream so large that {clipped}.", cases),
        ("small", small, " small-values", f"An upstream so small that {hidden}.", cases),
        ("huge", FAR, "", f"An upstream around 1e31: {clipped}.", 1),
        ("tiny", -FAR, " small-values", f"An upstream around 1e-31: {hidden}, or it is taken for 0.", 1),
    ):
        if dtype == "float16" and abs(exponent) == FAR:
            continue
        name, flags = f"backward-{word}-upstream", f"random upstream-signed{of_size}"
        yield from families(name, flags, comment, draw=partial(sized, draw, exponent), counts=count)


def sized(draw: DrawUnder, exponent: int, w: Words) -> Inputs:
    """Draw under upstreams of a size."""
    return draw(w, exponent)


def far_upstreams_of_rows(draw: Callable[[Words], Inputs]) -> Iterator[Draft]:
    """The same of a loss without a reduction, beyond what float16 holds."""
    for word, exponent in (("huge", FAR), ("tiny", -FAR)):
        comment = f"Upstreams around 2**{exponent}: gradients are neither clipped nor taken for 0."
        more: dict[str, Any] = {"draw": partial(sized, scaled(draw), exponent), "parameters": {"reduction": "none"}}
        yield from families(f"backward-{word}-upstream", "random upstream-signed", comment, counts=1, **more)


def mismatched(call: UnderUpstream, names: str, shapes: tuple[Shape, ...], asked: Shape) -> Iterator[Draft]:
    """Upstreams of other shapes than `asked`, to be refused, not broadcast; `names` end the names of the families."""
    for name, shape in zip(names.split(), shapes, strict=True):
        values = np.arange(1, 1 + math.prod(shape)).reshape(shape)
        comment = f"An upstream of shape {shape} where {asked} is due, to be broadcast by none."
        yield from refused(f"backward-mismatch-{name}", "size-mismatch", comment, call(values))
