"""A share of a test's parameters for the default run; the catalogue tries them all."""

from collections.abc import Iterable
from typing import Any

import pytest

left_out = False
"""Whether this run is without the catalogue, as `tests/conftest.py` finds: most of its rows need not be made."""


def one_in(many: int, rows: Iterable[Any]) -> list[Any]:
    """Leave to the catalogue all rows of parameters but one in so many. A row of several is a tuple."""
    return [
        pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=[pytest.mark.catalogue] * bool(place % many))
        for place, row in enumerate(rows)
        if not (left_out and place % many)
    ]
