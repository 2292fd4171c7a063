"""What the documents promise: their blocks of code, the files that these make, their commands with what these print."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^>]+) -->\n+)?^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```",
    re.DOTALL | re.MULTILINE,
)
_GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
_COMMAND = re.compile(r"^(?:\$ |- )?(?:run: )?(?:.* && )?(?:\S*/)?(?P<words>(?:pytest .*--impl|backproof ).*)$")
_COMMENT = re.compile(r"\s#\s.*$")
_INLINE = re.compile(r"`((?:pytest --impl|backproof )[^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"`((?:docs|vectors|reference|conformance|tests)/[\w./-]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    mark: str
    """What the HTML comment before it says: "file: mylayer.py"."""
    language: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A command, and what is shown to come of it; a line or a part of `...` stands for anything."""

    command: str
    output: str


def documents() -> list[Path]:
    """README and all that is written by hand beside it."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "conformance" / "remote" / "PROTOCOL.md",
        ROOT / "vectors" / "SCHEMA.md",
        *pages(),
    ]


def pages() -> list[Path]:
    """The pages of the documentation."""
    return sorted(DOCS.rglob("*.md"))


def name_of(document: Path) -> str:
    """A document's path, as the repository has it."""
    return document.relative_to(ROOT).as_posix()


@cache
def written(document: Path) -> str:
    """The text of a document without what is generated in it."""
    return _GENERATED.sub("", document.read_text(encoding="utf-8"))


@cache
def blocks(document: Path) -> tuple[Block, ...]:
    """The fenced blocks of a document, but those that are generated."""
    text = written(document)
    return tuple(Block(m["mark"] or "", m["language"], m["text"]) for m in _BLOCK.finditer(text))


def block_after(document: Path, mark: str) -> str:
    """The text of the block that follows an HTML comment."""
    (found,) = (block.text for block in blocks(document) if block.mark == mark)
    return found


def files(document: Path) -> dict[str, str]:
    """The files that a document has its reader make, by name."""
    marked = ((block.mark.partition(": "), block.text) for block in blocks(document))
    return {name: text for (kind, _, name), text in marked if kind in ("file", "adapter")}


def command_lines(document: Path) -> list[str]:
    """The calls of backproof, and of pytest with an implementation, in a document's blocks and in its text."""
    text = written(document)
    lines = [line for block in blocks(document) for line in block.text.splitlines()]
    lines += re.findall(r"(?<=\n) {4}\S.*", _BLOCK.sub("", text))
    found = (_COMMAND.match(_COMMENT.sub("", line.strip())) for line in lines)
    return [*(match["words"].rstrip() for match in found if match), *map(_optional, _INLINE.findall(text))]


def _optional(words: str) -> str:
    """A command of the text, with what it may have in brackets."""
    return " ".join(words.replace("[", "").replace("]", "").split())


def shown(document: Path) -> list[Shown]:
    """The commands of a document's console blocks that are followed by what they print."""
    found = []
    for block in blocks(document):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                if output.replace("...", "").strip():
                    found.append(Shown(command, output))
    return found


def run(command: str, folder: Path) -> str:
    """Run a command of pytest's or backproof's in a folder; gives its standard output."""
    program, *arguments = shlex.split(command)
    module = {"pytest": "pytest", "backproof": "backproof.conformance.cli"}[program]
    ours = ("PYTEST_", "COLUMNS", "FORCE_COLOR", "PY_COLORS")  # what the reader's terminal need not have
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.stdout


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what is shown, `...` standing for anything."""
    lines = (
        "(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + "[ ]*\n"
        for line in shown.splitlines()
    )
    return re.fullmatch("".join(lines), printed) is not None


def local_links(document: Path) -> list[Path]:
    """The files and folders that a document links to, or names in full."""
    text = document.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in _LINK.findall(text) if not re.match(r"\w+:|#", target)]
    return [document.parent / target for target in targets] + [ROOT / name for name in _NAMED.findall(text)]
