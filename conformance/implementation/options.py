"""`--impl-option KEY=VALUE`: parse it, and pass it to an adapter's setup."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from .errors import AdapterError

OPTION = "--impl-option"


class OptionError(AdapterError):
    """An option that is malformed, unknown or missing. The message is one line, to be put after the adapter's name."""


def parse_options(given: Iterable[str]) -> dict[str, str]:
    """The options' values by key, as strings. Raises OptionError."""
    options: dict[str, str] = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise OptionError(f"{OPTION}={word}: write {OPTION} KEY=VALUE")
        if options.setdefault(key, value) != value:
            raise OptionError(f"{OPTION} gives {key!r} twice: {options[key]!r} and {value!r}")
    return options


def bound(setup: Callable[..., object] | None, options: Mapping[str, str]) -> Callable[[], object] | None:
    """The setup with the options as keyword arguments. Raises OptionError for unknown and missing ones."""
    if setup is None:
        if options:
            raise OptionError(f"{_listed(options)}: the adapter takes no options; it has no setup(**options)")
        return None
    try:
        signature = inspect.signature(setup)
    except (TypeError, ValueError):  # some functions written in C do not say what they take
        return partial(setup, **options)
    known = [p for p in signature.parameters.values() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes = f"setup takes {', '.join(p.name for p in known) or 'none'}"
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    unknown = {key: options[key] for key in options if key not in {p.name for p in known}}
    if unknown and not takes_any:
        raise OptionError(f"{_listed(unknown)}: no such option; {takes}")
    if missing := [p.name for p in known if p.default is p.empty and p.name not in options]:
        raise OptionError(f"setup needs {OPTION} {missing[0]}=VALUE; {takes}")
    return partial(setup, **options)


def option_arguments(options: Mapping[str, Any]) -> list[str]:
    """The options as arguments of a command line."""
    return [f"{OPTION}={key}={value}" for key, value in options.items()]


def _listed(options: Mapping[str, str]) -> str:
    return ", ".join(option_arguments(options))
