"""Run all checkers over all faults and sound variants, and hold the outcome against the record.

`python -m tests.comparison` compares; `--record` writes results.json, and the tables in the documents. What backproof
finds has to be as recorded. The others have outcomes at the edge of a tolerance, which the last digits of a machine's
matrix products decide: these are told, and their numbers may move a little.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from time import perf_counter

from . import record, tables
from .checkers import CHECKERS, COLUMNS, OURS, STRICT, Found
from .subjects import subjects
from .workers import Task, checked, measured

NAMES = (OURS, *CHECKERS)


def main(arguments: list[str]) -> int:
    """Run. Returns 1 where something came out otherwise than recorded, and another machine does not explain it."""
    parser = argparse.ArgumentParser(prog="python -m tests.comparison", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what was found in place of comparing it")
    parser.add_argument("--only", action="append", choices=NAMES, help="run this checker, and take the others' record")
    options = parser.parse_args(arguments)
    started = perf_counter()
    names = options.only or NAMES
    recorded = record.load() if options.only or not options.record else None
    results = run(names, recorded if options.only else None)
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


def run(names: Sequence[str], recorded: record.Results | None) -> record.Results:
    """Run some checkers over everything; what others found is taken from the record."""
    spoiled, seconds = measured(names)
    tasks = [(name, subject) for name in names for subject in subjects()]
    found: dict[Task, Found] = {}
    lost: list[str] = []

    def note(task: Task, error: Exception) -> Found:
        lost.append(f"{': '.join(task)}: {type(error).__name__}")
        return Found({task[0]: {"all": str(error)}}, 0.0)

    for number, (task, answer) in enumerate(checked(tasks, note), 1):
        found[task] = answer
        if number % 200 == 0 or number == len(tasks):
            print(f"{number} of {len(tasks)}", file=sys.stderr, flush=True)
    for name in names:
        whole = sum(answer.seconds for (checker, _), answer in found.items() if checker == name)
        print(f"{name}: {whole:.0f} s over all subjects", file=sys.stderr)
    kept = recorded or record.Results({}, {}, {}, [], {}, {})
    faults, variants = {}, {}
    for name, subject in subjects().items():
        answers = [found[checker, name] for checker in names]
        if subject.group == "fault":
            before = kept.faults.get(name, record.Fault("", "", {}))
            kind = found[OURS, name].kind if OURS in names else before.kind
            faults[name] = record.Fault(subject.directions[0], kind, merged(answers, before.rejected))
        else:
            variants[name] = merged(answers, kept.variants.get(name, {}))
    return record.Results(
        versions=record.versions(),
        seconds={name: round((seconds | kept.seconds)[name], 3) for name in NAMES},  # of one run, for their ratios
        spoiled={name: (kept.spoiled | spoiled)[name] for name in CHECKERS},
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
