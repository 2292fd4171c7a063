"""Wrong steps of Adam that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward
from ..ops import adam_step

Array = Any


@forward("mila-iqia/blocks#1175", "decay the first moment by beta1.")
def betas_exchanged(*tensors: Array, beta1: float, beta2: float, **rates: Any) -> Any:
    """The first moment decays by beta2, the second by beta1."""
    return adam_step.forward(*tensors, beta1=beta2, beta2=beta1, **rates)


@forward("d2l-ai/d2l-en pull request 2691", "add eps to the root, inside the denominator.")
def eps_beside_the_quotient(*tensors: Array, eps: float, **rates: Any) -> Any:
    """eps is added to the quotient, as brackets are missing."""
    moved, m, v = adam_step.forward(*tensors, eps=0.0, **rates)
    return moved - rates["lr"] * eps, m, v


@forward("microsoft/DeepSpeed#1945", "count this step, from 1.")
def step_counted_twice(*tensors: Array, step: int, **rates: Any) -> Any:
    """The moments are corrected as of the step after this one."""
    return adam_step.forward(*tensors, step=step + 1, **rates)


@forward("kozistr/AdaBound-tensorflow#3", "take the root of 1 - beta2^step.")
def corrected_by_the_complement(*tensors: Array, lr: float, beta2: float, step: int, **rates: Any) -> Any:
    """The step size is corrected by the root of 1 - (1 - beta2^step)."""
    moved, m, v = adam_step.forward(*tensors, lr=lr, beta2=beta2, step=step, **rates)
    return tensors[0] - (tensors[0] - moved) * np.sqrt(beta2**step / (1 - beta2**step)), m, v
