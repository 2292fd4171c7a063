"""Mutants of a formula: the text of an operation's `forward` or `backward`, and of all it calls, changed in one place.

A module's source is parsed once. A mutant is one node of a function's tree and what takes its place; it is compiled
when it is first called, into copies of the functions that lead to it, so that the operation itself stays as it is.
"""

import ast
import inspect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .. import model, ops
from ..model.fault import Fault, Words, told_by, widened
from ..model.formulations import Function, copied
from ..model.operation import operation
from .approximations import APPROXIMATIONS
from .changes import INTERMEDIATE, disturbed
from .rows import REFUSAL_ROWS, ROWS, Context, Rows

SCALARS = ("int", "str", "float", "bool")
"""Annotations of what is no tensor."""
UNCHANGED = "number"
"""The name of the function that changes nothing of a parameter, and whose calls are not changed."""
ALWAYS_NAMED: Mapping[str, Any] = {"np": np}
"""What a mutant may name although its formula does not."""
OURS = ops.__name__.removesuffix("ops")
Definition = tuple[str, str]
"""A module's and a function's name."""


@dataclass(frozen=True)
class Site:
    """A place in a tree: a field of its parent, or an element of a field that is a list."""

    parent: ast.AST
    field: str
    index: int | None
    statement: ast.stmt

    def node(self) -> Any:
        """What stands there."""
        found = getattr(self.parent, self.field)
        return found if self.index is None else found[self.index]

    def put(self, node: ast.AST) -> None:
        """Put another node there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node

    @contextmanager
    def holding(self, node: ast.AST) -> Iterator[None]:
        """Have another node there for a while."""
        before = self.node()
        self.put(node)
        try:
            yield
        finally:
            self.put(before)


@dataclass(frozen=True)
class Mutation:
    """One node of a formula's text, and what takes its place; or several, changed alike."""

    name: str
    what: str
    """What happens, which is the end of the name."""
    entry: Definition
    """The function that is called."""
    definition: Definition
    """The function that is changed."""
    changes: tuple[tuple[Site, ast.AST], ...]
    others: tuple[Definition, ...] = ()
    """Further functions that are changed."""

    @cached_property
    def before(self) -> str:
        """The statement as it is due."""
        return "; ".join(map(_due, self._statements()))

    @cached_property
    def after(self) -> str:
        """The statement as it is."""
        with _changed(self.changes):
            whole = [node for _, node in self.changes if isinstance(node, ast.stmt)]
            return "; ".join(map(_text, whole or self._statements()))

    def _statements(self) -> list[ast.stmt]:
        return list({id(site.statement): site.statement for site, _ in self.changes}.values())


class _WithoutMarks(ast.NodeTransformer):
    """Reads `stored(x)` as x, `over_batch(x, axis=0)` as `x.sum(axis=0)`, and no `@shared`: they change no value."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.decorator_list = []
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node.func:
            case ast.Name(id="stored"):
                return node.args[0]
            case ast.Name(id="over_batch"):
                axes = [ast.keyword("axis", axis) for axis in node.args[1:2]]
                return ast.Call(ast.Attribute(node.args[0], "sum", ast.Load()), [], axes + node.keywords)
        return node


@cache
def definitions(module: str) -> Mapping[str, ast.FunctionDef]:
    """The trees of a module's functions, by name."""
    tree = _WithoutMarks().visit(ast.parse(inspect.getsource(import_module(module))))
    ast.fix_missing_locations(tree)
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def has_text(function: Function) -> bool:
    """Whether a function is one of a module, by its own name, whose text can be read."""
    try:
        found = vars(import_module(function.__module__)).get(function.__name__)
        same = isinstance(found, FunctionType) and found.__code__ == function.__code__  # a module may be imported again
        return same and function.__name__ in definitions(function.__module__)
    except (AttributeError, ImportError, OSError, TypeError):
        return False


@cache
def called_by(definition: Definition) -> tuple[tuple[str, Definition], ...]:
    """The functions of the reference, and of the user's package, that a function names: how, and what it is."""
    return tuple(_called_by(definition))


