"""The languages that a harness is written in, each known by the suffix of its file."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Language:
    """How a harness in a language is called, compiled and run."""

    name: str
    suffix: str
    program: str = ""
    """What runs the file; empty where the file is compiled."""
    compiler: str = ""
    """What makes a program of a file, with {program} and {file} for their names."""

    def build(self, file: PurePath) -> str:
        """The command that compiles the file; empty where there is nothing to compile."""
        return self.compiler.format(program=_quoted(file.with_suffix("")), file=_quoted(file))

    def run(self, file: PurePath) -> str:
        """The command that runs the file, once it is compiled."""
        if self.program:
            return f"{self.program} {_quoted(file)}"
        return shlex.quote(f"./{file.with_suffix('').as_posix()}")


def _quoted(path: PurePath) -> str:
    return shlex.quote(path.as_posix())


LANGUAGES: Mapping[str, Language] = {
    "command": Language("Python", ".py", program="python"),
    "javascript": Language("JavaScript", ".mjs", program="node"),
    "c": Language("C", ".c", compiler="cc -O2 -o {program} {file} -lm"),
    "rust": Language("Rust", ".rs", compiler="rustc -O --edition 2021 -o {program} {file}"),
    "julia": Language("Julia", ".jl", program="julia"),
}
"""By the style of the skeleton."""

OF_SUFFIX = {language.suffix: style for style, language in LANGUAGES.items()}
"""The style of a harness, by the suffix of its file."""
