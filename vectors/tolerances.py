"""Tolerances are the upper 16 bits of a float64: a sign that is 0, 11 bits of exponent, 4 of the significand."""

import numpy as np

_LOWER = np.uint64(48)
_MASK = np.uint64(2**48 - 1)


def up_to_16_bits(tolerance: np.ndarray) -> np.ndarray:
    """The least of 16 bits that is not below each tolerance, as float64: larger by 1/16 at most if it is normal.

    Takes what is finite and not negative; infinite where 16 bits hold nothing so large.
    """
    bits = np.asarray(tolerance, np.float64).view(np.uint64)
    return from_bits((bits + _MASK) >> _LOWER)


def to_bits(tolerance: np.ndarray) -> np.ndarray:
    """The upper 16 bits of float64 tolerances. Raises ValueError where one has more bits than that."""
    bits = np.ascontiguousarray(tolerance).view(np.uint64)
    if (bits & _MASK).any():
        raise ValueError("has more than the upper 16 bits of a float64; round it up with tolerances.up_to_16_bits")
    return (bits >> _LOWER).astype("<u2")


def from_bits(bits: np.ndarray) -> np.ndarray:
    """The tolerances of which these are the upper 16 bits: a read-only array of float64."""
    tolerance: np.ndarray = np.asarray(np.asarray(bits, np.uint64) << _LOWER).view(np.float64)
    tolerance.flags.writeable = False
    return tolerance
