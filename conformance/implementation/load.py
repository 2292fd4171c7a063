"""Load the implementation that `--impl` names."""

import difflib
import importlib
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType

from ...vectors.dtypes import PRECISIONS_OF
from ...vectors.files import one_line
from ...vectors.records import DIRECTIONS
from . import declarations
from .errors import AdapterError, describe_with_location, suggestion
from .interrupts import is_users
from .options import OptionError, bound, option_arguments

_NEAR = 0.85
_LONGEST = 200
"""Characters of a name or version."""
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

Function = Callable[..., object]


def _nothing() -> None:
    """The setup and teardown of an adapter that has none."""


@dataclass(frozen=True)
class Misspelling:
    """A name in an adapter that looks like a misspelt one."""

    name: str
    meant: str
    what_it_is: str

    def __str__(self) -> str:
        return f"{self.name} is {self.what_it_is}; was {self.meant} meant?"


@dataclass(frozen=True)
class Implementation:
    """An implementation as its adapter presents it."""

    spec: str
    """The option's value: "module" or "module:object.attribute", or a command."""
    name: str
    version: str
    """Empty where the adapter does not say."""
    functions: Mapping[tuple[str, str], Function]
    """By (operation, direction). What is absent is not implemented."""
    dtypes: tuple[str, ...] = declarations.DEFAULT_DTYPES
    precision: Mapping[str, str] = field(default_factory=dict)
    """The declared working precision by "dtype" or "dtype:operation"."""
    conventions: Mapping[str, object] = field(default_factory=dict)
    """The declared answer by point; "labels": "unchecked"; "deterministic": False; "thread_safe": False."""
    setup: Callable[[], None] = _nothing
    """To be called before the first call; raises AdapterError."""
    teardown: Callable[[], None] = _nothing
    """To be called after the last call; raises AdapterError."""
    misspelt: tuple["Misspelling", ...] = ()
    """Names that are close to an operation's or a declaration's, but not read."""
    option: str = "--impl"
    """--impl or --impl-cmd."""
    language: str = ""
    """The language that it is written in, where it says so."""
    layouts: bool = True
    """Whether the layout of arguments in memory reaches it; through a pipe none does."""
    isolated: str = ""
    """With --impl-isolate, what its process is kept from; calls from several threads do not reach it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What `--impl-option` gave its setup."""
    own_operations: tuple[str, ...] = ()
    """What `--impl-ops` named."""
    after_calls: Callable[[], None] = _nothing
    """To be called between a family's calls and the comparison of what they returned."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the adapter's author should know, one line each."""
        return tuple(map(str, self.misspelt))

    @property
    def argument(self) -> str:
        """The arguments that name it on a command line, quoted for a shell: "--impl=adapter"."""
        named = f"{self.option}={shlex.quote(self.spec)}{' --impl-isolate' if self.isolated else ''}"
        own = (f"--impl-ops={spec}" for spec in self.own_operations)
        return " ".join([named, *map(shlex.quote, (*own, *option_arguments(self.options)))])

    def working_precision(self, dtype: str, op: str) -> str:
        """The precision whose tolerances hold for an operation at a dtype: the one declared for it, or else for the
        dtype, or else the dtype's strictest."""
        return self.precision.get(f"{dtype}:{op}", self.precision.get(dtype, PRECISIONS_OF[dtype][0]))


def load(
    spec: str, operations: Iterable[str], folder: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
) -> Implementation:
    """The implementation that `spec`, "module" or "module:object.attribute", names.

    `operations` are those that there are vectors for. `folder`, where the run was started, is put first on the import
    path. `options` are passed to its setup. Raises AdapterError.
    """
    with _reading(spec):
        subject = resolve(spec, folder)
    return present(spec, subject, tuple(operations), options)


def present(
    spec: str, subject: object, operations: tuple[str, ...], options: Mapping[str, str] = NO_OPTIONS
) -> Implementation:
    """The implementation whose functions and declarations are an object's attributes, or a mapping's entries.

    Raises AdapterError, whatever reading one of them raises.
    """
    with _reading(spec):
        return _present(spec, subject, operations, options)


@contextmanager
def _reading(spec: str) -> Iterator[None]:
    """A context in which whatever an adapter's attributes raise becomes an AdapterError."""
    try:
        yield
    except AdapterError:
        raise
    except BaseException as error:
        if is_users(error):
            raise
        raise AdapterError(f"{spec}: reading its attributes raised {describe_with_location(error)}") from error


def _present(spec: str, subject: object, operations: tuple[str, ...], options: Mapping[str, str]) -> Implementation:
    functions = dict(_functions(spec, subject, operations))
    misspelt = tuple(_misspelt(subject, operations, functions))
    if not functions:
        raise AdapterError(
            f"{spec}: no operation found; define functions such as {operations[0]}_forward or {operations[0]}_backward"
            + (f" ({misspelt[0]})" if misspelt else "")
            if operations
            else f"{spec}: there are no vectors to hold it against"
        )
    name, version = _get(subject, "name"), _of_options(spec, subject, "version", options)
    return Implementation(
        spec=spec,
        name=one_line(name[:_LONGEST]) if isinstance(name, str) else spec,
        version=one_line(version[:_LONGEST]) if isinstance(version, str) else "",
        functions=functions,
        dtypes=declarations.dtypes_of(spec, _get(subject, "dtypes")),
        precision=declarations.precision_of(spec, _of_options(spec, subject, "precision", options), operations),
        conventions=declarations.conventions_of(spec, _of_options(spec, subject, "conventions", options)),
        setup=_hook(spec, subject, "setup", options),
        teardown=_hook(spec, subject, "teardown"),
        misspelt=misspelt,
        options=options,
    )


