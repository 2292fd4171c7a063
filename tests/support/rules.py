"""Steps of formulas, each alone, and numbers whose errors are known to apply them to."""

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
from backproof.reference.arithmetic.exact import exact_array
from backproof.reference.arithmetic.protocol import FormulaArray, over_elements
from backproof.reference.arithmetic.rounding import Rounding
from sound_arithmetic import Style

LENGTH = 7
RULES: dict[str, Callable[[Any, Any], Any]] = {
    "sum of two": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / y,
    **{name: lambda x, y, name=name: abs(x).elementary(name) for name in sorted(FormulaArray.ELEMENTARY)},  # noqa: ARG005
    "stored": lambda x, y: (x * 0.1).stored() + y,
    "larger of two": lambda x, y: np.maximum(x, y),
    "largest": lambda x, y: x.max(axis=1),  # noqa: ARG005
    "sum": lambda x, y: x.sum(axis=1),  # noqa: ARG005
    "contraction": lambda x, y: x @ y.T,
    "sum of products": lambda x, y: (x * y).sum(axis=0),
    "constant": lambda x, y: x * 0.1 + y / 3,
}
SPREADS = {"equal": (0, 1), "near": (-2, 3), "wide": (-9, 6), "lowest": (0, 2)}
"""The exponents of operands; of the lowest, above that of the smallest normal number."""
inside = over_elements(lambda got, value, error: not abs(flint.arb(got) - value) > error, 3)


def numbers(random: np.random.Generator, spread: str, style: Style) -> np.ndarray:
    """Draw numbers of the format with all their bits, some of them 0."""
    lowest = style.precision.format.smallest_normal if spread == "lowest" else 0
    exponents = lowest + random.integers(*SPREADS[spread], (2, LENGTH))
    magnitudes = np.ldexp(random.uniform(1, 2, (2, LENGTH)), exponents)
    signed = magnitudes * random.choice([-1, -1, 1, 1, 1, 0], (2, LENGTH))
    return signed.astype(style.dtype).astype(np.float64)


def known_up_to_errors(random: np.random.Generator, computed: np.ndarray, style: Style) -> Rounding:
    """Give values from which the computed numbers are off by as much as their errors allow, half of them exact."""
    u = float(style.precision.format.unit_roundoff)
    off = computed * u * random.choice([0, 0, 1, -1, 3.3, -40], computed.shape)
    return Rounding(exact_array(computed) - exact_array(off), exact_array(abs(off)), style.precision)
