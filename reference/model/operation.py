"""Describe operations by inspecting their modules: the names of arguments are the names of tensors."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ...vectors.records import DIRECTIONS
from .. import ops
from .formulations import Alternatives, Formulation, Function, as_written


@dataclass(frozen=True)
class Operation:
    """Forward and backward, or one of them, their formulations and their other right answers."""

    name: str
    functions: Mapping[str, Function]
    """The canonical formulas by direction."""
    formulations: Mapping[str, tuple[Formulation, ...]]
    """By direction, the canonical one first."""
    alternatives: Alternatives
    arguments: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any]
    """By parameter that may be left out: at this value it is not passed."""
    results: Mapping[str, tuple[str, ...]]
    batch_axis: Mapping[str, int | None]
    labels: frozenset[str]
    """Arguments that are never differentiated."""
    affine: bool
    """Whether tolerances are the bounds of affine arrays throughout, not only where others are blunt."""
    shapes: Mapping[str, str] = field(default_factory=dict)
    """Of an operation of a user's own, each argument's shape as its module declares it: "(N, D)"."""
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The same of parameters: the values with which it is tested."""

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The arguments of backward that are gradients of outputs."""
        return tuple(name for name in self.arguments.get("backward", ()) if name.startswith("dL_d"))

    def others(
        self, direction: str, parameters: Mapping[str, Any], declared: Mapping[str, Any]
    ) -> dict[tuple[str, str], tuple[Formulation, ...]]:
        """Give the other right answers of a call, by point and answer: those whose formulas take its parameters, but at
        a point that is declared the declared one alone."""
        return {
            (point, answer): by_direction[direction]
            for (point, answer), by_direction in self.alternatives.items()
            if direction in by_direction
            and declared.get(point, answer) == answer
            and _takes(by_direction[direction][0].function, parameters)
        }

    def keywords(self, direction: str) -> list[str]:
        """Write the parameters as a definition has them: after "*", with their defaults."""
        written = (f"{p}={self.defaults[p]!r}" if p in self.defaults else p for p in self.parameters[direction])
        return ["*", *written] if self.parameters[direction] else []


OWN: dict[str, Operation] = {}
"""Operations of the user's own, by name: see `generation.own`."""


def operation_names() -> tuple[str, ...]:
    """Name all operations: every module of `ops`, and the user's own."""
    return tuple(sorted([*(module.name for module in iter_modules(ops.__path__)), *OWN]))


def operation(name: str) -> Operation:
    """Describe one operation. Raises ModuleNotFoundError if `ops` has no module of that name."""
    return OWN[name] if name in OWN else _of_ops(name)


@cache
def _of_ops(name: str) -> Operation:
    return described(name, import_module(f"{ops.__name__}.{name}"))


def described(name: str, module: Any) -> Operation:
    """Describe an operation by a module, or by an object with the same attributes."""
    functions = {direction: getattr(module, direction) for direction in DIRECTIONS if hasattr(module, direction)}
    arguments = {
        direction: _arguments(f, inspect.Parameter.POSITIONAL_OR_KEYWORD) for direction, f in functions.items()
    }
    shapes = getattr(module, "SHAPES", {})
    labels = frozenset(getattr(module, "LABELS", ("labels",))) | {name for name, text in shapes.items() if "<" in text}
    results = _results(module, arguments.get("backward", ()), labels)
    tensors = {t for group in (*arguments.values(), *results.values()) for t in group}
    return Operation(
        name=name,
        functions=functions,
        formulations={
            direction: (as_written(function), *getattr(module, "FORMULATIONS", {}).get(direction, ()))
            for direction, function in functions.items()
        },
        alternatives=getattr(module, "ALTERNATIVES", {}),
        arguments=arguments,
        parameters={d: _arguments(f, inspect.Parameter.KEYWORD_ONLY) for d, f in functions.items()},
        defaults={name: value for f in functions.values() for name, value in _defaults(f)},
        results={direction: results[direction] for direction in functions},
        batch_axis={tensor: getattr(module, "BATCH_AXIS", {}).get(tensor) for tensor in sorted(tensors)},
        labels=labels,
        affine=getattr(module, "AFFINE", False),
        shapes=shapes,
        values=getattr(module, "PARAMETERS", {}),
    )


def _takes(function: Function, parameters: Iterable[str]) -> bool:
    known = inspect.signature(function).parameters
    return {*parameters} <= {*known} or any(p.kind is p.VAR_KEYWORD for p in known.values())


def _arguments(function: Function, kind: Any) -> tuple[str, ...]:
    return tuple(p.name for p in inspect.signature(function).parameters.values() if p.kind is kind)


def _defaults(function: Function) -> Iterator[tuple[str, Any]]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            yield parameter.name, parameter.default


def _results(module: Any, backward: tuple[str, ...], labels: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Name the results: forward's from backward's upstreams, backward's from forward's differentiable arguments."""
    if hasattr(module, "RESULTS"):
        return dict(module.RESULTS)
    upstream = tuple(name.removeprefix("dL_d") for name in backward if name.startswith("dL_d"))
    rest = [name for name in backward if not name.startswith("dL_d")]
    return {"forward": upstream, "backward": tuple(f"dL_d{name}" for name in rest if name not in labels)}
