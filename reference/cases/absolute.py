"""Families of cases for the absolute value."""

from collections.abc import Iterator

from ..kinds.elementwise import REQUIRED, Elementwise, elementwise
from ..model.family import Draft

ABSOLUTE = Elementwise(
    kinks={0.0: "abs_slope_at_zero"},
    cases=4,
    changes={
        "forward-largest": REQUIRED,
        "backward-largest": REQUIRED,
        "backward-nan": {"point": "slope_at_nan"},
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from elementwise(ABSOLUTE, dtype)
