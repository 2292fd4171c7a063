"""Activations: elementwise operations that become flat, or the identity, far from 0."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..generation.draws import Words, nearest_held
from ..generation.profiles import ladder
from ..model.family import Draft, Inputs
from .elementwise import Elementwise, again, elementwise
from .paired import families
from .upstreams import FAR, far_upstreams, scaled

LIMIT = "activation_at_infinity"
SHARE = {"forward-infinity": {"point": LIMIT}, "backward-infinity": {"point": LIMIT}, "backward-largest": None}
"""The changes for an activation that is x times a share of it: times the largest x, an underflow shows."""
VANISHING = {"float64": 760.0, "float32": 120.0, "float16": 24.0, "bfloat16": 120.0}
"""By dtype, the magnitude of an input beyond which the tail of an activation is 0, and no subnormal number."""
NORMAL_UP_TO = {"float64": 700, "float32": 80, "float16": 5, "bfloat16": 80}
"""By dtype, the magnitude of an input up to which the exponential of its negative is a normal number."""
CASES = 4
"""Cases of a drawn family. What an activation does to an element depends on that element alone."""


def activation(
    kind: Elementwise, dtype: str, up_to: Mapping[str, float], scale: float = 1.0, shortcut: float = 0.0
) -> Iterator[Draft]:
    """Give all families of an activation at a dtype.

    up_to: by dtype, the largest magnitude of the inputs at which all results are normal numbers. scale: what inputs are
    multiplied by first, if it is less than 1. shortcut: the magnitude beyond which a shortcut that some take is exact.
    """

    far = far_upstreams(scaled(lambda w: {"inputs": w.normal((3, 5), kind.scale)}, (3, 5)), dtype)
    more = chain(saturated(dtype, up_to[dtype]), beyond(dtype, max(up_to[dtype], shortcut), scale), far)
    yield from elementwise(replace(kind, sharp=False), dtype, chain(more, tiny(dtype)))


def activation_again(
    kind: Elementwise, dtype: str, up_to: Mapping[str, float], scale: float = 1.0, shortcut: float = 0.0
) -> Iterator[Draft]:
    """Give the families that a further value of a parameter is tested with; `kind` gives them a suffix."""
    yield from again(kind, activation(kind, dtype, up_to, scale, shortcut))


def tiny(dtype: str) -> Iterator[Draft]:
    """Inputs so small that their activation is linear."""
    comment = "Very small inputs, beyond float16 from 1e-31 on: what is proportional to them is not 0."
    draw = partial(_spread, *((-12, -8) if dtype == "float16" else (-FAR, -FAR + 40)))
    yield from families("forward-tiny", "random small-values", comment, draw=draw, counts=1)


def _spread(low: int, high: int, w: Words) -> Inputs:
    return {"inputs": w.spread((3, 4), low, high)}


def saturated(dtype: str, up_to: float) -> Iterator[Draft]:
    """Inputs at each magnitude of the ladder, on both sides of 0."""
    rungs = ladder(dtype)

    def cases(magnitudes: list[float]) -> tuple[Inputs, ...]:
        upstream = nearest_held([2, -3, 5, 7], dtype)
        inputs = (nearest_held([m, -m, 0.9 * m, -0.9 * m], dtype) for m in magnitudes)
        return tuple({"dL_doutputs": upstream, "inputs": x} for x in inputs)

    comment = "Inputs of growing magnitude, up to where a result is no normal number."
    yield from families("saturated", "saturated", comment, cases([m for m in rungs if m <= up_to]))
    comment = "Inputs of every magnitude. The tolerance is that of formulas that keep the digits of both tails."
    more: dict[str, Any] = {"level": "robust", "overflows": True}
    yield from families("saturated-stable", "saturated subnormal", comment, cases(rungs), **more)


def beyond(dtype: str, start: float, scale: float) -> Iterator[Draft]:
    """Inputs of every magnitude of the ladder above a start, where no result is subnormal.

    Forward's are positive, and negative too where the left tail is 0; backward's where both tails are.
    """
    far = np.array([x for m in ladder(dtype) for x in (0.9 * m, m) if x > start])
    tails = far[far >= VANISHING[dtype] / scale]
    both = np.concatenate([tails, -tails])
    comment = "Inputs so large that the function is flat, or the identity: neither an overflow on the way, nor NaN."
    for direction, x in (("forward", np.concatenate([far, -tails])), ("backward", both)):
        case = {
            "dL_doutputs": nearest_held(np.resize([0.5, -0.75, 1.25, 1.75, -1], x.shape), dtype),
            "inputs": nearest_held(x, dtype),
        }
        flags = "saturated upstream-signed"
        yield from families(f"{direction}-saturated-beyond", flags, comment, (case,), stable=True)
