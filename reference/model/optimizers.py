"""What steps of optimizers share: running means, and the correction of those that began at 0."""

from typing import Any

import numpy as np

from .formulations import Formulation, as_written
from .functions import number

Array = Any


def running_mean(decay: float, mean: Array, new: Array) -> Array:
    """decay mean + (1 - decay) new."""
    return number(decay) * mean + (1 - number(decay)) * new


def corrections(beta1: float, beta2: float, step: int, _: Array) -> tuple[Array, Array, Array]:
    """What running means that began at 0 have of their weights after so many steps, and the root of the second."""
    second = 1 - number(beta2) ** step
    return 1 - number(beta1) ** step, second, second**0.5


def by_difference(decay: float, mean: Array, new: Array) -> Array:
    """Move a running mean by (1 - decay) (new - mean)."""
    return mean + (1 - number(decay)) * (new - mean)


def mean_in_working_precision(decay: float, mean: Array, new: Array) -> Array:
    """The running mean with 1 - decay computed in the tensors' precision, which costs digits where decay is near 1."""
    return number(decay) * mean + (1 - number(decay) * np.ones_like(mean)) * new


def corrections_in_working_precision(beta1: float, beta2: float, step: int, like: Array) -> tuple[Array, Array, Array]:
    """The corrections computed in the tensors' precision."""
    first, second = (1 - np.exp(step * np.log(number(beta) * np.ones_like(like))) for beta in (beta1, beta2))
    return first, second, np.sqrt(second)


BY_PYTHON = (
    (as_written(running_mean), Formulation(by_difference, "means moved by differences")),
    (as_written(corrections),),
)
IN_WORKING_PRECISION = (
    (Formulation(mean_in_working_precision, "1 - decay in working precision", stable=False),),
    (Formulation(corrections_in_working_precision, "corrections in working precision", stable=False),),
)
"""Means and corrections by formulations that go together."""
MEANS = (*BY_PYTHON[0], *IN_WORKING_PRECISION[0])
