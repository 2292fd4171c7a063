"""What is made as it is asked for, and kept."""

from collections.abc import Callable, Iterator
from functools import cache, wraps
from itertools import count
from typing import Any, TypeVar

Made = TypeVar("Made")


def made_once(function: Callable[..., Iterator[Made]]) -> Callable[..., Iterator[Made]]:
    """A generator function whose values are made once for the same arguments, each when it is first asked for."""

    @cache
    def begun(*arguments: Any) -> tuple[list[Made], Iterator[Made]]:
        return [], function(*arguments)

    @wraps(function)
    def call(*arguments: Any) -> Iterator[Made]:
        made, rest = begun(*arguments)
        for place in count():
            if place == len(made):
                for each in rest:
                    made.append(each)
                    break
                else:
                    return
            yield made[place]

    return call


def remembered(function: Callable[..., Any], most: int = 64) -> Callable[..., Any]:
    """A function that keeps its results for the arguments of so many calls, told apart by what they hold."""
    kept: dict[object, Any] = {}

    def call(*tensors: Any, **parameters: Any) -> Any:
        key = (*((tensor.dtype, tensor.shape, tensor.tobytes()) for tensor in tensors), *parameters.items())
        if key not in kept:
            if len(kept) == most:
                del kept[next(iter(kept))]
            kept[key] = function(*tensors, **parameters)
        return kept[key]

    return call
