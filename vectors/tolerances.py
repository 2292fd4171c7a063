"""Tolerances are stored as the upper 16 bits of a float64: a sign of 0, 11 bits of exponent, 4 of the significand."""

import numpy as np

_LOWER = np.uint64(48)
_MASK = np.uint64(2**48 - 1)


def up_to_16_bits(tolerance: np.ndarray) -> np.ndarray:
    """Round tolerances, finite and not negative, up to 16 bits, as float64: by at most 1/16 where they are normal.

    The result is infinite beyond the largest number of 16 bits.
    """
    bits = np.asarray(tolerance, np.float64).view(np.uint64)
    return from_bits((bits + _MASK) >> _LOWER)


def to_bits(tolerance: np.ndarray) -> np.ndarray:
    """Return the upper 16 bits of float64 tolerances. Raises ValueError where one has more bits."""
    bits = np.ascontiguousarray(tolerance).view(np.uint64)
    if (bits & _MASK).any():
        raise ValueError("has more than the upper 16 bits of a float64; round it up with tolerances.up_to_16_bits")
    return (bits >> _LOWER).astype("<u2")


def from_bits(bits: np.ndarray) -> np.ndarray:
    """Return the tolerances with these upper 16 bits, as a read-only array of float64."""
    tolerance: np.ndarray = np.asarray(np.asarray(bits, np.uint64) << _LOWER).view(np.float64)
    tolerance.flags.writeable = False
    return tolerance
