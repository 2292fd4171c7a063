"""What is tested of the dense layer."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..generation.draws import Words, held, nearest_held
from ..kinds import dense_limits
from ..kinds.contractions_drawn import (
    alternating,
    cancelling,
    cancelling_outputs,
    dense_case,
    extremes,
    initial_weights,
    layer,
    ramp,
    sparse,
    spread,
    swallowed,
)
from ..kinds.paired import paired, refused, without_upstream
from ..model.family import Draft, Inputs

SMALL = {
    "n4-i3-o2": (4, 3, 2),
    "n2-i5-o3": (2, 5, 3),
    "n3-i2-o4": (3, 2, 4),
    "n5-i4-o3": (5, 4, 3),
    "n4-i8-o6": (4, 8, 6),
}
COINCIDING = {
    "n4-i4-o2": (4, 4, 2),
    "n2-i4-o4": (2, 4, 4),
    "n3-i5-o3": (3, 5, 3),
    "n3-i3-o3": (3, 3, 3),
    "n8-i8-o8": (8, 8, 8),
}
THIN = {"n1-i4-o3": (1, 4, 3), "n1-i3-o3": (1, 3, 3), "n5-i1-o3": (5, 1, 3), "n4-i3-o1": (4, 3, 1)}
ODD = {
    "n9-i7-o5": (9, 7, 5),
    "n7-i17-o3": (7, 17, 3),
    "n3-i5-o17": (3, 5, 17),
    "n15-i2-o9": (15, 2, 9),
    "n31-i3-o2": (31, 3, 2),
    "n2-i33-o3": (2, 33, 3),
    "n3-i2-o33": (3, 2, 33),
    "n65-i3-o2": (65, 3, 2),
    "n2-i65-o3": (2, 65, 3),
    "n3-i2-o65": (3, 2, 65),
}
LONG = {
    "n129-i2-o2": (129, 2, 2),
    "n257-i1-o1": (257, 1, 1),
    "n1025-i1-o1": (1025, 1, 1),
    "n2-i129-o1": (2, 129, 1),
    "n2-i1-o129": (2, 1, 129),
}
"""Beyond the threads of a block: 128 or 256, and 1024 at most."""
COUNT = 16
LESSON = "nnfs.io, chapter on backpropagation: the dense layer"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from lesson(dtype)
    yield from random()
    yield from scales(dtype)
    yield from contractions(dtype)
    yield from upstreams(dtype)
    yield from smallest(dtype)
    yield from dense_limits.drafts(dtype)
    yield from invalid(dtype)


def lesson(dtype: str) -> Iterator[Draft]:
    """The figures of the lesson that derives backpropagation in NumPy."""
    inputs = nearest_held([[1, 2, 3, 2.5], [2, 5, -1, 2], [-1.5, 2.7, 3.3, -0.8]], dtype)
    neurons = [[0.2, 0.8, -0.5, 1], [0.5, -0.91, 0.26, -0.5], [-0.26, -0.27, 0.17, 0.87]]
    weights = np.ascontiguousarray(nearest_held(neurons, dtype).T)
    rows = held(np.repeat([[1.0], [2.0], [3.0]], 3, axis=1), dtype)
    case = dense_case(rows, inputs, weights, held([[2, 3, 0.5]], dtype))
    yield from paired(
        "lesson",
        ("lesson", "stride-zero"),
        "The lesson's layer of three neurons; each row of the upstream is 1, 2 or 3 throughout.",
        cases=(case,),
        source=LESSON,
    )


def random() -> Iterator[Draft]:
    """Ordinary input of many shapes."""
    for name, sizes in SMALL.items():
        yield from _drawn(name, sizes, ("distinct-sizes",), "no two of which coincide", COUNT // 2, COUNT)
    for name, sizes in COINCIDING.items():
        yield from _drawn(name, sizes, ("square",), "some of which coincide", COUNT // 2, COUNT)
    for name, sizes in THIN.items():
        flag = "batch-of-one" if sizes[0] == 1 else "smallest"
        yield from _drawn(name, sizes, (flag,), "one of which is 1", COUNT // 2, COUNT)
    for name, sizes in ODD.items():
        yield from _drawn(name, sizes, ("odd-sizes",), "beside the sizes that tiles have", 2, 3)
    yield from _drawn("n33-i31-o17", (33, 31, 17), ("odd-sizes",), "beside the sizes that tiles have", 1, 1)
    for name, sizes in LONG.items():
        yield from _drawn(name, sizes, ("odd-sizes",), "one of which is more than a block of threads has", 1, 1)


def _drawn(
    name: str, sizes: tuple[int, int, int], flags: tuple[str, ...], sizes_are: str, forward: int, backward: int
) -> Iterator[Draft]:
    yield from paired(
        f"random-{name}",
        ("random", *flags, "upstream-signed"),
        f"Bell-shaped everything, of sizes (N, I, O) = {sizes}, {sizes_are}.",
        draw=lambda w: layer(w, sizes),
        forward=forward,
        backward=backward,
    )


def scales(dtype: str) -> Iterator[Draft]:
    """Weights as a layer starts with them, and upstreams far from 1."""

    def start(w: Words) -> Inputs:
        case = layer(w, (4, 6, 3), upstream=8.0)
        return {**case, "weights": initial_weights(w, (6, 3)), "biases": w.array(np.zeros((1, 3)))}

    yield from paired(
        "initial-weights",
        ("random", "small-values", "upstream-signed"),
        "A layer as it starts: weights 0.01 times bell-shaped numbers, biases of 0.",
        draw=start,
        forward=COUNT // 2,
        backward=COUNT,
        source="nnfs.io, chapter on layers",
    )
    large, small = (6, -4) if dtype == "float16" else (12, -20)

    def scaled(w: Words, exponent: int) -> Inputs:
        case = {name: w.signed(x.shape, 1, 2) for name, x in layer(w, (3, 5, 4)).items()}
        return {**case, "dL_doutputs": w.array(np.ldexp(case["dL_doutputs"].astype(np.float64), exponent))}

    for word, exponent, comment in (
        ("large", large, "An upstream so large that a gradient that is clipped shows."),
        ("small", small, "An upstream so small that an absolute tolerance would hide its gradient."),
    ):
        yield Draft(
            f"backward-{word}-upstream",
            "backward",
            ("random", "upstream-signed", *(("small-values",) if word == "small" else ())),
            comment,
            draw=partial(scaled, exponent=exponent),
            count=COUNT // 2,
        )


def contractions(dtype: str) -> Iterator[Draft]:
    """Sums that try the arithmetic."""
    count = COUNT // 2
    step = 1 if dtype == "float16" else 4
    for name, flags, draw, comment in (
        ("sparse", ("signed-zero",), lambda w: sparse(w, (5, 6, 4)), "About half of all elements are 0 or -0."),
        ("extremes", ("spread",), lambda w: extremes(w, (3, 4, 5)), "Each factor is either very large or very small."),
        ("spread", ("spread",), lambda w: spread(w, (3, 4, 5)), "Magnitudes spread evenly over the range."),
        (
            "alternating",
            ("cancellation",),
            lambda w: alternating(w, (5, 7, 4)),
            "Terms of every sum alternate in sign.",
        ),
        ("rising", ("spread",), lambda w: ramp(w, (4, 6, 5), step), "Terms grow along every sum."),
        ("falling", ("spread",), lambda w: ramp(w, (4, 6, 5), -step), "Terms shrink along every sum."),
    ):
        yield from paired(name, flags, comment, draw=draw, forward=count, backward=count)
    yield from paired(
        "swallowed",
        ("spread",),
        "One term of every sum is near 1, the others about a unit roundoff.",
        draw=lambda w: swallowed(w, (17, 9, 5)),
        forward=2,
        backward=4,
    )
    yield Draft(
        "forward-cancellation",
        "forward",
        ("cancellation",),
        "The sums cancel in pairs down to half of the digits.",
        draw=lambda w: cancelling_outputs(w, (3, 8, 5)),
        count=count,
    )
    yield Draft(
        "backward-cancellation",
        "backward",
        ("cancellation",),
        "The sums of all three gradients but the biases' cancel in pairs down to half of the digits.",
        draw=lambda w: cancelling(w, (4, 3, 6)),
        count=count,
    )


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""
    inputs = [[1.5, -2, 0.25, 3], [-0.5, 3, -1, 2], [2, 4, -8, 0.5]]
    weights = [[0.5, -1.5], [2, 0.25], [-3, 4], [1, -0.125]]

    def case(upstream: object) -> Inputs:
        return dense_case(*(held(x, dtype) for x in (upstream, inputs, weights, [[0.5, -2]])))

    yield Draft(
        "backward-upstream-zero", "backward", ("upstream-zero",), "No upstream, no gradient.", (case(np.zeros((3, 2))),)
    )
    yield Draft(
        "backward-upstream-one-hot",
        "backward",
        ("upstream-one-hot",),
        "One unit of upstream at each place in turn picks out one column of the weights and one row of the inputs.",
        tuple(case(unit) for unit in np.eye(6).reshape(6, 3, 2)),
    )

    yield Draft(
        "backward-upstream-sums-to-zero",
        "backward",
        ("upstream-signed",),
        "Rows, columns or all of the upstream sum to 0, and none of it is 0: all of it passes.",
        tuple(
            case(g)
            for g in (
                [[2, -2], [-0.75, 0.75], [5, -5]],
                [[2, -1], [-3, 0.75], [1, 0.25]],
                [[2, -2], [-3, 3], [1, -1]],
            )
        ),
    )

    def repeated(w: Words, axis: int) -> Inputs:
        drawn = layer(w, (4, 5, 3))
        line = np.take(drawn["dL_doutputs"], [0], axis=axis)
        return {**drawn, "dL_doutputs": np.repeat(line, drawn["dL_doutputs"].shape[axis], axis=axis)}

    for axis, word in enumerate(("rows", "columns")):
        yield Draft(
            f"backward-equal-{word}",
            "backward",
            ("stride-zero", "upstream-signed"),
            f"All {word} of the upstream are the same, as broadcasting makes them.",
            draw=partial(repeated, axis=axis),
            count=COUNT // 2,
        )


def smallest(dtype: str) -> Iterator[Draft]:
    """One of everything, and no rows at all."""
    yield from paired(
        "smallest-1x1x1",
        ("smallest", "batch-of-one"),
        "One row, one input, one neuron.",
        cases=tuple(
            dense_case(held([[g]], dtype), held([[x]], dtype), held([[w]], dtype), held([[b]], dtype))
            for g, x, w, b in ((3, 5, -2, 0.5), (-0.75, -2, 4, -1), (2, 0, 3, 0))
        ),
    )
    empty = dense_case(
        held(np.zeros((0, 2)), dtype),
        held(np.zeros((0, 3)), dtype),
        held([[1, -2], [3, 0.5], [-1, 4]], dtype),
        held([[0.5, -1]], dtype),
    )
    yield from paired(
        "empty",
        ("empty-batch",),
        "No rows: no outputs, and gradients of 0 for weights and biases.",
        cases=(empty,),
        level="robust",
    )


def invalid(dtype: str) -> Iterator[Draft]:
    """Sizes that do not fit, to be refused."""

    def call(g: tuple[int, int], x: tuple[int, int], w: tuple[int, int], b: tuple[int, int]) -> Inputs:
        return dense_case(*(held(np.arange(1, 1 + math.prod(shape)).reshape(shape), dtype) for shape in (g, x, w, b)))

    for name, comment, case in (
        ("inner-size", "Four inputs a row for weights of five.", call((2, 3), (2, 4), (5, 3), (1, 3))),
        (
            "inner-size-one",
            "One input a row for weights of four, to be broadcast by none.",
            call((2, 3), (2, 1), (4, 3), (1, 3)),
        ),
        ("transposed-weights", "Weights with neurons first.", call((2, 3), (2, 4), (3, 4), (1, 3))),
        ("biases", "Four biases for three neurons.", call((2, 3), (2, 4), (4, 3), (1, 4))),
    ):
        yield refused(f"forward-mismatch-{name}", "size-mismatch", comment, without_upstream(case))
    for name, comment, case in (
        ("rows", "An upstream of three rows for a batch of two.", call((3, 3), (2, 4), (4, 3), (1, 3))),
        (
            "one-row",
            "An upstream of one row for a batch of two, to be broadcast by none.",
            call((1, 3), (2, 4), (4, 3), (1, 3)),
        ),
        ("columns", "An upstream of two columns for three neurons.", call((2, 2), (2, 4), (4, 3), (1, 3))),
        ("transposed", "An upstream with neurons first.", call((3, 2), (2, 4), (4, 3), (1, 3))),
        ("inner-size", "Four inputs a row for weights of five.", call((2, 3), (2, 4), (5, 3), (1, 3))),
    ):
        yield refused(f"backward-mismatch-{name}", "size-mismatch", comment, case)
