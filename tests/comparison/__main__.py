"""Run all checkers over all faults and sound variants, and hold the outcome against the record.

`python -m tests.comparison` compares; `--record` writes results.json, and the tables in the documents. What backproof
finds has to be as recorded. The others have outcomes at the edge of a tolerance, which the last digits of a machine's
matrix products decide: these are told, and their numbers may move a little.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from time import perf_counter

from . import record, tables
from .calls import OPERATIONS
from .checkers import CHECKERS, COLUMNS, OURS, STRICT, Found
from .subjects import FAULT, PLAIN, subjects
from .workers import Task, checked

NAMES = (OURS, *CHECKERS)


def main(arguments: list[str]) -> int:
    """Run. Returns 1 where something came out otherwise than recorded, and another machine does not explain it."""
    parser = argparse.ArgumentParser(prog="python -m tests.comparison", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what was found in place of comparing it")
    parser.add_argument("--only", action="append", choices=NAMES, help="run this checker, and take the others' record")
    parser.add_argument(
        "--op", action="append", choices=OPERATIONS, help="of this operation, and take the others' record"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many run at a time")
    options = parser.parse_args(arguments)
    started = perf_counter()
    partial = options.only or options.op
    recorded = record.load() if partial or not options.record else None
    names, ops = options.only or NAMES, options.op or OPERATIONS
    results = run(names, ops, options.processes, recorded if partial else None)
    print(f"{len(results.faults)} faults, {len(results.variants)} sound variants, {perf_counter() - started:.0f} s\n")
    print(tables.short(results))
    if options.record:
        record.write(results)
        tables.write_documents(results)
        return 0
    assert recorded is not None
    print("\n".join(["", *record.other_versions(recorded, results)]))
    print("\n".join(record.differences(recorded, results)) or "as recorded")
    wrong = [*record.differences(recorded, results, (OURS, STRICT)), *tables.moved(recorded, results)]
    print("\n".join(["", *(f"wrong: {line}" for line in wrong)]))
    return min(len(wrong), 1)


def run(names: Sequence[str], ops: Sequence[str], processes: int, recorded: record.Results | None) -> record.Results:
    """Run some checkers over some operations; what others found is taken from the record."""
    kept = recorded or record.Results({}, {}, {}, [], {}, {})
    found: dict[Task, Found] = {}
    spoiled = {name: {op: dict(shares) for op, shares in by_op.items()} for name, by_op in kept.spoiled.items()}
    seconds = {name: dict(by_op) for name, by_op in kept.seconds.items()}
    lost: list[str] = []
    for number, answer in enumerate(checked(names, ops, processes), 1):
        found |= answer.found
        lost += answer.lost
        op = answer.op
        for name in names:
            seconds.setdefault(name, {})[op] = round(answer.found[name, f"{PLAIN}: {op}"].seconds, 4)
            if name in CHECKERS:
                spoiled.setdefault(name, {})[op] = {d: list(share) for d, share in answer.spoiled[name].items()}
        print(f"{number} of {len(ops)}: {op}", file=sys.stderr, flush=True)
    faults, variants = {}, {}
    for name, subject in ((name, subject) for op in OPERATIONS for name, subject in subjects(op).items()):
        answers = [found[checker, name] for checker in names if subject.op in ops]
        if subject.group == FAULT:
            before = kept.faults.get(name, record.Fault("", "", {}))
            kind = found[OURS, name].kind if (OURS, name) in found else before.kind
            faults[name] = record.Fault(subject.directions[0], kind, merged(answers, before.rejected))
        elif subject.group != PLAIN:
            variants[name] = merged(answers, kept.variants.get(name, {}))
    return record.Results(
        versions=record.versions(),
        seconds={name: dict(sorted(seconds[name].items())) for name in NAMES if name in seconds},
        spoiled={name: dict(sorted(spoiled[name].items())) for name in CHECKERS if name in spoiled},
        lost=sorted(lost),
        faults=faults,
        variants=variants,
    )


def merged(answers: Iterable[Found], before: record.ByColumn) -> record.ByColumn:
    """The dtypes at which each column rejects: as found, and as recorded where a column was not run."""
    now = {column: list(reasons) for answer in answers for column, reasons in answer.rejected.items()}
    both = before | now
    return {column: both[column] for column in COLUMNS if both.get(column)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
