"""Whether an implementation replaced what verdicts are made with: Python's builtins, NumPy, backproof's own modules.

It runs in the same process, so it can. What was there before it was loaded is compared by identity, put back, and told.
Only what has been put back is compared with, so that nothing that is replaced in a call has a say in its verdict.
`--impl-isolate` is for implementations that are not trusted: what is reached from here by other ways is not seen.
"""

import builtins
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter, is_, itemgetter
from types import FunctionType, ModuleType
from typing import Any

_OURS = "backproof."
_OFTEN = f"{_OURS}conformance.check."
"""Modules that are looked at before every comparison; all others when an implementation was loaded, and at the end."""
_BY_PYTHON = {"__dict__", "__weakref__", "__doc__", "__annotations__", "__builtins__", "_abc_impl"}
_REPLACED_BY_OTHERS = {"__import__", "_", "open", "print", "input", "help", "exit", "quit", "breakpoint"}
"""Builtins that tools replace, and no verdict depends on."""
_MOST_NAMED = 3

Check = Callable[[], list[str]]
Namespaces = list[tuple[str, dict[str, Any]]]
"""What was in modules and classes, by their names."""


def watch_what_verdicts_need() -> tuple[Check, Check]:
    """Two functions that put back what was replaced since, and name it: a quick one, and one that looks at everything.

    What they need themselves is bound here, before an implementation can replace it.
    """
    namespaces = list(_namespaces())
    often: Namespaces = []
    rest: Namespaces = []
    for name, namespace in namespaces:
        (often if name in ("builtins", "numpy") or name.startswith(_OFTEN) else rest).append((name, namespace))
    quick, others, codes = _watched(often), _watched(rest), _codes(namespaces)
    return quick, lambda: [*quick(), *others(), *codes()]


def told(names: list[str], where: str) -> str:
    """The line that says what was replaced, and where the run was."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    listed = ", ".join(names[:_MOST_NAMED])
    return f"the implementation replaced {listed}{more} {where}: put back, and the run counts as failed"


def _namespaces() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "builtins", {name: v for name, v in vars(builtins).items() if name not in _REPLACED_BY_OTHERS}
    for name, module in list(sys.modules.items()):
        if name.startswith((f"{_OURS}conformance.adapters", f"{_OURS}reference")) or not isinstance(module, ModuleType):
            continue
        if name == "numpy" or name.startswith(("numpy.", _OURS)):  # caches and states among its data change
            items = vars(module).items()
            yield name, {key: value for key, value in items if callable(value) or _is_fixed(name, key, value)}
        if name.startswith(_OURS):
            for key, value in vars(module).items():
                if isinstance(value, type) and value.__module__ == name:
                    yield f"{name}.{key}", {k: v for k, v in vars(value).items() if k not in _BY_PYTHON}


def _is_fixed(module: str, name: str, value: object) -> bool:
    """Whether a module keeps an attribute that is no function or class as it is: a constant, or another's module."""
    if isinstance(value, ModuleType):
        return value.__name__ != f"{module}.{name}"
    return name.strip("_").isupper()


def _watched(namespaces: Namespaces) -> Check:
    """A function that compares namespaces with what they held."""
    watched = []
    for label, kept in namespaces:
        module_name, _, class_name = ("", "", "") if label in sys.modules else label.rpartition(".")
        owner: Any = vars(sys.modules[module_name])[class_name] if class_name else sys.modules[label]
        names = (*kept, *list(kept)[:1])  # one twice: of a single name the getter would give no tuple
        if names:
            watched.append((label, owner, vars(owner), names, itemgetter(*names), (*map(kept.get, names),)))
    put, same, each, every, both, missing = setattr, is_, map, all, zip, KeyError

    def look() -> list[str]:
        replaced = []
        for label, owner, held, names, at_once, values in watched:
            try:
                if every(each(same, at_once(held), values)):
                    continue
            except missing:
                pass
            for name, value in both(names, values):
                if not same(held.get(name), value):
                    put(owner, name, value)
                    replaced.append(f"{label}.{name}")
        return replaced

    return look


def _codes(namespaces: Namespaces) -> Check:
    """A function that compares the code and defaults of functions with what they were."""
    values = chain.from_iterable(kept.values() for _, kept in namespaces)
    functions = tuple(value for value in values if isinstance(value, FunctionType))
    parts = "__code__", "__defaults__"
    kept = [(name, attrgetter(name), (*map(attrgetter(name), functions),)) for name in parts]
    put, same, each, every, both = setattr, is_, map, all, zip

    def look() -> list[str]:
        replaced = []
        for part, of, were in kept:
            if every(each(same, each(of, functions), were)):
                continue
            for function, was in both(functions, were):
                if not same(of(function), was):
                    put(function, part, was)
                    replaced.append(f"{function.__module__}.{function.__qualname__}")
        return replaced

    return look
