"""What is tested of ReLU."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Words, held
from ..kinds.paired import refused
from ..model.family import Draft, Inputs

SHAPES = {
    "n6": (6,),
    "n4-f5": (4, 5),
    "n3-f4-w2": (3, 4, 2),
    "n2-f3-h2-w3": (2, 3, 2, 3),
    "n1-f7": (1, 7),
    "n5-f5": (5, 5),
}
ODD = {"n9-f7": (9, 7), "n7-f17": (7, 17), "n3-f31": (3, 31), "n3-f33": (3, 33), "n2-f65": (2, 65)}
COUNT = 20


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from lesson(dtype)
    yield from random()
    yield from upstreams(dtype)
    yield from kinks(dtype)
    yield from magnitudes(dtype)
    yield from special_values(dtype)
    yield from shapes(dtype)


def inputs_alone(shape: tuple[int, ...], w: Words) -> Inputs:
    """Bell-shaped inputs."""
    return {"inputs": w.normal(shape, 2.0)}


def both(shape: tuple[int, ...], w: Words) -> Inputs:
    """An asymmetric upstream, never all ones, over bell-shaped inputs."""
    return {"dL_doutputs": w.normal(shape), "inputs": w.normal(shape, 2.0)}


def random() -> Iterator[Draft]:
    """Ordinary input of every rank."""
    for name, shape in (SHAPES | ODD).items():
        flags = ("random", "odd-sizes") if name in ODD else ("random", "rank")
        count = COUNT if name in SHAPES else COUNT // 5
        yield Draft(
            name=f"forward-random-{name}",
            direction="forward",
            flags=flags,
            comment=f"Bell-shaped inputs of shape {shape}.",
            draw=partial(inputs_alone, shape),
            count=count,
        )
        yield Draft(
            name=f"backward-random-{name}",
            direction="backward",
            flags=(*flags, "upstream-signed"),
            comment=f"Bell-shaped inputs and upstream of shape {shape}.",
            draw=partial(both, shape),
            count=count,
        )


def lesson(dtype: str) -> Iterator[Draft]:
    """The figures of the lesson that derives backpropagation in NumPy."""
    z = held([[1, 2, -3, -4], [2, -7, -1, 3], [-1, 2, 5, -1]], dtype)
    g = held([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]], dtype)
    source = "nnfs.io, chapter on backpropagation: ReLU"
    yield Draft("forward-lesson", "forward", ("lesson",), "The lesson's inputs.", ({"inputs": z},), source=source)
    yield Draft(
        "backward-lesson",
        "backward",
        ("lesson",),
        "The gradient passes where the input was positive.",
        ({"dL_doutputs": g, "inputs": z},),
        source=source,
    )


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""
    z = held([[1.5, -2, 0.25], [-0.5, 3, -1], [2, 4, -8]], dtype)
    zero, one_hots = np.zeros((3, 3)), np.eye(9).reshape(9, 3, 3)
    yield Draft(
        "backward-upstream-zero",
        "backward",
        ("upstream-zero",),
        "No upstream, no gradient.",
        ({"dL_doutputs": held(zero, dtype), "inputs": z},),
    )
    yield Draft(
        "backward-upstream-one-hot",
        "backward",
        ("upstream-one-hot",),
        "One unit of upstream at each place in turn.",
        tuple({"dL_doutputs": held(g, dtype), "inputs": z} for g in one_hots),
    )
    yield Draft(
        "backward-upstream-broadcast",
        "backward",
        ("stride-zero", "dead"),
        "The same upstream in every row, as broadcasting makes it.",
        ({"dL_doutputs": held(np.tile([[3.0, -5, 0.5]], (3, 1)), dtype), "inputs": z},),
    )
    yield Draft(
        "backward-dead",
        "backward",
        ("dead",),
        "All units off, then all on.",
        tuple(
            {"dL_doutputs": held([[3, -5, 0.5]], dtype), "inputs": held(x, dtype)}
            for x in ([[-1, -2, -0.125]], [[1, 2, 0.125]])
        ),
    )


def kinks(dtype: str) -> Iterator[Draft]:
    """Inputs at 0, -0 and at the neighbours of 0."""
    fmt = FORMATS[dtype]
    tiny = math.ldexp(1.0, fmt.smallest_normal)
    g = held([[2, -3, 5, 7]], dtype)
    at_zero = held([[0.0, -0.0, 1.0, -1.0]], dtype)
    near = held([[tiny, -tiny, 2 * tiny, -2 * tiny]], dtype)
    yield Draft("forward-zero", "forward", ("kink", "signed-zero"), "0 and -0 give 0.", ({"inputs": at_zero},))
    yield Draft(
        "backward-zero",
        "backward",
        ("kink", "signed-zero"),
        "Inputs of exactly 0 and -0, where the derivative jumps.",
        ({"dL_doutputs": g, "inputs": at_zero}, {"dL_doutputs": held(-g.astype(float), dtype), "inputs": at_zero}),
        result="convention",
        point="relu_slope_at_zero",
    )
    yield Draft(
        "forward-near-zero",
        "forward",
        ("near-kink",),
        "The smallest normal numbers on both sides.",
        ({"inputs": near},),
    )
    yield Draft(
        "backward-near-zero",
        "backward",
        ("near-kink",),
        "The smallest normal numbers on both sides of the kink: a threshold such as 1e-7 shows.",
        ({"dL_doutputs": g, "inputs": near},),
    )
    smallest = math.ldexp(1.0, fmt.smallest_normal - fmt.significand + 1)
    sub = held([[smallest, -smallest, 3 * smallest, -3 * smallest]], dtype)
    yield Draft(
        "forward-subnormal",
        "forward",
        ("subnormal",),
        "Subnormal inputs on both sides.",
        ({"inputs": sub},),
        level="robust",
    )
    yield Draft(
        "backward-subnormal",
        "backward",
        ("subnormal", "near-kink"),
        "Subnormal inputs are positive or negative, not 0.",
        ({"dL_doutputs": g, "inputs": sub},),
        level="robust",
    )


def magnitudes(dtype: str) -> Iterator[Draft]:
    """Numbers far apart, up to the largest finite one."""
    reach = {"float16": 12}.get(dtype, 100)
    largest = float(FORMATS[dtype].largest)
    yield Draft(
        "forward-spread",
        "forward",
        ("spread",),
        "Magnitudes spread over most of the range.",
        draw=lambda w: {"inputs": w.spread((4, 6), -reach, reach)},
        count=COUNT // 2,
    )
    yield Draft(
        "backward-spread",
        "backward",
        ("spread", "upstream-signed"),
        "Magnitudes of inputs and upstream spread over most of the range.",
        draw=lambda w: {"dL_doutputs": w.spread((4, 6), -reach, reach), "inputs": w.spread((4, 6), -reach, reach)},
        count=COUNT // 2,
    )
    z = held([[largest, -largest, 1.0]], dtype)
    yield Draft("forward-largest", "forward", ("near-overflow",), "The largest finite number passes.", ({"inputs": z},))
    yield Draft(
        "backward-largest",
        "backward",
        ("near-overflow",),
        "The largest finite number as upstream and as input.",
        ({"dL_doutputs": held([[largest, largest, -largest]], dtype), "inputs": z},),
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN, in the inputs and in the upstream."""
    inf, nan = math.inf, math.nan
    z = held([[inf, -inf, 1, -1]], dtype)
    yield Draft(
        "forward-infinity",
        "forward",
        ("infinity",),
        "max(0, inf) is inf, max(0, -inf) is 0.",
        ({"inputs": z},),
        level="robust",
    )
    yield Draft(
        "backward-infinity",
        "backward",
        ("infinity",),
        "Infinite inputs have a slope of 1 or 0.",
        ({"dL_doutputs": held([[2, -3, 5, 7]], dtype), "inputs": z},),
        level="robust",
    )
    yield Draft(
        "forward-nan",
        "forward",
        ("nan",),
        "A NaN is not positive; what comes out is NaN, or 0 by a comparison.",
        ({"inputs": held([[nan, 1, -1, nan]], dtype)},),
        level="robust",
        result="convention",
        point="relu_of_nan",
    )
    yield Draft(
        "backward-nan",
        "backward",
        ("nan",),
        "The slope at NaN.",
        ({"dL_doutputs": held([[2, -3, 5, 7]], dtype), "inputs": held([[nan, 1, -1, nan]], dtype)},),
        level="robust",
        result="convention",
        point="relu_slope_at_nan",
    )
    yield Draft(
        "backward-nan-upstream",
        "backward",
        ("nan", "upstream-signed"),
        "A NaN of the upstream passes an active unit.",
        ({"dL_doutputs": held([[nan, -3, 5, nan]], dtype), "inputs": held([[1, 2, -1, 4]], dtype)},),
        level="robust",
    )
    yield Draft(
        "backward-infinite-upstream",
        "backward",
        ("infinite-upstream", "dead"),
        "An infinite upstream on dead units.",
        ({"dL_doutputs": held([[inf, -inf, 5, inf]], dtype), "inputs": held([[-1, -2, 1, 4]], dtype)},),
        level="robust",
        result="convention",
        point="infinite_times_zero",
    )


