"""Activations: elementwise operations that become flat, or the identity, far from 0."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Words, nearest_held
from ..model.family import Draft, Inputs
from .elementwise import Elementwise, elementwise
from .paired import families
from .upstreams import far_upstreams

LADDER = (1, 5, 10, 17, 20, 37, 60, 88.7, 104, 710, 1e4, 2e4, 1e5, 1e9)
"""Magnitudes of inputs below and above every threshold that implementations have: where exp overflows or its result is
subnormal in some dtype, where 1 - s is 0, where a shortcut is taken."""
LIMIT = "activation_at_infinity"
SHARE = {"forward-infinity": {"point": LIMIT}, "backward-infinity": {"point": LIMIT}, "backward-largest": None}
"""The changes for an activation that is x times a share of it: times the largest x, an underflow shows."""
FEW = ("random-n4-f5", "random-n2-f65", "random-n33-f3", "spread", "zero", "subnormal", "largest", "infinity", "nan")
CASES = 4
"""Cases of a drawn family. What an activation does to an element depends on that element alone."""


def activation(kind: Elementwise, dtype: str, up_to: Mapping[str, float]) -> Iterator[Draft]:
    """Give all families of an activation at a dtype.

    up_to: by dtype, the largest magnitude of the inputs at which all results are normal numbers.
    """

    def scaled(w: Words, exponent: int) -> Inputs:
        upstream = w.array(np.ldexp(w.signed((3, 5), 1, 2).astype(np.float64), exponent))
        return {"dL_doutputs": upstream, "inputs": w.normal((3, 5), kind.scale)}

    far = far_upstreams(scaled, *((6, -4) if dtype == "float16" else (12, -20)))
    yield from elementwise(kind, dtype, chain(saturated(dtype, up_to[dtype]), far))


def activation_again(kind: Elementwise, dtype: str, up_to: Mapping[str, float]) -> Iterator[Draft]:
    """Give the families that a further value of a parameter is tested with; `kind` gives them a suffix."""
    for draft in activation(kind, dtype, up_to):
        name = draft.name.removesuffix(kind.suffix).partition("-")[2]
        if name in FEW or name.startswith("saturated"):
            yield draft


def saturated(dtype: str, up_to: float) -> Iterator[Draft]:
    """Inputs at each magnitude of the ladder, on both sides of 0."""
    ladder = [magnitude for magnitude in LADDER if magnitude < FORMATS[dtype].largest]

    def cases(magnitudes: list[float]) -> tuple[Inputs, ...]:
        upstream = nearest_held([2, -3, 5, 7], dtype)
        inputs = (nearest_held([m, -m, 0.9 * m, -0.9 * m], dtype) for m in magnitudes)
        return tuple({"dL_doutputs": upstream, "inputs": x} for x in inputs)

    comment = "Inputs of growing magnitude, up to where a result is no normal number."
    yield from families("saturated", "saturated", comment, cases([m for m in ladder if m <= up_to]))
    comment = "Inputs of every magnitude. The tolerance is that of formulas that keep the digits of both tails."
    more: dict[str, Any] = {"level": "robust", "overflows": True}
    yield from families("saturated-stable", "saturated subnormal", comment, cases(ladder), **more)
