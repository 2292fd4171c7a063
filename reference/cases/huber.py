"""Families of cases for the Huber loss."""

from collections.abc import Iterator

from ..kinds.targets import ROUNDED, by_element, by_element_again, with_a_bend
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(with_a_bend(1.5), dtype, changes=ROUNDED, parameters={"delta": 1.5})
    for delta in (1.0, 0.25):
        yield from by_element_again(with_a_bend(delta), dtype, {"delta": delta}, f"-delta-{delta:g}")
