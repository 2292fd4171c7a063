"""Families of cases for Mish."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import NORMAL_UP_TO, activation
from ..model.family import Draft
from .silu import SILU

MISH = replace(SILU, changes={**SILU.changes, "forward-largest": None})


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(MISH, dtype, NORMAL_UP_TO)
