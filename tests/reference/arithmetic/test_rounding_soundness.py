"""Each rule alone: whatever numbers within their errors it is applied to, the result is within the error it gives."""

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.precision import PRECISIONS
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError, over_elements
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import RULES, SPREADS, inside, known_up_to_errors, numbers
from shares import one_in
from sound_arithmetic import Sound, Style

EXAMPLES = 16


@pytest.mark.parametrize(
    ("rule", "dtype", "name"), one_in(8, ((rule, d, n) for rule in RULES for d in PRECISIONS for n in PRECISIONS[d]))
)
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
