"""A line on how far a long evaluation has come."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

AFTER, EVERY = 5.0, 10.0
"""Seconds until the first line, and between the lines."""


@dataclass
class Progress:
    """Says on standard error how far a judgement has come, once it takes long."""

    what: str
    """What is judged: "dense backward"."""
    due: float = field(default_factory=lambda: time.monotonic() + AFTER)

    def of(self, stage: str) -> Callable[[float], None]:
        """What a stage of it is to be told: the share that is done."""

        def tick(share: float) -> None:
            if time.monotonic() >= self.due:
                self.due = time.monotonic() + EVERY
                print(
                    f"backproof: {self.what}: {share:.0%}{f', {stage}' if stage else ''}", file=sys.stderr, flush=True
                )

        return tick
