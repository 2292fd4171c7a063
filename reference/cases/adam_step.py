"""Families of cases for a step of Adam."""

from collections.abc import Iterator

from ..kinds.optimizer import Optimizer, Variation, optimizer
from ..model.family import Draft

EPSILON = "adam_epsilon"
LATE = 1_000_000
"""A step so late that no moment is corrected any more, in any way: 0.999^LATE is 1e-435."""
RATES = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "step": LATE}
VARIATIONS = (
    Variation("betas", "settings", "Equal betas, and a large step.", {"lr": 0.5, "beta1": 0.95, "beta2": 0.95}),
    Variation("eps", "epsilon settings", "A large eps, outside the root.", {"beta1": 0.5, "beta2": 0.99, "eps": 0.1}),
    Variation("step-1", "step-count", "The first step, from no state.", {"step": 1}, EPSILON, first=True),
    Variation("step-2", "step-count", "The second step.", {"step": 2}, EPSILON),
    Variation("step-1000", "step-count", "A correction of the second moment alone.", {"step": 1000}, EPSILON),
    Variation("eps-step-1", "epsilon step-count", "A large eps.", {"eps": 0.1, "step": 1}, EPSILON, first=True),
    Variation("eps-step-7", "epsilon step-count", "A large eps.", {"lr": 0.1, "eps": 0.1, "step": 7}, EPSILON),
)
ADAM = Optimizer(RATES, "first_moment", "second_moment", VARIATIONS)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from optimizer(ADAM, dtype)
