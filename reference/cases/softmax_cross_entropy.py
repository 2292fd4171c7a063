"""What is tested of softmax with categorical cross-entropy in one step."""

import math
from collections.abc import Iterator

import numpy as np

from ..arithmetic.precision import FORMATS, HALF
from ..generation.draws import Words, nearest_held
from ..kinds.labels_drawn import as_form, labels_apart
from ..kinds.loss_drafts import Cell, Loss, Shape, curated, family
from ..kinds.loss_families import common
from ..kinds.outputs_drawn import exact_softmax, logits_drawn
from ..kinds.paired import paired
from ..model.family import Draft

SHIFT = {"float64": 10000, "float32": 10000, "float16": 64, "bfloat16": 8}
"""How far from 0 logits may lie while their differences still have digits."""
SPREAD = {"float16": 3}
"""Half the range of logits whose probabilities become small, and stay normal numbers."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from common(LOSS, dtype)
    yield from small_probabilities(dtype)
    yield from equal_logits(dtype)
    yield from rising()
    yield from shifted(dtype)
    yield from far(dtype)
    yield from confident(dtype)
    yield from masked(dtype)
    yield from magnitudes(dtype)
    yield from special_values(dtype)


def labels_for(w: Words, form: str, logits: np.ndarray) -> np.ndarray:
    """Draw labels whose p - y has digits."""
    return labels_apart(w, form, exact_softmax(logits))


LOSS = Loss("logits", logits_drawn, labels_for, even=lambda w, shape: w.normal(shape, 0.03125))
NONE, MEAN = {"reduction": "none"}, {"reduction": "mean"}


def small_probabilities(dtype: str) -> Iterator[Draft]:
    """Labels at the least likely class: a constant added to its probability shows."""
    spread = SPREAD.get(dtype, 6)

    def wide(w: Words, shape: Shape) -> np.ndarray:
        return w.uniform(shape, -spread, spread)

    def least_likely(w: Words, form: str, logits: np.ndarray) -> np.ndarray:
        return as_form(logits.astype(np.float64).argmin(axis=1), form, logits.shape[1], w.dtype)

    for direction in LOSS.directions:
        for cell in (Cell("indices", "mean", 5, 3), Cell("one-hot", "none", 3, 4), Cell("indices", "sum", 4, 6)):
            comment = "The true class is the least likely: 1e-7 added to its probability shows."
            flags = ("small-values", "confident-wrong")
            yield family(LOSS, direction, cell, "small", flags, comment, scores=wide, labels=least_likely, count=10)


def equal_logits(dtype: str) -> Iterator[Draft]:
    """Rows of equal logits, and ties of the largest."""
    z = [[0, 0, 0, 0], [7.5, 7.5, 7.5, 7.5], [-3, -3, -3, -3], [2, 2, -1, 0.5]]
    for form, labels in {"indices": [0, 3, 1, 1], "one-hot": np.eye(4)[[2, 0, 3, 0]]}.items():
        yield from paired(
            f"equal-logits-{form}",
            ("equal-logits", f"labels-{form}"),
            "Equal logits give equal probabilities; the largest may be there twice.",
            cases=(LOSS.call(dtype, z, labels, [1.5, -2, 3, -0.75]),),
            parameters=NONE,
        )
    soft = [[0.5, 0.125, 0.375, 0], [0, 0.0625, 0.75, 0.1875], [0.25, 0.25, 0.5, 0], [0.125, 0.125, 0.25, 0.5]]
    yield from paired(
        "equal-logits-soft",
        ("equal-logits", "labels-soft"),
        "Equal logits, soft labels; where p is y there is no gradient.",
        cases=(LOSS.call(dtype, z, soft, 2.5),),
        parameters=MEAN,
    )


def rising() -> Iterator[Draft]:
    """Rows in ascending order, of which a running maximum has to be corrected again and again."""

    def ascending(w: Words, shape: Shape) -> np.ndarray:
        return np.sort(w.normal(shape, 0.5), axis=1)

    for direction in LOSS.directions:
        for cell, count in ((Cell("indices", "none", 3, 9), 8), (Cell("indices", "mean", 1, 300), 2)):
            comment = "Logits in ascending order: a sum kept for a running maximum has to be rescaled as that rises."
            yield family(LOSS, direction, cell, "rising", ("many-classes",), comment, scores=ascending, count=count)


def shifted(dtype: str) -> Iterator[Draft]:
    """Logits that share a large constant, at both levels: the common idiom z - logsumexp(z) loses digits here."""
    shift = SHIFT[dtype]

    def near_shift(w: Words, shape: Shape) -> np.ndarray:
        return w.array(w.signs((shape[0], 1)) * w.uniform(shape, shift - 2, shift + 2).astype(np.float64))

    for level, name in {"required": "shifted", "robust": "shifted-stable"}.items():
        for direction in LOSS.directions:
            for cell in (Cell("indices", "mean", 3, 4), Cell("one-hot", "none", 4, 3), Cell("soft", "sum", 3, 5)):
                comment = "Rows far from 0 on either side: exp of them would overflow, or underflow altogether."
                yield family(
                    LOSS,
                    direction,
                    cell,
                    name,
                    ("shifted-logits", "far-logits"),
                    comment if level == "required" else f"{comment} The largest is to be subtracted first.",
                    scores=near_shift,
                    count=10,
                    level=level,
                )


def far(dtype: str) -> Iterator[Draft]:
    """Logits at +-60 and +-10,000, at both levels: the idiom's error would drown 10,000 in the half precisions."""
    far_off = 100 if dtype in HALF else 10000
    for level, suffix, sizes in (("required", "", (60, far_off)), ("robust", "-stable", (60, 10000))):
        for size in sizes:
            yield from at_size(dtype, size, level, f"far-{size}{suffix}")

    def at_sixty(w: Words, shape: Shape) -> np.ndarray:
        return w.array(w.uniform(shape, 58, 62).astype(np.float64) * w.signs(shape))

    for direction in LOSS.directions:
        for cell in (Cell("indices", "mean", 3, 4), Cell("soft", "none", 4, 3)):
            comment = "Logits on both sides, near 60 in size."
            yield family(
                LOSS, direction, cell, "far-drawn", ("far-logits",), comment, scores=at_sixty, count=8, level="robust"
            )


