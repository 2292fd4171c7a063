"""Each rule alone: whatever numbers within their errors it is applied to, the result is within the error it gives."""

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.exact import exact_array
from backproof.reference.arithmetic.precision import PRECISIONS
from backproof.reference.arithmetic.protocol import FormulaArray, RangeError, UnboundedError, over_elements
from backproof.reference.arithmetic.rounding import Rounding
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_arithmetic import Sound, Style

EXAMPLES = 16
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


@pytest.mark.parametrize(("dtype", "name"), [(d, n) for d in PRECISIONS for n in PRECISIONS[d]])
@pytest.mark.parametrize("rule", RULES)
def test_results_stay_within_their_errors(rule: str, dtype: str, name: str) -> None:
    precision = PRECISIONS[dtype][name]
    judged: list[bool] = []

    @settings(max_examples=EXAMPLES)
    @given(
        key=st.integers(0, 2**32),
        spreads=st.tuples(st.sampled_from(list(SPREADS)), st.sampled_from(list(SPREADS))),
        flushes=st.booleans(),
    )
    def stays_within(key: int, spreads: tuple[str, str], flushes: bool) -> None:
        flint.ctx.prec = 256
        random = np.random.Generator(np.random.Philox(key))
        style = Style(precision, random, flushes, 1.0)
        computed = [numbers(random, spread, style) for spread in spreads]
        known = [known_up_to_errors(random, x, style) for x in computed]
        try:
            bounded = RULES[rule](*known)
        except (RangeError, UnboundedError):
            return
        with np.errstate(all="ignore"):
            got = RULES[rule](*(Sound(x, style) for x in computed)).data.astype(np.float64)
        finite = over_elements(lambda v: v.is_finite(), 1)(bounded.value).astype(bool)
        assert inside(got[finite], bounded.value[finite], bounded.error[finite]).all()
        judged.append(True)

    stays_within()
    assert len(judged) > EXAMPLES / 8
