"""Contractions of two matrices, with biases or without: (N, I) by (I, O)."""

import math
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import heavy, offset
from ..model.family import DRAWN, Draft, Inputs
from . import operands
from .operands import Contraction, Sizes, ordinary
from .paired import changed, families, one_at_a_time, refused, with_element
from .special_values import ends
from .upstreams import FAR, far_upstreams, mismatched, scaled, units

BESIDE, BEYOND = "beside the sizes that tiles have", "one of which is more than a block of threads has"
GROUPS: tuple[tuple[str, str, tuple[int, int], tuple[Sizes, ...]], ...] = (
    ("distinct-sizes", "all different", (DRAWN, DRAWN), ((4, 3, 2), (2, 5, 3), (3, 2, 4), (5, 4, 3))),
    ("distinct-sizes", "all different", (2, 2), ((4, 8, 6),)),
    ("square", "some of them equal", (DRAWN, DRAWN), ((4, 4, 2), (2, 4, 4), (3, 5, 3), (3, 3, 3))),
    ("square", "some of them equal", (2, 2), ((8, 8, 8),)),
    ("smallest", "one of which is 1", (DRAWN, DRAWN), ((1, 4, 3), (1, 3, 3), (5, 1, 3), (4, 3, 1))),
    ("smallest", "two of which are 1", (1, 1), ((1, 1, 3), (1, 3, 1), (3, 1, 1))),
    ("odd-sizes", BESIDE, (2, 3), ((9, 7, 5), (7, 17, 3), (3, 5, 17), (15, 2, 9), (31, 3, 2), (2, 33, 3))),
    ("odd-sizes", BESIDE, (1, 1), ((3, 2, 33), (65, 3, 2), (2, 65, 3), (3, 2, 65), (33, 31, 17))),
    ("odd-sizes", BEYOND, (1, 1), ((129, 2, 2), (257, 1, 1), (1025, 1, 1), (2, 129, 1), (2, 1, 129))),
)
"""Flag, what the sizes are, how many cases forward and backward, sizes."""
LARGE_OF = {
    "sparse": "No sum has more than a few terms, so that its tolerance is sharp: a lower precision shows.",
    "integers": "Whole numbers, of which every sum is exact: the tolerance is 0, and a single missing term shows.",
}
CANCELLING = "The sums of products cancel in pairs down to half of the digits."


def contraction(kind: Contraction, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a contraction at a dtype; its changes apply to `more` families too."""
    parts = (large, scales, upstreams, successive, smallest, ranges, special, mismatches)
    given = chain(drawn(kind), sums(kind), repeated(kind), *(part(kind, dtype) for part in parts), more)
    yield from changed(given, kind.changes, cases=kind.cases)


def drawn(kind: Contraction) -> Iterator[Draft]:
    """Ordinary input of many shapes."""
    for flag, words, counts, group in GROUPS:
        for sizes in group:
            n, i, o = sizes
            flags = f"random {'batch-of-one' if n == 1 else flag} upstream-signed"
            comment = f"Bell-shaped everything, of sizes (N, I, O) = {sizes}, {words}."
            draw = partial(ordinary, kind, sizes)
            yield from families(f"random-n{n}-i{i}-o{o}", flags, comment, draw=draw, counts=counts)


def large(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Sizes beyond those at which kernels change their ways, and tiles on two sides, every one different."""
    for (direction, of, profile), group in kind.large.items():
        for sizes in group if of == dtype else ():
            n, i, o = sizes
            long = 0 if direction == "backward" else 1 + (o > n * i)
            whole, few_terms = partial(operands.whole, kind, sizes, long), partial(operands.few_terms, kind, sizes)
            draw = whole if profile == "integers" else few_terms
            name = "{}-{}-n{}-i{}-o{}".format(direction, profile, *sizes)
            comment = f"Sizes (N, I, O) = {sizes}. {LARGE_OF[profile]}"
            yield from families(name, "random odd-sizes upstream-signed", comment, draw=draw, counts=1)


def scales(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Upstreams far from 1, and products."""

    def near_one(w: Words) -> Inputs:
        return {name: w.signed(x.shape, 1, 2) for name, x in ordinary(kind, (3, 5, 4), w).items()}

    if dtype != "float16":
        comment, sizes, half = "Products around 1e-31, of numbers around 1e-16, are not 0.", (2, 3, 4), FAR // 2
        draw = partial(operands.scaled, kind, sizes, (-half, -half, -half, -FAR))
        yield from families("tiny", "random small-values upstream-signed", comment, draw=draw, counts=1)
    yield from far_upstreams(scaled(near_one), dtype)


def sums(kind: Contraction) -> Iterator[Draft]:
    """Sums that are hard to compute accurately."""
    for name, flags, comment, sizes, draw in (
        ("sparse", "signed-zero", "About half of all elements are 0 or -0.", (5, 6, 4), operands.half_zeros),
        ("extremes", "spread", "Each factor is either very large or very small.", (3, 4, 5), operands.extremes),
        ("spread", "spread", "Magnitudes spread evenly over the range.", (3, 4, 5), operands.spread),
        ("alternating", "cancellation", "Terms of every sum alternate in sign.", (5, 7, 4), operands.alternating),
        ("rising", "spread", "Terms grow along every sum.", (4, 6, 5), operands.rising),
        ("falling", "spread", "Terms shrink along every sum.", (4, 6, 5), operands.falling),
        ("forward-cancellation", "cancellation", CANCELLING, (3, 8, 5), operands.cancelling_outputs),
        ("backward-cancellation", "cancellation", CANCELLING, (4, 3, 6), operands.cancelling),
    ):
        yield from families(name, flags, comment, draw=partial(draw, kind, sizes))
    for profile, comment in (
        (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
        (offset, "All numbers of a tensor are near a common one, or its negative."),
    ):
        draw = partial(operands.like, profile, kind, (4, 6, 3))
        yield from families(profile.__name__, "spread upstream-signed", comment, draw=draw, counts=2)
    comment, draw = "One term of every sum is near 1, the others about a unit roundoff.", operands.swallowed
    yield from families("swallowed", "spread", comment, draw=partial(draw, kind, (17, 9, 5)), counts=(1, 2))


def upstreams(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them."""
    left = held([[1.5, -2, 0.25, 3], [-0.5, 3, -1, 2], [2, 4, -8, 0.5]], dtype)
    right = held([[0.5, -1.5], [2, 0.25], [-3, 4], [1, -0.125]], dtype)

    def under(upstream: object) -> Inputs:
        return kind.case(held(upstream, dtype), left, right, held([[0.5, -2]], dtype))

    yield from units(under, (3, 2))
    balanced = ([[2, -2], [-0.75, 0.75], [5, -5]], [[2, -1], [-3, 0.75], [1, 0.25]], [[2, -2], [-3, 3], [1, -1]])
    comment = "Rows, columns or all of the upstream sum to 0, and none of it is 0: all of it passes."
    yield from families("backward-upstream-sums-to-zero", "upstream-signed", comment, tuple(map(under, balanced)))


def repeated(kind: Contraction) -> Iterator[Draft]:
    """Rows or columns that are the same, as broadcasting makes them."""

    def draw(name: str, axis: int, w: Words) -> Inputs:
        case = ordinary(kind, (4, 5, 3), w)
        line = np.take(case[name], [0], axis=axis)
        return {**case, name: np.repeat(line, case[name].shape[axis], axis=axis)}

    left, right, *_ = kind.tensors
    for family, name, axis, counts in (
        ("backward-equal-rows", "dL_doutputs", 0, (DRAWN, DRAWN)),
        ("backward-equal-columns", "dL_doutputs", 1, (DRAWN, DRAWN)),
        (f"equal-rows-of-{left}", left, 0, (1, 2)),
        (f"equal-columns-of-{left}", left, 1, (1, 2)),
        (f"equal-columns-of-{right}", right, 1, (1, 2)),
    ):
        what = f"All {('rows', 'columns')[axis]} of {'the upstream' if name == 'dL_doutputs' else name}"
        comment, flags = f"{what} are the same, as broadcasting makes them.", "stride-zero upstream-signed"
        yield from families(family, flags, comment, draw=partial(draw, name, axis), counts=counts)


def successive(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Cases that differ in the last digits of a factor alone, and by much in their results, which are exact."""
    unit = 2.0 ** -FORMATS[dtype].significand
    signs, right = [[1, -1], [-1, 1]], [[1, -2], [-1, 2]]
    near = [[[0.75, 0.75 - k * unit], [0.75 - 8 * unit, 0.75 + k * unit]] for k in (1, 2, 3, 5)]
    flags, places = "successive cancellation", (1, 0, 2)
    names = ("last-digits", "backward-last-digits-of-the-upstream", f"last-digits-of-{kind.tensors[1]}")
    for name, place, what in zip(names, places, ("a factor", "the upstream", kind.tensors[1]), strict=True):
        others = (signs, signs if place == 0 else right, right)
        given = ([x if k == place else other for k, other in enumerate(others)] for x in near)
        cases = tuple(kind.case(*(held(x, dtype) for x in (*three, [[0, 0]]))) for three in given)
        comment = f"Each case differs from the one before in the last digits of {what}: results remembered for it show."
        yield from families(name, flags, comment, cases)
    ends_of = (
        kind.case(*(held(np.resize(row, shape), dtype) for shape in kind.shapes((2, 4, 3))))
        for row in ([1.5, -2, 0.25, 3, -1], [-0.5, 4, -1, 2, 0.75])
    )
    yield from one_at_a_time(*ends_of)


def smallest(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """One of everything, and no rows at all."""
    numbers = ((3, 5, -2, 0.5), (-0.75, -2, 4, -1), (2, 0, 3, 0))
    cases = tuple(kind.case(*(held([[x]], dtype) for x in row)) for row in numbers)
    yield from families("smallest-1x1x1", "smallest batch-of-one", "One row, one input, one output.", cases)
    empty = (np.zeros((0, 2)), np.zeros((0, 3)), [[1, -2], [3, 0.5], [-1, 4]], [[0.5, -1]])
    comment = "No rows: no outputs, and gradients of 0 for what all rows share."
    case = kind.case(*(held(x, dtype) for x in empty))
    yield from families("empty", "empty-batch", comment, (case,), level="robust")
    for name, comment, (n, i, o) in (
        ("empty-features", "Sums of no terms, which are 0: outputs are the biases, if there are any.", (3, 0, 4)),
        ("empty-outputs", "No columns: no outputs, and gradients of 0 for the first factor.", (3, 4, 0)),
    ):
        shapes = kind.shapes((n, i, o))
        case = kind.case(*(held(np.arange(1, 1 + math.prod(s)).reshape(s), dtype) for s in shapes))
        yield from families(name, "empty-batch smallest", comment, (case,), level="robust")


def ranges(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """The ends of the dtype's range."""
    fmt, end = FORMATS[dtype], ends(dtype)
    top, bottom, shapes = int(fmt.largest).bit_length(), fmt.smallest_normal, kind.shapes((2, 4, 3))
    high, half = top // 2 - 3, bottom // 2
    low, half_low = top - 5 - high, bottom - half - 4

    def near_top(w: Words) -> Inputs:
        values = [w.signed(shape, 1, 2).astype(np.float64) for shape in shapes]
        return kind.case(*(w.array(np.ldexp(x, e)) for x, e in zip(values, (high, low, low, high), strict=False)))

    def near_bottom(w: Words) -> Inputs:
        def bits(shape: Shape, exponent: int) -> np.ndarray:
            return w.array(np.ldexp((w.signs(shape) * w.integers(shape, 1, 8)).astype(np.float64), exponent))

        return kind.case(*map(bits, shapes, (half, half_low, half_low, bottom)))

    comment, four = "Products and sums close to the largest finite number.", (DRAWN // 2, DRAWN // 2)
    yield from families("near-overflow", "near-overflow", comment, draw=near_top, counts=four)
    beyond = ([[end.largest, 1], [end.largest, -1]], [[end.largest, 1, 0.5], [2, end.largest, -1]])
    case = kind.case(*(held(x, dtype) for x in (*beyond, [[4, -4], [8, 16], [2, 0.5]], [[1, -1]])))
    comment = "Products beyond the largest finite number are infinite, with their sign."
    yield from families("overflow", "overflow", comment, (case,), level="robust", overflows=True)
    comment = "Products and sums around the smallest normal number."
    yield from families("subnormal-results", "subnormal", comment, draw=near_bottom, counts=four, level="robust")
    diagonals = [np.diag(np.ldexp(signed, bottom // 2 - 1)) for signed in ([1, -1.5], [1.25, 1], [-1, -1.5], [1, -1])]
    cases = tuple(
        kind.case(*(held(diagonals[(k + shift) % 4], dtype) for k in range(3)), held([[0, 0]], dtype))
        for shift in range(4)
    )
    comment = "Diagonal matrices: every result is 0 or one product, which is subnormal, and of either sign."
    yield from families("one-product", "subnormal one-product", comment, cases, level="robust")
    scale = math.ldexp(1.0, min(-bottom, top - 3))
    upstream, left = np.array([[3, -1], [-2, 5]]), np.array([[1, -3, 2], [5, 1, -7]])
    right = np.array([[1, -2], [1.5, 1], [-1, 0.5]]) * scale
    case = kind.case(*(held(x, dtype) for x in (upstream * end.smallest, left * end.smallest, right, [[0, 0]])))
    comment = "Subnormal numbers times large ones are ordinary: flushed to 0, they show."
    yield from families("subnormal-inputs", "subnormal", comment, (case,), level="robust")


def special(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Infinities and NaN reach what depends on them, and nothing else."""
    values = (
        [[2, -3], [0.5, 4], [-1, 2]],
        [[1, 2, -4], [3, -1, 0.5], [-2, 5, 1]],
        [[0.5, -1], [2, 0.25], [-3, 4]],
        [[1, -2]],
    )
    plain = kind.case(*(held(x, dtype) for x in values))
    places = kind.case(*map(np.array, ((1, 0), (1, 2), (2, 1), (0, 1))))

    def with_value(name: str, value: float) -> Inputs:
        return with_element(plain, name, tuple(places[name]), value)

    differentiated = ("dL_doutputs", *kind.tensors[:2])
    for word, what, odd in (("infinity", "infinite element", (math.inf, -math.inf)), ("nan", "NaN", (math.nan,))):
        for name, arguments in (("forward", kind.tensors), ("backward", differentiated)):
            cases = tuple(with_value(argument, value) for argument in arguments for value in odd)
            comment = f"One {what} in each argument in turn."
            yield from families(f"{name}-{word}", word, comment, cases, level="robust")


def mismatches(kind: Contraction, dtype: str) -> Iterator[Draft]:
    """Sizes that do not fit, to be refused."""
    fit, square = ((2, 3), (2, 4), (4, 3), (1, 3)), ((3, 3), (3, 4), (4, 3), (1, 3))

    def call(place: int, shape: Shape, fit: tuple[Shape, ...] = fit) -> Inputs:
        shapes = (*fit[:place], shape, *fit[place + 1 :])
        return kind.case(*(held(np.arange(1, 1 + math.prod(s)).reshape(s), dtype) for s in shapes))

    tensors = ("upstream", *kind.tensors)
    table: tuple[tuple[str, str, int, Shape], ...] = (
        ("mismatch-inner-size", "Four inputs a row for five rows of the other factor.", 2, (5, 3)),
        ("mismatch-inner-size-one", "One input a row for four, to be broadcast by none.", 1, (2, 1)),
        (f"mismatch-transposed-{tensors[2]}", "The second factor transposed.", 2, (3, 4)),
        (f"mismatch-{tensors[-1]}", "Four of them for three outputs.", 3, (1, 4)),
    )
    for name, comment, place, shape in table[: len(tensors)]:
        yield from refused(f"forward-{name}", "size-mismatch", comment, call(place, shape))
    for name, comment, place, shape in (table[0], *table[3 : len(tensors)]):
        yield from refused(f"backward-{name}", "size-mismatch", comment, call(place, shape))
    for given, names, wrong in (
        (fit, "rows one-row columns transposed", ((3, 3), (1, 3), (2, 2), (3, 2))),
        (fit, "one-column rank scalar stacked", ((2, 1), (3,), (), (1, 2, 3))),
        (square, "square-rank square-one-row square-one-column", ((3,), (1, 3), (3, 1))),
    ):
        _, *fitting = call(0, given[0], given).values()
        yield from mismatched(partial(_under, kind, dtype, fitting), names, wrong, given[0])
    for name, shape in {"rows": (3, 3), "column": (3, 1), "one": (1, 1), "scalar": ()}.items():
        if len(kind.tensors) == 3:
            comment = f"{kind.tensors[2]} of shape {shape} for three rows and three outputs, to be broadcast by none."
            case = call(3, shape, square)
            yield from refused(f"mismatch-{kind.tensors[2]}-{name}", "size-mismatch", comment, case)


def _under(kind: Contraction, dtype: str, fitting: list[np.ndarray], upstream: object) -> Inputs:
    return kind.case(held(upstream, dtype), *fitting)
