"""`python -m tests.verdicts record|compare NAME [OPERATION...] [pytest's options]`: run a framework against vectors.

Without operations, `record` takes all there are, and `compare` all that are recorded. `compare` fails where the run is
not as its table says, a miss has no explanation, or an explanation does not hold. `python -m tests.verdicts page`
writes docs/frameworks.md from the tables.
"""

import sys
from collections.abc import Sequence
from itertools import takewhile

import pytest
from backproof.conformance.session.run import Run
from backproof.vectors.dtypes import DTYPES

from . import table
from .page import PAGE, page

ADAPTERS = "backproof.conformance.adapters."
RUNS: dict[str, tuple[str, ...]] = {
    "autograd": ("autograd",),
    "jax": ("jax",),
    "jax-jit": ("jax", "jit=true"),
    "mlx": ("mlx",),
    "tensorflow": ("tensorflow",),
    "tinygrad": ("tinygrad",),
    "torch": ("torch",),
    "torch-compile": ("torch", "compile=true"),
    "torch-cuda": ("torch", "device=cuda"),
    "torch-cuda-compile": ("torch", "device=cuda", "compile=true"),
    "torch-cuda-tf32": ("torch", "device=cuda", "tf32=true"),
}
"""The adapter and its options, by the name of the table's folder."""


def dtypes_of(name: str) -> Sequence[str]:
    """The dtypes that a run is about."""
    return ("float32",) if "tf32=true" in RUNS[name] else DTYPES


class Taken:
    """Takes what a run came to."""

    run: Run

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.run = session.config.pluginmanager.get_plugin("backproof-run")


def main(words: list[str]) -> int:
    if words == ["page"]:
        PAGE.write_text(page(RUNS), encoding="utf-8")
        return 0
    if len(words) < 2 or words[0] not in ("record", "compare") or words[1] not in RUNS:
        usage = "python -m tests.verdicts page|record NAME [OPERATION...]|compare NAME [OPERATION...]"
        print(f"{usage}, NAME of {', '.join(RUNS)}", file=sys.stderr)
        return 2
    command, name, *rest = words
    recorded, explanations = table.read(name)
    asked = list(takewhile(lambda word: not word.startswith("-"), rest))
    ops = asked or (list(recorded.keys() - {table.FRAMEWORK}) if command == "compare" else [])
    adapter, *options = RUNS[name]
    arguments = [f"--impl={ADAPTERS}{adapter}", *(f"--impl-option={option}" for option in options)]
    arguments += [f"--impl-op={op}" for op in ops]
    arguments += [f"--impl-dtype={dtype}" for dtype in dtypes_of(name)]
    taken = Taken()
    ended = pytest.main(["-q", "--no-summary", "--tb=no", *arguments, *rest[len(asked) :]], [taken])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return int(ended)
    plan, results = taken.run.state.plan, taken.run.state.results_so_far()
    seen = table.of_run(plan.implementation, results, plan.vectors_version)
    if command == "record":
        if asked and (other := table.other_versions(recorded, seen)):
            print(f"{name}: what is recorded is of {other}; record all operations anew", file=sys.stderr)
            return 2
        table.record(name, seen)
        recorded, explanations = table.read(name)
    wrong = list(table.compared(recorded, seen, explanations, results))
    print(*wrong, f"{name}: {len(wrong) or 'no'} differences from its table", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