def _called_by(definition: Definition) -> Iterator[tuple[str, Definition]]:
    module = import_module(definition[0])
    for node in ast.walk(definitions(definition[0])[definition[1]]):
        if isinstance(node, ast.Name):
            found = vars(module).get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = vars(module).get(node.value.id)
            found = getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        else:
            continue
        if not isinstance(found, FunctionType) or found.__name__ == UNCHANGED:
            continue
        known = (ops.__name__, model.__name__, definition[0])
        if found.__module__.startswith(known) or _is_users(found.__module__, definition[0]):
            yield ast.unparse(node), (found.__module__, found.__name__)


def _is_users(module: str, other: str) -> bool:
    """Whether a module is in the package of another, which is not the reference's."""
    package = other.rpartition(".")[0] or other
    return not other.startswith(OURS) and f"{module}.".startswith(f"{package}.")


@cache
def reached(entry: Definition) -> tuple[Definition, ...]:
    """A function and all functions of the reference that a call of it may run, the nearest first."""
    found = [entry]
    for definition in found:
        found += [other for other in dict.fromkeys(d for _, d in called_by(definition)) if other not in found]
    return tuple(found)


def sites(function: ast.FunctionDef) -> Iterator[Site]:
    """The places of a function's text that can be changed: neither its docstring nor the words of an exception."""
    for position, statement in enumerate(function.body):
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            yield from _sites(Site(function, "body", position, statement))


def _sites(site: Site) -> Iterator[Site]:
    node = site.node()
    if _called(node) == UNCHANGED:
        return
    yield site
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                statement = child if isinstance(child, ast.stmt) else site.statement
                yield from _sites(Site(node, field, index, statement))


def reads(function: Function, argument: str) -> bool:
    """Whether a function uses an argument's values, not its shape alone."""
    tree = definitions(function.__module__)[function.__name__]
    return argument in _loads(tree)


def _loads(tree: ast.FunctionDef) -> list[str]:
    """The names that a function reads for more than their shape, each as often as it does."""
    shapes = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ("shape", "ndim")
    }
    loads = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return [node.id for node in loads if id(node) not in shapes]


def _stores(tree: ast.FunctionDef) -> Iterator[str]:
    """The names that a function assigns to."""
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


@cache
def mutants(op: str) -> tuple[Fault, ...]:
    """All mutants of an operation's formulas."""
    return tuple(fault_of(op, direction, mutation, {}) for direction, mutation in catalogued(op))


@cache
def catalogued(op: str) -> tuple[tuple[str, Mutation], ...]:
    """The mutations of an operation's formulas that the catalogue has, each with the direction that it is in."""
    return tuple(
        (direction, mutation)
        for direction, function in operation(op).functions.items()
        for mutation in mutations(op, direction, function, ROWS, REFUSAL_ROWS)
    )


def mutations(op: str, direction: str, function: Function, rows: Rows, refusals: Rows = ()) -> Iterator[Mutation]:
    """All mutations by a table of rows, of a function and of all that it calls."""
    entry = (function.__module__, function.__name__)
    everything = reached(entry)
    words = tuple(dict.fromkeys(text for definition in everything for text in strings(definition)))
    results = frozenset(operation(op).results[direction])
    parameters = frozenset(operation(op).parameters[direction])
    names: Counter[str] = Counter()
    for definition in everything:
        formulas = frozenset(said for said, called in called_by(definition) if not _counts(called))
        tree = definitions(definition[0])[definition[1]]
        scalars = frozenset(a.arg for a in tree.args.args if a.annotation and ast.unparse(a.annotation) in SCALARS)
        operands = tuple(argument.arg for argument in tree.args.args if argument.arg not in scalars)
        known = Context(
            tree,
            words,
            formulas,
            own=definition[0] == entry[0] or not definition[0].startswith(ops.__name__),
            results=results if definition == entry else frozenset(),
            arguments=operands,
            variables=tuple(dict.fromkeys(_stores(tree))),
            scalars=scalars,
            wrapped=Counter(n for n in _loads(tree) if n in operands) if definition == entry else {},
            parameters=parameters,
            constants=vars(import_module(definition[0])),
        )
        for site in sites(tree):
            refusal = isinstance(site.statement, ast.If) and isinstance(site.statement.body[0], ast.Raise)
            context = replace(known, parent=site.parent)
            for nodes, row in refusals if refusal else rows:
                if not isinstance(site.node(), nodes):
                    continue
                for what, node in row(site.node(), context):
                    name = "_".join(word for word in (*_place(direction, entry, definition, site), what) if word)
                    names[name] += 1
                    name = name if names[name] == 1 else f"{name}_{names[name]}"
                    yield _mutation(name, what, entry, definition, (site, node))


