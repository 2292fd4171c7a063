"""A tensor to the power of another, element by element, which broadcast as NumPy has it.

outputs = a^b

dL_da   = b a^(b - 1) dL_doutputs, summed over the axes along which a was repeated
dL_db   = a^b log(a) dL_doutputs, summed over the axes along which b was repeated

Bases are 0 or more; below 0, exponents are whole numbers between -8 and 8, others are refused, and log(a) is NaN.
"""

from functools import partial, reduce, wraps
from typing import Any

import numpy as np

from ..model.broadcasting import require_outputs_of, undo_broadcast
from ..model.formulations import Alternatives, Formulation, Function, as_written, losing_digits, through
from ..model.functions import stored

Array = Any

BATCH_AXIS: dict[str, int] = {}
MOST = 8


def forward(a: Array, b: Array) -> Array:
    """a and b of shapes that broadcast -> outputs of their common shape."""
    return powers(a, b)


def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_da and dL_db, of the shapes of a and b."""
    require_outputs_of(a, b, dL_doutputs)
    dL_da, dL_db = dL_doutputs * (b * powers(a, b, 1)), dL_doutputs * (powers(a, b) * np.log(a))
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)  # NaN for b where a is 0 or less


def whole_below_0(powers: Function) -> Function:
    """Refuse bases below 0 with another exponent than a whole number between -8 and 8."""

    @wraps(powers)
    def refusing(a: Array, b: Array, less: int = 0) -> Array:
        whole = reduce(np.logical_or, (b == k for k in range(-MOST, MOST + 1)))
        if ((a < 0) & ~whole).any():
            raise ValueError(f"where a is below 0, b is a whole number between -{MOST} and {MOST}")
        return powers(a, b, less)

    return refusing


@whole_below_0
def powers(a: Array, b: Array, less: int = 0) -> Array:
    """a^(b - less), less being 0 or 1."""
    size = np.absolute(a)
    power = np.exp((b - less) * np.log(np.where(size == 0, 1, size)))
    of_zero = np.where(b > less, 0, np.where(b == less, 1, np.inf))
    return np.where(a == 0, of_zero, np.where((a < 0) & (is_odd(b) == (less == 0)), -power, power))


def is_odd(b: Array) -> np.ndarray:
    """Whether whole numbers between -8 and 8 are odd."""
    found: np.ndarray = reduce(np.logical_or, (b == k for k in range(1 - MOST, MOST, 2)))
    return found


def _by(of_a: Function, dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Backward from the gradient of a before it is summed."""
    require_outputs_of(a, b, dL_doutputs)
    dL_da, dL_db = of_a(dL_doutputs, a, b), dL_doutputs * stored(powers(a, b)) * np.log(a)
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


def _product(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return dL_doutputs * b * powers(a, b, 1)


def _by_outputs(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return dL_doutputs * (b * stored(powers(a, b)) / a)


def _zero_below(bases: str, dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """0 as the gradient of exponents where the base is 0, or 0 and less."""
    require_outputs_of(a, b, dL_doutputs)
    dL_da = dL_doutputs * (b * powers(a, b, 1))
    zero = a <= 0 if bases == "0" else a == 0
    dL_db = np.where(zero, 0, dL_doutputs * (powers(a, b) * np.log(a)))
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


def _of_zero(of_base: float, dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """A gradient of the base of 0 to the power of 0, and 0 as that of the exponent."""
    require_outputs_of(a, b, dL_doutputs)
    zero = (a == 0) & (b == 0)
    dL_da = np.where(zero, of_base, dL_doutputs * (b * powers(a, b, 1)))
    dL_db = np.where(zero, 0, dL_doutputs * (powers(a, b) * np.log(a)))
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


FORMULATIONS = {
    "backward": (
        *through(_by, [as_written(_product)], name="g b a^(b - 1)"),
        *losing_digits(through(_by, [as_written(_by_outputs)], name="g b y / a")),
    )
}

ALTERNATIVES: Alternatives = {
    **{
        ("power_exponent_gradient", bases): {"backward": (Formulation(partial(_zero_below, bases), f"{bases} there"),)}
        for bases in ("0", "0-at-zero")
    },
    ("power_of_zero", "0"): {"backward": (Formulation(partial(_of_zero, 0), "0 for both"),)},
    ("power_of_zero", "0-for-exponent"): {"backward": (Formulation(partial(_of_zero, np.nan), "0 for the exponent"),)},
}
