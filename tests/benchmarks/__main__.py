"""Run all benchmarks, or those named, and print what each found as ratios from this one run."""

import sys

from . import checking, diagnosing, fast, generating, gradcheck, large, live, memory, own_data, piping, reading, startup

BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        checking,
        diagnosing,
        piping,
        reading,
        startup,
        gradcheck,
        memory,
        generating,
        fast,
        own_data,
        live,
        large,
    )
}


def main(names: list[str]) -> int:
    """Run benchmarks. Returns 1 where a ratio is beyond its target."""
    if unknown := set(names) - set(BENCHMARKS):
        print(f"unknown benchmark {sorted(unknown)[0]}; known are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name].figures():
            print(f"{name:10} {figure}", flush=True)
            missed += not figure.met
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
