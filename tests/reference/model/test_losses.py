"""Functions that losses share."""

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.arithmetic.exact import rounded
from backproof.reference.model.losses import sums_of_others


@pytest.mark.parametrize("classes", [1, 2, 3, 5, 8, 13])
def test_the_sum_of_others_keeps_a_term_that_a_difference_would_lose(classes: int) -> None:
    x = np.full((2, classes), 2.0**-60)
    x[:, -1] = 1
    due = [x[0, np.arange(classes) != k].sum() for k in range(classes)]
    np.testing.assert_array_equal(sums_of_others(x), np.broadcast_to(due, x.shape))
    with flint.ctx.workprec(128):
        assert [rounded(ball) for ball in sums_of_others(Ball(x)).balls[0]] == due
