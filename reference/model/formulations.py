"""Formulations: right ways to compute an operation, named, and combined from parts.

A tolerance is the largest bound over all formulations, so each of them widens what a sound implementation may return.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, wraps
from itertools import chain, product
from types import FunctionType, ModuleType
from typing import Any

from ..arithmetic.protocol import FormulaArray

Function = Callable[..., Any]
AS_WRITTEN = "as written"
"""The name of an operation's own `forward` and `backward`, and of a part that is computed as they compute it."""


@dataclass(frozen=True)
class Formulation:
    """One right way to compute an operation, or a part of one."""

    function: Function
    name: str
    """In plain words or in the formula's symbols, unique within operation and direction."""
    stable: bool = True
    """False where it loses digits that a careful implementation keeps: required families allow for it, robust ones
    do not."""
    accumulates: bool = False
    """Whether it accumulates step by step in the format itself, which is not sound where sums need a wider one."""
    longest: Mapping[str, int] = field(default_factory=dict)
    """By argument of the operation, the longest last axis for which it is evaluated."""
    differs: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Says of a call whether it is sound there, and takes other steps than those before it do."""

    def applies(self, call: Mapping[str, Any]) -> bool:
        """Say whether it is evaluated for a call: its arguments and parameters by name."""
        short = all(math.prod(call[name].shape[-1:]) <= length for name, length in self.longest.items())
        return short and self.differs(call)


Alternatives = Mapping[tuple[str, str], Mapping[str, tuple[Formulation, ...]]]
"""What implementations that follow another convention compute: by (point, answer), then by direction, the formula to
read first, then others of the same mathematics. The canonical answer is among them where not all of the operation's own
formulations follow it."""


def as_written(function: Function) -> Formulation:
    """Make a formulation of a function as the operation's module writes it."""
    return Formulation(function, AS_WRITTEN)


def through(outer: Function, *choices: Iterable[Formulation], name: str = AS_WRITTEN) -> tuple[Formulation, ...]:
    """Put `outer` together with one formulation of each of its parts, in every combination.

    outer: takes the function of each part, in the order of `choices`, before the operation's arguments.
    name: what `outer` does that the operation's text does not.
    The combination of all first choices comes first. One is stable if all its parts are, and has the limits of all.
    """
    return tuple(_combined(outer, parts, name) for parts in product(*choices))


def replacing(formula: Function, *parts: Function) -> Function:
    """Make a formula a function of some that its text names: of what takes their place, and then of its own arguments.

    `through(replacing(forward, sigmoid.forward), sigmoid.FORWARD)` is forward by every formulation of the sigmoid.
    """
    written = inspect.unwrap(formula)

    @lru_cache  # few at a time
    def by(*chosen: Function) -> Function:
        instead = dict(zip(parts, chosen, strict=True))
        return copied(written, {name: _replaced(x, instead) for name, x in written.__globals__.items()})

    @wraps(written, assigned=("__module__", "__name__", "__doc__"), updated=())
    def call(*arguments: Any, **parameters: Any) -> Any:
        return by(*arguments[: len(parts)])(*arguments[len(parts) :], **parameters)

    chosen = (inspect.Parameter(f"part{k}", inspect.Parameter.POSITIONAL_ONLY) for k in range(len(parts)))
    own = inspect.signature(written).parameters.values()
    call.__dict__["__signature__"] = inspect.Signature([*chosen, *own])
    return call


def _replaced(value: Any, instead: Mapping[Function, Function]) -> Any:
    """What a name stands for where functions take the place of others, in modules that it names as well."""
    if isinstance(value, ModuleType):
        others = {name: instead[x] for name, x in vars(value).items() if isinstance(x, FunctionType) and x in instead}
        module = ModuleType(value.__name__)
        vars(module).update(vars(value) | others)
        return module if others else value
    return instead.get(value, value) if isinstance(value, FunctionType) else value


def copied(function: FunctionType, space: dict[str, Any]) -> Function:
    """A function whose names stand for what they do in another space."""
    copy = FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def side_by_side(outer: Function, *choices: tuple[Formulation, ...]) -> tuple[Formulation, ...]:
    """Put `outer` together with the second of each part, then with the third, and so on: with the first where a part
    has no more."""
    most = max(map(len, choices))
    found = (through(outer, *(part[k : k + 1] or part[:1] for part in choices)) for k in range(1, most))
    return tuple(chain.from_iterable(found))


def _combined(outer: Function, parts: tuple[Formulation, ...], name: str) -> Formulation:
    names = [n for n in (name, *(part.name for part in parts)) if n != AS_WRITTEN]
    limits = [limit for part in parts for limit in part.longest.items()]
    return Formulation(
        partial(outer, *(shared(part.function) for part in parts)),
        ", ".join(names) or AS_WRITTEN,
        all(part.stable for part in parts),
        any(part.accumulates for part in parts),
        {argument: min(n for name, n in limits if name == argument) for argument, _ in limits},
        lambda call: all(part.differs(call) for part in parts),
    )


def shared(function: Function) -> Function:
    """Evaluate a part of formulations once for the very same arrays, which remember it; other arrays are NumPy's."""

    @wraps(function)
    def call(*arguments: Any, **parameters: Any) -> Any:
        for first in arguments:  # a generator would take as long as a small function
            if isinstance(first, FormulaArray):
                break
        else:
            return function(*arguments, **parameters)
        key = (function, tuple(map(id, arguments)), tuple(sorted(parameters.items())))
        known = first.known
        if key not in known:  # beside the result its arguments, so that their ids stay theirs
            known[key] = function(*arguments, **parameters), arguments
        return known[key][0]

    return call


def losing_digits(formulations: Iterable[Formulation]) -> tuple[Formulation, ...]:
    """Mark formulations as losing digits, however stable their parts are."""
    return tuple(replace(formulation, stable=False) for formulation in formulations)


def named(formulations: Iterable[Formulation], *names: str) -> tuple[Formulation, ...]:
    """Pick formulations by name. Raises KeyError where there is none of a name."""
    by_name = {formulation.name: formulation for formulation in formulations}
    return tuple(by_name[name] for name in names)


def sized_by(formulations: Iterable[Formulation], **arguments: str) -> tuple[Formulation, ...]:
    """Move limits on an argument of a part to the operation's argument of the same length (`logits="biases2"`)."""
    return tuple(
        replace(f, longest={arguments.get(name, name): length for name, length in f.longest.items()})
        for f in formulations
    )
