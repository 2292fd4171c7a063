"""How much less affine arrays allow than rounding arrays do, by operation, dtype and precision."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.affine import Affine
from backproof.reference.arithmetic.linear_errors import Variables
from backproof.reference.arithmetic.precision import precision_model
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError
from backproof.reference.arithmetic.rounding import LengthError, Rounding
from backproof.reference.generation.draws import Words
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from calls import as_tuple, directions, forms
from recurrence import final_gradient, tensors

PRECISION_NAMES = [(dtype, name) for dtype in DTYPES for name in PRECISIONS_OF[dtype]]


@dataclass(frozen=True)
class Call:
    """A call at one precision, and the right ways to compute it."""

    name: str
    dtype: str
    precision: str
    arguments: tuple[np.ndarray, ...]
    formulas: tuple[Callable[..., Any], ...]

    def __str__(self) -> str:
        return f"{self.name}/{self.dtype}/{self.precision}"


def calls() -> Iterator[Call]:
    """Give the smallest call of each operation that its families have, and two recurrences."""
    for (op, direction), (dtype, name) in product(directions(), PRECISION_NAMES):
        form = forms(op, direction)[0]
        drawn = form.drawn(Words(f"gains of {form}", dtype))
        given = {**drawn, **form.parameters}
        sound = [f for f in operation(op).formulations[direction] if not f.accumulates and f.applies(given)]
        formulas = [partial(f.function, **form.parameters) for f in sound]
        yield Call(f"{op}/{direction}", dtype, name, tuple(drawn.values()), tuple(formulas))
    for steps, (dtype, name) in product((4, 16), [("float32", "float32"), ("bfloat16", "stepwise")]):
        yield Call(f"LSTM over {steps} steps", dtype, name, tuple(tensors(steps)), (final_gradient,))


def bounds(formula: Callable[..., Any], arguments: tuple[np.ndarray, ...], lift: Any) -> np.ndarray:
    """Give the bounds on the errors of all results."""
    lifted = [x if x.dtype == np.int64 else lift(x.astype(np.float64)) for x in arguments]
    with np.errstate(all="ignore"):  # an error that is no number is given up, as in `generation.evaluate`
        results = [lifted[0].lift(x).stored() for x in as_tuple(formula(*lifted))]
    return np.concatenate([x.error.astype(np.float64).ravel() for x in results])


def gains(call: Call) -> np.ndarray:
    """Give how many times less affine arrays allow for each element of a call's results that is not exact."""
    flint.ctx.prec = 128
    precision, variables = precision_model(call.dtype, call.precision), Variables(most=1 << 22)

    def rounding(x: np.ndarray) -> Rounding:
        return Rounding(x, np.zeros(x.shape), precision)

    before, after = [], []
    for formula in call.formulas:
        with suppress(LengthError, UnboundedError, RangeError):
            before.append(bounds(formula, call.arguments, rounding))
            after.append(bounds(formula, call.arguments, lambda x: Affine.exact(rounding(x), variables)))
    if not before:
        return np.ones(1)
    most, less = np.max(before, axis=0), np.max(after, axis=0)
    assert (less <= most * (1 + 2**-40)).all()
    return most[most > 0] / less[most > 0]


@pytest.mark.catalogue
def test_what_affine_arrays_gain(data_regression: Any) -> None:
    """Record the median and the largest gain, where there is one."""
    found = {str(call): gains(call) for call in calls()}
    data_regression.check(
        {name: f"{np.median(g):.3g}, at most {g.max():.3g}" for name, g in found.items() if g.max(initial=1) > 1.005}
    )
