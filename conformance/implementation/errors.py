"""Errors of commands and adapters, and exceptions as one line of text."""

import difflib
import os
import sysconfig
import traceback
from collections.abc import Collection
from pathlib import Path

from ...vectors.files import one_line
from .interrupts import is_users

MOST_TEXT = 8192
"""Characters that are read of what an implementation says."""


class CommandError(Exception):
    """A command that cannot be carried out. The message is one line: what was wrong, where, and what to do."""


class AdapterError(Exception):
    """An adapter that cannot be used. The message is one line: what is wrong, where, and what to do."""


class Elsewhere:
    """An exception that was raised in another process, at `place`."""

    place = ""


def error_location(error: BaseException, function: object = None) -> str:
    """ "file:line" of the frame to look at: the innermost one outside installed packages, else in `function`'s file.

    Empty where the exception passed no Python frame that has a file, or does not say.
    """
    try:
        return one_line(_location(error, function))
    except BaseException as raised:
        if is_users(raised):
            raise
        return ""


def error_path(error: BaseException) -> str:
    """The three innermost places that an exception passed: "file:line, file:line, file:line"."""
    walked = list(traceback.walk_tb(_TRACEBACK(error)))[-3:]
    return one_line(", ".join(f"{_shown(frame.f_code.co_filename)}:{line}" for frame, line in walked))


def _location(error: BaseException, function: object) -> str:
    if isinstance(error, Elsewhere):
        return error.place
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}"
    walked = ((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(_TRACEBACK(error)))
    frames = [at for at in walked if not at[0].startswith("<") and Path(at[0]).parent not in _OURS]
    home = getattr(getattr(function, "__code__", None), "co_filename", None)
    own = [at for at in frames if not at[0].startswith(_INSTALLED)]
    own = own or [at for at in frames if at[0] == home] or frames
    return f"{_shown(own[-1][0])}:{own[-1][1]}" if own else ""


def describe_error(error: BaseException) -> str:
    """ "TypeName: first line of the message", shortened to a line, without characters that a terminal obeys."""
    said, kind = text_of(error), type_name(error)
    text = one_line(f"{kind}: {said}" if said else kind)
    return text if len(text) <= 200 else text[:197] + "..."


def text_of(error: BaseException) -> str:
    """The first line of an exception's text, which may raise, be no text, or have no end."""
    try:
        said = str.__getitem__(str(error), slice(MOST_TEXT))
    except BaseException as raised:
        if is_users(raised):
            raise
        return f"its text cannot be read: {type_name(raised)}"
    return first_line(said)


def first_line(text: str) -> str:
    """The first line of a text, of which the beginning alone is looked at; empty where there is none."""
    lines = text[:MOST_TEXT].strip().splitlines()
    return lines[0] if lines else ""


def type_name(value: object) -> str:
    """The name of a value's type, whatever its metaclass makes of that."""
    return str(_TYPE_NAME(type(value)))


def hint(said: str) -> str:
    """What to do about an exception of a framework, as a sentence; empty where that is not known."""
    return next((cure for part, cure in _HINTS if part in said), "")


def describe_with_location(error: BaseException, function: object = None) -> str:
    """ "TypeName: first line of the message (file:line)"."""
    at = error_location(error, function)
    return f"{describe_error(error)} ({at})" if at else describe_error(error)


def suggestion(name: str, known: Collection[str]) -> str:
    """The end of a sentence that asks whether a known name was meant; empty where none is close."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; was {near[0]!r} meant?" if near else ""


_HINTS = (
    ("requires grad", "call .detach() before .numpy(), or return the tensor itself."),
    ("must be Tensor, not", "make tensors of the arrays first: torch.tensor(array)."),
    ("read-only", "work on a copy of the argument: array.copy()."),
    ("casting rule", "keep the dtype of the arguments: allocate with dtype=array.dtype."),
)
"""What to do about exceptions of frameworks, by a part of their message, which is all that tells them apart."""
_TRACEBACK = vars(BaseException)["__traceback__"].__get__
_TYPE_NAME = vars(type)["__name__"].__get__
_CONFORMANCE = Path(__file__).parents[1]
_OURS = tuple(folder for folder in (_CONFORMANCE, *_CONFORMANCE.iterdir()) if folder.name != "adapters")
_INSTALLED = tuple({str(Path(sysconfig.get_paths()[key])) + os.sep for key in ("stdlib", "platlib", "purelib")})


def _shown(filename: str) -> str:
    path = Path(filename)
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        return filename
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename
