"""Is a result right, but only to a lower precision than its dtype has, or than is declared?"""

import math
from collections.abc import Sequence

import numpy as np

from ...vectors.dtypes import BFLOAT16, DTYPES, FLOAT32, FORMATS, HALF, TF32, numpy_dtype
from .observation import Observation

LOWER = (FLOAT32.significand, TF32.significand, BFLOAT16.significand)
"""The binary digits of the significands of lower precisions; tf32 has those of float16."""
FEWEST = 12
"""So many wrong elements at least: their signs and sizes must look like those of rounding errors."""
EACH = 8
"""So many elements of an observation are looked at where there are several."""
APART = 6
"""So many digits at least a precision must be lower: bfloat16 within float16 cannot be told from a slip of rounding."""
_LARGEST, _EACH = 1 / 64, 1 / 4096
"""How near the largest error, over all cases and in almost each, must come to what the lower precision allows."""
_LOPSIDED, _TOLD = 0.15, 0.3
"""The share of errors of one sign that still looks like chance; how far the mean of signs may be from 0, and by chance
some."""
_CUT = 0.97
"""The share of elements that are what is due, cut off, above which they are not rounded to nearest."""
_UNITS = 16
"""Units in the last place of a half precision, at most, that results are off by where it is rounded to on the way."""
_GENEROUS = 0.2
"""The share of cases whose tolerance may be far larger than such errors: long sums, and losses by other formulas."""
_CANCELLED = 0.05
"""The share of cases that may be off by more: what is rounded may cancel."""
_SPARED = 0.1
"""The share of cases that may be right although the lower precision should show."""
_COARSE, _MIDDLE, _VAGUE, _EVEN, _NORMAL = 32, 4, 0.002, 30, 1e-30
"""An approximation is off by so many units in the last place at least, if no more than so many times the middle of a
case (else something cancels), by such a share at most, and by no more than so many times what it is off by in the
middle case; of values that are not near the smallest."""
_OF_ONE = 0.02
"""How much the factors may differ, as a share, by which the values of a case are off, to be one."""
FEWEST_FAMILIES = 3

ONLY_FLOAT32 = "precise to float32 only, 24 binary digits"
Words = tuple[str, str]
"""What it looks like, and a cure."""


def precise_only_to(wrong: Sequence[Observation], right: Sequence[Observation], position: int) -> Words | None:
    """The precision, where all errors of a result are those of a lower one, and dtypes no wider than it are right; or
    to how many digits it is right."""
    errors, values = _errors(wrong, position)
    if len(errors) < FEWEST:
        return None
    dtypes = {one.family.dtype for one in wrong}
    rounding = _like_roundings(wrong, position, errors, values)
    if dtypes <= set(HALF):
        return _half(wrong, position, errors, values, rounding) or _digits(wrong, position)
    possible = [digits for digits in LOWER if all(FORMATS[d].significand >= digits + APART for d in dtypes)]
    for digits in possible if rounding else ():
        shares = sorted(_share(one, position, digits) for one in wrong)
        spared = sum(one.family.dtype in dtypes and not _fits(one.expected[position], digits) for one in right)
        least, most = shares[int(_GENEROUS * len(shares))], shares[int((1 - _CANCELLED) * (len(shares) - 1))]
        if digits < FLOAT32.significand and _relative(wrong, position) > 2.0**-digits:
            continue  # which the bound of a long sum allows
        if shares[-1] >= _LARGEST and most <= 1 and least >= _EACH and spared <= max(1, _SPARED * len(wrong)):
            half = "precise to a half precision only, 11 binary digits or 8"
            return ONLY_FLOAT32 if digits == 24 else half, "compute in the dtype of the arguments throughout."
    return _digits(wrong, position)


def _half(
    wrong: Sequence[Observation], position: int, errors: np.ndarray, values: np.ndarray, rounding: bool
) -> Words | None:
    """Of half precisions: cut, or rounded on the way, which a looser precision allows."""
    dtypes = " and ".join(dtype for dtype in HALF if any(one.family.dtype == dtype for one in wrong))
    units = np.abs(errors) / (np.abs(values) * 2 * np.array(max(one.units for one in wrong)))
    if np.median(units) <= 1 and np.median([_cut(one, position) for one in wrong]) >= _CUT:
        return "cut towards 0 where it is to be rounded to nearest", f"round to nearest when {dtypes} is stored."
    largest = np.abs(errors).max() / (np.abs(values).max() * 2 * max(one.units for one in wrong))
    if not rounding or max(np.median(units), largest) > _UNITS:
        return None
    words = f"right to fewer digits than a float32 inside gives: something on the way is rounded to {dtypes}"
    return f"{words}, or added up in it", "compute in float32, and round once, where a result is stored."


def _cut(one: Observation, position: int) -> float:
    """The share of a result, be it right or wrong, that is what is due, cut off after the digits of its dtype, of the
    elements that tell this from rounding to nearest."""
    due = one.expected[position]
    nearest = due.astype(numpy_dtype(one.family.dtype))
    over = np.abs(nearest.astype(np.float64)) > np.abs(due)
    cut = np.where(over, np.nextafter(nearest, np.zeros_like(nearest)), nearest).astype(np.float64)
    return float(np.mean((one.off(position) == cut - due)[over | one.wrong[position]]))


