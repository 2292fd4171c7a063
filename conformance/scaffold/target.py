"""Where a skeleton is written, and how it is run. What cannot work is refused before anything is written."""

import importlib.util
import keyword
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..check.wording import listed
from ..implementation.errors import CommandError
from .languages import LANGUAGES, OF_SUFFIX


@dataclass(frozen=True)
class Target:
    """A file to write, and the folder that it is run from."""

    path: Path
    folder: Path
    """The folder to run commands in: the current one, or the file's own if that is elsewhere."""
    within: Path
    """The file relative to that folder."""

    @property
    def module(self) -> str:
        """The value of --impl."""
        return ".".join(self.within.with_suffix("").parts)

    def commands(self, style: str, op: str) -> "Commands":
        """The commands that belong to the file, of which `op` is the first operation."""
        page = f"backproof page {op}"
        language = LANGUAGES.get(style)
        if language is None:
            return Commands(page, "", f"backproof doctor {self.module}", f"pytest --impl={self.module}")
        command = shlex.quote(language.run(self.within))
        doctor, run = f"backproof doctor --impl-cmd {command}", f"pytest --impl-cmd {command}"
        return Commands(page, language.build(self.within), doctor, run)


@dataclass(frozen=True)
class Commands:
    """What to type in the folder of a skeleton."""

    page: str
    """Prints the page of an operation."""
    build: str
    """Compiles it; empty where there is nothing to compile."""
    doctor: str
    run: str
    """Tries all vectors."""


def style_of(given: str, style: str) -> str:
    """The style that a file's suffix asks for: a harness in its language, or else the one that is named."""
    asked = OF_SUFFIX.get(Path(given).suffix, style)
    return style if asked == "command" or style not in ("functions", "command") else asked


def target(given: str, style: str, here: Path, *, force: bool) -> Target:
    """The target that a path names, relative to the folder `here`. Raises CommandError."""
    path = Path(given)
    if (here / path).is_dir():
        raise CommandError(f"{given}: is a folder; name a file, such as {path / 'mylayer.py'}")
    if not path.suffix:
        path = path.with_name(f"{path.name}.py")
    if path.suffix != (LANGUAGES[style].suffix if style in LANGUAGES else ".py"):
        others = listed([f"{path.stem}{suffix}" for suffix in OF_SUFFIX if suffix != ".py"], "or")
        raise CommandError(
            f"{given}: name a file of Python, such as {path.stem}.py, or a program in another language: {others}"
        )
    whole = here / path
    elsewhere = ".." in path.parts or not whole.is_relative_to(here)
    folder = whole.parent.resolve() if elsewhere else here
    within = Path(whole.name) if elsewhere else whole.relative_to(here)
    _importable(given, within, folder, style)
    if (whole.exists() or whole.is_symlink()) and not force:
        raise CommandError(f"{path}: is there already; name another file, or write over it with --force")
    return Target(path, folder, within)


def _importable(given: str, within: Path, folder: Path, style: str) -> None:
    names = within.with_suffix("").parts
    for name in names if style not in LANGUAGES else ():
        if not name.isidentifier() or keyword.iskeyword(name):
            near = "".join(letter if letter.isalnum() else "_" for letter in name)
            near = near if near.isidentifier() and not keyword.iskeyword(near) else f"my_{near}"
            raise CommandError(f"{given}: {name!r} is no name that Python can import; {near!r} is one")
    # A command is a script, whose own folder is the first that Python looks into.
    if LANGUAGES.get(style, LANGUAGES["command"]).suffix != ".py":
        return
    top, beside = (names[-1], (folder / within).parent) if style == "command" else (names[0], folder)
    owner = _shadowed(top, beside)
    if owner:
        raise CommandError(f"{given}: {top!r} is also the name of {owner}; choose another, such as my_{top}")


def _shadowed(name: str, folder: Path) -> str:
    """Which module outside `folder` already has this name; empty if none."""
    if name in sys.stdlib_module_names:
        return f"Python's own module {name}"
    try:
        with _without(folder):
            spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return f"the module {name}" if name in sys.modules else ""
    if spec is None:
        return ""
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    if any(Path(target).resolve().is_relative_to(folder.resolve() / name) for target in places):
        return ""  # a package of the folder itself, installed from there
    return f"an installed module ({places[0]})" if places else "an installed module"


@contextmanager
def _without(folder: Path) -> Iterator[None]:
    """A context in which the import path lacks a folder."""
    before, here = sys.path[:], folder.resolve()
    sys.path[:] = [entry for entry in before if Path(entry or ".").resolve() != here]
    try:
        yield
    finally:
        sys.path[:] = before
