"""Rows of logits, as softmax takes them: ties, a common shift, logits far apart, and -inf as a mask."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, nearest_held
from ..model.family import DRAWN, Draft, Inputs
from .loss import Draw
from .normalization import UPSTREAM, Rows, balanced, ordinary, rows
from .paired import families
from .probabilities import PROFILES
from .special_values import ends
from .upstreams import mismatched

PLACES = np.array([[0, 1, 0.5], [1, 0, 0.25]])
HELD_SHIFTS = {"float64": (4, 60, 10000), "float32": (4, 60, 10000), "float16": (4, 60), "bfloat16": (4,)}
"""By dtype, shifts of the logits at which it still resolves their differences."""

THRESHOLDS = (1, 5, 10, 17, 20, 37, 60, 88.7, 104, 710, 1e4, 2e4, 1e5, 1e9, 1e30)
"""Sizes of logits at which exponentials round to 1, vanish, overflow or are clipped, and at which kernels start a
running maximum."""
DEEP = "A whole row of logits at a threshold of either sign, all the same or one a little lower."
DEEP_APART = "A row of logits at a threshold of either sign, of which one is certain."
LAST_DIGITS = "Cases whose logits differ by a few roundoffs, and their results by more than may be lost."
LAST_DECIMALS = {"float64": 2.0**-22, "float32": 2.0**-12}
"""By dtype, what is lost where numbers are rounded to six decimals, or in float32, which holds no more, to three."""
ALONG = "Bell-shaped logits of shape {shape}, of which the probabilities along axis {axis} sum to 1."
NEAR = 8
"""The largest distance of two logits of a row on the ladder: the smaller probability is no smaller than 1/3000."""
FAR_ABOVE = "The last class is far above all others: the maximum of the first classes alone overflows."
MASKED_BLOCKS = (
    "Whole blocks of classes are masked, the first ones or the last: their maximum is -inf, and no NaN comes."
)
SHAPES: dict[str, dict[str, tuple[Shape, ...]]] = {
    "float64": {"both": ((1, 513),)},
    "float32": {
        "both": (
            *((1, c) for c in (16, 32, 64, 128, 300, 1024, 2049)),
            *((n, 2) for n in (16, 32, 64, 128, 256, 1024, 1031)),
        ),
        "forward": ((1, 256), (1, 257), (1, 384), (1, 513), (1, 781)),
    },
    "bfloat16": {"both": ((1, 300),)},
}
"""By dtype and direction, shapes past the sizes at which kernels switch, and exact multiples of blocks; float32, which
nearly all have, has them all."""


def rungs(dtype: str) -> tuple[list[float], list[float]]:
    """Give the thresholds as the dtype has them, and its largest number: those where it still has numbers within NEAR,
    and those beyond."""
    largest = ends(dtype).largest
    held = [*nearest_held([m for m in THRESHOLDS if m < largest], dtype).astype(np.float64).tolist(), largest]
    near = [m for m in held if gap(m, dtype) <= NEAR]
    return near, held[len(near) :]


def gap(size: float, dtype: str) -> float:
    """Give the distance of logits of a size to others near them: 1, or as near as the dtype has numbers."""
    return max(1.0, 2.0 ** (math.frexp(size)[1] - FORMATS[dtype].significand))


def ladder_rows(size: float, dtype: str) -> list[list[float]]:
    """Give rows of logits (2, 3) at a size of either sign: one is a little lower, or where it cannot be, all are the
    same."""
    lower = gap(size, dtype) if gap(size, dtype) <= NEAR else 0
    return [[-size - lower, -size, -size], [size, size - lower, size]]


def beyond_rows(size: float) -> list[list[float]]:
    """Give rows of logits (2, 3) at a size of either sign, of which one is so far above the others that it is certain.

    Where a dtype's numbers lie far apart, z - logsumexp(z) is 0 for logits that are all the same, and its exponential
    is 1; that of one which is certain is right.
    """
    return [[-size, -size / 2, -size], [size, size / 2, 0]]


def rows_of_logits(kind: Rows, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a softmax or log-softmax at a dtype; its changes apply to `more` families too."""
    return rows(kind, dtype, chain(*(part(kind, dtype) for part in PARTS), more))


