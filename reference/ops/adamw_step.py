"""One step of AdamW: Adam with weight decay of the parameters themselves. Forward alone.

    next_first_moment  = beta1 first_moment + (1 - beta1) gradients
    next_second_moment = beta2 second_moment + (1 - beta2) gradients^2
    next_parameters    = parameters - lr weight_decay parameters - lr m / (sqrt(v) + eps)

where m = next_first_moment / (1 - beta1^step) and v = next_second_moment / (1 - beta2^step). The paper multiplies
weight_decay by a schedule of its own in place of lr; some follow it, with a schedule of 1 here.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, as_written
from ..model.functions import number, stored
from ..model.optimizers import running_mean
from ..model.shapes import require_same_shape
from . import adam_step

Array = Any

BATCH_AXIS = adam_step.BATCH_AXIS
RESULTS = adam_step.RESULTS


def forward(
    parameters: Array,
    gradients: Array,
    first_moment: Array,
    second_moment: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    weight_decay: float,
) -> tuple[Array, Array, Array]:
    """parameters, gradients, first_moment, second_moment -> next_parameters, next_first_moment, next_second_moment.

    All are of one shape.
    """
    require_same_shape(
        parameters=parameters, gradients=gradients, first_moment=first_moment, second_moment=second_moment
    )
    next_first_moment = running_mean(beta1, first_moment, gradients)
    next_second_moment = running_mean(beta2, second_moment, gradients * gradients)
    m = stored(next_first_moment) / (1 - number(beta1) ** step)
    v = stored(next_second_moment) / (1 - number(beta2) ** step)
    decayed = parameters - lr * (weight_decay * parameters)  # the decay of the parameters before the step
    return decayed - lr * (m / (np.sqrt(v) + eps)), next_first_moment, next_second_moment


def subtracted(parameters: Array, lr: float, weight_decay: float) -> Array:
    """Parameters less their decay."""
    return parameters - lr * (weight_decay * parameters)


def scaled(parameters: Array, lr: float, weight_decay: float) -> Array:
    """Parameters times 1 - lr weight_decay."""
    return parameters * (1 - lr * (weight_decay * np.ones_like(parameters)))


def by_schedule(parameters: Array, lr: float, weight_decay: float) -> Array:
    """Parameters less their decay, which lr does not scale."""
    return parameters - weight_decay * parameters


DECAYS = (as_written(subtracted), Formulation(scaled, "p (1 - lr decay)"))
BY_SCHEDULE = [Formulation(by_schedule, "decay by its own schedule")]
FORMULATIONS = {"forward": adam_step.formulations(*adam_step.CORRECTED, decays=DECAYS)}

ALTERNATIVES = {
    ("adam_epsilon", "hat"): {"forward": adam_step.formulations(adam_step.HAT, decays=DECAYS)},
    ("adam_epsilon", "uncorrected"): {"forward": adam_step.formulations(adam_step.UNCORRECTED, decays=DECAYS)},
    ("adamw_decay", "schedule"): {"forward": adam_step.formulations(*adam_step.CORRECTED, decays=BY_SCHEDULE)},
}
