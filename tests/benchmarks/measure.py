"""What benchmarks share: a figure with its target, and the best of several timings."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    what: str
    value: float
    unit: str
    target: str
    """What it is held against, in words; empty where it is told for information alone."""
    met: bool = True

    def __str__(self) -> str:
        verdict = "" if not self.target else f"   (target: {self.target}: {'met' if self.met else 'MISSED'})"
        return f"{self.what}: {self.value:.3g} {self.unit}{verdict}"


def at_most(what: str, value: float, limit: float, unit: str = "x") -> Figure:
    """Make a figure that should not be above a limit."""
    return Figure(what, value, unit, f"at most {limit:g} {unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str = "x") -> Figure:
    """Make a figure that should not be below a limit."""
    return Figure(what, value, unit, f"at least {limit:g} {unit}", value >= limit)


def told(what: str, value: float, unit: str) -> Figure:
    """Make a figure without a target."""
    return Figure(what, value, unit, "")


def best(function: Callable[[], object], repeat: int = 5) -> float:
    """Give the shortest wall time of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