def at_size(dtype: str, size: int, level: str, name: str) -> Iterator[Draft]:
    """Logits at both ends of a range and in its middle."""
    end = float(nearest_held(size, dtype))
    z = [[end, 0, 1, -1], [-end, 0.5, 0, 2], [0.25, end, -end, 1], [-1, end, 0, end]]
    soft = [[0.5, 0.25, 0.25, 0], [0.25, 0, 0.625, 0.125], [0.125, 0, 0.875, 0], [0, 0.75, 0.25, 0]]
    comment = f"Logits at +-{size}, the true class among the likely ones or not."
    for kind, labels, g, parameters in (
        ("right", [0, 3, 1, 3], [1.5, -2, 3, -0.75], NONE),
        ("wrong", [1, 0, 2, 2], [1.5, -2, 3, -0.75], NONE),
        ("soft", soft, -1.25, MEAN),
    ):
        flag = "labels-soft" if kind == "soft" else f"confident-{kind}"
        yield from paired(
            f"{name}-{kind}",
            ("far-logits", flag),
            comment,
            cases=(LOSS.call(dtype, z, labels, g),),
            parameters=parameters,
            level=level,
        )


def confident(dtype: str) -> Iterator[Draft]:
    """Networks that are sure, and right or wrong."""
    sure = 7 if dtype == "float16" else 13
    z = [[sure - 0.5, 0.5, -1], [-0.25, sure + 1, 1], [1, -0.5, sure]]
    for flag, comment, labels in (
        ("confident-right", "p - 1 cancels: what is left is small, and so is the loss.", [0, 1, 2]),
        ("confident-wrong", "A large loss, which is not to be clipped.", [2, 0, 1]),
    ):
        for reduction, g in {"mean": 1.25, "none": [1.5, -2, 3]}.items():
            yield from paired(
                f"{flag}-{reduction}",
                (flag,),
                comment,
                cases=(LOSS.call(dtype, z, labels, g),),
                parameters={"reduction": reduction},
            )


