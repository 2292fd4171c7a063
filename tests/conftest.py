"""What the tests of all three packages share: pytester, and the helpers that lie beside this file."""

import sys
from pathlib import Path

pytest_plugins = ["pytester"]

sys.path.insert(0, str(Path(__file__).parent))
