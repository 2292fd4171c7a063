"""A fuzzer of what is read from others: vector files, records of runs, and the answers of harnesses.

`python -m tests.fuzz` runs for ten minutes. Each try is a number, its seed; `python -m tests.fuzz TARGET --only SEED`
repeats one. A try ends in a clear line or in a verdict. Everything else is a fault: an exception, a process that ends
or takes ten seconds of processor time, an altered file that passes for a golden one, something that is left running.
"""

import sys
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "support"
if str(SUPPORT) not in sys.path:
    sys.path.insert(0, str(SUPPORT))
