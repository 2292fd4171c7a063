"""The file of expected failures: lines of `GLOB  # reason`.

A glob is of family ids ("dense/float32/backward-*") or of node ids ("vectors/dense.h5::float32/backward-*"). The file
is strict: what it expects to fail and passes is a failure, and so is a line that nothing needs any more.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

LARGEST = 2**20
_LINE = re.compile(r"(?P<glob>\S+)\s+#\s*(?P<reason>\S.*)")


@dataclass(frozen=True)
class ExpectedFailure:
    """One line of the file."""

    glob: str
    reason: str
    place: str
    """File and line: "xfails.txt:3"."""

    def matches(self, nodeid: str, family_id: str) -> bool:
        """Whether the line's glob matches the family."""
        return fnmatchcase(family_id, self.glob) or fnmatchcase(nodeid, self.glob)


def read_xfails(path: Path, name: str) -> tuple[ExpectedFailure, ...]:
    """Read the file, which messages call `name`. Raises UsageError with the number of a malformed line."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise pytest.UsageError(f"--impl-xfails={name}: has more than {LARGEST} bytes, the most that is read")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise pytest.UsageError(f"--impl-xfails={name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise pytest.UsageError(f"{name}:{line}: is not UTF-8; save the file as UTF-8 text") from None
    lines = enumerate(text.splitlines(), start=1)
    return tuple(
        _parse(line.strip(), f"{name}:{number}") for number, line in lines if line.strip() and line.strip()[0] != "#"
    )


def find(lines: Iterable[ExpectedFailure], nodeid: str, family_id: str) -> ExpectedFailure | None:
    """The first line that matches the family, or None."""
    return next((line for line in lines if line.matches(nodeid, family_id)), None)


def stale(
    lines: Sequence[ExpectedFailure], known: Mapping[str, str], failing: Mapping[str, bool], *, whole: bool
) -> list[str]:
    """One message for each line that no failure needs.

    `known` is the family id by node id of all that could have run; `failing` says of the node ids that did run whether
    they failed as expected. A line is judged only once every family that it means has run; one that means none, only
    where `whole` says that no vector file was left out.
    """
    messages = []
    for line in lines:
        meant = [nodeid for nodeid, family_id in known.items() if line.matches(nodeid, family_id)]
        if not meant:
            if whole:
                messages.append(f"{line.place}: {line.glob} matches no family; correct or delete the line")
        elif all(nodeid in failing for nodeid in meant) and not any(failing[nodeid] for nodeid in meant):
            messages.append(f"{line.place}: {line.glob} matches nothing that fails (of {len(meant)}); delete the line")
    return messages


def _parse(line: str, place: str) -> ExpectedFailure:
    match = _LINE.fullmatch(line)
    if match is None:
        raise pytest.UsageError(f"{place}: {line!r} gives no reason; write: GLOB  # why it is expected to fail")
    if "#" in match["glob"]:
        raise pytest.UsageError(f"{place}: {match['glob']} names a case; drop the # and what follows it")
    return ExpectedFailure(match["glob"], match["reason"], place)
