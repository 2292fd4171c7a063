"""The manifest says what every golden file is, and the files are held against it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.manifest import FamilyCount, FileEntry, Manifest, read_manifest, write_manifest
from backproof.vectors.records import VectorError
from synthetic_vectors import assert_same, every_feature, many_families

HASH = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def as_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two golden files and their manifest, of which each test has a copy."""
    folder = tmp_path_factory.mktemp("golden")
    store.write(folder / "loss.h5", every_feature())
    store.write(folder / "dense.h5", many_families("dense", families=8, elements=6))
    store.update_manifest(folder, ["loss", "dense"])
    return folder


@pytest.fixture
def folder(as_written: Path, tmp_path: Path) -> Path:
    """A folder of two golden files and their manifest."""
    return shutil.copytree(as_written, tmp_path, dirs_exist_ok=True)


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / "MANIFEST.json").read_text())
    edit(document)
    (folder / "MANIFEST.json").write_text(json.dumps(document))


def test_a_manifest_survives_the_round_trip(tmp_path: Path) -> None:
    counts = (FamilyCount("float64", "forward", 2, 9), FamilyCount("float32", "backward", 1, 1))
    manifest = Manifest("1.2.3", {"dense.h5": FileEntry(HASH, counts, {"/": HASH, "/float32": HASH[::-1]})})
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert list(tmp_path.iterdir()) == [tmp_path / "MANIFEST.json"]


def test_the_manifest_lists_every_group_and_column_of_every_file(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert set(manifest.files) == {"loss.h5", "dense.h5"}
    for name, entry in manifest.files.items():
        paths: list[str] = []
        with h5py.File(folder / name) as file:
            file.visit(paths.append)
        assert set(entry.content) == {"/", *(f"/{path}" for path in paths)}


def test_the_order_in_which_files_are_entered_does_not_show(folder: Path) -> None:
    before = (folder / "MANIFEST.json").read_bytes()
    store.update_manifest(folder, ["dense"])
    store.update_manifest(folder, ["loss"])
    assert (folder / "MANIFEST.json").read_bytes() == before


def test_golden_operations_are_those_of_the_manifest(folder: Path) -> None:
    assert store.golden_operations(folder) == ("dense", "loss")


def test_golden_vectors_are_read_by_operation(folder: Path) -> None:
    assert_same(store.read_golden("loss", folder), every_feature())


def test_an_operation_without_vectors_is_named_with_those_that_there_are(folder: Path) -> None:
    with pytest.raises(VectorError, match=r"the manifest has no vectors of 'relu'; it has dense, loss$"):
        store.read_golden("relu", folder)


@pytest.mark.parametrize("op", ["../loss", "/etc/passwd", ""])
def test_an_operation_is_no_path(folder: Path, op: str) -> None:
    with pytest.raises(VectorError, match="the manifest has no vectors of"):
        store.read_golden(op, folder)


def test_verify_finds_nothing_in_a_folder_as_it_was_written(folder: Path) -> None:
    assert store.verify(folder) == []
    assert store.verify(folder / "loss.h5") == []


def test_an_altered_value_is_found_by_file_and_by_its_column_and_every_group_around_it(folder: Path) -> None:
    with h5py.File(folder / "loss.h5", "r+", libver="earliest") as file:
        file["float32/expected/loss"][0] += 1
    file_line, *other_lines = store.verify(folder)
    assert file_line.startswith(f"{folder / 'loss.h5'}: is not the file that the manifest lists (SHA-256 ")
    assert other_lines == [
        f"{folder / 'loss.h5'}: the content of {group} is not what the manifest lists"
        for group in ("/", "/float32", "/float32/expected", "/float32/expected/loss")
    ]
    assert store.verify(folder / "loss.h5") == [file_line, *other_lines]
    with pytest.raises(VectorError, match=r"is not the file that the manifest lists .* reinstall backproof, or run"):
        store.read_golden("loss", folder)


def test_an_altered_word_is_found(folder: Path) -> None:
    with h5py.File(folder / "loss.h5", "r+", libver="earliest") as file:
        text = file["contents"][()].tobytes().replace(b"synthetic", b"synthesis")
        file["contents"][...] = np.frombuffer(text, "u1")
    assert store.verify(folder)[1:] == [
        f"{folder / 'loss.h5'}: the content of {path} is not what the manifest lists" for path in ("/", "/contents")
    ]


def test_a_repacked_file_keeps_its_content_hashes(folder: Path) -> None:
    """The same objects, created in another order and of another generation of the format: other bytes, same content."""
    with h5py.File(folder / "loss.h5") as old, h5py.File(folder / "new.h5", "w", libver="latest") as new:
        for name in reversed(list(old)):
            old.copy(name, new)
        new.attrs.create("schema_version", old.attrs["schema_version"])
    before = read_manifest(folder).files["loss.h5"]
    (folder / "new.h5").replace(folder / "loss.h5")
    store.update_manifest(folder, ["loss"])
    after = read_manifest(folder).files["loss.h5"]
    assert after.sha256 != before.sha256
    assert after.content == before.content


def test_a_group_that_is_listed_and_not_there_is_found(folder: Path) -> None:
    edit_manifest(folder, lambda document: document["files"]["loss.h5"]["content"].update({"/float8": HASH}))
    edit_manifest(folder, lambda document: document["files"]["loss.h5"]["content"].pop("/float16"))
    assert store.verify(folder) == [
        f"{folder / 'loss.h5'}: /float16 is in the file alone",
        f"{folder / 'loss.h5'}: /float8 is in the manifest alone",
    ]


def test_the_manifest_counts_families_and_cases(folder: Path) -> None:
    assert read_manifest(folder).files["loss.h5"].counts == tuple(
        FamilyCount(dtype, direction, families, cases)
        for dtype in DTYPES
        for direction, families, cases in (("forward", 4, 10), ("backward", 3, 6))
    )
    edit_manifest(folder, lambda document: document["files"]["loss.h5"]["families"].update({"float32/forward": [4, 9]}))
    assert store.verify(folder) == [
        f"{folder / 'loss.h5'}: has other numbers of families and cases than the manifest lists"
    ]


def test_a_file_without_an_entry_is_found(folder: Path) -> None:
    (folder / "extra.h5").write_bytes((folder / "loss.h5").read_bytes())
    assert store.verify(folder) == [f"{folder / 'extra.h5'}: the manifest has no entry of it; run `backproof generate`"]


def test_an_entry_without_a_file_is_found(folder: Path) -> None:
    (folder / "loss.h5").unlink()
    assert store.verify(folder) == [f"{folder / 'loss.h5'}: cannot be read: No such file or directory"]


def test_a_file_under_another_name_is_found(folder: Path) -> None:
    (folder / "loss.h5").rename(folder / "gain.h5")
    store.update_manifest(folder, ["gain"])
    assert store.golden_operations(folder) == ("dense", "gain")
    assert store.verify(folder) == [f"{folder / 'gain.h5'}: holds the vectors of loss, for which it is not named"]


def test_another_version_of_the_vectors_is_found(folder: Path) -> None:
    edit_manifest(folder, lambda document: document.update(vectors_version="2.0.0"))
    assert store.verify(folder) == [
        f"{folder / name}: has vectors version 1.0.0, the manifest 2.0.0" for name in ("dense.h5", "loss.h5")
    ]


def test_files_of_two_vectors_versions_do_not_go_into_one_manifest(folder: Path) -> None:
    before = (folder / "MANIFEST.json").read_bytes()
    store.write(folder / "loss.h5", replace(every_feature(), vectors_version="2.0.0"))
    with pytest.raises(VectorError, match=r"1\.0\.0: dense\.h5; 2\.0\.0: loss\.h5\); generate all of them$"):
        store.update_manifest(folder, ["loss"])
    assert (folder / "MANIFEST.json").read_bytes() == before


def test_an_update_does_not_bless_what_it_was_not_asked_about(folder: Path) -> None:
    with h5py.File(folder / "loss.h5", "r+", libver="earliest") as file:
        file["float32/expected/loss"][0] += 1
    store.update_manifest(folder, ["dense"])
    assert any("loss.h5: is not the file" in line for line in store.verify(folder))


def test_a_missing_manifest_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match=r"MANIFEST\.json: there is no manifest; reinstall backproof, or run"):
        read_manifest(tmp_path)
    assert len(store.verify(tmp_path)) == 1


