"""Families of cases for a step of stochastic gradient descent."""

from collections.abc import Iterator

from ..kinds.optimizer import Optimizer, Variation, optimizer
from ..kinds.paired import families
from ..model.family import Draft

DECAY = "weight-decay"
SGD = Optimizer(
    {"lr": 0.1, "momentum": 0.9},
    "momentum_buffer",
    variations=(
        Variation("first-step", "step-count", "A buffer of 0, as before the first step.", {}, first=True),
        Variation("slow", "settings", "A small learning rate, and less momentum.", {"lr": 0.003, "momentum": 0.5}),
        Variation("nesterov", "settings", "The gradient and what the next step adds.", {"nesterov": True}, tall=True),
        Variation("decay", DECAY, "Weight decay goes into the gradient.", {"weight_decay": 0.3}, tall=True),
        Variation("nesterov-decay", DECAY, "Both.", {"nesterov": True, "weight_decay": 0.05}),
    ),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from optimizer(SGD, dtype)
    row = SGD.row(dtype)
    decayed = row["gradients"] + row["parameters"] / 4
    comment = "Weight decay without momentum, from a buffer that stays as it is, as some do not keep one."
    rates = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.25}
    case = {**row, "momentum_buffer": decayed}
    yield from families("forward-decay-without-momentum", DECAY, comment, (case,), parameters=rates)