def ladder(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Whole rows at and beyond the thresholds, of either sign: a maximum that starts at a finite number shows."""
    near, beyond = rungs(dtype)
    for name, sizes in (("ladder", near), ("ladder-beyond", beyond)):
        cases = tuple(kind.call(dtype, UPSTREAM, ladder_rows(m, dtype)) for m in sizes)
        yield from families(f"{name}-stable", "far-logits saturated", DEEP, cases, level="robust")
        if name == "ladder":
            yield from families(name, "far-logits saturated", DEEP, cases)
    cases = tuple(kind.call(dtype, UPSTREAM, beyond_rows(m)) for m in beyond)
    yield from families("ladder-beyond", "far-logits saturated", DEEP_APART, cases)


def last_digits(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Logits, or upstreams, that differ in their last digits alone, from one case to the next."""
    for name, places in nearly_the_same(dtype).items():
        cases = tuple(kind.call(dtype, UPSTREAM, logits) for logits in places)
        yield from families(name, "successive shifted-logits", LAST_DIGITS, cases)
    unit = 2.0**-4 if dtype in HALF else LAST_DECIMALS[dtype]
    comment = "Each case differs from the one before in the last digits of the upstream."
    cases = tuple(
        kind.call(dtype, [[1 + a * unit, 0, -2], [0, 2 + 2 * b * unit, -5]], np.zeros((2, 3)))
        for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))
    )
    yield from families("backward-last-digits-of-the-upstream", "successive upstream-signed", comment, cases)


def nearly_the_same(dtype: str) -> dict[str, list[np.ndarray]]:
    """Give by name logits (2, 3), four times, which differ by 15 roundoffs, and in the wider dtypes by less than what
    is lost where they are rounded to three decimals, or to six."""
    steps = [np.array(s) for s in ([[0] * 3] * 2, [[0, 1, 0]] * 2, [[0, 0, 1], [1, 0, 0]], [[1, 0, 0], [0, 1, 0]])]
    shift = 4 if dtype in HALF else 1024
    units = {"last-digits": (shift, 15 * 2.0 ** (math.frexp(shift)[1] - FORMATS[dtype].significand))}
    if dtype not in HALF:
        units |= {"last-decimals": (0, LAST_DECIMALS[dtype])}
    return {name: [PLACES + base + unit * step for step in steps] for name, (base, unit) in units.items()}


