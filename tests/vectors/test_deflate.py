"""Columns are deflated as the HDF5 library would do it: that reads ours, and what it wrote is read here."""

import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from backproof.vectors import hdf5, store
from backproof.vectors.deflate import deflated, inflated
from backproof.vectors.manifest import SCHEMA_VERSION
from backproof.vectors.tree import Group
from synthetic_vectors import assert_same, many_families

KINDS = ("<f8", "<f4", "<f2", "<i8", "<u2", "|u1")


def column(kind: str, size: int = 5000) -> np.ndarray:
    return (np.arange(size) % 300).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_hdf5_library_reads_what_is_deflated_here(tmp_path: Path, kind: str) -> None:
    (tmp_path / "one.h5").write_bytes(hdf5.tree_image(Group({"column": column(kind)})))
    with h5py.File(tmp_path / "one.h5") as file:
        found = file["column"]
        assert (found.chunks, found.shuffle, found.compression) == ((5000,), True, "gzip")
        assert found.dtype == kind
        assert found[()].tobytes() == column(kind).tobytes()


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_hdf5_library_deflates_is_read_here(tmp_path: Path, kind: str, level: int) -> None:
    path = tmp_path / "one.h5"
    path.write_bytes(hdf5.tree_image(Group({}, {"schema_version": SCHEMA_VERSION})))
    with h5py.File(path, "r+", libver="earliest") as file:
        options = {"chunks": (5000,), "shuffle": True, "compression": "gzip", "compression_opts": level}
        file.create_dataset("column", data=column(kind), **options)
    found = hdf5.read_tree(path, path.read_bytes()).children["column"]
    assert isinstance(found, np.ndarray)
    assert found.dtype == kind
    assert found.tobytes() == column(kind).tobytes()


def test_a_column_is_deflated_where_its_file_gets_smaller_by_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"repeated": column("<f8"), "random": np.frombuffer(rng.bytes(40_000), "<i8"), "short": column("<f8", 16)}
    (tmp_path / "several.h5").write_bytes(hdf5.tree_image(Group({**columns, "empty": np.empty(0)})))
    with h5py.File(tmp_path / "several.h5") as file:
        assert [name for name in file if file[name].chunks] == ["repeated"]


@pytest.mark.parametrize("size", [14, 16, 18, 20, 24, 40])
def test_a_file_is_as_small_as_it_gets_of_one_column(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Group({"column": column("<f8", size)})
    chosen = len(hdf5.tree_image(tree))
    sizes = []
    for index in (-(10**6), 10**6):  # deflated whatever comes of it, and never
        monkeypatch.setattr(hdf5, "_CHUNK_INDEX", index)
        sizes.append(len(hdf5.tree_image(tree)))
    assert chosen == min(sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_inflated_is_read_only_and_aligned(kind: str) -> None:
    found = inflated(deflated(column(kind)), np.dtype(kind), 5000)
    assert np.array_equal(found, column(kind))
    assert found.flags.aligned
    with pytest.raises(ValueError, match="WRITEABLE"):
        found.flags.writeable = True


def test_no_more_is_inflated_than_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Watched:
        def __init__(self) -> None:
            self.inflater = zlib_decompressobj()

        def decompress(self, stream: bytes, most: int) -> bytes:
            asked.append(most)
            found = self.inflater.decompress(stream, most)
            asked.append(len(found))
            return found

    zlib_decompressobj = zlib.decompressobj
    monkeypatch.setattr("backproof.vectors.deflate.zlib.decompressobj", Watched)
    with pytest.raises(ValueError, match="more comes of it"):
        inflated(zlib.compress(bytes(10**8)), np.dtype("<f8"), 4)
    assert asked == [33, 33]


def test_vectors_of_deflated_columns_survive_the_round_trip_in_fewer_bytes(tmp_path: Path) -> None:
    many = many_families("dense", families=40, elements=300)
    path = tmp_path / "dense.h5"
    store.write(path, many)
    assert_same(store.read(path), many)
    store.update_manifest(tmp_path, ["dense"])
    assert_same(store.read_golden("dense", tmp_path), many)
    assert path.stat().st_size < sum(t.nbytes for family in many.families for t in family.inputs.values())
