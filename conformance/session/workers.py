"""Workers of pytest-xdist share the processors of this machine in matrix products.

OpenBLAS, which NumPy's products are made by, starts as many threads in each process as there are processors, and they
wait for one another in a loop: a case that took 21 seconds alone took over 60 beside another process like it.
"""

import os
from collections.abc import Sequence
from typing import Any

THREADS = "OPENBLAS_NUM_THREADS"
"""What OpenBLAS reads when NumPy is imported. Other libraries do not: a framework has as many threads as ever."""
USERS = THREADS, "OMP_NUM_THREADS", "GOTO_NUM_THREADS"
"""It reads these as well: where the user has set one, that counts."""


def share_processors(specs: Sequence[Any]) -> None:
    """Have workers that are about to start take as many threads as there are processors for each.

    specs: execnet's, of all workers; those on other machines are let alone.
    """
    here = [spec for spec in specs if spec.popen]
    if here and not any(name in os.environ for name in USERS):
        for spec in here:
            spec.env.setdefault(THREADS, str(max((os.cpu_count() or 1) // len(here), 1)))
