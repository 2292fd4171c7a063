"""The `backproof` command."""

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from ..vectors import store
from ..vectors.records import Family, OperationVectors, VectorError
from .doctor import commands as doctor
from .implementation.errors import AdapterError
from .pages import commands as reports
from .record.errors import ReportError
from .scaffold import commands as scaffold
from .scaffold.errors import ScaffoldError
from .terminal.show import list_families, show_case

WELL, WRONG, UNUSABLE = 0, 1, 2
"""Exit codes: success; something is wrong with the vectors; the command cannot be carried out."""


class CommandError(Exception):
    """The command cannot be carried out. The message is one line: what was wrong, where, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = command_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except (AdapterError, CommandError, ReportError, ScaffoldError, VectorError) as error:
        print(f"backproof: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away (| head); what is still buffered must not raise again when Python closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WELL


def command_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="backproof",
        description="Golden vectors of backpropagation. To hold an implementation against them: pytest --impl=MODULE",
    )
    parser.add_argument("--version", action="version", version=f"backproof {version('backproof')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    generate = commands.add_parser("generate", help="compute the golden files anew")
    generate.add_argument("ops", nargs="*", metavar="OP", help="these operations alone")
    generate.add_argument(
        "--check", action="store_true", help="write nothing; say whether the files are as they should be"
    )
    generate.set_defaults(run=_generate)

    verify = commands.add_parser("verify", help="check golden files: hashes, layout, contents")
    verify.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="these files; without any, the installed ones"
    )
    verify.set_defaults(run=_verify)

    show = commands.add_parser("show", help="print one case: what it is for, its arguments, the right answers")
    show.add_argument("id", metavar="ID[#CASE]", help="dense/float32/NAME#3 or vectors/dense.h5::float32/NAME#3")
    show.set_defaults(run=_show)

    listing = commands.add_parser("list", help="print the families: id, cases, level, result, flags")
    listing.add_argument("ops", nargs="*", metavar="OP", help="of these operations alone")
    listing.set_defaults(run=_list)

    faults = commands.add_parser(
        "faults", help="print the catalogue of wrong implementations, each of which can be run"
    )
    faults.add_argument("op", nargs="?", metavar="OP", help="of this operation alone")
    faults.set_defaults(run=_faults)
    scaffold.add(commands)
    doctor.add(commands)
    reports.add(commands)
    return parser


def _generate(options: argparse.Namespace) -> int:
    try:
        from ..reference.generation import generate
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("backproof"):
            raise
        message = f"generating needs {error.name}, which is not installed: pip install backproof[generate]"
        raise CommandError(message) from None
    code: int = generate.main(options.ops, options.check)
    return code


def _verify(options: argparse.Namespace) -> int:
    complaints = [line for path in options.files or [None] for line in store.verify(path)]
    for line in complaints:
        print(line)
    if complaints:
        return WRONG
    count = len(options.files) or len(store.golden_operations())
    print(f"{count} {'file' if count == 1 else 'files'}: all is well")
    return WELL


def _show(options: argparse.Namespace) -> int:
    family_id, has_case, case = options.id.partition("#")
    vectors, family = _find(family_id)
    if has_case and not (case.isdecimal() and int(case) < family.count):
        raise CommandError(f"{options.id}: no such case; the family has #0 to #{family.count - 1}")
    print(show_case(vectors, family, int(case or 0)))
    return WELL


def _list(options: argparse.Namespace) -> int:
    for op in options.ops or store.golden_operations():
        for line in list_families(_golden(op)):
            print(line)
    return WELL


def _faults(options: argparse.Namespace) -> int:
    from ..reference.faults import describe

    try:
        print(describe(options.op))
    except ValueError as error:
        raise CommandError(str(error)) from None
    return WELL


def _find(family_id: str) -> tuple[OperationVectors, Family]:
    """The family of an id (dense/float32/NAME) or of a node id, which may name a file of the user's own."""
    file, is_nodeid, name = family_id.partition("::")
    if is_nodeid:
        op = file.removeprefix("vectors/").removesuffix(".h5")
        vectors = _golden(op) if file == f"vectors/{op}.h5" else store.read(file)
    else:
        op, _, name = family_id.partition("/")
        vectors = _golden(op)
    by_name = {f"{family.dtype}/{family.name}": family for family in vectors.families}
    if name not in by_name:
        prefix = f"{file}::" if is_nodeid else f"{op}/"
        raise CommandError(f"{family_id}: no such family{_close(name, by_name, prefix)}")
    return vectors, by_name[name]


def _golden(op: str) -> OperationVectors:
    known = store.golden_operations()
    if op not in known:
        raise CommandError(f"{op}: no operation of the golden vectors; those are {', '.join(known)}")
    return store.read_golden(op)


def _close(name: str, known: Iterable[str], prefix: str) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; close to it: {', '.join(prefix + name for name in close)}" if close else "; `backproof list` prints all"


if __name__ == "__main__":
    sys.exit(main())
