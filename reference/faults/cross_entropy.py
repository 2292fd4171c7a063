"""Wrong cross-entropies that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward, forward
from ..mutations.wrong_losses import over_elements
from ..ops import cross_entropy

Array = Any


@forward("victorlempitsky/Mate#2", "divide by the number of rows.")
def mean_over_elements(*tensors: Array, **given: Any) -> Any:
    """The mean is taken over N C elements."""
    return over_elements(cross_entropy.forward, *tensors, **given)


@backward("victorlempitsky/Mate#2", "divide by the number of rows.")
def divided_by_elements(*tensors: Array, **given: Any) -> Any:
    """The gradient of a mean is divided by N C."""
    return over_elements(cross_entropy.backward, *tensors, **given)
