"""Families of cases for a step of RMSProp."""

from collections.abc import Iterator

from ..kinds.optimizer import Optimizer, Variation, optimizer
from ..model.family import Draft

EPSILON = "rmsprop_epsilon"
RMSPROP = Optimizer(
    {"lr": 0.01, "alpha": 0.9, "eps": 1e-40},  # so small that it is nothing, inside the root or outside
    second_moment="square_average",
    variations=(
        Variation("alpha", "settings", "A long memory, and a large step.", {"lr": 0.5, "alpha": 0.99}),
        Variation("usual-eps", "epsilon", "The usual eps, which tells in float64.", {"eps": 1e-8}, EPSILON),
        Variation("eps", "epsilon", "A large eps: it stands outside the root, or inside.", {"eps": 0.1}, EPSILON),
        Variation("eps-first-step", "epsilon step-count", "The same at first.", {"eps": 0.03}, EPSILON, first=True),
    ),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from optimizer(RMSPROP, dtype)
