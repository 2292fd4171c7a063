"""Generate the golden files. No other module writes to `vectors/golden`."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...vectors import store
from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from ...vectors.records import Expectation, Family, OperationVectors
from ..arithmetic.chunks import keep_freed_memory
from ..model.operation import operation, operation_names
from ..model.vocabulary import ANSWERS, FLAGS
from .build import build, drafts
from .evaluate import CaseError

VECTORS_VERSION = "2.1.0"
"""Changes with the content of the vectors: the last number when cases are added, the first when an answer changes."""

Task = tuple[str, str, str]


def tasks(ops: Iterable[str]) -> list[Task]:
    """List all families to build as (operation, dtype, name), in the order of the files."""
    return [(op, dtype, name) for op in ops for dtype in DTYPES for name in drafts(op, dtype)]


def generate(ops: Sequence[str], folder: Path) -> list[Path]:
    """Build the golden files of some operations into a folder, on all cores, with a progress bar.

    Raises CaseError where a case has no golden answer.
    """
    work = tasks(ops)
    workers = min(os.cpu_count() or 1, max(len(work) // 8, 1))
    with ProcessPoolExecutor(workers, get_context("spawn"), _prepare_memory) as pool:
        built = pool.map(_build, work)
        bar = tqdm(built, total=len(work), unit="family", disable=not sys.stderr.isatty(), desc="generating")
        families = list(bar)
    paths = []
    for op, group in groupby(families, key=lambda family: family.op):
        path = folder / f"{op}.h5"
        store.write(path, vectors_of(op, list(group)))
        paths.append(path)
    return paths


def _prepare_memory() -> None:
    """Collect garbage seldom, since what is built has few cycles, and keep what large arrays free."""
    gc.set_threshold(50_000)
    keep_freed_memory()


def _build(task: Task) -> Family:
    return build(*task)


def vectors_of(op: str, families: list[Family]) -> OperationVectors:
    """Collect an operation's families, with the flags and answers that they use."""
    described = operation(op)
    aliases: dict[str, str] = {}
    for names in dict.fromkeys(PRECISIONS_OF.values()):
        for index, other in enumerate(names):
            same = (n for n in names[:index] if all(_same(family, n, other) for family in families))
            if (own := next(same, None)) is not None:
                aliases[other] = own
    kept = [_without(family, aliases) for family in families]
    flags = sorted({flag for family in families for flag in family.flags})
    points = {family.point for family in families}
    return OperationVectors(
        op=op,
        vectors_version=VECTORS_VERSION,
        generator="backproof generate",
        arguments=described.arguments,
        results=described.results,
        batch_axis=described.batch_axis,
        aliases=aliases,
        flags=tuple(FLAGS[flag] for flag in flags),
        answers=tuple(answer for answer in ANSWERS if answer.point in points),
        families=kept,
    )


def _expectations(family: Family) -> list[Expectation]:
    return [family.answer, *family.alternatives.values()] if family.result != "invalid" else []


def _same(family: Family, one: str, other: str) -> bool:
    """Say whether two precisions have the same tolerances throughout a family, or are not of its dtype."""
    if one not in PRECISIONS_OF[family.dtype]:
        return True
    return all(
        (one in e.tolerance) == (other in e.tolerance)
        and all(np.array_equal(e.tolerance[one][r], e.tolerance[other][r]) for r in e.expected if one in e.tolerance)
        for e in _expectations(family)
    )


def _without(family: Family, aliases: Iterable[str]) -> Family:
    def cut(e: Expectation) -> Expectation:
        return Expectation(e.expected, {p: t for p, t in e.tolerance.items() if p not in aliases})

    return replace(family, answer=cut(family.answer), alternatives={k: cut(e) for k, e in family.alternatives.items()})


def main(ops: Sequence[str], check: bool) -> int:
    """Generate the golden files of the named operations, or of all; with `check`, compare instead of writing.

    Returns 0, or 1 where the files differ or a case is at fault, with a line on standard error for each.
    """
    known = operation_names()
    if unknown := [op for op in ops if op not in known]:
        print(f"unknown operation {unknown[0]}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    golden = store.golden_folder()
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".generating-", dir=None if check else golden))
    except OSError as error:
        print(f"{golden} cannot be written ({error.strerror}); generate in a copy of the repository", file=sys.stderr)
        return 2
    try:
        paths = generate(ops or known, scratch)
        return _compare(paths, golden, complete=not ops) if check else _install(paths, golden, complete=not ops)
    except CaseError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _compare(paths: list[Path], golden: Path, complete: bool) -> int:
    differing = [p.name for p in paths if not store.same_content(p, golden / p.name)]
    if complete:
        differing += [p.name for p in sorted(golden.glob("*.h5")) if p.name not in {path.name for path in paths}]
    for name in differing:
        print(f"{name} is not what the reference generates; run `backproof generate`", file=sys.stderr)
    problems = store.verify()
    for problem in problems:
        print(problem, file=sys.stderr)
    if not differing and not problems:
        print(f"{len(paths)} files are what the reference generates")
    return 1 if differing or problems else 0


def _install(paths: list[Path], golden: Path, complete: bool) -> int:
    """Move new files into place, each in one step, once all of them are whole; the manifest last.

    A file that holds the same as the one in its place is left out: another zlib deflates the same to other bytes.
    """
    changed = [path for path in paths if not store.same_content(path, golden / path.name)]
    for path in changed:
        path.replace(golden / path.name)
    if complete:
        for stale in {p.name for p in golden.glob("*.h5")} - {p.name for p in paths}:
            (golden / stale).unlink()
    store.update_manifest(golden, [path.stem for path in paths])
    print(f"{len(changed)} files written to {golden}, {len(paths) - len(changed)} unchanged")
    return 0
