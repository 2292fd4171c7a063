"""How one function of an adapter fits."""

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    """How a function fits."""

    OK = "ok"
    MISFIT = "misfit"
    UNFILLED = "empty"
    """It raises NotImplementedError for every family."""
    ABSENT = "absent"


@dataclass(frozen=True)
class Misfit:
    """What does not fit."""

    words: str
    """A sentence without its full stop."""
    cure: str
    """What to do, likewise; empty where that is not known."""


@dataclass(frozen=True)
class FunctionFit:
    """How one function of an adapter fits."""

    function: str
    state: Fit
    misfit: Misfit | None = None
    family: str = ""
    """Where the misfit was met."""
    notes: tuple[str, ...] = ()
    """Remarks that are no misfit."""
