"""An implementation, in this process, in one of its own, or in a command, as the options say."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ..implementation.errors import AdapterError
from ..implementation.load import Implementation, load
from .command import load_command
from .isolate import load_isolated


def loaded(
    spec: str,
    operations: Iterable[str],
    folder: Path,
    options: Mapping[str, str],
    *,
    is_command: bool,
    isolate: bool,
    timeout: float | None,
) -> Implementation:
    """Load an adapter, or start a command. `timeout`: what a call to another process may take, in seconds. Raises
    AdapterError."""
    if is_command:
        return load_command(spec, operations, timeout, folder, options)
    if isolate:
        return load_isolated(spec, operations, timeout, folder, options)
    return load(spec, operations, folder, options)


def ended(implementation: Implementation) -> None:
    """Tear an implementation down, whatever comes of that."""
    with suppress(AdapterError):
        implementation.teardown()
