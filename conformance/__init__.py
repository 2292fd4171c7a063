"""The checker: a pytest plugin that holds an implementation of backpropagation against the golden vectors.

`assert_gradients`, `assert_outputs` and `expectation` judge tensors of your own.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .own_data.assertions import assert_gradients, assert_outputs, expectation

__all__ = ["assert_gradients", "assert_outputs", "expectation"]


def __getattr__(name: str) -> Any:
    """Import these when they are asked for: the plugin, which every run of pytest loads, needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .own_data import assertions

    return getattr(assertions, name)
