"""Families of cases for the negative log-likelihood of class indices."""

import math
from collections.abc import Iterator
from functools import partial

from ..kinds.ignoring import IGNORING, USUAL, ignoring
from ..kinds.labelled import common, far_upstreams, remembered
from ..kinds.loss import Loss, curated
from ..kinds.special_values import ends
from ..model.family import Draft

NLL = Loss(
    "log_probabilities",
    lambda w, shape: w.uniform(shape, -6, -0.0625),
    even=lambda w, shape: w.uniform(shape, -0.75, -0.625),
    forms=("indices",),
    alone=True,
    long={"float16": "mean-n2051-c2", "bfloat16": "mean-n259-c2 mean-n267-c2"},
)
ROWS = [[-1.5, -0.5, -2.25], [-0.75, -3, -1.25], [-2, -0.125, -4]]
G = [1.5, -2, 3]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from common(NLL, dtype)
    yield from far_upstreams(NLL, dtype, ROWS[:2])
    yield from remembered(NLL, dtype, ROWS[:2], [[-3, -1, -0.25], [-0.5, -5, -2]])
    yield from ignoring(NLL, dtype, ROWS)
    if dtype != "float16":
        comment = "Classes that are all but certain: a small loss is not 0."
        certain = [[-(2.0**-40), -28, -30], [-25, -(2.0**-36), -33]]
        yield from curated(NLL, dtype, "nearly-certain", "small-values", comment, (certain, [0, 1], G[:2]))
    nan, inf, give = math.nan, math.inf, partial(curated, NLL, dtype, level="robust")
    of_nan = [[-1, nan, -2], [-0.5, -1, -3], [-2, -1, -0.25]]
    yield from give("nan", "nan", "A NaN at the true class stays in its row's loss.", (of_nan, [1, 0, 2], G))
    comment = "log 0 at the true class: an infinite loss."
    yield from give("infinity", "infinity", comment, ([[-inf, -1, -2], [-0.5, -1, -3]], [0, 1], [1.5, -2]))
    comment = "log 0 at another class adds nothing: 0 times infinity may not be NaN."
    yield from give("masked", "masked-logits", comment, ([[-inf, -1, -2], [-0.5, -inf, -inf]], [1, 0], [1.5, -2]))
    tiny = ends(dtype).subnormal
    comment, call = (
        "Losses and gradients that are subnormal.",
        ([[-tiny, -1, -2], [-3, -1, -tiny]], [0, 2], [tiny, -tiny]),
    )
    yield from give("subnormal", "subnormal upstream-signed", comment, call)
    comment, call = "A NaN of the upstream stays in its row.", (ROWS, [1, 0, 2], [1.5, nan, -2])
    point = "infinite_times_zero"
    yield from give("backward-nan-upstream", "nan upstream-signed", comment, call, point=point)
    comment, spoilt = "A NaN in a row that is ignored is not seen.", [ROWS[0], [nan] * 3, ROWS[2]]
    yield from give("ignored-nan", "ignored nan", comment, (spoilt, [1, USUAL, 2], G), options=IGNORING)
