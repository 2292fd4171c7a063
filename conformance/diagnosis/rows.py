"""Is each row of a result off by a factor of its own, or by a number: by what is computed once for a row?"""

from collections.abc import Sequence

import numpy as np

from .observation import Observation
from .precision import Words

FEWEST, COLUMNS = 3, 4
"""So many rows of so many elements at least: less is a row's by chance."""
LEFT = 0.05
"""What may be left of the errors, as a share of their root mean square."""


def off_by_row(wrong: Sequence[Observation], position: int) -> Words | None:
    """What all rows of a result are off by, along the last axis; None where that is not so, or all by the same."""
    for what, cure, times in (
        (
            "multiplied by",
            "look at what each row is multiplied or divided by: a root, a mean, a sum or its reciprocal.",
            1,
        ),
        (
            "off by",
            "look at what is added to each row or taken off it: a mean, a maximum or the logarithm of a sum.",
            0,
        ),
    ):
        found = [_of_rows(one, position, bool(times)) for one in wrong]
        each = np.concatenate([one for one in found if one is not None] or [np.zeros(0)])
        if len(found) and all(one is not None for one in found) and len(each) >= FEWEST:
            least, most = each.min(), each.max()
            if most - least > LEFT * np.abs(each - times).max():
                return f"each row is {what} a number of its own, from {least:.8g} to {most:.8g}", cure
    return None


def _of_rows(one: Observation, position: int, as_factor: bool) -> np.ndarray | None:
    """The number of each row that is wrong; None where some row has none, or is too short."""
    due, got = one.expected[position], one.values[position]
    if got is None or due.ndim < 2 or due.shape[-1] < COLUMNS:
        return None
    rows = one.wrong[position].any(axis=-1)
    due, off = due[rows], (got - due)[rows]
    size = np.square(due).sum(axis=-1) if as_factor else np.full(len(due), float(due.shape[-1]))
    if not np.isfinite(off).all() or not np.isfinite(size).all() or not size.all():
        return None
    number = (off * due if as_factor else off).sum(axis=-1) / size
    rest = off - number[:, None] * (due if as_factor else 1.0)
    near = np.sqrt(np.square(rest).sum(axis=-1)) <= LEFT * np.sqrt(np.square(off).sum(axis=-1))
    return number + as_factor if near.all() else None
