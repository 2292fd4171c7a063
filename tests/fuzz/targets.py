"""What is fuzzed: each target makes one try of a seed and says what came of it. What it raises is a fault."""

import json
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import small_vectors
from backproof.conformance.check.family import check
from backproof.conformance.implementation.errors import AdapterError, CommandError
from backproof.conformance.implementation.load import load, present
from backproof.conformance.pages import badge, sidebyside
from backproof.conformance.pages.changes import changes, closer
from backproof.conformance.pages.comparison import comparison_page
from backproof.conformance.pages.page import run_page
from backproof.conformance.record.document import text_of
from backproof.conformance.record.reader import read_record
from backproof.conformance.remote import command, process
from backproof.conformance.terminal.show import show_case
from backproof.vectors import store
from backproof.vectors.records import OperationVectors, VectorError
from backproof.vectors.validation import problems
from synthetic_vectors import every_feature

from . import SUPPORT
from .mutations import HTML, mutated_bytes, mutated_file, mutated_json

MOST_CHECKED = 2
"""Families of an accepted file that are checked."""
LEFT_RUNNING = "BACKPROOF_FUZZ"
"""The environment variable by which processes are found that outlive a try."""


def clear_line(error: Exception) -> str:
    """What a refusal says. Raises AssertionError where it is no clear line."""
    words = str(error)
    assert words.isprintable(), f"not one printable line: {words!r}"
    assert len(words) < 1000, f"{len(words)} characters: {words[:200]!r}"
    return words


# Vector files


@cache
def _folder() -> Path:
    """A folder with the installed golden files and their manifest."""
    folder = Path(tempfile.mkdtemp(prefix="backproof-fuzz-"))
    for path in store.golden_folder().glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    store.write(folder / "loss.own", every_feature())
    return folder


@cache
def _images() -> Mapping[str, bytes]:
    """Sound files: the golden ones, and as often a small one that has everything."""
    folder = _folder()
    golden = {op: (folder / f"{op}.h5").read_bytes() for op in store.golden_operations(folder)}
    return {**golden, **{f"loss{number}": (folder / "loss.own").read_bytes() for number in range(len(golden))}}


def vector_file(seed: int) -> str:
    """Read, verify, show and run an altered file: it is refused, or has a verdict, and never passes for golden."""
    random = Random(seed)
    images = _images()
    op = random.choice(list(images))
    image = images[op]
    changed = (
        mutated_file(random, image) if random.random() < 0.5 else mutated_bytes(random, image, list(images.values()))
    )
    if changed == image:
        return "unaltered"
    golden = op in store.golden_operations(_folder())
    path = _folder() / (f"{op}.h5" if golden else "loss.h5")
    path.write_bytes(changed)
    try:
        if golden:
            _never_golden(op, path)
        try:
            vectors = store.read(path)
        except VectorError as error:
            return f"refused: {clear_line(error)}"
        if found := problems(vectors):
            return f"refused: {clear_line(VectorError(found[0]))}"
        _run(vectors, random)
        return "accepted as a file of somebody's own"
    finally:
        if golden:
            path.write_bytes(image)


def _never_golden(op: str, path: Path) -> None:
    """Raise AssertionError where an altered file passes for the golden one."""
    complaints = store.verify(path)
    assert complaints, "verify finds nothing wrong"
    for line in complaints[:3]:
        clear_line(VectorError(line))
    try:
        store.read_golden(op, path.parent)
    except VectorError as error:
        clear_line(error)
    else:
        raise AssertionError("an altered file is read as golden")


def _run(vectors: OperationVectors, random: Random) -> None:
    families = list(vectors.families)
    functions: dict[str, Any] = {f"{vectors.op}_{name}": lambda *_, **__: 0 for name in vectors.arguments}
    if vectors.op in store.golden_operations():
        implementation = load("backproof.conformance.adapters.numpy", [vectors.op])
    else:
        implementation = present("fuzz", functions, (vectors.op,))
    for family in random.sample(families, min(MOST_CHECKED, len(families))):
        lines = show_case(vectors, family, family.count - 1).split("\n")
        assert all(line.isprintable() for line in lines)
        assert check(family, implementation, vectors).outcome


