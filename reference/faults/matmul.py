"""Wrong matrix products that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..ops import matmul

Array = Any


@backward("harvard-edge/cs249r_book PR 1781", "a vector needs another axis before it is transposed: np.outer(g, b).")
def transpose_of_a_vector(dL_doutputs: Array, a: Array, b: Array) -> Any:
    """g @ b.T, where b is a vector: its transpose is itself, so the product is a number, or none."""
    dL_da, dL_db = matmul.backward(dL_doutputs, a, b)
    return (dL_doutputs @ b.T if b.ndim == 1 and a.ndim == 2 else dL_da), dL_db


@backward("tensorflow/tfjs#8721", "sum the gradient over the axes along which the operand was repeated.")
def first_of_the_stack(dL_doutputs: Array, a: Array, b: Array) -> Any:
    """The gradient of an operand that was repeated is taken from the first matrix of the stack alone."""
    dL_da, dL_db = matmul.backward(dL_doutputs, a, b)
    if a.ndim > b.ndim == 2:
        first, upstream = (x.reshape(-1, *x.shape[-2:])[0] for x in (a, dL_doutputs))
        dL_db = first.T @ upstream
    return dL_da, dL_db
