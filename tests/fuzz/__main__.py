"""Fuzz: all targets in turn, or those named, until the time is up. Exits with 1 where a try is a fault."""

import argparse
import sys
import time
from collections import Counter

from . import __doc__ as description
from .drive import tries, work

NAMES = ("file", "record", "harness")


def main(arguments: list[str]) -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=description)
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], metavar="TARGET", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to go on in all (600)")
    parser.add_argument("--count", type=int, default=10**9, help="the most tries of each target")
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000, help="the first seed; by default the time")
    parser.add_argument("--only", type=int, metavar="SEED", help="make one try, and print what came of it")
    parser.add_argument("--worker", nargs=2, type=int, metavar=("FIRST", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    targets = options.targets or list(NAMES)
    if options.worker:
        work(targets[0], *options.worker)
        return 0
    if options.only is not None:
        made = [one for target in targets for one in tries(target, options.only, 1)]
        print(*made, sep="\n")
        return int(any(one.is_fault for one in made))
    faults = 0
    for target in targets:
        counted: Counter[str] = Counter()
        slice_of_time = options.seconds / len(targets)
        for one in tries(target, options.seed, options.count, slice_of_time):
            counted["fault" if one.is_fault else one.outcome.partition(":")[0]] += 1
            if one.is_fault:
                faults += 1
                print(one, flush=True)
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in counted.most_common(6))
        print(f"{target}: {counted.total():,} tries from seed {options.seed}: {kinds}", flush=True)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