def test_a_newer_manifest_asks_for_a_newer_backproof(folder: Path) -> None:
    edit_manifest(folder, lambda document: document.update(schema_version=5))
    with pytest.raises(VectorError, match="has schema version 5, and this backproof reads 4; install a newer"):
        store.read_golden("loss", folder)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "is no JSON object"),
        ("{}", "schema_version is None"),
        ('{"schema_version": true}', "schema_version is True, where a whole number is due"),
        ('{"schema_version": 4, "schema_version": 4}', "a key appears twice"),
        ('{"schema_version": 4}', "vectors_version is None, where a string is due"),
        ('{"schema_version": 4, "vectors_version": "1"}', "names no files"),
        ('{"schema_version": 4, "vectors_version": "1", "files": {"../x.h5": {}}}', "'../x.h5' is no name of a golden"),
        ('{"schema_version": 4, "vectors_version": "1", "files": {"x.h5": []}}', "the entry of x.h5 has no SHA-256"),
        (
            '{"schema_version": 4, "vectors_version": "1", "files": {"x.h5": {"sha256": "abc", "content": {}}}}',
            "the entry of x.h5 has no SHA-256 of 64 hexadecimal digits",
        ),
        (
            '{"schema_version": 4, "vectors_version": "1", "files": {"x.h5": {"sha256": "'
            + HASH
            + '", "content": {}}}}',
            "the entry of x.h5 has no content hash for each of its groups",
        ),
        *(
            (
                f'{{"schema_version": 4, "vectors_version": "1", "files": {{"x.h5": {{"sha256": "{HASH}", "content":'
                f' {{"/": "{HASH}"}}, "families": {families}}}}}}}',
                "the entry of x.h5 does not count its families",
            )
            for families in ("null", '{"float32": [1, 1]}', '{"float32/forward": [1]}', '{"float32/forward": [0, 1]}')
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "MANIFEST.json").write_text(text)
    with pytest.raises(VectorError) as refusal:
        read_manifest(tmp_path)
    assert complaint in str(refusal.value)
    assert str(refusal.value).startswith(f"{tmp_path / 'MANIFEST.json'}: ")
    assert "\n" not in str(refusal.value)


def test_a_manifest_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(VectorError):
        write_manifest(tmp_path, Manifest("1", {"x.h5": FileEntry("abc", (), {"/": HASH})}))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_the_old_manifest_and_no_litter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("backproof.vectors.files.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_manifest(folder, Manifest("9", {}))
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before
