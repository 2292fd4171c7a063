"""A dense layer where ordinary numbers end: the ends of the range, infinities and NaN."""

import math
from collections.abc import Iterator

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Words, held
from ..model.family import Draft, Inputs
from .contractions_drawn import dense_case
from .paired import paired, without_upstream

COUNT = 4


def drafts(dtype: str) -> Iterator[Draft]:
    """Give these families at a dtype."""
    yield from ranges(dtype)
    yield from special_values(dtype)


def ranges(dtype: str) -> Iterator[Draft]:
    """The ends of the dtype's range."""
    fmt = FORMATS[dtype]
    top = int(fmt.largest).bit_length()
    high, low = top // 2 - 3, top - 4 - (top // 2 - 3)

    def near_top(w: Words) -> Inputs:
        g, x, weights, b = (w.signed(shape, 1, 2).astype(np.float64) for shape in ((2, 3), (2, 4), (4, 3), (1, 3)))
        return dense_case(
            *(w.array(np.ldexp(a, e)) for a, e in ((g, high), (x, low - 1), (weights, low - 1), (b, high)))
        )

    yield from paired(
        "near-overflow",
        ("near-overflow",),
        "Products and sums close to the largest finite number.",
        draw=near_top,
        forward=COUNT,
        backward=COUNT,
    )
    largest = float(fmt.largest)
    yield from paired(
        "overflow",
        ("overflow",),
        "Products beyond the largest finite number are infinite, with their sign.",
        cases=(
            dense_case(
                held([[largest, 1], [largest, -1]], dtype),
                held([[largest, 1, 0.5], [2, largest, -1]], dtype),
                held([[4, -4], [8, 16], [2, 0.5]], dtype),
                held([[1, -1]], dtype),
            ),
        ),
        level="robust",
        overflows=True,
    )
    bottom = fmt.smallest_normal

    def tiny(w: Words) -> Inputs:
        def bits(shape: tuple[int, int], exponent: int) -> np.ndarray:
            return w.array(np.ldexp((w.signs(shape) * w.integers(shape, 1, 8)).astype(np.float64), exponent))

        half = bottom // 2
        return dense_case(
            bits((2, 3), half), bits((2, 4), bottom - half - 4), bits((4, 3), bottom - half - 4), bits((1, 3), bottom)
        )

    yield from paired(
        "subnormal-results",
        ("subnormal",),
        "Products and sums around the smallest normal number.",
        draw=tiny,
        forward=COUNT,
        backward=COUNT,
        level="robust",
    )
    smallest_number = math.ldexp(1.0, fmt.smallest_normal - fmt.significand + 1)
    scale = math.ldexp(1.0, min(-bottom, top - 3))
    yield from paired(
        "subnormal-inputs",
        ("subnormal",),
        "Subnormal numbers times large ones are ordinary: flushed to 0, they show.",
        cases=(
            dense_case(
                held(np.array([[3, -1], [-2, 5]]) * smallest_number, dtype),
                held(np.array([[1, -3, 2], [5, 1, -7]]) * smallest_number, dtype),
                held(np.array([[1, -2], [1.5, 1], [-1, 0.5]]) * scale, dtype),
                held([[0, 0]], dtype),
            ),
        ),
        level="robust",
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN reach what depends on them, and nothing else."""
    plain = dense_case(
        held([[2, -3], [0.5, 4], [-1, 2]], dtype),
        held([[1, 2, -4], [3, -1, 0.5], [-2, 5, 1]], dtype),
        held([[0.5, -1], [2, 0.25], [-3, 4]], dtype),
        held([[1, -2]], dtype),
    )

    def with_value(name: str, place: tuple[int, int], value: float) -> Inputs:
        changed = plain[name].copy()
        changed[place] = value
        return {**plain, name: changed}

    places = (("dL_doutputs", (1, 0)), ("inputs", (1, 2)), ("weights", (2, 1)), ("biases", (0, 1)))
    for word, flag, values in (("infinity", "infinity", (math.inf, -math.inf)), ("nan", "nan", (math.nan,))):
        cases = tuple(with_value(name, place, value) for name, place in places for value in values)
        forward = tuple(without_upstream(case) for case in cases[len(values) :])
        comment = f"One {'infinite element' if word == 'infinity' else 'NaN'} in each argument in turn."
        yield Draft(f"forward-{word}", "forward", (flag,), comment, forward, level="robust")
        yield Draft(f"backward-{word}", "backward", (flag,), comment, cases[: 3 * len(values)], level="robust")
