"""Whether a function can be called with the tensors and parameters of its cases, from its signature."""

import inspect
from collections.abc import Callable, Sequence

from .fit import Misfit


def signature_misfit(
    function: Callable[..., object], arguments: Sequence[str], parameters: Sequence[str]
) -> Misfit | None:
    """What in a function's signature does not fit the call; None where it fits."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not say what they take
        return None
    try:
        signature.bind(*arguments, **dict.fromkeys(parameters))
        return None
    except TypeError as error:
        why = str(error)
    due = ", ".join([*arguments, *(["*", *parameters] if parameters else [])])
    takes = str(signature).partition(" ->")[0]
    if takes.startswith("(self") and len(signature.parameters) == len(arguments) + len(parameters) + 1:
        cure = "name an object, --impl=module:object, or write a function that makes one and calls it"
        return Misfit("it takes self: it is a method of a class, which nobody has made an object of", cure)
    return Misfit(f"it takes {takes}, where ({due}) comes: {why}", f"define it as ({due})")


def named_order(function: Callable[..., object], arguments: Sequence[str]) -> list[int] | None:
    """The order in which a function names its tensors, where the names are the same and the order is another; else
    None."""
    try:
        taken = [name for name in inspect.signature(function).parameters if name in arguments]
    except (TypeError, ValueError):
        return None
    if len(taken) != len(arguments) or taken == list(arguments):
        return None
    return [list(arguments).index(name) for name in taken]
