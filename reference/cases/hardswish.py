"""Families of cases for hard swish."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import SHARE, activation
from ..model.family import Draft
from .hardsigmoid import FLAT_FROM, HARDSIGMOID


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = replace(HARDSIGMOID, changes={"backward-nan": {"point": "slope_at_nan"}, **SHARE})
    yield from activation(kind, dtype, FLAT_FROM)