def _counts(definition: Definition) -> bool:
    """Whether a function counts something, from the shape of a tensor: no value is computed from its arguments."""
    returns = definitions(definition[0])[definition[1]].returns
    return returns is not None and ast.unparse(returns) == "int"


def strings(definition: Definition) -> Iterator[str]:
    """The words that a function compares something with."""
    for node in ast.walk(definitions(definition[0])[definition[1]]):
        if isinstance(node, ast.Compare):
            yield from (c.value for c in node.comparators if isinstance(c, ast.Constant) and isinstance(c.value, str))


def _place(direction: str, entry: Definition, definition: Definition, site: Site) -> Iterator[str]:
    """The words of a mutant's name that say where it is: "dbiases", or "backward", "softmax", "forward", "shifted"."""
    target = ""
    if isinstance(site.statement, ast.Assign):
        first = next(node for node in ast.walk(site.statement.targets[0]) if isinstance(node, ast.Name))
        target = first.id.removeprefix("dL_").strip("_") or "rest"
        if definition == entry and first.id.startswith("dL_"):
            yield target
            return
    yield direction
    if definition != entry:
        module = definition[0]
        if module != entry[0] and module.startswith(ops.__name__):
            yield module.rpartition(".")[2]
        if definition[1] != direction:
            yield definition[1].strip("_")
    yield target


def _mutation(
    name: str, what: str, entry: Definition, definition: Definition, *changes: tuple[Site, ast.AST]
) -> Mutation:
    for site, node in changes:
        ast.copy_location(node, site.statement)
    return Mutation(name, what, entry, definition, changes)


SEVERAL = ("_for_relu", "leak", "_after_the_first")
"""How changes end that several functions may have alike."""


def alike(found: Iterable[Mutation]) -> Iterator[Mutation]:
    """Of mutations of which each is one change, those of a function that do the same in several places, together; and
    some of those of several functions."""
    groups: dict[tuple[Definition | None, Definition, str], list[Mutation]] = {}
    for each in found:
        for where in (each.definition, None) if each.what.endswith(SEVERAL) else (each.definition,):
            groups.setdefault((where, each.entry, each.what), []).append(each)
    for (where, _, _), some in groups.items():
        first, *others = dict.fromkeys(each.definition for each in some)
        if len(some) > 1 and (where or others):
            changes = [change for each in some for change in each.changes]
            one = _mutation(f"{some[0].name}_everywhere", some[0].what, some[0].entry, first, *changes)
            yield replace(one, others=tuple(others))


@contextmanager
def _changed(changes: Iterable[tuple[Site, ast.AST]]) -> Iterator[None]:
    with ExitStack() as stack:
        for site, node in changes:
            stack.enter_context(site.holding(node))
        yield


def fault_of(op: str, direction: str, mutation: Mutation, space: Mapping[str, Any]) -> Fault:
    """The fault that a mutation is; `space` has what its text names beside what the formula does."""
    node = mutation.changes[0][1]
    change = INTERMEDIATE.get(_called(node))
    memory: dict[Any, Any] = {"": {}} if change is not None and change.remembers else {}
    named: dict[str, Any] = {**APPROXIMATIONS, **space}
    if change is not None:
        change_of = partial(change.function, memory=memory[""]) if change.remembers else change.function
        named[_called(node)] = change_of
    make = cache(partial(assembled, mutation, named))

    def formula(*tensors: Any, **parameters: Any) -> Any:
        return make()(*tensors, **parameters)

    def words() -> Words:
        before, after = mutation.before, mutation.after
        return Words(f"`{after}` where `{before}` is due.", f"write `{before}`.", before, after)

    definition = mutation.definition
    at = _value(mutation.changes[0][0]) if len(mutation.changes) == 1 else None
    return told_by(
        words,
        op,
        mutation.name,
        direction,
        widened(formula),
        sort="mutant",
        where=f"{definition[0].rpartition('.')[2]}.{definition[1]}, line {mutation.changes[0][0].statement.lineno}",
        formula=formula if change is None or change.exact else None,
        memory=memory,
        disturbed=None if at is None else _disturbed_at(mutation.entry, definition, at),
    )


