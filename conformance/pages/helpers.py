"""What the formulas of an operation call: helpers with their source, marks, and formulas of other operations."""

import ast
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from textwrap import dedent
from types import ModuleType
from typing import Any

from ...reference import ops
from ...reference.arithmetic.protocol import Constant
from ...reference.model import formulations, functions
from ...vectors.records import DIRECTIONS
from ..check.wording import listed
from .markdown import code, fenced, paragraphs, prose, safe

Function = Callable[..., Any]

REFERENCE = ops.__name__.rpartition(".")[0]
MARKS = (functions.__name__, formulations.__name__)
"""The modules of functions that are said in a line each, since their source is about arithmetics."""
CHECKS = "require_"
"""How the name of a function begins that refuses calls, and says by its name which."""

LONGEST = 120
"""Characters of a line."""


def helpers(formulas: Iterable[Function]) -> str:
    """What formulas call, and what that calls in turn, each once and in the order of its file. Empty if nothing."""
    seen = [inspect.unwrap(formula) for formula in formulas]
    files: dict[str, list[Function]] = {function.__module__: [] for function in seen}
    others, marks = dict[str, str](), dict[str, str]()
    for function in seen:  # which grows meanwhile
        for found in _functions(_named(function).values()):
            module, name = found.__module__, found.__name__
            if found in seen or not (module.startswith(REFERENCE) or module in files):
                continue
            op = module.removeprefix(f"{ops.__name__}.")
            if module in MARKS:
                marks[name] = prose(" ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split()))
            elif op != module and name in DIRECTIONS:
                others[op] = f"[{safe(op)}]({op}.md)"
            elif not name.startswith(CHECKS):
                seen.append(found)
                files.setdefault(module, []).append(found)
    blocks = {module: _source(shown, _of(module, seen)) for module, shown in files.items()}
    source = "\n\n\n".join(f"# {_path(module)}\n\n\n{block}" for module, block in blocks.items() if block)
    return paragraphs(
        "They call:" if source else "",
        fenced(source, "python") if source else "",
        f"The formulas of {listed(list(others.values()))} have pages of their own." if others else "",
        "\n".join(f"- {code(name)}: {said}" for name, said in sorted(marks.items())),
    )


def _named(function: Function) -> dict[str, Any]:
    """What the names in a function's text stand for in its module, and in the modules that it names."""
    scope = function.__globals__
    found = {}
    for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Name):
            found[node.id] = scope.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = scope.get(node.value.id)
            if isinstance(module, ModuleType):
                found[f"{module.__name__}.{node.attr}"] = getattr(module, node.attr, None)
    return found


def _functions(values: Iterable[object]) -> Iterator[Function]:
    """The functions among values, and those that partials and tuples among them hold."""
    for value in values:
        if isinstance(value, tuple):
            yield from _functions(value)
        elif inspect.isfunction(function := inspect.unwrap(value) if callable(value) else value):
            yield function
        elif isinstance(function, partial):
            yield from _functions((function.func, *function.args))


def _of(module: str, functions: Iterable[Function]) -> list[Function]:
    return [function for function in functions if function.__module__ == module]


def _source(shown: Iterable[Function], naming: Iterable[Function]) -> str:
    """The source of functions of a file, and the constants that `naming` of it name. Empty if there is nothing."""
    named = {name: value for function in naming for name, value in _named(function).items() if name.isupper()}
    constants = "\n".join(_constant(name, value) for name, value in named.items())
    return "\n\n\n".join(filter(None, [constants, *map(_text, sorted(shown, key=_line))]))


def _constant(name: str, value: object) -> str:
    line = f"{name} = {_written(value)}"
    if len(line) <= LONGEST or not isinstance(value, tuple):
        return line
    return "\n".join([f"{name} = (", *(f"    {_written(item)}," for item in value), ")"])


def _written(value: object) -> str:
    """A constant as code: a number, or functions by name."""
    if isinstance(value, Constant):
        return repr(float(value))
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    function = inspect.unwrap(value) if callable(value) else value
    if isinstance(function, partial):
        return f"partial({', '.join(map(_written, (function.func, *function.args)))})"
    if inspect.isfunction(function):
        op = f"{function.__module__.rpartition('.')[2]}." if function.__name__ in DIRECTIONS else ""
        return f"{op}{function.__name__}"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _path(module: str) -> str:
    """A module's file, in the repository."""
    return f"{module.removeprefix('backproof.').replace('.', '/')}.py"


def _text(function: Function) -> str:
    return inspect.getsource(function).strip()


def _line(function: Function) -> int:
    return inspect.getsourcelines(function)[1]
