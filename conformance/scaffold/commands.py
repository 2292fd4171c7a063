"""The command `backproof new-adapter`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..implementation.errors import CommandError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STYLES = {
    "functions": "plain functions of NumPy arrays",
    "layers": "layers of a lesson, Layer(n_inputs, n_outputs) with .output and .dinputs",
    "torch": "classes of torch.autograd.Function",
    "autodiff": "forward functions of a framework, and its gradients",
    "command": "a program behind a pipe, in the language of the file: .py, .mjs, .c, .rs or .jl",
}


def add(commands: "Commands") -> None:
    """Declare the command."""
    words = "; ".join(f"{style}: {meaning}" for style, meaning in STYLES.items())
    new = commands.add_parser("new-adapter", help="write the skeleton of an adapter, to be filled in")
    new.add_argument("path", metavar="PATH", help="the file to write: mylayer.py, or harness.c")
    new.add_argument("--style", choices=tuple(STYLES), default="functions", help=f"{words} (functions)")
    new.add_argument("--op", action="append", dest="ops", metavar="OP", help="this operation alone (repeatable)")
    new.add_argument("--force", action="store_true", help="write over a file that is there")
    new.set_defaults(run=_new_adapter)


def _new_adapter(options: argparse.Namespace) -> int:
    from ...vectors.files import replace_atomically  # other commands must not pay for these
    from .skeleton import skeleton
    from .target import style_of, target

    here = Path.cwd()
    ops = _known(options.ops)
    style = style_of(options.path, options.style)
    file = target(options.path, style, here, force=options.force)
    commands = file.commands(style, ops[0])
    text = skeleton(style, ops, commands)
    made = not file.path.parent.exists()
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        replace_atomically(file.path, text.encode())
    except OSError as error:
        raise CommandError(f"{file.path}: cannot be written: {error.strerror or error}") from None
    print(f"wrote {file.path}{f', in the new folder {file.path.parent}' if made else ''}: {', '.join(ops)}")
    print("What has to be filled in says so, and what it returns. Next:")
    if file.folder != here:
        print(f"  cd {file.folder}")
    lines = {
        commands.page: "formula, parameters and conventions of an operation",
        commands.build: "again after each change",
        commands.doctor: "what does not fit yet, function by function",
        commands.run: "all vectors",
    }
    width = max(map(len, lines))
    for line, meaning in lines.items():
        if line:
            print(f"  {line:<{width}}  # {meaning}")
    return 0


def _known(given: Sequence[str] | None) -> Sequence[str]:
    """The operations asked for, in the order of all of them. Raises CommandError."""
    from ...vectors import store
    from ...vectors.hints import meant

    known = store.golden_operations()
    for op in given or ():
        if op not in known:
            raise CommandError(f"--op {op}: no operation of the golden vectors; {meant(op, known)}")
    return [op for op in known if op in given] if given else known
