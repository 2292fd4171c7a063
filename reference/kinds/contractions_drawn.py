"""Operands that try a contraction's arithmetic, for a dense layer's three products at once.

The ideas are those of the TOSA specification's dot-product test sets: zeros among the terms, extreme magnitudes,
alternating signs, a wide dynamic range, magnitudes that grow along the sum, and one large term among small ones. All
draws give the arguments of backward; sizes are (N, I, O).
"""

from collections.abc import Callable

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Shape, Words, nearest_held
from ..model.family import Inputs

Sizes = tuple[int, int, int]


def layer(w: Words, sizes: Sizes, upstream: float = 1.0) -> Inputs:
    """Bell-shaped everything; `upstream` (a power of two) scales the upstream."""
    n, i, o = sizes
    return dense_case(w.normal((n, o), upstream), w.normal((n, i)), w.normal((i, o)), w.normal((1, o)))


def dense_case(dL_doutputs: np.ndarray, inputs: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> Inputs:
    """Name the arguments of backward."""
    return {"dL_doutputs": dL_doutputs, "inputs": inputs, "weights": weights, "biases": biases}


def initial_weights(w: Words, shape: tuple[int, ...]) -> np.ndarray:
    """0.01 times bell-shaped numbers, none so small that a half precision holds it as a subnormal number."""
    z = w.normal(shape).astype(np.float64)
    return nearest_held(0.01 * np.where(abs(z) < 1 / 64, np.copysign(1 / 64, z), z), w.dtype)


def reach(dtype: str) -> int:
    """Give the exponent to which a factor may go so that products of two, and sums of them, stay ordinary."""
    return 4 if dtype == "float16" else -FORMATS[dtype].smallest_normal // 2 - 8


def sparse(w: Words, sizes: Sizes) -> Inputs:
    """About half of all elements are 0, some of them -0."""
    case = layer(w, sizes)
    return {name: w.array(x.astype(np.float64) * w.integers(x.shape, 0, 2)) for name, x in case.items()}


def extremes(w: Words, sizes: Sizes) -> Inputs:
    """Each element is either very large or very small."""
    far = reach(w.dtype)
    return _scaled(w, sizes, lambda shape: far * w.signs(shape))


def spread(w: Words, sizes: Sizes) -> Inputs:
    """Magnitudes spread evenly over the range."""
    far = reach(w.dtype)
    return _scaled(w, sizes, lambda shape: w.integers(shape, -far, far + 1))


def _scaled(w: Words, sizes: Sizes, exponents: Callable[[Shape], np.ndarray]) -> Inputs:
    n, i, o = sizes
    return dense_case(*(_powers(w, exponents(shape)) for shape in ((n, o), (n, i), (i, o), (1, o))))


def _powers(w: Words, exponents: np.ndarray) -> np.ndarray:
    return w.array(np.ldexp(w.signed(exponents.shape, 1, 2).astype(np.float64), exponents))


def alternating(w: Words, sizes: Sizes) -> Inputs:
    """The terms of every sum alternate in sign."""
    n, i, o = (1 - 2 * (np.arange(size) % 2) for size in sizes)

    def magnitudes(shape: tuple[int, int]) -> np.ndarray:
        return w.uniform(shape, 1, 2).astype(np.float64)

    return dense_case(
        w.array(magnitudes((len(n), len(o))) * n[:, None]),
        w.array(magnitudes((len(n), len(i)))),
        w.array(magnitudes((len(i), len(o))) * i[:, None] * o),
        w.array(magnitudes((1, len(o)))),
    )


def _along(n: np.ndarray, i: np.ndarray, o: np.ndarray) -> Inputs:
    """Give exponents of which one factor of each product changes along its sum."""
    return dense_case(n[:, None] + 0 * o, 0 * n[:, None] + i, 0 * i[:, None] + o, 0 * o[None, :])


def ramp(w: Words, sizes: Sizes, step: int) -> Inputs:
    """Along every sum, each term is 2**step times the one before."""
    n, i, o = (step * (np.arange(size) - size // 2) for size in sizes)
    exponents = _along(n, i, o)
    return {name: _powers(w, e) for name, e in exponents.items()}


def swallowed(w: Words, sizes: Sizes) -> Inputs:
    """One term of every sum is near 1, the others about a unit roundoff: added one by one to it, they vanish."""
    small = 1 - FORMATS[w.dtype].significand
    n, i, o = (np.where(np.arange(size) == 0, 0, small) for size in sizes)
    exponents = _along(n, i, o)
    return {name: w.array(np.ldexp(w.uniform(e.shape, 1, 2).astype(np.float64), e)) for name, e in exponents.items()}


def cancelling(w: Words, sizes: Sizes) -> Inputs:
    """Backward's sums cancel in pairs down to half of the digits. N and O must be even."""
    n, i, o = sizes
    half = FORMATS[w.dtype].significand // 2
    upstream, inputs, weights = (
        w.integers(shape, 1 << (half - 1), 1 << half) * w.signs(shape)
        for shape in ((n // 2, o // 2), (n // 2, i), (i, o // 2))
    )
    nearly = np.array([2**half, -(2**half) - 1])
    return dense_case(
        w.array(np.ldexp(np.kron(upstream, [[1, 1], [1, 1]]).astype(np.float64), -half)),
        w.array(np.ldexp(np.kron(inputs, nearly[:, None]).astype(np.float64), 4 - 2 * half)),
        w.array(np.ldexp(np.kron(weights, nearly[None, :]).astype(np.float64), 4 - 2 * half)),
        w.normal((1, o)),
    )


def cancelling_outputs(w: Words, sizes: Sizes) -> Inputs:
    """Forward's sums cancel in pairs down to half of the digits. I must be even; the biases are 0."""
    n, i, o = sizes
    half = FORMATS[w.dtype].significand // 2
    inputs = w.integers((n, i // 2), 1 << (half - 1), 1 << half) * w.signs((n, i // 2))
    weights = w.integers((i // 2, o), 1 << (half - 1), 1 << half)
    nearly = np.array([2**half, -(2**half) - 1])
    return {
        "inputs": w.array(np.ldexp(np.kron(inputs, [[1, 1]]).astype(np.float64), -half)),
        "weights": w.array(np.ldexp(np.kron(weights, nearly[:, None]).astype(np.float64), 4 - 2 * half)),
        "biases": w.array(np.zeros((1, o))),
    }
