"""Operands of which all products of a contraction, forward's and both gradients', are hard to compute accurately.

The ideas are those of the TOSA specification's dot-product test sets: zeros among the terms, extreme magnitudes,
alternating signs, a wide dynamic range, magnitudes that grow along the sum, and one large term among small ones. All
draws give the arguments of backward; sizes are (N, I, O).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, nearest_held
from ..generation.profiles import Profile, integers, long_integers, sparse
from ..model.family import DRAWN, Inputs

Sizes = tuple[int, int, int]
Large = Mapping[tuple[str, str, str], tuple[Sizes, ...]]
"""Sizes by direction, dtype and profile."""
EXACT: tuple[Sizes, ...] = ((1024, 1, 1), (1, 1, 1536))
"""Multiples of every size of a tile, so that the last one is not a short one, and more columns than a block of threads
has."""
LARGE: Large = {
    ("forward", "float64", "sparse"): ((2, 513, 3), (33, 3, 65)),
    ("forward", "float32", "sparse"): ((2, 781, 3),),
    ("forward", "float32", "integers"): ((2, 257, 3), (1, 2049, 1), (65, 97, 129), (1, 1024, 1), *EXACT),
    ("forward", "float16", "integers"): ((2, 1025, 3), (64, 48, 96)),
    ("forward", "bfloat16", "integers"): ((2, 2049, 3),),
    ("backward", "float64", "sparse"): ((3, 33, 35), (513, 1, 2), (1, 1, 781)),
    ("backward", "float32", "sparse"): ((781, 2, 3), (2, 1, 513)),
    ("backward", "float32", "integers"): ((64, 48, 96), (1, 2, 257), (1, 1536, 1), *EXACT),
    ("backward", "bfloat16", "integers"): ((2049, 1, 1),),
}
"""Sizes beyond the switches of kernels, along every sum, and tiles on two sides. Each at one dtype: they take bytes."""


@dataclass(frozen=True)
class Contraction:
    """The arguments of a contraction."""

    tensors: tuple[str, ...]
    """The names of the factors (N, I) and (I, O), and of the biases (1, O) if there are any."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""
    cases: int = DRAWN
    """Cases of a drawn family, unless they are large or much alike."""
    large: Large = field(default_factory=lambda: LARGE)
    """The sizes of large families."""

    def case(self, *arrays: np.ndarray) -> Inputs:
        """Name the arguments of backward: upstream, factors, and biases, which are dropped where there are none."""
        return dict(zip(("dL_doutputs", *self.tensors), arrays, strict=False))

    def shapes(self, sizes: Sizes) -> tuple[Shape, ...]:
        """Give the shapes of the arguments of backward."""
        n, i, o = sizes
        return ((n, o), (n, i), (i, o), (1, o))[: 1 + len(self.tensors)]


def ordinary(kind: Contraction, sizes: Sizes, w: Words, upstream: float = 1.0) -> Inputs:
    """Bell-shaped everything; `upstream` (a power of two) scales the upstream."""
    first, *others = kind.shapes(sizes)
    return kind.case(w.normal(first, upstream), *(w.normal(shape) for shape in others))