def past_blocks(dtype: str, many: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Give numbers of classes, one more than blocks have, few or many, and logits (1, C) of which the last is far above
    the rest."""
    for classes in (129, 257, 1025) if many else (5,) if dtype in HALF else (5, 33):
        logits = np.arange(classes) % 3 * 0.5
        logits[-1] = nearest_held(1e4, dtype)
        yield classes, logits[None]


def masked_blocks(classes: int) -> np.ndarray:
    """Give logits (2, C) of which the first four fifths are masked, or the last."""
    logits = np.arange(2 * classes).reshape(2, classes) % 3 * 0.5
    logits[0, : classes * 4 // 5] = logits[1, classes // 5 :] = -math.inf
    return logits


def blocks(kind: Rows, dtype: str, many: bool = False) -> Iterator[Draft]:
    """A class far above the rest beyond the first blocks of classes, few or many, and whole blocks that are masked."""
    for classes, logits in past_blocks(dtype, many):
        name, case = f"last-far-above-c{classes}", kind.call(dtype, np.resize([3, -5, 0.5], (1, classes)), logits)
        name = f"forward-{name}" if classes > 33 else name
        yield from families(name, "far-logits many-classes", FAR_ABOVE, (case,))
    classes = 160 if many else 40
    case = kind.call(dtype, np.resize([3, -5, 0.5, 2], (2, classes)), masked_blocks(classes))
    name = f"{'forward-' if many else ''}masked-blocks-c{classes}"
    yield from families(name, "masked-logits many-classes", MASKED_BLOCKS, (case,), level="robust")


def mismatches(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Upstreams of other ranks, and of other shapes of the same size."""
    logits, shapes = [[1, -0.5, 2, 0], [0.25, 3, -1, 1]], ((), (1,), (4, 2), (2, 2, 2))
    yield from mismatched(lambda g: kind.call(dtype, g, logits), "scalar one transposed regrouped", shapes, (2, 4))


def vanishing(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Probabilities around 1e-12, 1e-20 and 1e-30."""
    if dtype != "float16":
        comment = "Probabilities around 1e-12, 1e-20 and 1e-30 are not 0."
        case = kind.call(dtype, UPSTREAM, [[0, -28, -46], [-69, 0, -46]])
        yield from families("vanishing", "small-values far-logits", comment, (case,))


def profiles(kind: Rows, _: str) -> Iterator[Draft]:
    """Logits that are not bell-shaped."""

    def drawn_by(draw: Draw, w: Words) -> Inputs:
        return kind.drawn(w, balanced(w, (3, 6)), draw(w, (3, 6)))

    for name, (comment, draw) in PROFILES.items():
        flags = "spread upstream-signed"
        yield from families(f"profile-{name}", flags, comment, draw=partial(drawn_by, draw), counts=2)


def long(kind: Rows, shapes: Mapping[str, Iterable[Shape]]) -> Iterator[Draft]:
    """One case each of shapes by direction, or for both, past the sizes at which kernels switch."""
    for direction, shape in ((direction, shape) for direction, group in shapes.items() for shape in group):
        comment, flag = f"Bell-shaped logits of shape {shape}.", "many-classes" if shape[0] == 1 else "many-rows"
        name, draw = "long-n{}-c{}".format(*shape), partial(ordinary, kind, shape)
        name = name if direction == "both" else f"{direction}-{name}"
        yield from families(name, f"{flag} upstream-signed", comment, draw=draw, counts=1)


def ties(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Logits of which several, or all, are the same."""
    upstream = [3, -5, 1.5, 2, -1.25, 7, 4, -6.5]
    for classes in (2, 4, 8):
        values = [np.full((1, classes), z) for z in (0, 3, -7.5)]
        comment = f"All logits of a row are the same: every probability is 1/{classes}."
        cases = tuple(kind.call(dtype, [upstream[:classes]], z) for z in values)
        yield from families(f"equal-c{classes}", "equal-logits", comment, cases)
        comment = "An upstream that is the same for all classes: softmax's gradient is exactly 0."
        cases = tuple(kind.call(dtype, np.ones((1, classes)), z) for z in values)
        yield from families(f"backward-equal-c{classes}-constant", "equal-logits", comment, cases)
    tied = ([2, 2, -1, 0.5], [-1, 1.5, 0, 1.5], [0, 0, 0, -3])
    cases = tuple(kind.call(dtype, [[3, -5, 0.5, 2]], [z]) for z in tied)
    yield from families("tied-maximum", "equal-logits", "Two or three logits share the maximum.", cases)


def shifts(kind: Rows, dtype: str) -> Iterator[Draft]:
    """A constant that all logits of a row share."""

    def around(shift: int, w: Words) -> Inputs:
        width = max(2.0, 2.0 ** (3 + math.floor(math.log2(shift)) - FORMATS[dtype].significand))
        logits = w.uniform((3, 4), shift - width, shift + width).astype(np.float64)
        return kind.drawn(w, balanced(w, (3, 4)), w.array(logits * w.signs((3, 1))))

    flags, half = "shifted-logits upstream-signed", (DRAWN // 2, DRAWN // 2)
    for shift in (4, 60, 10000):
        comment, draw, name = f"Rows of logits around {shift} or -{shift}.", partial(around, shift), f"shifted-{shift}"
        if shift in HELD_SHIFTS[dtype]:
            yield from families(name, flags, comment, draw=draw)
        comment += " The tolerance is that of formulas whose error does not grow with the shift."
        yield from families(f"{name}-stable", flags, comment, draw=draw, counts=half, level="robust")


def far_apart(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Logits and rows far from one another."""
    gap, deep = 8.0 if dtype == "float16" else 16.0, math.ceil((3 - FORMATS[dtype].smallest_normal) * math.log(2))
    apart, above = (512.0, 1536.0) if dtype == "float64" else (64.0, 192.0)
    held_here, largest = "robust" if dtype == "bfloat16" else "required", ends(dtype).largest

    def give(
        name: str, flags: str, comment: str, level: str, *logits: object, overflows: bool = False
    ) -> Iterator[Draft]:
        cases = tuple(kind.call(dtype, UPSTREAM, z) for z in logits)
        return families(name, flags, comment, cases, level=level, overflows=overflows)

    comment, closer = "One logit stands out: its probability is close to 1, the others close to 0.", gap / 2
    first, second = [[gap, 0, 0.5], [0, -1, gap - 2]], [[-closer, closer, -closer / 2], [closer, 0, 0.25]]
    flags = "confident-right cancellation"
    yield from give("dominant", flags, comment, "required", first, second, [[4, 0, 1], [-3, -8, -7]])
    comment = "Each row has a maximum of its own: with the maximum of the whole batch, a row's exponentials are all 0."
    logits = [[apart, apart - 1, apart - 3], [-apart, -apart - 2, 1 - apart]]
    yield from give("rows-apart", "far-logits", comment, held_here, logits)
    comment = "One logit stands so far above the mean of its row that exp of the difference overflows."
    first, second = [[above, 0, -1], [-2, above, 0.5]], [[0, above / 4, above], [-above, 0.5, -above]]
    yield from give("far-from-the-mean", "far-logits", comment, held_here, first, second)
    first, second = [[60, -60, 0], [-60, 60, 59]], [[-60, -60, 60], [60, 60, -60]]
    level = "required" if dtype == "float64" else "robust"
    yield from give("far-60", "far-logits", "Logits at 60 and -60.", level, first, second)
    comment = "Logits at 10000 and -10000: all but the largest have a probability that no format holds."
    logits = [[10000, -10000, 0], [-10000, 0, 10000]]
    yield from give("far-10000", "far-logits", comment, "robust", nearest_held(logits, dtype))
    comment, logits = "Probabilities below the smallest normal number.", [[0, -deep, -deep - 1], [-deep, 0, -1]]
    yield from give("subnormal-results", "subnormal", comment, "robust", nearest_held(logits, dtype))
    comment = "Differences of logits that overflow to -inf, whose exponential is 0."
    logits = [[largest, -largest, largest], [-largest, 0, largest]]
    yield from give("largest", "overflow", comment, "robust", logits, overflows=True)


def masks(kind: Rows, dtype: str) -> Iterator[Draft]:
    """-inf as a mask."""
    inf, flag = math.inf, "masked-logits"

    def masked(w: Words) -> Inputs:
        case = ordinary(kind, (3, 6), w)
        logits = case[kind.inputs].copy()
        logits[:, w.permutation(6)[0]] = -inf
        logits[0, :3] = -inf
        logits[0, 4] = 0.5
        return {**case, kind.inputs: logits}

    comment = "Classes masked by -inf have probability 0 and gradient 0."
    yield from families("masked", flag, comment, draw=masked, level="robust")
    case, comment = kind.call(dtype, UPSTREAM, [[-inf, 2, -inf], [-0.5, -inf, -inf]]), "A single class is left."
    yield from families("masked-but-one", flag, comment, (case,), level="robust")
    case = kind.call(dtype, UPSTREAM, [[-inf, -inf, -inf], [-0.5, 1, 2]])
    comment = "A row whose classes are all masked, beside an ordinary one."
    yield from families("all-masked", flag, comment, (case,), level="robust", point="all_masked_row")


PARTS = (ties, shifts, far_apart, masks, ladder, last_digits, profiles, blocks, mismatches, vanishing)
