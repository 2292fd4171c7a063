"""Operations of the user's own, which `--ops` and `--impl-ops` name."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from ...vectors.dtypes import DTYPES
from ...vectors.records import DIRECTIONS, OperationVectors
from .errors import AdapterError, CommandError
from .load import resolve

if TYPE_CHECKING:
    from ...reference.model.operation import Operation


def read_operations(specs: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Read modules with `forward` and `backward`, and packages of such, and name the operations that they are.

    specs: "mypkg.ops", "mypkg.ops.bias_gelu" or "module:object". folder: is put first on the import path.
    Raises AdapterError where one cannot be read or is no operation, and CommandError without python-flint.
    """
    own_operation = reader()
    found: dict[str, str] = {}
    for spec in specs:
        for place, subject in _operations_in(spec, folder):
            try:
                name = own_operation(subject).name
            except ValueError as error:
                raise AdapterError(str(error)) from None
            if found.setdefault(name, place) != place:
                raise AdapterError(f'{place}: {found[name]} is called {name} as well; give one of them a NAME = "..."')
    return tuple(found)


def _operations_in(spec: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """The modules, or the object, of one spec, and where each is."""
    subject = resolve(spec, folder)
    modules = iter_modules(getattr(subject, "__path__", ())) if not _is_one(subject) else ()
    inside = [(f"{spec}.{m.name}", resolve(f"{spec}.{m.name}", folder)) for m in modules if not m.name.startswith("_")]
    some = [(place, module) for place, module in inside if _is_one(module)]
    if inside and not some:
        raise AdapterError(f"{spec}: none of its modules has forward and backward; an operation is a module with both")
    yield from some or [(spec, subject)]


def _is_one(subject: Any) -> bool:
    return any(callable(getattr(subject, direction, None)) for direction in DIRECTIONS)


def reader() -> "Callable[[Any], Operation]":
    """The function that reads an operation. Raises CommandError without python-flint, which it needs."""
    try:
        from ...reference.generation.own import own_operation
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("backproof"):
            raise
        raise CommandError(f"this needs {error.name}: pip install python-flint") from None
    return own_operation


def generated(op: str, dtypes: Collection[str] = DTYPES) -> OperationVectors:
    """The vectors of an operation that was read, made here and now: the same each time."""
    from ...reference.generation.generate import generated

    return generated(op, dtypes)
