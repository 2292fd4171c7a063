"""Families of cases for SELU."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import NORMAL_UP_TO, activation
from ..model.family import Draft
from .elu import LINEAR_UNIT


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(replace(LINEAR_UNIT, kinks={0.0: "elu_slope_at_zero"}), dtype, NORMAL_UP_TO)