def _digits(wrong: Sequence[Observation], position: int) -> Words | None:
    """To how many decimal digits a result is right, where that is so of nearly all of it: an approximation."""
    by_units: dict[float, list[float]] = {one.units: [] for one in wrong if one.family.dtype not in HALF}
    largest, factors = [], []
    for one in wrong:
        off, due = one.off(position), one.expected[position]
        if not np.isfinite(off).all():
            return None
        some = one.wrong[position] & (np.abs(due) > _NORMAL)
        if some.any():
            share = off[some] / due[some]
            largest.append(max(float(np.abs(share).max()) - (one.units if one.family.dtype in HALF else 0), 0.0))
            by_units.get(one.units, []).append(min(largest[-1], _MIDDLE * float(np.median(np.abs(share)))))
            factors.append(share.size > 1 and float(np.ptp(share)) < _OF_ONE * float(np.abs(share).max()))
    if len(largest) < FEWEST or len({one.family.name for one in wrong}) < FEWEST_FAMILIES:
        return None
    most, median = np.quantile(largest, 1 - _GENEROUS), np.median(largest)
    coarse = all(np.quantile(some, 1 - _GENEROUS) >= _COARSE * units for units, some in by_units.items() if some)
    if not coarse or most > min(_VAGUE, _EVEN * median):
        return None
    what = "a reciprocal or a root" if np.mean(factors) > 0.5 else "exp, a root or another function"
    dtypes = " and ".join(d for d in DTYPES if any(one.family.dtype == d for one in wrong))
    words = f"right to about {max(1, round(-math.log10(most)))} digits alone, in {dtypes}: an approximation of {what}"
    return (
        f"{words}, a lower precision on the way, or another epsilon",
        "use a function that is right to the last digits of the dtype.",
    )


def _errors(wrong: Sequence[Observation], position: int) -> tuple[np.ndarray, np.ndarray]:
    """What some elements of each are off by, and what is due."""
    found, each = [np.zeros((2, 0))], max(EACH, 4 * FEWEST // len(wrong))
    for one in wrong:
        both = np.stack([one.off(position), one.expected[position]])
        both = both[:, one.wrong[position] & np.isfinite(both).all(axis=0)]
        found.append(both[:, :: 1 + both.shape[1] // each])  # a row of many may have one error in common
    errors, values = np.concatenate(found, axis=1)
    return errors, values


def _relative(wrong: Sequence[Observation], position: int) -> float:
    """What wrong elements are off by, in the median, as a share of the root of the mean square of what is due."""
    scales = [np.sqrt(np.mean(np.square(one.expected[position]))) for one in wrong]
    found = [np.abs(one.off(position))[one.wrong[position]] / scale for one, scale in zip(wrong, scales, strict=True)]
    return float(np.nanmedian(np.concatenate(found)))


def _like_roundings(wrong: Sequence[Observation], position: int, errors: np.ndarray, values: np.ndarray) -> bool:
    """Whether errors are up as often as down, and away from 0 as often as towards it, whatever the sign of arguments of
    the result's shape."""
    signs, outwards = np.sign(errors), np.sign(errors) * np.sign(values)
    found = all(_LOPSIDED < float((share > 0).mean()) < 1 - _LOPSIDED for share in (signs, outwards))
    for name in wrong[0].arguments if found else ():
        some = [o for o in wrong if o.arguments[name].shape == o.wrong[position].shape]
        three = ((o.off(position), o.expected[position], o.arguments[name].astype(float)) for o in some)
        at = [np.sign(np.stack(each)[:, o.wrong[position]]) for o, each in zip(some, three, strict=True)]
        off, due, of = np.concatenate([np.zeros((3, 0)), *at], axis=1)
        most = off.size * _TOLD + 4 * off.size**0.5
        found &= abs(np.nansum(off * of)) <= most and abs(np.nansum(off * of * due)) <= most
    return bool(found)


def _share(one: Observation, position: int, digits: int) -> float:
    """The largest error as a share of what so many digits allow."""
    off, due, allowed = one.off(position), one.expected[position], 2.0**-digits
    shares = np.array(one.score(one.values[position], position) * one.units / allowed)  # type: ignore[arg-type]
    exact = np.isinf(shares) & (due != 0) & np.isfinite(off)
    if any((np.abs(x) > np.finfo(np.float32).max).any() for x in (due, *one.arguments.values())):
        shares[~np.isfinite(off)] = 0.0  # beyond the range of a lower precision as well
    shares[exact] = np.abs(off / due)[exact] / (64 * allowed)
    return float(np.max(shares, initial=0.0))


def _fits(values: np.ndarray, digits: int) -> bool:
    """Whether all values are of so many digits."""
    scaled = np.ldexp(np.frexp(values)[0], digits)
    return bool((scaled == np.round(scaled)).all())
