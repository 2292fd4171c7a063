"""Is each row of a result off by a factor of its own, or by a number: by what is computed once for a row?"""

from collections.abc import Sequence

import numpy as np

from .observation import Observation
from .precision import Words

FEWEST, COLUMNS = 3, 4
"""So many rows of so many elements at least: less is a row's by chance."""
LEFT = 0.05
"""What may be left of the errors, as a share of their root mean square."""
_FACTOR = "look at what each row is multiplied or divided by: a root, a mean, a sum or its reciprocal."
_NUMBER = "look at what is added to each row or taken off it: a mean, a maximum or the logarithm of a sum."


def off_by_row(wrong: Sequence[Observation], position: int) -> Words | None:
    """What all rows of a result are off by, along the last axis; None where that is not so, or all by the same."""
    if any(one.expected[position].ndim < 2 or one.expected[position].shape[-1] < COLUMNS for one in wrong):
        return None
    for what, cure, sound in (("multiplied by", _FACTOR, 1), ("off by", _NUMBER, 0)):
        found = [_of_rows(one, position, sound) for one in wrong]
        each = np.concatenate([of_one for of_one in found if of_one is not None] or [np.zeros(0)])
        known = all(of_one is not None for of_one in found) and len(each) >= FEWEST
        if known and np.ptp(each) > LEFT * np.abs(each - sound).max():
            return f"each row is {what} a number of its own, from {each.min():.8g} to {each.max():.8g}", cure
    return None


def _of_rows(one: Observation, position: int, sound: int) -> np.ndarray | None:
    """The factor (1 is sound), or what is added (0 is sound), of each row that is wrong; None where some has none."""
    rows = one.wrong[position].any(axis=-1)
    due, off = one.expected[position][rows], one.off(position)[rows]
    of = due if sound else np.ones_like(due)
    number = (off * of).sum(axis=-1, keepdims=True) / np.square(of).sum(axis=-1, keepdims=True)
    left, most = np.square(off - number * of).sum(axis=-1), LEFT**2 * np.square(off).sum(axis=-1)
    return number[..., 0] + sound if (left <= most).all() else None  # not of a NaN or an infinity
