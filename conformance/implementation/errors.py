"""Errors of commands and adapters, and exceptions as one line of text."""

import difflib
import os
import sysconfig
import traceback
from collections.abc import Collection
from pathlib import Path


class CommandError(Exception):
    """A command that cannot be carried out. The message is one line: what was wrong, where, and what to do."""


class AdapterError(Exception):
    """An adapter that cannot be used. The message is one line: what is wrong, where, and what to do."""


def error_location(error: BaseException, function: object = None) -> str:
    """ "file:line" of the frame to look at: the innermost one outside installed packages, else in `function`'s file.

    Empty where the exception passed no Python frame that has a file.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}"
    walked = ((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))
    frames = [at for at in walked if not at[0].startswith("<") and Path(at[0]).parent not in _OURS]
    home = getattr(getattr(function, "__code__", None), "co_filename", None)
    own = [at for at in frames if not at[0].startswith(_INSTALLED)]
    own = own or [at for at in frames if at[0] == home] or frames
    return f"{_shown(own[-1][0])}:{own[-1][1]}" if own else ""


def describe_error(error: BaseException) -> str:
    """ "TypeName: first line of the message", shortened to a line."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


def describe_with_location(error: BaseException, function: object = None) -> str:
    """ "TypeName: first line of the message (file:line)"."""
    at = error_location(error, function)
    return f"{describe_error(error)} ({at})" if at else describe_error(error)


def suggestion(name: str, known: Collection[str]) -> str:
    """The end of a sentence that asks whether a known name was meant; empty where none is close."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; was {near[0]!r} meant?" if near else ""


_CONFORMANCE = Path(__file__).parents[1]
_OURS = tuple(folder for folder in (_CONFORMANCE, *_CONFORMANCE.iterdir()) if folder.name != "adapters")
_INSTALLED = tuple({str(Path(sysconfig.get_paths()[key])) + os.sep for key in ("stdlib", "platlib", "purelib")})


def _shown(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