def resolve(spec: str, folder: Path | None) -> object:
    """The module or object that "module" or "module:object.attribute" names. Raises AdapterError."""
    module_name, _, attributes = spec.partition(":")
    if "/" in module_name or module_name.endswith(".py"):
        name = ".".join(Path(module_name).with_suffix("").parts).strip("./")
        raise AdapterError(f"{spec}: name a module, not a file: --impl={name}{':' if attributes else ''}{attributes}")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise AdapterError(f"{spec!r}: not the name of a module; write --impl=module or --impl=module:object")
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    subject: object = _import(spec, module_name, folder)
    path = module_name
    for part in attributes.split(".") if attributes else ():
        missing = object()
        found = _get(subject, part, missing)
        if found is missing and isinstance(subject, ModuleType) and hasattr(subject, "__path__"):
            found = _import(spec, f"{subject.__name__}.{part}", folder)
        if found is missing:
            raise AdapterError(f"{spec}: {path} has no attribute {part!r}{suggestion(part, _names(subject))}")
        subject, path = found, f"{path}.{part}"
    return subject


def _import(spec: str, name: str, folder: Path | None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as error:
        if is_users(error):
            raise
        if isinstance(error, ModuleNotFoundError) and error.name and (name + ".").startswith(error.name + "."):
            hint = "; an object in a module is written module:object" if "." in name and ":" not in spec else ""
            place = f"in {folder} or " if folder is not None else ""
            raise AdapterError(f"{spec}: no module named {error.name!r} {place}on the import path{hint}") from error
        raise AdapterError(f"{spec}: importing {name} raised {describe_with_location(error)}") from error


def _get(subject: object, name: str, default: object = None) -> object:
    if isinstance(subject, Mapping):
        return subject.get(name, default)
    return getattr(subject, name, default)


def _of_options(spec: str, subject: object, name: str, options: Mapping[str, str]) -> object:
    """What is declared under a name, or what a function of that name gives for the options."""
    declared = _get(subject, name)
    if not callable(declared):
        return declared
    try:
        return declared(options)
    except BaseException as error:
        if is_users(error):
            raise
        raise AdapterError(f"{spec}: {name}() raised {describe_with_location(error, declared)}") from error


def _names(subject: object) -> list[str]:
    if isinstance(subject, Mapping):
        return [name for name in subject if isinstance(name, str)]
    with suppress(Exception):
        return [name for name in dir(subject) if not name.startswith("_")]
    return []


def _functions(spec: str, subject: object, operations: tuple[str, ...]) -> Iterator[tuple[tuple[str, str], Function]]:
    missing = object()
    for operation in operations:
        for direction in DIRECTIONS:
            name = f"{operation}_{direction}"
            found = _get(subject, name, missing)
            if found is missing:
                continue
            if not callable(found):
                raise AdapterError(f"{spec}: {name} is of type {type(found).__name__} and cannot be called")
            yield (operation, direction), found


def _misspelt(
    subject: object, operations: tuple[str, ...], functions: Mapping[tuple[str, str], Function]
) -> Iterator[Misspelling]:
    """Names that look like a misspelt operation which is otherwise not implemented, or like a misspelt declaration."""
    exact = {f"{operation}_{direction}" for operation in operations for direction in DIRECTIONS}
    open_names = exact - {f"{operation}_{direction}" for operation, direction in functions}
    squashed = {_squash(name): name for name in open_names}
    for name in _names(subject):
        if name in exact or name in declarations.NAMES:
            continue
        try:
            value = _get(subject, name)
        except Exception:  # of a property that is none of ours
            continue
        if isinstance(value, type):  # a layer's class may well be called what its functions are
            continue
        if callable(value):
            # A slip of the pen seldom hits the first letter; gelu_forward is not a misspelt relu_forward.
            initial = [word for word in squashed if word[0] == _squash(name)[:1]]
            for near in difflib.get_close_matches(_squash(name), initial, n=1, cutoff=_NEAR):
                yield Misspelling(name, squashed[near], "no operation's name")
        elif isinstance(value, (Mapping, list, tuple)):
            for near in difflib.get_close_matches(name, declarations.NAMES, n=1, cutoff=_NEAR):
                if _get(subject, near) is None:
                    yield Misspelling(name, near, "not read")


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _hook(spec: str, subject: object, name: str, options: Mapping[str, str] = NO_OPTIONS) -> Callable[[], None]:
    hook = _get(subject, name)
    if isinstance(hook, ModuleType):
        hook = None
    if hook is not None and not callable(hook):
        raise AdapterError(f"{spec}: {name} is of type {type(hook).__name__} and cannot be called")
    try:
        ready = bound(hook, options)
    except OptionError as error:
        raise AdapterError(f"{spec}: {error}") from None
    if ready is None:
        return _nothing

    def call() -> None:
        try:
            ready()
        except BaseException as error:
            if is_users(error):
                raise
            raise AdapterError(f"{spec}: {name}() raised {describe_with_location(error, hook)}") from error

    return call
