"""A softmax of logits far from 0, far from one another, masked, infinite or NaN."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Words, held, nearest_held
from ..model.family import Draft, Inputs
from .paired import paired
from .softmax_drawn import balanced, ordinary

COUNT = 8


def drafts(dtype: str) -> Iterator[Draft]:
    """Give these families at a dtype."""
    yield from shifts(dtype)
    yield from far_apart(dtype)
    yield from masks(dtype)
    yield from special_values(dtype)


def shifts(dtype: str) -> Iterator[Draft]:
    """A constant that all logits of a row share."""
    bits = FORMATS[dtype].significand

    def around(w: Words, shift: float) -> Inputs:
        width = max(2.0, 2.0 ** (2 + math.floor(math.log2(shift)) - (bits - 1)))
        logits = w.uniform((3, 4), shift - width, shift + width).astype(np.float64)
        return {"dL_doutputs": balanced(w, (3, 4)), "logits": w.array(logits * w.signs((3, 1)))}

    held_exactly = {"float64": (4, 60, 10000), "float32": (4, 60, 10000), "float16": (4, 60), "bfloat16": (4,)}
    for shift in (4, 60, 10000):
        comment = f"Rows of logits around {shift} or -{shift}."
        if shift in held_exactly[dtype]:
            yield from paired(
                f"shifted-{shift}",
                ("shifted-logits", "upstream-signed"),
                comment,
                draw=partial(around, shift=shift),
                forward=COUNT,
                backward=COUNT,
            )
        yield from paired(
            f"shifted-{shift}-stable",
            ("shifted-logits", "upstream-signed"),
            f"{comment} The tolerance is that of formulas whose error does not grow with the shift.",
            draw=partial(around, shift=shift),
            forward=COUNT // 2,
            backward=COUNT // 2,
            level="robust",
        )


def far_apart(dtype: str) -> Iterator[Draft]:
    """Logits and rows far from one another."""
    g = held([[3, -5, 0.5], [-1, 2, 4]], dtype)

    def both(*cases: object) -> tuple[Inputs, ...]:
        return tuple({"dL_doutputs": g, "logits": held(z, dtype)} for z in cases)

    gap = 8.0 if dtype == "float16" else 16.0
    yield from paired(
        "dominant",
        ("confident-right", "cancellation"),
        "One logit stands out: its probability is close to 1, the others close to 0.",
        cases=both(
            [[gap, 0, 0.5], [0, -1, gap - 2]],
            [[-gap / 2, gap / 2, -gap / 4], [gap / 2, 0, 0.25]],
            [[4, 0, 1], [-3, -8, -7]],
        ),
    )
    rows = {"float64": 512.0, "float32": 64.0, "float16": 64.0, "bfloat16": 64.0}[dtype]
    yield from paired(
        "rows-apart",
        ("far-logits",),
        "Each row has a maximum of its own: with the maximum of the whole batch, a row's exponentials are all 0.",
        cases=both([[rows, rows - 1, rows - 3], [-rows, -rows - 2, 1 - rows]]),
        level="robust" if dtype == "bfloat16" else "required",
    )
    width = {"float64": 1536.0}.get(dtype, 192.0)
    yield from paired(
        "far-from-the-mean",
        ("far-logits",),
        "One logit stands so far above the mean of its row that exp of the difference overflows.",
        cases=both([[width, 0, -1], [-2, width, 0.5]], [[0, width / 4, width], [-width, 0.5, -width]]),
        level="robust" if dtype == "bfloat16" else "required",
    )
    yield from paired(
        "far-60",
        ("far-logits",),
        "Logits at 60 and -60.",
        cases=both([[60, -60, 0], [-60, 60, 59]], [[-60, -60, 60], [60, 60, -60]]),
        level="required" if dtype == "float64" else "robust",
    )
    yield from paired(
        "far-10000",
        ("far-logits",),
        "Logits at 10000 and -10000: all but the largest have a probability that no format holds.",
        cases=both(nearest_held([[10000, -10000, 0], [-10000, 0, 10000]], dtype)),
        level="robust",
    )
    lowest = -FORMATS[dtype].smallest_normal
    deep = math.ceil((lowest + 3) * math.log(2))
    yield from paired(
        "subnormal-results",
        ("subnormal",),
        "Probabilities below the smallest normal number.",
        cases=both(nearest_held([[0, -deep, -deep - 1], [-deep, 0, -1]], dtype)),
        level="robust",
    )
    largest = float(FORMATS[dtype].largest)
    yield from paired(
        "largest",
        ("overflow",),
        "Differences of logits that overflow to -inf, whose exponential is 0.",
        cases=both([[largest, -largest, largest], [-largest, 0, largest]]),
        level="robust",
        overflows=True,
    )


def masks(dtype: str) -> Iterator[Draft]:
    """-inf as a mask."""

    def masked(w: Words) -> Inputs:
        case = ordinary(w, (3, 6))
        logits = case["logits"].copy()
        logits[:, w.permutation(6)[0]] = -math.inf
        logits[0, :3] = -math.inf
        logits[0, 4] = 0.5
        return {**case, "logits": logits}

    yield from paired(
        "masked",
        ("masked-logits",),
        "Classes masked by -inf have probability 0 and gradient 0.",
        draw=masked,
        forward=COUNT,
        backward=COUNT,
        level="robust",
    )
    inf = math.inf
    yield from paired(
        "masked-but-one",
        ("masked-logits",),
        "A single class is left: its probability is 1, and the gradient 0.",
        cases=(
            {
                "dL_doutputs": held([[3, -5, 0.5], [-1, 2, 4]], dtype),
                "logits": held([[-inf, 2, -inf], [-0.5, -inf, -inf]], dtype),
            },
        ),
        level="robust",
    )
    yield from paired(
        "all-masked",
        ("masked-logits",),
        "A row whose classes are all masked, beside an ordinary one.",
        cases=(
            {
                "dL_doutputs": held([[3, -5, 0.5], [-1, 2, 4]], dtype),
                "logits": held([[-inf, -inf, -inf], [-0.5, 1, 2]], dtype),
            },
        ),
        level="robust",
        result="convention",
        point="all_masked_row",
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN spoil their own row alone."""
    g, plain = [[3, -5, 0.5], [-1, 2, 4]], [[1, -0.5, 2], [0.25, 3, -1]]

    def with_value(value: float, column: int) -> list[list[float]]:
        return [[value if k == column else x for k, x in enumerate(plain[0])], plain[1]]

    for word, flag, value in (("infinity", "infinity", math.inf), ("nan", "nan", math.nan)):
        yield from paired(
            word,
            (flag,),
            f"A logit of {value} makes NaN of its row, and of no other.",
            cases=tuple(
                {"dL_doutputs": held(g, dtype), "logits": held(with_value(value, column), dtype)} for column in range(3)
            ),
            level="robust",
        )
    yield Draft(
        "backward-nan-upstream",
        "backward",
        ("nan",),
        "A NaN of the upstream makes NaN of its row, and of no other.",
        ({"dL_doutputs": held([[3, math.nan, 0.5], [-1, 2, 4]], dtype), "logits": held(plain, dtype)},),
        level="robust",
    )
