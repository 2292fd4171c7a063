"""Families of cases for ELU, and the kind of activation that it is."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import CASES, NORMAL_UP_TO, activation, activation_again
from ..kinds.elementwise import Elementwise, below_zero
from ..model.family import Draft

LINEAR_UNIT = Elementwise(
    scale=1.0,
    spread=(-60, 2),
    spread16=(-4, 1),
    cases=CASES,
    # exp(x) - 1 loses all digits of small inputs
    changes={name: {"level": "robust"} for name in ("forward-spread", "forward-tiny")}
    | {"backward-nan": {"point": "slope_at_nan"}},
)
ELU = replace(LINEAR_UNIT, kinks={0.0: "elu_slope_at_zero"}, parameters={"alpha": 0.3})


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(ELU, dtype, NORMAL_UP_TO)
    smooth = replace(ELU, kinks={}, parameters={"alpha": 1.0}, suffix="-alpha-1")
    yield from activation_again(smooth, dtype, NORMAL_UP_TO)
    folded = replace(ELU, parameters={"alpha": -0.5}, suffix="-below-zero")
    yield from below_zero(folded, activation(folded, dtype, NORMAL_UP_TO), "forward", "backward")
