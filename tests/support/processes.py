"""Processes that a test has started."""

import os
import time
from pathlib import Path


def is_running(number: int) -> bool:
    """Whether a process runs; one that was killed may take a moment."""
    for _ in range(100):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        status = Path(f"/proc/{number}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return False  # nobody has asked how it ended
        time.sleep(0.02)
    return True
