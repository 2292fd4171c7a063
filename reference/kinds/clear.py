"""Networks whose drawn cases stay clear of kinks, each decided in float64."""

from collections.abc import Callable, Iterator

from ..model.family import Inputs

CLEARANCE = {"float64": 2.0**-6, "float32": 2.0**-6, "float16": 2.0**-5, "bfloat16": 2.0**-3}
"""By dtype, the least distance from a kink or a tie, so that every sound implementation finds the same side."""


def one_more_at_a_time(
    case: Inputs, draw: Callable[[], Inputs], is_clear: Callable[[Inputs], bool]
) -> Iterator[Inputs]:
    """Give a case, and others that have one more of their tensors from elsewhere than the one before."""
    yield case
    for name in case:
        before = case
        while case is before or not is_clear(case):
            case = {**before, name: draw()[name]}
        yield case
