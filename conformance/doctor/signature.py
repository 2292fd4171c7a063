"""Whether a function can be called with the tensors and parameters of its cases, from its signature."""

import inspect
from collections.abc import Callable, Sequence

from .fit import Misfit

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


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
    except TypeError:
        pass
    due = ", ".join([*arguments, *(["*", *parameters] if parameters else [])])
    cure = f"define it as ({due})"
    others = [p for p in signature.parameters.values() if p.name not in parameters]
    kinds = {p.kind for p in others}
    tensors = [p.name for p in others if p.kind in _POSITIONAL]
    any_number = inspect.Parameter.VAR_POSITIONAL in kinds
    if not any_number and tensors[:1] == ["self"] and len(tensors) == len(arguments) + 1:
        return Misfit("it takes self: it is a method of a class, which nobody has made an object of", _OBJECT)
    needed = [p.name for p in others if p.kind in _POSITIONAL and p.default is p.empty]
    if not any_number and len(tensors) < len(arguments):
        return Misfit(_count(tensors, arguments), cure)
    if len(needed) > len(arguments):
        return Misfit(_count(needed, arguments), cure)
    lacking = [name for name in parameters if name not in signature.parameters]
    if lacking and inspect.Parameter.VAR_KEYWORD not in kinds:
        return Misfit(f"it does not take the keyword {' and '.join(lacking)}", cure)
    extra = [p.name for p in others if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if extra:
        return Misfit(f"it needs the keyword {' and '.join(extra)}, which nobody gives it", cure)
    positional = [name for name in parameters if name in signature.parameters]
    if positional:
        return Misfit(f"it takes {' and '.join(positional)} where a tensor comes, by position", cure)
    return Misfit(f"it cannot be called with ({due})", cure)


def named_order(function: Callable[..., object], arguments: Sequence[str]) -> list[int] | None:
    """The order in which a function names its tensors, where the names are the same and the order is another; else
    None."""
    try:
        taken = [p.name for p in inspect.signature(function).parameters.values() if p.kind in _POSITIONAL]
    except (TypeError, ValueError):
        return None
    taken = [name for name in taken if name in arguments]
    if len(taken) != len(arguments) or taken == list(arguments):
        return None
    return [list(arguments).index(name) for name in taken]


_OBJECT = "name an object, --impl=module:object, or write a function that makes one and calls it"


def _count(taken: Sequence[str], arguments: Sequence[str]) -> str:
    takes = f"{len(taken)} tensor{'' if len(taken) == 1 else 's'}" + (f" ({', '.join(taken)})" if taken else "")
    come = "comes" if len(arguments) == 1 else "come"
    return f"it takes {takes}, where {len(arguments)} {come} by position: {', '.join(arguments)}"
