"""The command `backproof doctor`."""

import argparse
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..implementation.errors import AdapterError

if TYPE_CHECKING:
    from .fit import FunctionFit

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SECONDS = 60.0
"""Time limit of a call."""
MOST_NAMED = 3
"""Of operations that are not there, unless one is asked for by name."""


def add(commands: "Commands") -> None:
    """Declare the command."""
    doctor = commands.add_parser("doctor", help="try an adapter on tiny inputs, and say what does not fit")
    doctor.add_argument("implementation", nargs="?", metavar="MODULE[:OBJECT]", help="what --impl takes")
    doctor.add_argument("--impl-cmd", dest="cmd", metavar="COMMAND", help="as of pytest, instead of a module")
    doctor.add_argument("--cmd", dest="cmd", help=argparse.SUPPRESS)  # as it was called once
    doctor.add_argument("--op", action="append", dest="ops", metavar="OP", help="this operation alone (repeatable)")
    given = "an option for the adapter's setup() (repeatable)"
    doctor.add_argument("--impl-option", action="append", default=[], metavar="KEY=VALUE", help=given)
    doctor.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from ...vectors import store  # other commands must not pay for these
    from ...vectors.hints import meant
    from ..check.wording import first_few, plural, wrapped
    from ..implementation.options import parse_options
    from ..remote.conversation import wrong_line
    from ..remote.loading import ended, loaded
    from .examine import examine
    from .fit import Fit

    known = store.golden_operations()
    if unknown := [op for op in options.ops or () if op not in known]:
        raise AdapterError(f"--op {unknown[0]}: no operation of the golden vectors; {meant(unknown[0], known)}")
    if (options.implementation is None) == (options.cmd is None):
        raise AdapterError("name one implementation: backproof doctor MODULE, or --impl-cmd COMMAND")
    given, is_command = parse_options(options.impl_option), options.cmd is not None
    if is_command and (found := wrong_line(options.cmd, Path.cwd(), given)):
        print(f"answer {found.number} is not as conformance/remote/PROTOCOL.md says")
        for first, words in (("", f"{found.words}."), ("asked: ", found.request), ("Cure: ", f"{found.cure}.")):
            print(*wrapped(words, " " * 8 + first, " " * 8), sep="\n")
        return 1
    isolate = os.name == "posix"  # a call that ends its process then ends neither the doctor nor its answers
    implementation = loaded(
        options.cmd or options.implementation,
        known,
        Path.cwd(),
        given,
        is_command=is_command,
        isolate=isolate,
        timeout=SECONDS,
    )
    there = {op for op, _ in implementation.functions} | {m.meant.rpartition("_")[0] for m in implementation.misspelt}
    states: Counter[Fit] = Counter()
    missing: list[str] = []
    try:
        implementation.setup()
        for op in options.ops or known:
            if not options.ops and op not in there:
                missing.append(op)
                continue
            for opinion in examine(implementation, [store.read_golden(op)]):
                states[opinion.state] += 1
                print(*_lines(opinion), sep="\n", flush=True)
    except BaseException:
        ended(implementation)
        raise
    implementation.teardown()
    if missing:
        words = f"{plural(len(missing), 'operation', 'operations')} ({first_few(missing, MOST_NAMED)})"
        print(*wrapped(words, f"{Fit.ABSENT:<8}", " " * 8), sep="\n")
    wrong, fits = states[Fit.MISFIT], states[Fit.OK]
    print(*_ending(wrong, fits, replace(implementation, isolated="").argument, options), sep="\n")
    return int(bool(wrong) or not fits)


def _lines(opinion: "FunctionFit") -> Iterator[str]:
    from ..check.wording import wrapped

    yield f"{opinion.state:<8}{opinion.function}"
    indent = " " * 8
    if opinion.misfit is not None:
        words = opinion.misfit.words
        names_result = not words.startswith(("it ", "a ", "the ", "right "))
        first = words[0] if names_result else words[0].upper()
        yield from wrapped(f"{first}{words[1:]}.", indent, indent)
        if opinion.misfit.cure:
            yield from wrapped(f"{opinion.misfit.cure}.", f"{indent}Cure: ", indent)
        if opinion.family:
            yield f"{indent}(met in {opinion.family})"
    for note in opinion.notes:
        yield from wrapped(note, indent, f"{indent}  ")


def _ending(wrong: int, fits: int, implementation: str, options: argparse.Namespace) -> Iterator[str]:
    from ..check.wording import plural

    ops = options.ops or ()
    again = " ".join([implementation.removeprefix("--impl="), *(f"--op {shlex.quote(op)}" for op in ops)])
    yield ""
    if wrong:
        yield f"{plural(wrong, 'function does not fit', 'functions do not fit')}. Once mended: backproof doctor {again}"
    elif fits:
        yield " ".join(["What is there fits. Next: pytest", implementation, *(f"--impl-op={op}" for op in ops)])
    else:
        yield f"Nothing is filled in yet. Once one is: backproof doctor {again}"