def _value(site: Site) -> Site | None:
    """Where the value stands that a place is in: what is assigned or returned, or one of several of that; None of a
    place that is all of several."""
    value: Any = getattr(site.statement, "value", None)
    for index, each in enumerate(value.elts if isinstance(value, ast.Tuple) else ()):
        if each is site.node() or any(node is site.parent for node in ast.walk(each)):
            return Site(value, "elts", index, site.statement)
    several = value is None or isinstance(value, ast.Tuple)
    return None if several else Site(site.statement, "value", None, site.statement)


@cache
def _disturbed_at(entry: Definition, definition: Definition, site: Site) -> Function:
    """A formula with noise at a place."""
    noise = ast.Call(ast.Name(disturbed.__name__, ast.Load()), [site.node()], [])
    mutation = _mutation("", "", entry, definition, (site, noise))
    make = cache(partial(assembled, mutation, {**APPROXIMATIONS, disturbed.__name__: disturbed}))
    return widened(lambda *tensors, **parameters: make()(*tensors, **parameters))


def _called(node: ast.AST) -> str:
    """The plain name that a node, or what a statement assigns, calls; empty where there is none."""
    value = node.value if isinstance(node, ast.Assign) else node
    return value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""


@cache
def _due(statement: ast.stmt) -> str:
    """The text of a statement as it is due."""
    return _text(statement)


def _text(statement: ast.stmt) -> str:
    """A statement in one line, with the first of the body of a condition."""
    if isinstance(statement, ast.If):
        first = statement.body[0]
        plain = isinstance(first, ast.Return | ast.Assign)
        body = " ".join(ast.unparse(first).split()) if plain else "raise" if isinstance(first, ast.Raise) else "..."
        return f"if {ast.unparse(statement.test)}: {body}"
    if isinstance(statement, ast.For | ast.While):
        return ast.unparse(statement).partition(":\n")[0]
    return " ".join(ast.unparse(statement).split())


def assembled(mutation: Mutation, named: Mapping[str, Any]) -> Function:
    """The entry function, calling copies of all that lead to the mutated one; `named` has what its text names beside
    what the formula does."""
    entry, changed = mutation.entry, (mutation.definition, *mutation.others)
    originals, links = _leading(entry, changed)
    spaces = {module: dict(vars(import_module(module))) for module in dict.fromkeys(module for module, _ in originals)}
    copies = {one: copied(function, spaces[one[0]]) for one, function in originals.items()}
    for _, node in mutation.changes:
        ast.fix_missing_locations(node)
    for definition in changed:
        with _changed(mutation.changes):
            tree = definitions(definition[0])[definition[1]]
            code = compile(ast.Module([tree], []), f"<mutant of {definition[1]}>", "exec")
        space = spaces[definition[0]]
        space.update({**ALWAYS_NAMED, **named})
        exec(code, space)
        copies[definition] = space[definition[1]]
    proxies = {module: ModuleType(module) for module in spaces}
    for module, name, meant in links:
        spaces[module][name] = proxies[meant] if isinstance(meant, str) else copies[meant]
    for module, proxy in proxies.items():
        vars(proxy).update(spaces[module])
    return copies[entry]


@cache
def _leading(
    entry: Definition, changed: tuple[Definition, ...]
) -> tuple[Mapping[Definition, FunctionType], tuple[tuple[str, str, Definition | str], ...]]:
    """The functions by which one leads to others, all of these among them, without their decorators; and the names in
    their modules that stand for one of these functions, or modules."""
    leading = [one for one in reached(entry) if {*changed} & {*reached(one)}]
    known = {one: inspect.unwrap(getattr(import_module(one[0]), one[1])) for one in leading}
    modules = {module: import_module(module) for module, _ in known}
    return known, tuple(
        (module, name, value.__name__ if isinstance(value, ModuleType) else (value.__module__, value.__name__))
        for module, found in modules.items()
        for name, value in vars(found).items()
        if (isinstance(value, FunctionType) and (value.__module__, value.__name__) in known)
        or (isinstance(value, ModuleType) and value.__name__ in modules)
    )
