"""Which vector files and families the command line names; other paths are left to pytest."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ...vectors.files import one_line
from ...vectors.hints import meant
from ...vectors.records import Family
from ..check.wording import close_to


def golden_nodeid(op: str) -> str:
    """The node id of an operation's installed file, wherever it is installed."""
    return f"vectors/{op}.h5"


CASE = "#"
"""Between a family's name and a case of it; of live cases: float32/backward-live#random-n4-c3+2x2049+bell+7."""


def live_nodeid(op: str) -> str:
    """The node id under which an operation's live cases are collected."""
    return f"live/{op}"


def live_arguments(given: Iterable[str], operations: Iterable[str], folder: Path) -> list[str]:
    """The arguments that name live cases, and no file of the user's."""
    nodes = {live_nodeid(op) for op in operations}
    return [a for a in given if (node := a.partition("::")[0]) in nodes and not (folder / node).exists()]


@dataclass(frozen=True)
class Selection:
    """A vector file to run, and which of its families."""

    path: Path
    nodeid: str
    names: tuple[str, ...] = ()
    """The parts after "::" of the node ids that were given; empty for all families."""


def explicit_arguments(config: pytest.Config) -> list[str]:
    """The paths and node ids that the user typed, without `testpaths` and paths in `addopts`."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return []
    configured = config.getini("addopts")
    arguments = list(config.args)
    while arguments and arguments[0] in configured:
        del arguments[0]
    return arguments


def partition(
    arguments: Iterable[str], golden: Mapping[str, Path], folder: Path, rootpath: Path
) -> tuple[list[Selection], list[str]]:
    """Divide arguments into vector files (whatever ends in .h5) and the rest, which is left to pytest.

    `golden` is the installed file by operation, `folder` where pytest was started. Raises UsageError for a vector file
    that does not exist.
    """
    selections: dict[str, Selection] = {}
    rest = []
    for argument in arguments:
        spelled, _, name = argument.partition("::")
        if not spelled.endswith(".h5"):
            rest.append(argument)
            continue
        if not spelled.isprintable():
            raise pytest.UsageError(f"{one_line(spelled)}: its name cannot be printed; give the file another")
        path, nodeid = _locate(spelled, golden, folder, rootpath)
        earlier = selections.get(nodeid)
        if earlier is None:
            selections[nodeid] = Selection(path, nodeid, (name,) if name else ())
        elif earlier.names:
            selections[nodeid] = Selection(path, nodeid, (*earlier.names, name) if name else ())
    return list(selections.values()), rest


def shadowed(arguments: Iterable[str], golden: Mapping[str, Path], folder: Path) -> list[str]:
    """Arguments that name an installed file although the user's folder has one of that path too."""
    spelled = {argument.partition("::")[0] for argument in arguments}
    return sorted(s for s in spelled if _golden_operation(s, golden) and (folder / s).exists())


def select(selection: Selection, families: Iterable[Family]) -> list[Family]:
    """The families that a selection names, in the file's order. Raises UsageError for an unknown name."""
    if not selection.names:
        return list(families)
    by_name = {item_name(family): family for family in families}
    chosen: set[str] = set()
    for given in selection.names:
        name, has_case, case = given.partition(CASE)
        matches = [name] if name in by_name else [known for known in by_name if known.startswith(name + "/")]
        if not matches:
            raise pytest.UsageError(f"{selection.nodeid}: no family {name!r}{close_to(name, by_name, 0.6)}")
        if has_case and not (len(matches) == 1 and case.isdecimal() and int(case) < by_name[matches[0]].count):
            last = by_name[matches[0]].count - 1
            raise pytest.UsageError(f"{selection.nodeid}::{given}: no such case; the family has #0 to #{last}")
        chosen.update(matches)
    return [family for name, family in by_name.items() if name in chosen]


def known_words(option: str, given: Sequence[str] | None, known: Iterable[str]) -> frozenset[str]:
    """The values of a repeatable option, all of `known` if there is none. Raises UsageError for an unknown value."""
    words = sorted(known)
    for word in given or ():
        if word not in words:
            raise pytest.UsageError(f"{option}={word}: {meant(word, words)}")
    return frozenset(given or words)


def item_name(family: Family) -> str:
    """The part after "::" of a family's node id."""
    return f"{family.dtype}/{family.name}"


def _locate(spelled: str, golden: Mapping[str, Path], folder: Path, rootpath: Path) -> tuple[Path, str]:
    if operation := _golden_operation(spelled, golden):
        return golden[operation], golden_nodeid(operation)
    path = Path(os.path.normpath(folder / spelled))
    if not path.exists():
        # pytest prints node ids relative to where it was started, as if they were paths below rootdir.
        below_root = _relative(path, rootpath)
        if operation := _golden_operation(below_root, golden):
            return golden[operation], golden_nodeid(operation)
        path = Path(os.path.normpath(rootpath / spelled))
    if not path.is_file():
        installed = ", ".join(map(golden_nodeid, golden)) or "none"
        raise pytest.UsageError(f"{spelled}: no such vector file; installed are {installed}")
    for operation, installed_path in golden.items():
        if installed_path.exists() and path.samefile(installed_path):
            return installed_path, golden_nodeid(operation)
    nodeid = _relative(path, rootpath)
    return path, f"./{nodeid}" if _golden_operation(nodeid, golden) else nodeid


def _golden_operation(spelled: str, golden: Mapping[str, Path]) -> str | None:
    """The operation whose installed file has this node id."""
    return next((operation for operation in golden if golden_nodeid(operation) == spelled.replace("\\", "/")), None)


def _relative(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
