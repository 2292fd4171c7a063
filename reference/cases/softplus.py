"""Families of cases for softplus."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..generation.draws import nearest_held
from ..kinds.activation import CASES, activation, activation_again
from ..kinds.elementwise import Elementwise
from ..kinds.paired import families
from ..model.family import Draft

NORMAL_UP_TO = {"float64": 17, "float32": 17, "float16": 5, "bfloat16": 17}
"""By dtype, a magnitude of inputs below the threshold that some implementations have, where all results are normal."""
EXACT = 37.0
"""The product beta x above which x itself, which some return from 20 on, is right to the last bit of float64."""
THRESHOLD = {"point": "softplus_threshold"}
SOFTPLUS = Elementwise(
    scale=1.0,
    spread=(-60, 2),
    spread16=(-4, 1),
    cases=CASES,
    changes={"forward-saturated-stable": THRESHOLD, "backward-saturated-stable": THRESHOLD},
)
BETAS = (0.5, 3.0)
"""No random input times one of these is above the threshold: a bell of twelve coins ends at six deviations."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SOFTPLUS, dtype, NORMAL_UP_TO, shortcut=EXACT)
    for beta in BETAS:
        below = {name: limit / max(beta, 1) for name, limit in NORMAL_UP_TO.items()}
        kind = replace(SOFTPLUS, parameters={"beta": beta}, suffix=f"-beta-{beta:g}")
        yield from activation_again(kind, dtype, below, min(beta, 1.0), EXACT / min(beta, 1.0))
        inputs = [nearest_held([x / beta, -x / beta], dtype) for x in (8, 11, 15, 19)]
        case = tuple({"dL_doutputs": nearest_held([1.5, -2], dtype), "inputs": x} for x in inputs)
        comment = "Products beta x below 20: a threshold that is lower, or that x is held against, shows."
        below_it: dict[str, Any] = {
            "parameters": {"beta": beta},
            "level": "robust" if dtype == "float16" else "required",
        }
        yield from families(f"below-threshold-beta-{beta:g}", "saturated", comment, case, **below_it)
        inputs = [nearest_held([x / beta, -x / beta], dtype) for x in (20.5, 22, 30, 37)]
        case = tuple({"dL_doutputs": nearest_held([1.5, -2], dtype), "inputs": x} for x in inputs)
        comment = "Products beta x above 20, where some implementations return x: off by exp(-20) / beta."
        more: dict[str, Any] = {"point": "softplus_threshold", "parameters": {"beta": beta}, "level": "robust"}
        yield from families(f"above-threshold-beta-{beta:g}", "saturated", comment, case, **more)
