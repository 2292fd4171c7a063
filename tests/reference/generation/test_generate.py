"""Generating golden files: the same content, whole files or none, one line for what is wrong."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from backproof.reference.generation import generate as module
from backproof.reference.generation.evaluate import CaseError
from backproof.reference.generation.generate import generate, main
from backproof.vectors import store

OP = "square"  # the quickest to generate


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the golden files, taken for the installed ones."""
    folder = tmp_path / "golden"
    shutil.copytree(store.golden_folder(), folder, ignore=shutil.ignore_patterns(".*"))
    monkeypatch.setattr(store, "golden_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A golden file as the reference generates it, once for all tests here."""
    (path,) = generate([OP], tmp_path_factory.mktemp("generated"))
    return path


@pytest.fixture
def generating(generated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generating gives a copy of that file."""
    monkeypatch.setattr(module, "generate", lambda _, folder: [Path(shutil.copy(generated, folder))])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def repack(path: Path) -> None:
    """Store the same content in other bytes, as another zlib does."""
    with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        new.attrs.create("schema_version", old.attrs["schema_version"])
    path.with_suffix(".new").replace(path)


def test_generating_gives_the_golden_content(generated: Path) -> None:
    assert store.same_content(generated, store.golden_folder() / generated.name)


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
    def half_way(ops: object, folder: Path) -> list[Path]:
        (folder / "relu.h5").write_bytes(b"half a file")
        raise error

    before = contents(golden)
    monkeypatch.setattr(module, "generate", half_way)
    if isinstance(error, CaseError):
        assert main([OP], check=False) == 1
    else:
        with pytest.raises(KeyboardInterrupt):
            main([OP], check=False)
    assert contents(golden) == before


def test_an_unknown_operation_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dens"], check=True) == 2
    assert capsys.readouterr().err.startswith("unknown operation dens; known are cross_entropy, dense, ")


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "golden_folder", lambda: tmp_path / "nowhere")
    assert main([OP], check=False) == 2
    assert "cannot be written" in capsys.readouterr().err
