"""Is a result right, but only to a lower precision than its dtype has?"""

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from .evidence import scored, unit_roundoff
from .hypotheses import Reading, listed
from .misread import Reference, lowered
from .scenes import Scene

LOWER = (("float32", 24), ("tf32 or float16", 11), ("bfloat16", 8))
"""Precisions by what they are called, and the binary digits of their significands."""
_DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}

FEWEST = 12
"""So many wrong elements at least: their signs and sizes must look like those of rounding errors."""
APART = 6
"""So many digits at least a precision must be lower: bfloat16 within float16 cannot be told from a slip of rounding."""
_LARGEST, _EACH = 1 / 64, 1 / 4096
"""How near the largest error, over all families and in each, must come to what the lower precision allows."""
_LOPSIDED = 0.15
"""The share of errors of one sign that still looks like chance."""
_SPARED = 0.1
"""The share of families that may be right although the lower precision should show."""

CURE = "compute in the dtype of the arguments throughout, or declare the precision."


def precise_only_to(
    wrong: Sequence[Scene], right: Sequence[Scene], failing: Sequence[Scene], formula: Reference | None
) -> Reading | None:
    """The reading, where all errors are those of a lower precision, and dtypes no wider than it are right."""
    dtypes = {scene.family.dtype for scene in failing}
    known = [scene for scene in wrong if scene.got is not None]
    elements = sum(int(scene.wrong.sum()) for scene in known)
    if len(known) < len(wrong) or elements < FEWEST or not _of_both_signs(known):
        return None
    lower = [(name, digits) for name, digits in LOWER if all(_DIGITS[dtype] > digits for dtype in dtypes)]
    if formula is not None and not any(_is_got_of(formula, 0, (), scene) for scene in known):
        for (name, digits), names in product(lower, _subsets(formula.arguments)):
            if all(_is_got_of(formula, digits, names, scene) for scene in known):
                words = f"right for {listed(names)} rounded to {name}, {digits} binary digits"
                return Reading("a lower precision", words, CURE)
    possible = [(name, digits) for name, digits in lower if all(_DIGITS[dtype] >= digits + APART for dtype in dtypes)]
    for name, digits in possible:
        if all(_fits(scene.got, digits) for scene in known) and _of_size([_error(scene, digits) for scene in known]):
            return Reading("a lower precision", f"rounded to {name}, {digits} binary digits", CURE)
    for name, digits in possible:
        errors = [_error(scene, digits) for scene in known]
        spared = sum(scene.family.dtype in dtypes and not _fits(scene.expected, digits) for scene in right)
        if _LARGEST <= max(errors) <= 1 and min(errors) >= _EACH and spared <= _SPARED * len(failing):
            which = (
                f"{name} only, {digits} binary digits"
                if digits == 24
                else "a half precision only, 11 binary digits or 8"
            )
            return Reading("a lower precision", f"precise to {which}", CURE)
    return None


def _subsets(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The smallest first."""
    return tuple(subset for number in range(1, len(names) + 1) for subset in combinations(names, number))


def _is_got_of(formula: Reference, digits: int, names: tuple[str, ...], scene: Scene) -> bool:
    foretold = lowered(formula, digits, names, scene)
    return foretold is not None and scene.is_got(foretold)


def _of_size(errors: Sequence[float]) -> bool:
    """Whether errors, as shares of what a precision allows, may be its own."""
    return _LARGEST / 8 <= max(errors) <= 4


def _error(scene: Scene, digits: int) -> float:
    """The largest error as a share of what so many digits allow."""
    assert scene.got is not None
    coarser = 2.0**-digits / unit_roundoff(scene.family.dtype)
    return float(scored(scene.got, scene.expected, scene.tolerance).max()) / coarser


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