def like(profile: Profile, kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """All arguments of one profile."""
    return kind.case(*(profile(w, shape) for shape in kind.shapes(sizes)))


def initial(w: Words, shape: Shape) -> np.ndarray:
    """Draw weights before training: 0.01 times bell-shaped numbers, none of them subnormal in a half precision."""
    z = w.normal(shape).astype(np.float64)
    return nearest_held(0.01 * np.where(abs(z) < 1 / 64, np.copysign(1 / 64, z), z), w.dtype)


def whole(kind: Contraction, sizes: Sizes, long: int, w: Words) -> Inputs:
    """Whole numbers: of many bits in one argument, 1 or -1 in the others, so that every sum is exact."""
    return kind.case(
        *(long_integers(w, s) if k == long else integers(w, s, 0) for k, s in enumerate(kind.shapes(sizes)))
    )


def scaled(kind: Contraction, sizes: Sizes, exponents: tuple[int, ...], w: Words) -> Inputs:
    """Magnitudes around a power of two of its own for each argument: upstream, factors and biases."""
    shapes = zip(kind.shapes(sizes), exponents, strict=False)
    return kind.case(*(w.around(s, e) for s, e in shapes))


def few_terms(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """The upstream and the first factor are sparse: no sum of products has more than a few terms."""
    upstream, left, *others = kind.shapes(sizes)
    return kind.case(sparse(w, upstream), sparse(w, left), *(w.signed(shape, 1, 2) for shape in others))


def half_zeros(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """About half of all elements are 0, some of them -0."""
    case = ordinary(kind, sizes, w)
    return {name: w.array(x.astype(np.float64) * w.integers(x.shape, 0, 2)) for name, x in case.items()}


def reach(dtype: str) -> int:
    """Give the largest exponent of factors whose products, and sums of those, stay in the normal range."""
    return 4 if dtype == "float16" else -FORMATS[dtype].smallest_normal // 2 - 8


def extremes(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Each element is either very large or very small."""
    return kind.case(*(_powers(w, reach(w.dtype) * w.signs(shape)) for shape in kind.shapes(sizes)))


def spread(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Magnitudes spread evenly over the range."""
    far = reach(w.dtype)
    return kind.case(*(_powers(w, w.integers(shape, -far, far + 1)) for shape in kind.shapes(sizes)))


def _powers(w: Words, exponents: np.ndarray) -> np.ndarray:
    return w.around(exponents.shape, exponents)


def alternating(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """The terms of every sum alternate in sign."""
    n, i, o = (1 - 2 * (np.arange(size) % 2) for size in sizes)
    one = np.ones(1, dtype=np.int64)
    signed = zip(kind.shapes(sizes), (n[:, None], one, i[:, None] * o, one), strict=False)
    return kind.case(*(w.array(w.uniform(shape, 1, 2).astype(np.float64) * signs) for shape, signs in signed))


def _along(kind: Contraction, *exponents: np.ndarray) -> Inputs:
    """Give the exponents of the arguments, so that one factor of each product changes along its sum."""
    n, i, o = exponents
    return kind.case(n[:, None] + 0 * o, 0 * n[:, None] + i, 0 * i[:, None] + o, 0 * o[None, :])


def rising(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Along every sum, terms grow."""
    return _ramp(kind, sizes, 1 if w.dtype == "float16" else 4, w)


def falling(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Along every sum, terms shrink."""
    return _ramp(kind, sizes, -1 if w.dtype == "float16" else -4, w)


def _ramp(kind: Contraction, sizes: Sizes, step: int, w: Words) -> Inputs:
    """Along every sum, each term is 2**step times the one before."""
    exponents = _along(kind, *(step * (np.arange(size) - size // 2) for size in sizes))
    return {name: _powers(w, e) for name, e in exponents.items()}


def swallowed(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """One term of every sum is near 1, the others about a unit roundoff: added one by one to it, they vanish."""
    small = 1 - FORMATS[w.dtype].significand
    exponents = _along(kind, *(np.where(np.arange(size) == 0, 0, small) for size in sizes))
    return {name: w.scaled(w.uniform(e.shape, 1, 2), e) for name, e in exponents.items()}


def _half_digits(w: Words, shape: Shape) -> np.ndarray:
    """Draw integers of half the bits of the significand."""
    half = FORMATS[w.dtype].significand // 2
    return w.integers(shape, 1 << (half - 1), 1 << half)


def _paired_digits(w: Words, values: np.ndarray, axis: int) -> np.ndarray:
    """Give each value times 2**half and, after it, times -(2**half + 1), scaled to about 16."""
    half = FORMATS[w.dtype].significand // 2
    nearly = np.expand_dims([2**half, -(2**half) - 1], 1 - axis)
    return w.scaled(np.kron(values, nearly), 4 - 2 * half)


def cancelling(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Backward's sums cancel in pairs down to half of the digits. N and O must be even."""
    n, i, o = sizes
    upstream, left, right = (
        _half_digits(w, shape) * w.signs(shape) for shape in ((n // 2, o // 2), (n // 2, i), (i, o // 2))
    )
    half = FORMATS[w.dtype].significand // 2
    doubled = w.scaled(np.kron(upstream, [[1, 1], [1, 1]]), -half)
    return kind.case(doubled, _paired_digits(w, left, 0), _paired_digits(w, right, 1), w.normal((1, o)))


def cancelling_outputs(kind: Contraction, sizes: Sizes, w: Words) -> Inputs:
    """Forward's sums cancel in pairs down to half of the digits. I must be even; the biases are 0."""
    n, i, o = sizes
    half = FORMATS[w.dtype].significand // 2
    left = _half_digits(w, (n, i // 2)) * w.signs((n, i // 2))
    right = _half_digits(w, (i // 2, o))
    doubled = w.scaled(np.kron(left, [[1, 1]]), -half)
    return kind.case(np.zeros((n, o)), doubled, _paired_digits(w, right, 0), w.array(np.zeros((1, o))))
