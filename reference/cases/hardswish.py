"""Families of cases for hard swish."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import SHARE, activation
from ..model.family import Draft
from .hardsigmoid import FLAT_FROM, HARDSIGMOID, off_edges


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = replace(HARDSIGMOID, changes={"backward-nan": {"point": "slope_at_nan"}, **SHARE})
    yield from activation(off_edges(kind, dtype), dtype, FLAT_FROM)
