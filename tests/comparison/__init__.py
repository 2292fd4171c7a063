"""The checkers side by side: `python -m tests.comparison`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # for the helpers of the tests
