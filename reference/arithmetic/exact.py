"""Convert exact numbers to balls, and balls to correctly rounded float64."""

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import arb, fmpq

from .protocol import Constant, UndecidedError, as_array, filled

WHOLE = (int, np.integer, np.bool_)


def exact(x: Any) -> arb:
    """Give a number as a ball.

    A Python float in a formula's text is the decimal that was written (1e-7 is ten to the minus seven, enclosed);
    an element of an array is the binary number that it holds.
    """
    if isinstance(x, arb):
        return x
    if isinstance(x, Constant):
        return arb(x.ball())
    if isinstance(x, WHOLE):
        return arb(int(x))
    return arb(_decimal(x)) if type(x) is float and math.isfinite(x) else arb(float(x))


@cache
def _decimal(x: float) -> fmpq:
    """Give the shortest decimal that stands for a number."""
    fraction = Fraction(repr(x))
    return fmpq(fraction.numerator, fraction.denominator)


def exact_array(x: Any) -> np.ndarray:
    """Give an array or a scalar as an object array of balls; see `exact` for what a scalar means."""
    if not isinstance(x, np.ndarray):
        return as_array(exact(x))
    if x.dtype == object:
        return x
    return filled([arb(v) for v in x.astype(np.float64).ravel().tolist()], x.shape)


def nearest(man: int, exp: int) -> float:
    """Round man * 2**exp to the nearest float64, ties to even, subnormals and overflow included."""
    bits, sign = man.bit_length(), (-1.0 if man < 0 else 1.0)
    if bits + exp > 1025:
        return sign * math.inf
    if bits == 0 or bits + exp <= -1080:
        return sign * 0.0
    if bits < 1000 and -1000 < bits + exp < 1000:
        return math.ldexp(float(man), exp)  # float(int) rounds correctly, and here ldexp is exact
    try:
        return float(man << exp) if exp >= 0 else man / (1 << -exp)  # a quotient of ints is correctly rounded, too
    except OverflowError:
        return sign * math.inf


def upwards(man: int, exp: int) -> float:
    """Round man * 2**exp, not negative, up to the next float64, which may be infinite."""
    if man.bit_length() + exp > 1024:
        return math.inf
    shift = max(man.bit_length() - 53, -1074 - exp, 0)
    return math.ldexp(-(-man >> shift), exp + shift)


def endpoints(ball: arb) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give both ends of a finite ball as exact (man, exp) pairs."""
    low, high = ball.lower().man_exp(), ball.upper().man_exp()
    return (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))


def rounded(ball: arb) -> float:
    """Round a finite ball's exact value to the nearest float64.

    Raises UndecidedError while the ball is so wide that its ends round apart.
    """
    if ball.is_exact():
        man, exp = ball.man_exp()
        return nearest(int(man), int(exp)) + 0.0
    low, high = endpoints(ball)
    result = nearest(*low)
    if result != nearest(*high):
        raise UndecidedError(f"both sides of a rounding boundary lie in {ball.str(8)}")
    return result + 0.0


def rounded_up(ball: arb) -> float:
    """Round a finite, non-negative ball's exact value up to a float64.

    Raises UndecidedError while the ball is so wide that its ends round apart.
    """
    if ball.is_exact():
        man, exp = ball.man_exp()
        return upwards(int(man), int(exp))
    low, high = endpoints(ball)
    result = upwards(*high)
    if low[0] < 0 or result != upwards(*low):
        raise UndecidedError(f"both sides of a rounding boundary lie in {ball.str(8)}")
    return result
