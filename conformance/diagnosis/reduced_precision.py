"""Is a result right, but only to a lower precision than its dtype has?"""

import math
from collections.abc import Sequence

import numpy as np

from ...vectors.dtypes import BFLOAT16, FLOAT16, FLOAT32, FORMATS, TF32
from .evidence import unit_roundoff
from .hypotheses import Reading
from .result_views import Scene

LOWER = (("float32", FLOAT32.significand), ("tf32 or float16", TF32.significand), ("bfloat16", BFLOAT16.significand))
"""Precisions by what they are called, and the binary digits of their significands."""
_RANGE = {fmt.significand: 2.0 ** (fmt.largest_exponent + 1) for fmt in (FLOAT32, FLOAT16, BFLOAT16)}
"""Where the range of each ends, about; tf32's is wider than float16's."""

FEWEST = 12
"""So many wrong elements at least: their signs and sizes must look like those of rounding errors."""
APART = 6
"""So many digits at least a precision must be lower: bfloat16 within float16 cannot be told from a slip of rounding."""
_LARGEST, _EACH = 1 / 64, 1 / 4096
"""How near the largest error, over all families and in almost each, must come to what the lower precision allows."""
_MOST = 64
"""Units in the last place of the lower precision, at most, that a result is off of which the exact value is due."""
_LOPSIDED = 0.15
"""The share of errors of one sign that still looks like chance."""
_GENEROUS = 0.2
"""The share of families whose tolerance may be far larger than such errors: long sums, and losses by other formulas."""
_SPARED = 0.1
"""The share of families that may be right although the lower precision should show."""

CURE = "compute in the dtype of the arguments throughout, or declare the precision."


def precise_only_to(wrong: Sequence[Scene], right: Sequence[Scene], failing: Sequence[Scene]) -> Reading | None:
    """The reading, where all errors are those of a lower precision, and dtypes no wider than it are right."""
    dtypes = {scene.family.dtype for scene in failing}
    known = [scene for scene in wrong if scene.got is not None]
    elements = sum(int(scene.wrong.sum()) for scene in known)
    if len(known) < len(wrong) or elements < FEWEST or not _of_both_signs(known):
        return None
    fewest = min(FORMATS[dtype].significand for dtype in dtypes)
    lower = [(name, digits) for name, digits in LOWER if fewest > digits]
    possible = [
        (name, digits)
        for name, digits in lower
        if all(FORMATS[dtype].significand >= digits + APART for dtype in dtypes)
    ]
    for name, digits in possible:
        if all(_fits(scene.got, digits) for scene in known) and _of_size([_error(scene, digits) for scene in known]):
            return Reading("a lower precision", f"rounded to {name}, {digits} binary digits", CURE)
    for name, digits in possible:
        errors = [_error(scene, digits) for scene in known if not _overflows(scene, digits)]
        if not errors:
            continue
        spared = sum(scene.family.dtype in dtypes and not _fits(scene.expected, digits) for scene in right)
        least = sorted(errors)[int(_GENEROUS * len(errors))]
        if _LARGEST <= max(errors) <= 1 and least >= _EACH and spared <= _SPARED * len(failing):
            which = (
                f"{name} only, {digits} binary digits"
                if digits == 24
                else "a half precision only, 11 binary digits or 8"
            )
            return Reading("a lower precision", f"precise to {which}", CURE)
    return None


def _of_size(errors: Sequence[float]) -> bool:
    """Whether errors, as shares of what a precision allows, may be its own."""
    return _LARGEST / 8 <= max(errors) <= 4


def _error(scene: Scene, digits: int) -> float:
    """The largest error as a share of what so many digits allow."""
    assert scene.got is not None
    coarser = 2.0**-digits / unit_roundoff(scene.family.dtype)
    shares = scene.scores / coarser
    exact = np.isinf(shares) & (scene.tolerance == 0) & (scene.expected != 0)
    off = abs(scene.got - scene.expected)[exact] / (_MOST * 2.0**-digits * abs(scene.expected[exact]))
    shares[exact] = off
    return float(np.max(shares))


def _overflows(scene: Scene, digits: int) -> bool:
    """Whether what is wrong may be the range of the lower precision, which a product of two arguments may pass."""
    assert scene.got is not None
    over = np.isfinite(scene.expected) & ~np.isfinite(scene.got)
    tensors = [tensor for tensor in scene.family.inputs.values() if tensor.dtype.kind != "i" and tensor.size]
    largest = max((float(np.abs(tensor.astype(np.float64)).max()) for tensor in tensors), default=0.0)
    return bool(over.any()) and largest >= math.sqrt(_RANGE[digits])


def _fits(values: np.ndarray | None, digits: int) -> bool:
    """Whether all values are of so many digits."""
    if values is None:
        return False
    scaled = np.ldexp(np.frexp(values)[0], digits)
    return bool((scaled == np.round(scaled)).all())


def _of_both_signs(wrong: Sequence[Scene]) -> bool:
    """Whether errors are up as often as down, and away from 0 as often as towards it."""
    errors, values = [], []
    for scene in wrong:
        assert scene.got is not None
        errors.append((scene.got - scene.expected)[scene.wrong])
        values.append(scene.expected[scene.wrong])
    signs, outwards = np.sign(np.concatenate(errors)), np.sign(np.concatenate(values))
    return all(_LOPSIDED < float((share > 0).mean()) < 1 - _LOPSIDED for share in (signs, signs * outwards))
