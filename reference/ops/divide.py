"""Quotient of two tensors, element by element, which broadcast as NumPy has it.

outputs = a / b

dL_da   = dL_doutputs / b, summed over the axes along which a was repeated
dL_db   = -dL_doutputs a / b^2, summed over the axes along which b was repeated
"""

from typing import Any

from ..model.broadcasting import require_outputs_of, undo_broadcast
from ..model.formulations import Formulation, Function, through
from ..model.functions import stored

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(a: Array, b: Array) -> Array:
    """a and b of shapes that broadcast -> outputs of their common shape."""
    return a / b


def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_da and dL_db, of the shapes of a and b."""
    require_outputs_of(a, b, dL_doutputs)
    return undo_broadcast(dL_doutputs / b, a.shape), undo_broadcast(-dL_doutputs * (a / b / b), b.shape)


def _by(of_b: Function, dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Backward from the gradient of b before it is summed, and of a by the reciprocal."""
    require_outputs_of(a, b, dL_doutputs)
    return undo_broadcast(dL_doutputs * (1 / b), a.shape), undo_broadcast(of_b(dL_doutputs, a, b), b.shape)


def _by_outputs(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return -dL_doutputs * stored(a / b) / b


def _by_gradient_of_a(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return -(dL_doutputs / b) * (a / b)


def _by_square(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return -dL_doutputs * a / (b * b)


def _by_square_of_reciprocal(dL_doutputs: Array, a: Array, b: Array) -> Array:
    return -dL_doutputs * a * (1 / b * (1 / b))


OF_B = (
    Formulation(_by_outputs, "g y / b", stable=False),
    Formulation(_by_gradient_of_a, "(g / b) (a / b)", stable=False),
    Formulation(_by_square, "g a / b^2", stable=False),
    Formulation(_by_square_of_reciprocal, "g a (1 / b)^2", stable=False),
)
"""What is right as long as no product on the way leaves the range."""

FORMULATIONS = {"backward": through(_by, OF_B)}
