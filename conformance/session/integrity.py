"""Whether an implementation replaced what verdicts are made with: Python's builtins, NumPy, backproof's own modules.

It runs in the same process, so it can. What was there before it was loaded is compared by identity, put back, and told.
Only what has been put back is compared with, so that nothing that is replaced in a call has a say in its verdict.
`--impl-isolate` is for implementations that are not trusted: what is reached from here by other ways is not seen.
"""

import builtins
import sys
from collections.abc import Callable, Iterator
from operator import is_, itemgetter
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


def watch_what_verdicts_need() -> tuple[Check, Check]:
    """Two functions that put back what was replaced since, and name it: a quick one, and one that looks at everything.

    What they need themselves is bound here, before an implementation can replace it.
    """
    often: list[Check] = []
    rest: list[Check] = []
    namespaces = list(_namespaces())
    for name, namespace in namespaces:
        quick = name in ("builtins", "numpy") or name.startswith(_OFTEN)
        (often if quick else rest).append(_watched(name, namespace))
    codes = _codes(namespaces)

    def quick_look(groups: list[Check] = often) -> list[str]:
        return [found for look in groups for found in look()]

    return quick_look, lambda: [*quick_look(), *quick_look(rest), *codes()]


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


def _watched(label: str, kept: dict[str, Any]) -> Check:
    """A function that compares a namespace with what it held."""
    module_name, _, class_name = ("", "", "") if label in sys.modules else label.rpartition(".")
    owner: Any = vars(sys.modules[module_name])[class_name] if class_name else sys.modules[label]
    names = tuple(kept)
    held: Any = vars(owner)
    values = tuple(kept.values())
    put, same, each, every, missing = setattr, is_, map, all, KeyError
    at_once = itemgetter(*names) if len(names) > 1 else lambda namespace: (*each(namespace.__getitem__, names),)

    def look() -> list[str]:
        try:
            if every(each(same, at_once(held), values)):
                return []
        except missing:
            pass
        replaced = [name for name in names if not same(held.get(name), kept[name])]
        for name in replaced:
            put(owner, name, kept[name])
        return [f"{label}.{name}" for name in replaced]

    return look


def _codes(namespaces: list[tuple[str, dict[str, Any]]]) -> Check:
    """A function that compares the code and defaults of functions with what they were."""
    functions = {id(f): f for _, namespace in namespaces for f in namespace.values() if isinstance(f, FunctionType)}
    kept = [
        (function, f"{function.__module__}.{function.__qualname__}", function.__code__, function.__defaults__)
        for function in functions.values()
    ]

    def look() -> list[str]:
        replaced = []
        for function, name, code, defaults in kept:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                function.__code__, function.__defaults__ = code, defaults
                replaced.append(name)
        return replaced

    return look
