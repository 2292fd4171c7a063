"""Wrong steps of AdamW that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import forward
from ..ops import adam_step

Array = Any


@forward("bitsandbytes-foundation/bitsandbytes#2010", "decay the parameters before the step.")
def decay_after_the_step(*tensors: Array, weight_decay: float, **rates: Any) -> Any:
    """What the step has moved the parameters by decays with them."""
    moved, m, v = adam_step.forward(*tensors, **rates)
    return moved * (1 - rates["lr"] * weight_decay), m, v


@forward("flagos-ai/FlagGems#4988, the other way round", "leave the gradient alone, and decay the parameters.")
def decay_in_the_gradient(*tensors: Array, weight_decay: float, **rates: Any) -> Any:
    """Weight decay is added to the gradient, and so to the moments, as in Adam with an L2 penalty."""
    parameters, gradients, *moments = tensors
    return adam_step.forward(parameters, gradients + weight_decay * parameters, *moments, **rates)
