"""Families of cases for a step of AdamW."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..kinds.optimizer import Variation, optimizer
from ..model.family import Draft
from .adam_step import ADAM, RATES, VARIATIONS

DECAY: dict[str, Any] = {"flags": "weight-decay", "point": "adamw_decay"}
ADAMW = replace(
    ADAM,
    rates={**RATES, "weight_decay": 0.0},  # any decay is one of several answers
    variations=(
        *VARIATIONS,
        Variation("decay", comment="The usual decay.", rates={"weight_decay": 0.01}, tall=True, **DECAY),
        Variation("large-decay", comment="A large decay.", rates={"lr": 0.1, "weight_decay": 0.5}, **DECAY),
        Variation("decay-alone", comment="No gradients.", rates={"weight_decay": 0.1}, first=True, **DECAY),
    ),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from optimizer(ADAMW, dtype)