def shapes(dtype: str) -> Iterator[Draft]:
    """The smallest shapes, an empty batch, and calls to refuse."""
    for name, shape in {"1": (1,), "1x1": (1, 1)}.items():
        values = [3.0, -3.0]
        yield Draft(
            f"forward-smallest-{name}",
            "forward",
            ("smallest",),
            "A single element, positive and negative.",
            tuple({"inputs": held(np.full(shape, v), dtype)} for v in values),
        )
        yield Draft(
            f"backward-smallest-{name}",
            "backward",
            ("smallest",),
            "A single element, positive and negative.",
            tuple(
                {"dL_doutputs": held(np.full(shape, 5.0), dtype), "inputs": held(np.full(shape, v), dtype)}
                for v in values
            ),
        )
    empty = held(np.zeros((0, 3)), dtype)
    yield Draft(
        "forward-empty", "forward", ("empty-batch",), "No rows in, no rows out.", ({"inputs": empty},), level="robust"
    )
    yield Draft(
        "backward-empty",
        "backward",
        ("empty-batch",),
        "No rows in, no rows out.",
        ({"dL_doutputs": empty, "inputs": empty},),
        level="robust",
    )
    yield Draft(
        "backward-mismatch",
        "backward",
        ("size-mismatch",),
        "An upstream with one row too many.",
        ({"dL_doutputs": held(np.ones((3, 4)), dtype), "inputs": held(np.ones((2, 4)), dtype)},),
        level="robust",
        result="invalid",
    )
    for word, shape, comment in (
        ("one-row", (1, 4), "An upstream of one row for inputs of three, to be broadcast by none."),
        ("one-column", (3, 1), "An upstream of one column for inputs of four, to be broadcast by none."),
        ("rank", (4,), "An upstream of rank 1 for inputs of rank 2, to be broadcast by none."),
    ):
        upstream = np.arange(1, 1 + math.prod(shape)).reshape(shape)
        inputs = [[1, -2, 3, 0.5], [-1, 2, 0.25, -4], [2, 1, -3, 5]]
        case = {"dL_doutputs": held(upstream, dtype), "inputs": held(inputs, dtype)}
        yield refused(f"backward-mismatch-{word}", "size-mismatch", comment, case)
