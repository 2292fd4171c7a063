"""What is said of one function."""

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    """How a function fits."""

    OK = "ok"
    MISFIT = "misfit"
    UNFILLED = "empty"
    """It raises NotImplementedError whatever it is asked."""
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
    """What is said of one function."""

    function: str
    state: Fit
    misfit: Misfit | None = None
    family: str = ""
    """Where the misfit was met."""
    notes: tuple[str, ...] = ()
    """What is worth knowing, and no misfit."""
