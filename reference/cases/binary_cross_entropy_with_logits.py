"""Families of cases for binary cross-entropy of logits."""

from collections.abc import Iterator

from ..kinds.binary import LOGITS, of_logits
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from of_logits(LOGITS, dtype)
