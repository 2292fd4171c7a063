"""Generating golden files: the same content, whole files or none, one line for what is wrong."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

import h5py
import pytest
from backproof.reference.generation import generate as module
from backproof.reference.generation.evaluate import CaseError
from backproof.reference.generation.generate import generate, main
from backproof.vectors import store
from backproof.vectors.manifest import MANIFEST_NAME, Manifest

OP = "square"  # the quickest to generate
COPIED = (OP, "relu", "absolute")


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of three of the golden files and of their manifest, taken for the installed ones."""
    folder = tmp_path / "golden"
    folder.mkdir()
    for name in (MANIFEST_NAME, *(f"{op}.h5" for op in COPIED)):
        shutil.copy(store.golden_folder() / name, folder)
    store.update_manifest(folder, COPIED)
    monkeypatch.setattr(store, "golden_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def generated() -> bytes:
    """A golden file as the reference generates it, once for all tests here."""
    return dict(generate([OP]))[f"{OP}.h5"]


@pytest.fixture
def generating(generated: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generating gives that file."""
    monkeypatch.setattr(module, "generate", lambda *_: iter([(f"{OP}.h5", generated)]))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def repack(path: Path) -> None:
    """Store the same content in other bytes, as another zlib does."""
    with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        new.attrs.create("schema_version", old.attrs["schema_version"])
    path.with_suffix(".new").replace(path)


def test_generating_gives_the_golden_content(generated: bytes) -> None:
    assert store.same_content(generated, store.golden_folder() / f"{OP}.h5")


@pytest.mark.usefixtures("generating")
def test_a_check_passes_where_nothing_differs(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(golden)
    assert main([OP], check=True) == 0
    assert "1 files are what the reference generates" in capsys.readouterr().out
    assert contents(golden) == before


@pytest.mark.usefixtures("generating")
def test_a_check_names_the_file_that_differs(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = golden / f"{OP}.h5"
    store.write(path, replace(store.read(path), generator="another"))
    assert main([OP], check=True) == 1
    assert f"{OP}.h5 is not what the reference generates; run `backproof generate`" in capsys.readouterr().err


@pytest.mark.usefixtures("generating")
def test_writing_mends_what_differs_and_enters_it_in_the_manifest(golden: Path) -> None:
    path = golden / f"{OP}.h5"
    whole = contents(golden)
    path.write_bytes(b"altered")
    assert main([OP], check=False) == 0
    assert contents(golden) == whole
    assert store.verify(path) == []


@pytest.mark.usefixtures("generating")
def test_a_file_of_the_same_content_in_other_bytes_passes_and_is_left_as_it_is(
    golden: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = golden / f"{OP}.h5"
    before = path.read_bytes()
    repack(path)
    store.update_manifest(golden, [OP])
    repacked = contents(golden)
    assert repacked[path.name] != before
    assert main([OP], check=True) == 0
    assert main([OP], check=False) == 0
    assert f"0 files written to {golden}, 1 unchanged" in capsys.readouterr().out
    assert contents(golden) == repacked


@pytest.mark.usefixtures("generating")
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"altered")])
def test_a_file_that_cannot_be_read_is_not_the_same(golden: Path, damage: Callable[[Path], object]) -> None:
    damage(golden / f"{OP}.h5")
    assert main([OP], check=True) == 1


@pytest.mark.parametrize("error", [CaseError("a case has no answer"), KeyboardInterrupt()])
def test_a_run_that_ends_early_leaves_the_old_files_whole(
    golden: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def half_way(*_: object) -> dict[str, bytes]:
        raise error

    before = contents(golden)
    monkeypatch.setattr(module, "generate", half_way)
    if isinstance(error, CaseError):
        assert main([OP], check=False) == 1
    else:
        with pytest.raises(KeyboardInterrupt):
            main([OP], check=False)
    assert contents(golden) == before


def test_a_worker_that_is_killed_is_one_line(
    golden: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(*_: object) -> dict[str, bytes]:
        raise BrokenProcessPool

    monkeypatch.setattr(module, "generate", killed)
    assert main([OP], check=False) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("; nothing is written")


def test_an_unknown_operation_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dens"], check=True) == 2
    assert capsys.readouterr().err.startswith("unknown operation dens; was dense meant?")


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "golden_folder", lambda: tmp_path / "nowhere")
    assert main([OP], check=False) == 2
    assert "cannot be written" in capsys.readouterr().err


# When something ends it


@pytest.fixture(scope="module")
def others() -> dict[str, bytes]:
    """Sound files of two operations with another content than the golden ones."""
    return {f"{op}.h5": store.image_of(replace(store.read_golden(op), generator="another")) for op in (OP, "relu")}


@pytest.fixture
def generating_another(others: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Generating gives two files that are not as they were."""
    monkeypatch.setattr(module, "generate", lambda *_: others)


@pytest.mark.usefixtures("generating_another")
def test_a_full_disk_is_one_line_and_leaves_the_folder_as_it_was(
    golden: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")
    before, limits = contents(golden), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        assert main([OP, "relu"], check=False) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"{golden} cannot be written (File too large); nothing is changed: make room, or generate in"
    )
    assert contents(golden) == before


@pytest.mark.usefixtures("generating_another")
def test_another_version_of_the_vectors_is_refused_before_anything_is_built(
    golden: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(golden)
    monkeypatch.setattr(module, "VECTORS_VERSION", "99.0.0")
    monkeypatch.setattr(module, "generate", lambda *_: pytest.fail("files are built"))
    assert main([OP], check=False) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"; 99.0.0: {OP}); generate all of them")
    assert contents(golden) == before


def install_and_be_killed(folder: Path, images: dict[str, bytes], step: int) -> None:
    """Install files, and be killed at the step after so many files are in place."""
    replace_file, left = Path.replace, [step]

    def replace_or_die(self: Path, target: Path) -> Path:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return replace_file(self, target)

    Path.replace = replace_or_die  # type: ignore[method-assign]
    store.install(folder, images, complete=False)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_after_a_kill_at_any_step_either_nothing_is_wrong_or_it_is_said_what_to_do(
    golden: Path, others: dict[str, bytes], step: int
) -> None:
    child = get_context("fork").Process(target=install_and_be_killed, args=(golden, others, step))
    child.start()
    child.join()
    assert child.exitcode == (0 if step > 2 else -signal.SIGKILL)
    said = [line for op in (OP, "relu") for line in store.verify(golden / f"{op}.h5")]
    assert bool(said) == (step in (1, 2))
    assert not said or "; reinstall backproof, or run `backproof generate`" in said[0]
    store.install(golden, others, complete=False)
    assert [line for op in (OP, "relu") for line in store.verify(golden / f"{op}.h5")] == []
    assert [path.name for path in golden.iterdir() if path.name.startswith(".")] == []


def test_two_that_end_together_lose_nothing(
    golden: Path, others: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    read = store.read_manifest

    def read_slowly(folder: Path) -> Manifest:
        manifest = read(folder)
        time.sleep(0.2)
        return manifest

    monkeypatch.setattr(store, "read_manifest", read_slowly)
    threads = [Thread(target=store.install, args=(golden, {name: image}, False)) for name, image in others.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line for op in (OP, "relu") for line in store.verify(golden / f"{op}.h5")] == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_workers_end_with_their_parent(tmp_path: Path, number: str) -> None:
    program = """
import os
from backproof.reference.generation import generate
os.write(1, b"begun\\n")  # in one piece, whatever other workers write
if __name__ == "__main__":
    list(generate.generate(["mlp"]))
"""
    (tmp_path / "generating.py").write_text(program)
    mark = f"{tmp_path}/generating"
    child = subprocess.Popen(
        [sys.executable, tmp_path / "generating.py"], env={**os.environ, "MARK": mark}, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(2)]
    assert lines == [b"begun\n"] * 2  # the parent, and a worker that has imported it
    child.send_signal(getattr(signal, number))
    child.wait()
    end = time.monotonic() + 30
    while carrying(mark) and time.monotonic() < end:
        time.sleep(0.05)
    assert carrying(mark) == []


def carrying(mark: str) -> list[str]:
    """The processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(folder.name)
    return found
