"""Wrong cross-entropies that were seen, and that no mutation makes."""

from ..mutations import wrong_losses

mean_over_elements = wrong_losses.mean_over_elements("cross_entropy")
divided_by_elements = wrong_losses.divided_by_elements("cross_entropy")
