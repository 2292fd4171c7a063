"""Elementary functions: one table of what each costs, and how it passes errors on.

A sound implementation's function is right to `cost` times u of the result, u being the unit roundoff. C libraries and
CUDA keep to 2 ulp, that is 4 u, and to 5 ulp for erfc: see "Mathematical Functions" in the CUDA C++ Programming Guide,
"Known Maximum Errors in Math Functions" in the GNU C Library manual, and Innocente and Zimmermann, "Accuracy of
Mathematical Functions in Single, Double, Double Extended, and Quadruple Precision" (2024). A function costs more where
a library in wide use says that its own does, on CPUs or NVIDIA GPUs; the source is beside it. An ulp is between u and
2 u of the result, so that what counts is the largest error in u over all float32 numbers, where it was measured.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb

from .protocol import UnboundedError, UndecidedError

ZERO, HALF, ONE, TWO = arb(0), arb(0.5), arb(1), arb(2)


@dataclass(frozen=True)
class Elementary:
    """An elementary function."""

    ball: Callable[[arb], arb]
    """The function of a ball. Raises UndecidedError where the ball reaches beyond where the function is defined."""
    gap: Callable[[arb, arb, arb], arb]
    """(f(x), x, e) -> a bound on |f(y) - f(x)| for |y - x| <= e, e not 0. Raises UnboundedError where there is none."""
    slope: Callable[[arb, arb], arb]
    """(f(x), x) -> the derivative at x."""
    array: Callable[[np.ndarray], np.ndarray]
    """The function of a float64 array, right to 2^-50."""
    array_gap: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    """`gap` over arrays: values and arguments in float64, errors in float64 or float32; infinite where there is none,
    and `WHOLE_RANGE` where a bounded function may be off by all of its range. Right to 2^-20 of itself."""
    curvature: arb | None = None
    """A bound on |f''|. None where |f''| grows towards one side, and the gap is that to this side: what it exceeds
    slope e by then bounds |f(y) - f(x) - slope (y - x)|."""
    cost: int = 4
    """In u of the result."""
    argument: int = 0
    """In u of the result for each 1 of |x|, u being that of the format in which arguments are reduced: float32 for
    the half precisions."""
    near_zero: int = 0
    """In u of the result, beside that, for arguments that may be within -1/2 and 1/2."""
    coarse: int = 0
    """In u of 1."""
    underflows: bool = False
    """Whether a result may be subnormal where the argument is not."""


def _defined(function: Callable[[arb], arb], boundary: arb) -> Callable[[arb], arb]:
    """Refuse balls that reach across the boundary of where the function is defined."""

    def ball(x: arb) -> arb:
        result = function(x)
        if not result.is_finite() and x.is_finite() and not x == boundary and not x < boundary:
            raise UndecidedError(f"{x.str(8)} may be {boundary.str(2)} or less, where {function.__name__} has no value")
        return result

    return ball


def _sqrt(x: arb) -> arb:
    return x.sqrt() if not x < 0 else arb.nan()


def _log_gap(_: arb, x: arb, e: arb) -> arb:
    if not e < x:
        raise UnboundedError(f"an error of {e.str(8)} in {x.str(8)} leaves its logarithm without a bound")
    return -((-e / x).log1p())


def _log1p_gap(v: arb, x: arb, e: arb) -> arb:
    return _log_gap(v, 1 + x, e)


def _exp_gap(v: arb, x: arb, e: arb) -> arb:
    """v expm1(e), or exp(x + e) if e is huge."""
    factor = e.expm1()
    return v * factor if factor.is_finite() else (x + e).exp()


def _expm1_gap(_: arb, x: arb, e: arb) -> arb:
    return _exp_gap(x.exp(), x, e)


def _sqrt_gap(v: arb, x: arb, e: arb) -> arb:
    """The slope is steepest at the lower end: e / (sqrt(x) + sqrt(x - e))."""
    if not e <= x:
        raise UnboundedError(f"an error of {e.str(8)} in {x.str(8)} leaves its square root without a bound")
    return e / (v + arb.max(x - e, ZERO).sqrt())


def _bell(x: arb) -> arb:
    """The derivative of erf, whose own is largest at sqrt(1/2): 0.968."""
    return 2 / arb.pi().sqrt() * (-(x**2)).exp()


def _nearest_to_zero(x: arb, e: arb) -> arb:
    return arb.max(abs(x) - e, ZERO)


def _tanh_gap(_: arb, x: arb, e: arb) -> arb:
    """The slope 1 / cosh^2 is steepest where |x| is least; the function stays within -1 and 1."""
    return arb.min(e / _nearest_to_zero(x, e).cosh() ** 2, TWO)


def _erf_gap(_: arb, x: arb, e: arb) -> arb:
    """The slope 2 / sqrt(pi) exp(-x^2) is steepest where |x| is least; the function stays within -1 and 1."""
    return arb.min(e * 2 / arb.pi().sqrt() * (-(_nearest_to_zero(x, e) ** 2)).exp(), TWO)


def _wave_gap(_: arb, __: arb, e: arb) -> arb:
    """The slope is at most 1, and the function stays within -1 and 1."""
    return arb.min(e, TWO)


# The same over NumPy arrays -------------------------------------------------------------------------------------------

_erf, _erfc = (np.vectorize(f, otypes=[np.float64]) for f in (math.erf, math.erfc))
SMALLEST = np.finfo(np.float64).tiny
WHOLE_RANGE = 5.0
"""More than twice the range of -1 to 1: there the float64 value, too, may be off by as much as an implementation's."""