# Records of runs


@cache
def _records() -> tuple[str, ...]:
    from backproof.conformance.check.heatmap import Heatmap
    from backproof.conformance.check.verdict import Miss, MissKind
    from backproof.conformance.diagnosis.findings import Diagnosis, Finding
    from run_records import absent, failure, family, record

    heat = Heatmap("outputs", 3, (2, 2), 2, 2, ((0.5, "nan"), (4e9, "exact")))
    miss = Miss(MissKind.VALUE, False, 3, "outputs is wrong", ("by much", "everywhere"), heat, "outputs")
    found = (Diagnosis("dense", "backward", (Finding("dense.x", "is wrong", "mend it"),)),)
    whole = record(
        family(1, fraction=0.25, point="slope", answers=("0", "1/2")),
        failure(2, miss, fraction=float("inf"), ulps=float("nan")),
        absent(3, dtype="bfloat16"),
        *(family(number, op=op) for number, op in enumerate(("relu", "mlp", "tanh"), 10)),
        not_run=7,
        not_asked=2,
        problems=("something is stale",),
        diagnoses=found,
    )
    return text_of(whole), text_of(record(family(1))), text_of(record())


def record(seed: int) -> str:
    """Read a record that was altered, and make of it whatever is made of records."""
    random = Random(seed)
    text = random.choice(_records())
    if random.random() < 0.7:
        changed = json.dumps(mutated_json(random, json.loads(text))).encode()
    else:
        changed = mutated_bytes(random, text.encode())
    path = _folder() / "run.json"
    path.write_bytes(changed)
    try:
        read = read_record(path)
    except CommandError as error:
        return f"refused: {clear_line(error)}"
    sound = _sound()
    pages = [
        run_page(read),
        badge.svg(read),
        comparison_page([sound, read], list(changes(sound, read)), closer(sound, read)),
    ]
    badge.endpoint(read)
    list(sidebyside.table([read, sound]))
    list(sidebyside.progress(changes(read, sound), closer(read, sound)))
    list(sidebyside.conventions([read, sound]))
    assert not any(HTML in page for page in pages), "HTML of the record's is on a page"
    return "accepted"


@cache
def _sound() -> Any:
    path = _folder() / "sound.json"
    path.write_text(_records()[0], encoding="utf-8")
    return read_record(path)


# Harnesses


def harness(seed: int) -> str:
    """Run some families by a harness that misbehaves: each has a verdict, and nothing is left running."""
    os.environ[LEFT_RUNNING] = str(seed)
    command.SECONDS = process.GRACE = 1.0
    vectors = small_vectors.double()
    program = Path(__file__).with_name("harness.py")
    words = shlex.join(["env", f"PYTHONPATH={SUPPORT}", sys.executable, "-S", str(program), str(seed)])
    try:
        implementation = command.load_command(words, ["double"], 0.2, _folder(), {})
        verdicts = [check(family, implementation, vectors) for family in vectors.families if family.dtype == "float32"]
        implementation.teardown()
        outcome = f"{sum(verdict.outcome == 'passed' for verdict in verdicts)} of {len(verdicts)} pass"
        for miss in (miss for verdict in verdicts for miss in verdict.misses):
            assert miss.summary.isprintable(), f"not one printable line: {miss.summary!r}"
    except AdapterError as error:
        outcome = f"refused: {clear_line(error)}"
    left = [number for number in _processes() if f"{LEFT_RUNNING}={seed}".encode() in _environment(number)]
    assert not [number for number in left if number != os.getpid()], f"left running: {left}"
    return outcome


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _environment(number: int) -> list[bytes]:
    try:
        return Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


TARGETS: Mapping[str, Callable[[int], str]] = {"file": vector_file, "record": record, "harness": harness}
"""By name."""
