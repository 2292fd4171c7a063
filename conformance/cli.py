"""The `backproof` command."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from ..vectors import store
from ..vectors.files import bytes_of, one_line
from ..vectors.hints import meant
from ..vectors.manifest import hash_of_stranger, read_manifest
from ..vectors.records import Family, OperationVectors, VectorError
from .campaign import commands as campaign
from .check.wording import close_to
from .doctor import commands as doctor
from .implementation.errors import AdapterError, CommandError
from .implementation.own_operations import generated, read_operations
from .pages import commands as reports
from .scaffold import commands as scaffold
from .session.selection import live_arguments
from .terminal.show import list_families, show_case

WELL, WRONG, UNUSABLE = 0, 1, 2
"""Exit codes: success; something is wrong with the vectors; the command cannot be carried out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # None where it is closed
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    options = command_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        print(end="", flush=True)
        return code
    except (AdapterError, CommandError, VectorError) as error:
        print(f"backproof: {one_line(str(error))}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is not None or sys.stdout is None:
            raise
        # What is still buffered must not raise again when Python closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader went away (| head)
            return WELL
        print(f"backproof: standard output cannot be written: {error.strerror}", file=sys.stderr)
        return UNUSABLE


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
    check = "write nothing; say whether the files are as they should be"
    generate.add_argument("--check", action="store_true", help=check)
    _add_own(generate)
    generate.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder of their files")
    generate.set_defaults(run=_generate)

    verify = commands.add_parser("verify", help="check golden files: hashes, layout, contents")
    files = "these files; without any, the installed ones"
    verify.add_argument("files", nargs="*", type=Path, metavar="FILE", help=files)
    verify.set_defaults(run=_verify)

    show = commands.add_parser("show", help="print one case: what it is for, its arguments, the right answers")
    show.add_argument("id", metavar="ID[#CASE]", help="dense/float32/NAME#3 or vectors/dense.h5::float32/NAME#3")
    _add_own(show)
    show.set_defaults(run=_show)

    page = commands.add_parser("page", help="print what there is to say of an operation, as Markdown")
    page.add_argument("op", metavar="OP", help="the operation")
    _add_own(page)
    page.set_defaults(run=_page)

    listing = commands.add_parser("list", help="print the families: id, cases, level, result, flags")
    listing.add_argument("ops", nargs="*", metavar="OP", help="of these operations alone")
    _add_own(listing)
    listing.set_defaults(run=_list)

    faults = commands.add_parser(
        "faults", help="print the catalogue of wrong implementations, each of which can be run"
    )
    faults.add_argument("op", nargs="?", metavar="OP", help="of this operation alone")
    _add_own(faults)
    faults.set_defaults(run=_faults)
    campaign.add(commands)
    scaffold.add(commands)
    doctor.add(commands)
    reports.add(commands)
    return parser


def _add_own(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ops",
        action="append",
        default=[],
        dest="own",
        metavar="MODULE",
        help="operations of your own: a module with forward and backward, or a package of such (repeatable)",
    )


def _own(options: argparse.Namespace) -> tuple[str, ...]:
    """The names of the operations of --ops, which are known from then on."""
    return read_operations(options.own, Path.cwd()) if options.own else ()


def _generate(options: argparse.Namespace) -> int:
    try:
        from ..reference.generation import generate
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("backproof"):
            raise
        message = f"generating needs {error.name}, which is not installed: pip install python-flint tqdm"
        raise CommandError(message) from None
    if bool(options.own) != (options.output is not None):
        raise CommandError(
            "--ops MODULE and -o DIR go together: files of operations of your own go to a folder of yours"
        )
    prepare = partial(read_operations, options.own, Path.cwd()) if options.own else int
    code: int = generate.main(options.ops, options.check, options.output, _own(options), prepare)
    return code


def _verify(options: argparse.Namespace) -> int:
    complaints = [line for path in options.files or [None] for line in store.verify(path)]
    for line in complaints:
        print(line)
    if complaints:
        return WRONG
    manifest = read_manifest(store.golden_folder())
    for path in options.files:
        if path.is_file() and hash_of_stranger(bytes_of(path), manifest):
            print(f"{path}: none of backproof's files: it is well-formed, and nobody vouches for its values")
    count = len(options.files) or len(store.golden_operations())
    print(f"{count} {'file' if count == 1 else 'files'}: all is well")
    return WELL


def _show(options: argparse.Namespace) -> int:
    family_id, has_case, case = options.id.partition("#")
    vectors, family = _find(family_id, _own(options))
    if has_case and not (case.isdecimal() and int(case) < family.count):
        raise CommandError(f"{options.id}: no such case; the family has #0 to #{family.count - 1}")
    print(show_case(vectors, family, int(case or 0)))
    return WELL


def _page(options: argparse.Namespace) -> int:
    from .pages.operation import page_apart

    print(page_apart(_golden(options.op, _own(options))), end="")
    return WELL


def _list(options: argparse.Namespace) -> int:
    own = _own(options)
    for op in options.ops or own or store.golden_operations():
        for line in list_families(_golden(op, own)):
            print(line)
    return WELL


def _faults(options: argparse.Namespace) -> int:
    from ..reference.faults import describe

    own = _own(options)
    try:
        for op in (options.op,) if options.op or not own else own:
            print(describe(op))
    except ValueError as error:
        raise CommandError(str(error)) from None
    return WELL


def _find(family_id: str, own: Sequence[str]) -> tuple[OperationVectors, Family]:
    """The family of an id (dense/float32/NAME) or of a node id, which may name a file of the user's own."""
    file, is_nodeid, name = family_id.partition("::")
    if is_nodeid:
        if live_arguments([family_id], store.golden_operations(), Path.cwd()):
            raise CommandError(f"{family_id}: a case drawn at run time, in no file; pytest --impl=MODULE 'ID' shows it")
        op = file.removeprefix("vectors/").removesuffix(".h5")
        vectors = _golden(op, own) if file == f"vectors/{op}.h5" else store.read(file)
    else:
        op, _, name = family_id.partition("/")
        vectors = _golden(op, own)
    by_name = {f"{family.dtype}/{family.name}": family for family in vectors.families}
    if name not in by_name:
        prefix = f"{file}::" if is_nodeid else f"{op}/"
        raise CommandError(f"{family_id}: no such family{close_to(name, by_name, 0.5, prefix)}")
    return vectors, by_name[name]


def _golden(op: str, own: Sequence[str]) -> OperationVectors:
    if op in own:
        return generated(op)
    known = store.golden_operations()
    if op not in known:
        raise CommandError(f"{op}: no operation of the golden vectors; {meant(op, known)}")
    return store.read_golden(op)


if __name__ == "__main__":
    sys.exit(main())