def _within_range(gap: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Limit the gap of a function that stays within -1 and 1."""
    return np.where(gap <= 2, gap, np.where(np.isfinite(e), WHOLE_RANGE, np.inf))


def _exp_array_gap(v: np.ndarray, _: np.ndarray, e: np.ndarray) -> np.ndarray:
    """v expm1(e); where all errors are small, v e times a factor that is enough for the largest."""
    most = float(e.max(initial=0))
    if most <= 2.0**-9:
        gap = e * e.dtype.type(1 + most)
        gap *= v.astype(e.dtype)
        return np.asarray(gap)
    return np.asarray(np.maximum(v, SMALLEST) * np.expm1(e.astype(np.float64)))


def _expm1_array_gap(_: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _exp_array_gap(np.exp(x), x, e)


def _log_array_gap(_: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.where(e < x, -np.log1p(-np.minimum(e / x, 1)), np.inf)


def _log1p_array_gap(v: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _log_array_gap(v, 1 + x, e)


def _sqrt_array_gap(v: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    steepest = np.where(e <= x, e / (v + np.sqrt(np.maximum(x - e, 0))), np.inf)
    return np.where(e == 0, 0, steepest)


def _nearest_to_zero_array(x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.abs(x) - e, 0))


def _tanh_array_gap(_: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _within_range(e / np.cosh(_nearest_to_zero_array(x, e)) ** 2, e)


def _erf_array_gap(_: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _within_range(e * (2 / math.sqrt(math.pi)) * np.exp(-(_nearest_to_zero_array(x, e) ** 2)), e)


def _wave_array_gap(_: np.ndarray, __: np.ndarray, e: np.ndarray) -> np.ndarray:
    return _within_range(e, e)


ELEMENTARY = {
    # Kernels compute 2^(x log2 e), as FlashAttention-2 (Dao 2023, section 3) and Liger Kernel do: the rounding of
    # x log2 e is an absolute error of |x| u in the exponent, and that of log2 e another.
    "exp": Elementary(arb.exp, _exp_gap, lambda v, _: v, np.exp, _exp_array_gap, argument=2, underflows=True),
    # NumPy's float32 kernels are off by 3.83 ulp (numpy/_core/src/umath/loops_exponent_log.dispatch.c.src), 4.58 u of
    # the result: log(0.746).
    "log": Elementary(_defined(arb.log, ZERO), _log_gap, lambda _, x: 1 / x, np.log, _log_array_gap, cost=5),
    "log1p": Elementary(_defined(arb.log1p, -ONE), _log1p_gap, lambda _, x: 1 / (1 + x), np.log1p, _log1p_array_gap),
    # XLA's on CPUs is off by 6.5 ulp ("Numerical accuracy", JAX's documentation), 7.03 u of the result at 0.0079, and
    # by 2.1 u at most beyond 1/2.
    "expm1": Elementary(arb.expm1, _expm1_gap, lambda v, _: v + 1, np.expm1, _expm1_array_gap, near_zero=4),
    # 1 ulp on GPUs that do not round it correctly; 1 / sqrt(x) costs 4 u with the division, as much as a reciprocal
    # square root right to 2 ulp.
    "sqrt": Elementary(_defined(_sqrt, ZERO), _sqrt_gap, lambda v, _: 1 / (2 * v), np.sqrt, _sqrt_array_gap, cost=2),
    # |tanh''| is at most 4 / sqrt(27) = 0.770. XLA's is off by 5 ulp on CPUs (4.9 u) and 5.5 ulp on GPUs in float32 (as
    # above), and in float64 by 7.84 u on CPUs (jax 0.10.2, measured at 16.04); NumPy's of float16 by 3 ulp (numpy pull
    # request 23351).
    "tanh": Elementary(arb.tanh, _tanh_gap, lambda v, _: 1 - v**2, np.tanh, _tanh_array_gap, ONE, cost=8),
    # XLA's is off by 7 ulp on CPUs and 6.5 ulp on GPUs, near 1 (as above).
    "erf": Elementary(arb.erf, _erf_gap, lambda _, x: _bell(x), _erf, _erf_array_gap, ONE, cost=7),
    "erfc": Elementary(
        arb.erfc, _erf_gap, lambda _, x: -_bell(x), _erfc, _erf_array_gap, ONE, cost=10, underflows=True
    ),
    # One polynomial over the whole range (Abramowitz and Stegun 7.1.26 and what follows it), right to u of 1 rather
    # than of itself: the erf of PyTorch's vectorised float32 GELU, which is off by up to 11.05 u near -2.1, measured
    # in PyTorch 2.13 with AVX-512 on a fifth of all float32 numbers there.
    "erf_absolute": Elementary(arb.erf, _erf_gap, lambda _, x: _bell(x), _erf, _erf_array_gap, ONE, coarse=8),
    # SLEEF's sinf_u35 and cosf_u35, with which PyTorch vectorises on x86 (pull request 196315), keep to 3.5 ulp.
    "sin": Elementary(arb.sin, _wave_gap, lambda _, x: x.cos(), np.sin, _wave_array_gap, ONE, cost=7),
    "cos": Elementary(arb.cos, _wave_gap, lambda _, x: -x.sin(), np.cos, _wave_array_gap, ONE, cost=7),
}
"""By name: NumPy's, or that of a function of `model.functions`."""
