"""Drafts of families: what their cases ask and how their inputs are made, before answers are evaluated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...vectors.records import Parameter
from ..generation.draws import Words

Inputs = Mapping[str, np.ndarray]
DRAWN = 8
"""Cases of a drawn family, unless they are large or much alike."""


@dataclass(frozen=True)
class Draft:
    """A family without answers: cases of one direction, one set of shapes and one set of parameters."""

    name: str
    """Unique within operation and dtype; never changed and never reused."""
    direction: str
    flags: tuple[str, ...]
    comment: str
    """Why these cases exist, for someone whose implementation fails them."""
    cases: tuple[Inputs, ...] = ()
    """Curated inputs, by argument name, in the order of the call; empty where they are drawn."""
    draw: Callable[[Words], Inputs] | None = None
    """Draws one case's inputs. A draw that cannot be judged (a comparison too close to call, a number that the dtype
    does not hold) is drawn again."""
    count: int = DRAWN
    """How many cases to draw."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    level: str = "required"
    result: str = "valid"
    point: str | None = None
    """The convention's point, for result "convention"."""
    source: str = ""
    overflows: bool = False
    """Whether the cases are meant to leave the dtype's range on the way; they must be robust."""
    stable: bool = False
    """Whether formulas that keep digits count alone, as in robust families: where a function is flat, all are exact."""
    sharp: bool = True
    """Whether a draw whose tolerance lets 0 pass for an element that is not 0 is drawn again, if it is required."""

    @property
    def random(self) -> bool:
        """Whether inputs are drawn."""
        return self.draw is not None

    @property
    def ordinary(self) -> bool:
        """Whether inputs are drawn as an implementation meets them every day: none of their numbers is subnormal."""
        return self.random and self.level == "required" and "random" in self.flags
