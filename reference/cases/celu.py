"""Families of cases for CELU."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import NORMAL_UP_TO, activation, activation_again
from ..model.family import Draft
from .elu import LINEAR_UNIT


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    wide = replace(LINEAR_UNIT, parameters={"alpha": 1.3})
    yield from activation(wide, dtype, NORMAL_UP_TO)
    short = replace(LINEAR_UNIT, parameters={"alpha": 0.5}, suffix="-alpha-0.5")
    yield from activation_again(short, dtype, {name: limit / 2 for name, limit in NORMAL_UP_TO.items()})