def masked(dtype: str) -> Iterator[Draft]:
    """Logits of -inf, as a mask makes them."""
    inf = math.inf
    z = [[-inf, 0.5, 1, -1], [2, -inf, -inf, 0.25], [1.5, -0.5, 0, -inf]]
    g = [1.5, -2, 3]
    soft = [[0, 0.5, 0.25, 0.25], [0.375, 0, 0, 0.625], [0.125, 0.25, 0.625, 0]]
    for form, labels in {"indices": [1, 3, 2], "one-hot": np.eye(4)[[2, 0, 1]], "soft": soft}.items():
        yield from paired(
            f"masked-{form}",
            ("masked-logits", f"labels-{form}"),
            "-inf at classes without weight: their probability is 0, and nothing becomes NaN.",
            cases=(LOSS.call(dtype, z, labels, g),),
            parameters=NONE,
            level="robust",
        )
    yield from paired(
        "masked-all-but-one",
        ("masked-logits", "confident-right"),
        "All classes but the true one are masked: no loss, no gradient.",
        cases=(LOSS.call(dtype, [[-inf, 1.5, -inf], [-2, -inf, -inf]], [1, 0], 1.5),),
        parameters=MEAN,
        level="robust",
    )
    yield from paired(
        "masked-true-class",
        ("masked-logits", "confident-wrong"),
        "The true class is masked: the loss is infinite, the gradient is not.",
        cases=(LOSS.call(dtype, z, [0, 1, 3], g),),
        parameters=NONE,
        level="robust",
    )
    yield curated(
        "forward-label-row-of-zeros",
        ("labels-soft",),
        "A row without any label has no loss.",
        (LOSS.call(dtype, [[1, -0.5, 0.25], [0.5, 2, -1]], [[0, 0, 0], [0.25, 0, 0.75]]),),
        level="robust",
    )


def magnitudes(dtype: str) -> Iterator[Draft]:
    """Logits and gradients at the ends of the range."""
    fmt = FORMATS[dtype]
    largest, subnormal = float(fmt.largest), math.ldexp(1.0, fmt.smallest_normal - 1)
    large = math.ldexp(1.0, fmt.largest.numerator.bit_length() - 2)
    z = [[0.5, -1, 0.25], [1, 0.125, -0.5]]
    yield from paired(
        "largest",
        ("near-overflow", "far-logits"),
        "Logits of the largest finite size, whose differences overflow: probabilities are still 0 and 1.",
        cases=(LOSS.call(dtype, [[largest, -largest, 0], [-largest, 1, 0.5]], [0, 2], [1.5, -2]),),
        parameters=NONE,
        level="robust",
        overflows=True,
    )
    yield from paired(
        "subnormal",
        ("subnormal", "equal-logits"),
        "Subnormal logits are as good as 0.",
        cases=(LOSS.call(dtype, [[subnormal, -subnormal], [0, subnormal / 2]], [0, 1], 1.5),),
        parameters=MEAN,
        level="robust",
    )
    yield curated(
        "backward-subnormal-upstream",
        ("subnormal", "upstream-signed"),
        "Gradients that are subnormal.",
        (LOSS.call(dtype, z, [0, 1], [subnormal, -subnormal]),),
        level="robust",
    )
    yield curated(
        "backward-near-overflow",
        ("near-overflow", "upstream-signed"),
        "An upstream a factor 2 from the largest finite number.",
        (LOSS.call(dtype, z, [1, 2], [large, -large]),),
        level="robust",
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """NaN in the logits and in the upstream; an infinite upstream is inf - inf for some sound formulas."""
    nan = math.nan
    z = [[0.5, -1, 0.25], [1, nan, -0.5], [2, 0.125, 1]]
    yield from paired(
        "nan",
        ("nan",),
        "A NaN among the logits makes its row NaN, and no other.",
        cases=(LOSS.call(dtype, z, [0, 1, 2], [1.5, -2, 3]),),
        parameters=NONE,
        level="robust",
    )
    yield curated(
        "forward-nan-mean",
        ("nan", "reduction"),
        "A NaN among the logits makes the whole loss NaN.",
        (LOSS.call(dtype, z, [0, 1, 2]),),
        "mean",
        level="robust",
    )
    yield curated(
        "backward-nan-upstream",
        ("nan", "upstream-signed"),
        "A NaN of the upstream stays in its row.",
        (LOSS.call(dtype, [[0.5, -1, 0.25], [1, -0.25, -0.5], [2, 0.125, 1]], [0, 1, 2], [1.5, nan, -2]),),
        level="robust",
    )
