"""How much less affine arrays allow than rounding arrays do, by operation, dtype and precision."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import flint
import numpy as np
from backproof.reference.arithmetic.affine import Affine
from backproof.reference.arithmetic.linear_errors import Variables
from backproof.reference.arithmetic.precision import Precision, precision_model
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError
from backproof.reference.arithmetic.rounding import LengthError, Rounding
from backproof.reference.generation.draws import Words
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from calls import as_tuple, directions, forms
from recurrence import final_gradient, tensors

Call = Callable[[Any], list[tuple[Any, ...]]]
"""Gives the results of all formulations over arrays that tensors are turned into."""
PRECISION_NAMES = [(dtype, name) for dtype in DTYPES for name in PRECISIONS_OF[dtype]]


def smallest_call(op: str, direction: str, dtype: str) -> Call:
    """Give the smallest call that an operation's families have."""
    form = forms(op, direction)[0]
    tensors = form.drawn(Words(f"gains of {form}", dtype))

    def results(lift: Any) -> list[tuple[Any, ...]]:
        arguments = [x if x.dtype == np.int64 else lift(x.astype(np.float64)) for x in tensors.values()]
        found = []
        for formulation in operation(op).formulations[direction]:
            if not formulation.accumulates and formulation.applies(tensors):
                with suppress(UnboundedError, RangeError):
                    found.append(as_tuple(formulation.function(*arguments, **form.parameters)))
        return found

    return results


def calls() -> Iterator[tuple[str, str, str, Call]]:
    """Name every call at every precision."""
    for (op, direction), (dtype, name) in product(directions(), PRECISION_NAMES):
        yield f"{op}/{direction}", dtype, name, smallest_call(op, direction, dtype)
    for steps, (dtype, name) in product((4, 16), PRECISION_NAMES):
        yield f"LSTM over {steps} steps", dtype, name, lambda lift, n=steps: [(final_gradient(*map(lift, tensors(n))),)]


def gains(call: Call, precision: Precision) -> np.ndarray:
    """Give how many times less affine arrays allow for each element of a call's results that is not exact."""
    flint.ctx.prec = 128
    variables = Variables(most=1 << 22)

    def rounding(x: np.ndarray) -> Rounding:
        return Rounding(x, np.zeros(x.shape), precision)

    def largest(lift: Any) -> np.ndarray:
        lifted = lift(np.zeros(1)).lift
        bounds = [[lifted(x).stored().error.astype(np.float64).ravel() for x in results] for results in call(lift)]
        return np.max([np.concatenate(found) for found in bounds], axis=0)

    before, after = largest(rounding), largest(lambda x: Affine.exact(rounding(x), variables))
    assert (after <= before * (1 + 2**-50)).all()
    return before[before > 0] / after[before > 0]


def test_what_affine_arrays_gain(data_regression: Any) -> None:
    """Record the median and the largest gain, where it is one."""
    table = dict[str, str]()
    for name, dtype, precision, call in calls():
        with suppress(LengthError, UnboundedError, RangeError):
            found = gains(call, precision_model(dtype, precision))
            if found.max(initial=1) > 1.005:
                table[f"{name}/{dtype}/{precision}"] = f"{np.median(found):.3g}, at most {found.max():.3g}"
    data_regression.check(table)
