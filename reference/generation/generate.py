"""Generate the golden files. No other module writes to `vectors/golden`."""

import errno
import gc
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...vectors import store
from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from ...vectors.hints import meant
from ...vectors.manifest import MANIFEST_NAME, read_manifest
from ...vectors.records import Expectation, Family, OperationVectors, VectorError
from ...vectors.validation import problems
from ..arithmetic.chunks import keep_freed_memory
from ..model.operation import OWN, operation, operation_names
from ..model.vocabulary import ANSWERS, FLAGS
from .build import build, drafts
from .evaluate import CaseError

VECTORS_VERSION = "2.1.0"
"""Changes with the content of the vectors: the last number when cases are added, the first when an answer changes."""

Task = tuple[str, str, str]


def tasks(ops: Iterable[str], dtypes: Collection[str] = DTYPES) -> list[Task]:
    """List all families to build as (operation, dtype, name), in the order of the files."""
    return [(op, dtype, name) for op in ops for dtype in DTYPES if dtype in dtypes for name in drafts(op, dtype)]


def generate(ops: Sequence[str], prepare: Callable[[], object] = int) -> Iterator[tuple[str, bytes]]:
    """Build the golden files of some operations on all cores, with a progress bar. Yields the name and bytes of each.

    prepare: called first in each process, to enter operations of the user's own.
    Raises CaseError where a case has no golden answer.
    """
    work = tasks(ops)
    workers = min(os.cpu_count() or 1, max(len(work) // 8, 1))
    with ProcessPoolExecutor(workers, get_context("spawn"), _prepare_worker, (prepare,)) as pool:
        built = pool.map(_build, work, chunksize=4)
        bar = tqdm(built, total=len(work), unit="family", disable=not sys.stderr.isatty(), desc="generating")
        kept = 0
        for op, group in groupby((family for family in bar if family is not None), key=lambda family: family.op):
            families = list(group)
            kept += len(families)
            yield f"{op}.h5", store.image_of(vectors_of(op, families))
    if out := len(work) - kept:
        print(f"{out} of {len(work)} families are left out: there is no bound for their cases", file=sys.stderr)


def generated(op: str, dtypes: Collection[str] = DTYPES) -> OperationVectors:
    """Build the vectors of an operation of the user's own in this process."""
    return vectors_of(op, [family for task in tasks([op], dtypes) if (family := _build(task)) is not None])


def _prepare_worker(prepare: Callable[[], object]) -> None:
    """End when the parent does. Collect garbage seldom, since what is built has few cycles, never look at what is
    imported by then, and keep what large arrays free."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(50_000)
    keep_freed_memory()
    prepare()
    gc.freeze()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _build(task: Task) -> Family | None:
    """Build a family; None where it is of the user's own operation, which decides what can be judged."""
    if task[0] not in OWN:
        return build(*task)
    with suppress(CaseError):
        family = build(*task)
        return None if problems(vectors_of(task[0], [family])) else family
    return None


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


def main(
    ops: Sequence[str],
    check: bool,
    folder: Path | None = None,
    own: Sequence[str] = (),
    prepare: Callable[[], object] = int,
) -> int:
    """Generate the golden files of the named operations, or of all; with `check`, compare instead of writing.

    own: the operations of the user's own that there are, whose files go to a `folder` of theirs; prepare: enters them.

    Returns 0; 1 where the files differ or a case is at fault, 2 where nothing can be written, with a line on standard
    error for each.
    """
    known = tuple(own) or operation_names()
    if unknown := [op for op in ops if op not in known]:
        print(f"unknown operation {unknown[0]}; {meant(unknown[0], known)}", file=sys.stderr)
        return 2
    golden = folder or store.golden_folder()
    complete = not ops and not own
    try:
        if not check:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            _refuse_what_cannot_be_installed(golden, ops or own)
        built = generate(ops or known, prepare)
        if check:
            return _compare(built, golden, ops or own)
        images = dict(built)
        written = store.install(golden, images, complete)
    except CaseError as error:
        print(error, file=sys.stderr)
        return 1
    except VectorError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print("a process that generates was ended, perhaps for its memory; nothing is written", file=sys.stderr)
        return 2
    except OSError as error:
        why = f"{golden} cannot be written ({error.strerror or error}); nothing is changed"
        print(f"{why}: make room, or generate in a copy of the repository", file=sys.stderr)
        return 2
    print(f"{len(written)} files written to {golden}, {len(images) - len(written)} unchanged")
    return 0


def _refuse_what_cannot_be_installed(golden: Path, ops: Sequence[str]) -> None:
    """Raise OSError or VectorError, before minutes are spent, where the files could not be put into the folder."""
    if not os.access(golden, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if ops and (golden / MANIFEST_NAME).exists():
        manifest = read_manifest(golden)
        others = [name for name in manifest.files if name.removesuffix(".h5") not in ops]
        if others and manifest.vectors_version != VECTORS_VERSION:
            versions = f"{manifest.vectors_version}: {', '.join(others)}; {VECTORS_VERSION}: {', '.join(ops)}"
            message = f"{golden}: the files would be of different vectors versions ({versions}); generate all of them"
            raise VectorError(message)


def _compare(images: Iterator[tuple[str, bytes]], golden: Path, ops: Sequence[str]) -> int:
    """Hold files against those in a folder, of some operations or all, each while others are generated."""
    names, differing = list[str](), list[str]()
    problems = list[str]()
    for name, image in images:
        if not names:
            problems = store.verify(golden, ops=ops)
        names.append(name)
        if not store.same_content(image, golden / name):
            differing.append(name)
    if not ops:
        differing += [path.name for path in sorted(golden.glob("*.h5")) if path.name not in names]
    for name in differing:
        print(f"{name} is not what the reference generates; run `backproof generate`", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not differing and not problems:
        print(f"{len(names)} files are what the reference generates")
    return 1 if differing or problems else 0
