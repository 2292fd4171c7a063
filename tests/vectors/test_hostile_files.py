"""The reader trusts no file: each of these is refused with one line that says what is wrong, and where."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from backproof.vectors import store
from backproof.vectors.manifest import FileEntry, Manifest, write_manifest
from backproof.vectors.records import VectorError
from h5py import h5d, h5o, h5p, h5s, h5t
from synthetic_vectors import every_feature

Edit = Callable[[h5py.File], object]
SCORES = "float32/inputs/scores"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file of float32 families, for a test to spoil."""
    vectors = every_feature()
    path = tmp_path / "loss.h5"
    families = tuple(family for family in vectors.families if family.dtype == "float32")
    store.write(path, replace(vectors, families=families))
    return path


def refusal(path: Path) -> str:
    """What the reader says of a file: one line that begins with the file's path."""
    with pytest.raises(VectorError) as refused:
        store.read(path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    assert store.verify(path) == [message]
    return message.removeprefix(f"{path}: ")


def refusal_after(path: Path, edit: Edit) -> str:
    with h5py.File(path, "r+", libver="earliest") as file:
        edit(file)
    return refusal(path)


def replace_node(name: str, make: Callable[[h5py.Group, str], object]) -> Edit:
    """An edit that puts something else in a node's place."""

    def edit(file: h5py.File) -> None:
        group, _, last = name.rpartition("/")
        holder = file[group or "/"]
        if last in holder:
            del holder[last]
        make(holder, last)

    return edit


def dataset(name: str, **options: object) -> Edit:
    return replace_node(name, lambda group, last: group.create_dataset(last, **options))


def link(name: str, target: object) -> Edit:
    return replace_node(name, lambda group, last: group.__setitem__(last, target))


def attribute(name: str, value: object, dtype: object = None, node: str = "/") -> Edit:
    return lambda file: file[node].attrs.create(name, value, dtype=dtype)


def fixed(text: str) -> np.ndarray:
    """A text as a string of fixed length in UTF-8, which is what an attribute should hold."""
    return np.array(text.encode(), h5py.string_dtype("utf-8", len(text.encode())))


def row(field: str, value: object, index: int = 0, table: str = "float32/families") -> Edit:
    """An edit of one field of a table."""

    def edit(file: h5py.File) -> None:
        rows = file[table][()]
        rows[field][index] = value
        file[table].write_direct(rows)

    return edit


def item(name: str, index: object, value: object) -> Edit:
    """An edit of one number of a dataset."""
    return lambda file: file[name].__setitem__(index, value)


def compact(group: h5py.Group, name: str) -> None:
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_layout(h5d.COMPACT)
    h5d.create(group.id, name.encode(), h5t.STD_I64LE, h5s.create_simple((8,)), creation)


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((4,), "<i8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    group.create_virtual_dataset(name, layout)


def committed(group: h5py.Group, name: str) -> None:
    group.file["int"] = np.dtype("<i8")
    group.create_dataset(name, (8,), dtype=group.file["int"])
    del group.file["int"]


def null_space(group: h5py.Group, name: str) -> None:
    h5d.create(group.id, name.encode(), h5t.STD_I64LE, h5s.create(h5s.NULL))


def padded(dtype: np.dtype) -> np.dtype:
    """The same fields with a gap of eight bytes at the end."""
    names = dtype.names or ()
    return np.dtype(
        {
            "names": list(names),
            "formats": [dtype[name] for name in names],
            "offsets": [dtype.fields[name][1] for name in names],  # type: ignore[index]
            "itemsize": dtype.itemsize + 8,
        }
    )


def padded_table(group: h5py.Group, name: str) -> None:
    dtype = np.dtype([(field, h5py.string_dtype("utf-8", 4)) for field in ("flag", "kind", "effect", "link")])
    group.create_dataset(name, (1,), dtype=padded(dtype))


def ascii_table(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1,), dtype=[(field, "S4") for field in ("flag", "kind", "effect", "link")])


STARTS, SHAPES, VALUES = f"{SCORES}/starts", f"{SCORES}/shapes", f"{SCORES}/values"

ELSEWHERE = {
    "a soft link": (link("float32/extra", h5py.SoftLink("/flags")), "/float32/extra is a link to elsewhere"),
    "a link to another file": (
        link(SCORES, h5py.ExternalLink("/etc/passwd", "/")),
        "/float32/inputs/scores is a link to elsewhere (soft or external)",
    ),
    "an external file of values": (
        dataset(VALUES, shape=(4,), dtype="<f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]),
        "/float32/inputs/scores/values keeps its values in an external file",
    ),
    "a virtual dataset": (replace_node(STARTS, virtual), "starts is a virtual dataset"),
}

STORAGE = {
    "a chunked dataset": (dataset(STARTS, shape=(8,), dtype="<i8", chunks=(4,)), "starts is chunked or compact"),
    "a filter": (dataset(STARTS, shape=(8,), dtype="<i8", compression="gzip"), "starts is chunked or compact"),
    "a compact dataset": (replace_node(STARTS, compact), "starts is chunked or compact"),
    "terabytes that are not there": (
        dataset(VALUES, shape=(2**25, 2**15), dtype="<f4"),
        "values declares 4398046511104 bytes, which the file of",
    ),
    "terabytes in one size": (
        dataset(VALUES, shape=(2**40,), dtype="<f4"),
        "values declares the sizes (1099511627776,)",
    ),
    "an exabyte times nothing": (dataset(SHAPES, shape=(0, 2**60), dtype="<i8"), "shapes declares the sizes"),
    "more than the file holds": (dataset(VALUES, shape=(10**5,), dtype="<f4"), "declares 400000 bytes, which the file"),
    "no shape": (replace_node(STARTS, null_space), "starts has no shape"),
    "three axes": (dataset(SHAPES, data=np.zeros((7, 3, 1), "<i8")), "shapes declares the sizes (7, 3, 1)"),
}

TYPES = {
    "object references": (dataset(STARTS, shape=(8,), dtype=h5py.ref_dtype), "a type that no golden file has"),
    "region references": (dataset(STARTS, shape=(8,), dtype=h5py.regionref_dtype), "a type that no golden file has"),
    "strings of any length": (dataset(STARTS, shape=(8,), dtype=h5py.string_dtype()), "a type that no golden file has"),
    "rows of any length": (dataset(STARTS, shape=(8,), dtype=h5py.vlen_dtype("<i8")), "a type that no golden file has"),
    "truth values": (dataset(STARTS, shape=(8,), dtype=bool), "a type that no golden file has"),
    "big-endian numbers": (dataset(STARTS, data=np.zeros(8, ">i8")), "a type that no golden file has"),
    "opaque bytes": (dataset(STARTS, data=np.zeros(8, "V8")), "a type that no golden file has"),
    "a committed type": (replace_node(STARTS, committed), "starts has a committed type"),
    "a type for an object": (link("type", np.dtype("<i8")), "/type is neither a group nor a dataset"),
    "gaps between fields": (replace_node("flags", padded_table), "/flags has gaps between its fields"),
    "strings that are not UTF-8": (replace_node("flags", ascii_table), "/flags: flag is a string that is not UTF-8"),
    "a string attribute of any length": (attribute("generator", "x"), "attribute generator of / has a type that no"),
    "an attribute that is an array": (
        attribute("schema_version", [1, 2]),
        "attribute schema_version of / is no scalar",
    ),
    "an attribute that is no text": (
        attribute("generator", np.array(b"\xff", h5py.string_dtype("utf-8", 1))),
        "attribute generator of / is not UTF-8",
    ),
    "an attribute that is a fraction": (attribute("schema_version", 1.5), "schema_version of / has dtype <f8"),
    "float16 for float32": (dataset(VALUES, data=np.zeros(9, "<f2")), "is no array of rank 1 and dtype <f4"),
    "numbers for a table": (
        dataset("flags", data=np.zeros(9, "<i8")),
        "/flags is no table of flag, kind, effect, link",
    ),
}

VERSIONS = {
    "a newer schema": (
        attribute("schema_version", 2),
        "has schema version 2, and this backproof reads up to 1; upgrade it: pip install --upgrade backproof",
    ),
    "a newer schema with things unheard of": (
        lambda file: (attribute("schema_version", 9)(file), dataset("new", data=["text"])(file)),
        "has schema version 9, and this backproof reads up to 1",
    ),
    "schema version 0": (attribute("schema_version", 0), "has schema version 0, which there never was"),
    "a schema in words": (attribute("schema_version", fixed("one")), "schema_version is 'one', where a whole number"),
    "no schema": (lambda file: file.attrs.pop("schema_version"), "schema_version is None, where a whole number"),
}

ROOT = {
    "an unknown attribute": (attribute("mood", 1), "the root has the attributes"),
    "an attribute missing": (lambda file: file.attrs.pop("aliases"), "the root has the attributes"),
    "a number for a text": (attribute("aliases", 1), "an attribute of the root is a number"),
    "no identifier": (attribute("operation", fixed("../x")), "operation is '../x', which is no identifier"),
    "no JSON": (attribute("arguments", fixed("{")), "attribute arguments '{' is no JSON"),
    "JSON of the wrong kind": (attribute("arguments", fixed("[]")), "attribute arguments '[]' is no JSON object"),
    "JSON nested without end": (attribute("aliases", fixed("[" * 9000)), "attribute aliases"),
    "a direction unheard of": (attribute("results", fixed('{"up": []}')), "results has the direction 'up'"),
    "a signature that is no list": (
        attribute("results", fixed('{"forward": "loss"}')),
        "does not list names for forward",
    ),
    "a name twice": (attribute("arguments", fixed('{"forward": ["x", "x"]}')), "lists a name twice for forward"),
    "no axis": (attribute("batch_axis", fixed('{"x": true}')), "batch_axis says True of 'x', which is no axis"),
    "no precision": (attribute("aliases", fixed('{"tf32": "fp8"}')), "aliases says 'fp8' of 'tf32'"),
    "an unhashable alias": (attribute("aliases", fixed('{"tf32": []}')), "aliases says [] of 'tf32'"),
    "a key twice": (attribute("aliases", fixed('{"tf32": "float32", "tf32": "float64"}')), "a key appears twice"),
}

TREE = {
    "an unknown group": (lambda file: file.create_group("float8"), "/float8 is none of flags, conventions, float64"),
    "an unknown part": (lambda file: file.create_group("float32/extra"), "/float32/extra is no part of the layout"),
    "no inputs": (lambda file: file.pop("float32/inputs"), "/float32/inputs is missing, or is no group"),
    "a dataset for a group": (
        dataset("float32/inputs", data=np.zeros(1)),
        "/float32/inputs is missing, or is no group",
    ),
    "a group for a dataset": (
        replace_node(STARTS, lambda group, last: group.create_group(last)),
        "starts is no array of rank 1 and dtype <i8",
    ),
    "a column without starts": (
        lambda file: file.pop(STARTS),
        "scores is no column: a group of values, shapes, starts",
    ),
    "no table of flags": (lambda file: file.pop("flags"), "/flags is no table of"),
    "an unknown argument": (
        lambda file: file.move(SCORES, "float32/inputs/scares"),
        "/float32/inputs/scares is no argument of loss",
    ),
    "an unknown result": (
        lambda file: file.copy("float32/expected/loss", "float32/expected/gain"),
        "gain is no result",
    ),
    "an unknown precision": (
        lambda file: file.move("float32/tolerance/float32", "float32/tolerance/float64"),
        "/float32/tolerance/float64 is none of float32, tf32",
    ),
    "an unknown alternative": (
        lambda file: file.move("float32/alternatives/slope=1%2F2", "float32/alternatives/slope=2"),
        "/float32/alternatives/slope=2 is not in the table of conventions",
    ),
    "an alternative escaped otherwise": (
        lambda file: file.move("float32/alternatives/slope=100%25", "float32/alternatives/slope=100%"),
        "/float32/alternatives/slope=100% is not in the table of conventions",
    ),
    "half an alternative": (
        lambda file: file.pop("float32/alternatives/slope=1%2F2/tolerance"),
        "slope=1%2F2 is not made of expected and tolerance",
    ),
    "a group that holds itself": (
        lambda file: file.__setitem__("float32/inputs/self", file["float32"]),
        "is nested deeper",
    ),
}

COLUMNS = {
    "starts that go back": (item(STARTS, 1, -60), "family 0 takes 60 values, and its starts give it -60"),
    "starts that end beyond": (item(STARTS, -1, 10**6), "starts run from 0 to 1000000, where there are"),
    "starts that do not begin": (item(STARTS, 0, 1), "starts run from 1 to"),
    "starts of other sizes": (item(STARTS, 2, 61), "family 1 takes 60 values, and its starts give it 1"),
    "too few starts": (dataset(STARTS, data=np.zeros(3, "<i8")), "starts (3,) are not those of 7 families"),
    "too few shapes": (dataset(SHAPES, data=np.zeros((3, 3), "<i8")), "shapes (3, 3) and starts (8,) are not those"),
    "a rank of nine": (dataset(SHAPES, data=np.zeros((7, 10), "<i8")), "shapes (7, 10) and starts (8,) are not those"),
    "another shape": (item(SHAPES, (0, 1), 5), "family 0 takes 75 values, and its starts give it 60"),
    "a negative size": (item(SHAPES, (0, 1), -4), "family 0 has the shape row [2, -4, 5]"),
    "two negative sizes": (item(SHAPES, 0, [2, -4, -5]), "family 0 has the shape row [2, -4, -5]"),
    "a negative rank": (item(SHAPES, (0, 0), -2), "family 0 has the shape row [-2, 4, 5]"),
    "a rank beyond the row": (item(SHAPES, (0, 0), 3), "family 0 has the shape row [3, 4, 5]"),
    "sizes past the rank": (item(SHAPES, (0, 0), 1), "family 0 has the shape row [1, 4, 5]"),
    "sizes whose product overflows": (
        item(SHAPES, 0, [2, 2**32, 2**32]),
        "family 0 declares the sizes [4294967296, 4294967296], which are beyond any tensor",
    ),
    "sizes whose product is large": (
        item(SHAPES, 0, [2, 2**16, 2**15]),
        f"family 0 takes {3 * 2**31} values, and its starts give it 60",
    ),
    "a tensor lacking with values": (
        item(SHAPES, 0, [-1, -1, -1]),
        "family 0 takes 0 values, and its starts give it 60",
    ),
    "a huge tensor of nothing": (
        item(SHAPES, 3, [2, 0, 2**62]),
        "family 3 declares the sizes [0, 4611686018427387904]",
    ),
    "a family in both kinds of labels": (
        lambda file: (
            file.pop("float32/inputs/labels"),
            file.create_group("float32/inputs/labels"),
            dataset("float32/inputs/labels/values", data=file["float32/inputs/labels.int64/values"][()].astype("<f4"))(
                file
            ),
            file.copy("float32/inputs/labels.int64/shapes", "float32/inputs/labels/shapes"),
            file.copy("float32/inputs/labels.int64/starts", "float32/inputs/labels/starts"),
        ),
        "both have family 0, where one may",
    ),
    "an argument lacking": (
        lambda file: file.pop("float32/inputs/labels"),
        "forward-one-hot lacks its argument labels",
    ),
    "an argument of the other direction": (
        lambda file: (file.pop("float32/inputs/dL_dloss"), file.copy(SCORES, "float32/inputs/dL_dloss")),
        "/float32/inputs/dL_dloss has a family that is forward and takes no dL_dloss",
    ),
    "a result lacking": (lambda file: file.pop("float32/expected/loss"), "other names or shapes than the results"),
    "a result of the other direction": (
        lambda file: (
            file.pop("float32/expected/dL_dscores"),
            file.copy("float32/expected/loss", "float32/expected/dL_dscores"),
        ),
        "other names or shapes than the results",
    ),
    "a tolerance lacking": (
        lambda file: file.move("float32/tolerance/float32/loss", "float32/tolerance/float32/dL_dloss"),
        "dL_dloss is no result of loss",
    ),
    "an alternative of another shape": (
        lambda file: [
            file[f"float32/alternatives/slope=1%2F2/{part}/dL_dscores/shapes"].__setitem__(4, [2, 4, 1])
            for part in ("expected", "tolerance/float32")
        ],
        "backward-kink: slope=1/2 has other shapes than the canonical answer",
    ),
}

ROWS = {
    "an unknown direction": (row("direction", b"sideways"), "has the direction 'sideways'"),
    "an unknown level": (row("level", b"optional"), "has the level 'optional', which is none of required, robust"),
    "an unknown result": (row("result", b"whatever"), "has the result 'whatever', which is none of valid, convention"),
    "an id of another operation": (row("id", b"dense/float32/x"), "dense/float32/x is no id of loss/float32"),
    "an id that breaks lines": (row("id", b"loss/float32/a\nb"), r"loss/float32/a\nb is no id of loss/float32"),
    "an id twice": (row("id", b"loss/float32/forward-one-hot"), "loss/float32/forward-one-hot appears twice"),
    "no cases": (row("count", 0), "counts 0 cases"),
    "fewer than no cases": (row("count", -3), "counts -3 cases"),
    "cases without end": (row("count", 2**62, index=3), "counts 4611686018427387904 cases"),
    "another count": (row("count", 2), "begins at case 3, where the counts before it come to 2"),
    "another first": (row("first", 7), "begins at case 7, where the counts before it come to 0"),
    "text that is not UTF-8": (row("comment", b"\xff\xfe"), "/float32/families: row 0 is not UTF-8"),
    "a NUL within a text": (row("comment", b"a\0b"), "/float32/families: row 0 has a NUL character within a string"),
    "parameters that are no JSON": (row("parameters", b"{'a': 1}"), "parameters \"{'a': 1}\" is no JSON"),
    "parameters that are not finite": (row("parameters", b'{"a": NaN}'), "NaN is no number of JSON"),
    "a parameter too large": (row("parameters", b'{"a": 1e999}'), "1e999 is too large"),
    "a parameter that is a list": (row("parameters", b'{"a": []}'), "parameter 'a' is [], where a string, a number"),
    "a parameter of no name": (row("parameters", b'{"": 1}'), "parameter '' is 1"),
    "flags that are no words": (row("flags", b"a  b"), "has the flags 'a  b', which are no words"),
    "invalid with a result": (row("result", b"invalid"), "a call that is invalid has an expected result"),
    "valid without a result": (row("result", b"valid", index=5), "a call that is valid lacks an expected result"),
    "canonical twice over": (row("canonical", 2, table="conventions"), "names no answer at a point"),
    "an answer of spaces": (row("answer", b" ", table="conventions"), "names no answer at a point"),
}

HOSTILE = ELSEWHERE | STORAGE | TYPES | VERSIONS | ROOT | TREE | COLUMNS | ROWS


@pytest.mark.parametrize(("edit", "complaint"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(path: Path, edit: Edit, complaint: str) -> None:
    assert complaint in refusal_after(path, edit)


def test_bits_without_the_word_bfloat16_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "loss.h5"
    store.write(path, every_feature())
    edit: Edit = lambda file: file["bfloat16/inputs/scores/values"].attrs.pop("dtype")  # noqa: E731
    assert "/bfloat16/inputs/scores/values are 16 bits without the attribute dtype" in refusal_after(path, edit)


def test_a_file_of_countless_objects_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_OBJECTS", 20)
    assert "is one object too many: 20 are the most that a file may have" in refusal(path)


def test_links_in_a_circle_end_at_the_depth_of_the_layout(path: Path) -> None:
    def circle(file: h5py.File) -> None:
        group = file.create_group("circle")
        for index in range(10):
            group[f"again{index}"] = group

    assert "is nested deeper" in refusal_after(path, circle)


def test_a_refused_file_leaves_nothing_behind_for_the_next(path: Path) -> None:
    sound = path.read_bytes()
    refused = []
    for edit, _ in HOSTILE.values():
        path.write_bytes(sound)
        with h5py.File(path, "r+", libver="earliest") as file:
            edit(file)
        with pytest.raises(VectorError) as error:
            store.read(path)
        refused.append(error)  # its traceback holds on to whatever was open
        path.write_bytes(sound)
        assert len(tuple(store.read(path).families)) == 7
    assert len(refused) == len(HOSTILE)


@pytest.mark.parametrize("length", [8, 40, 95, 96, 2000, 0.5, -1])
def test_a_file_that_is_cut_short_is_said_to_be(path: Path, length: float) -> None:
    image = path.read_bytes()
    path.write_bytes(image[: int(length * len(image)) if 0 < length < 1 else int(length)])
    assert refusal(path) == f"is cut short at {path.stat().st_size} bytes; fetch or generate it again"


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"PK\x03\x04 an archive", b"\0" * 4096])
def test_what_is_no_hdf5_file_is_said_to_be_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path) == "is no HDF5 file; name a file that `backproof generate` wrote"


def test_a_file_that_hides_behind_a_user_block_is_no_golden_file(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh".ljust(512) + path.read_bytes())
    assert "is no HDF5 file" in refusal(path)


@pytest.mark.parametrize("position", [8, 13, 96, 104])
def test_a_damaged_header_is_said_in_one_line(path: Path, position: int) -> None:
    image = bytearray(path.read_bytes())
    image[position : position + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(image)
    assert refusal(path).startswith("is damaged: ")


def test_no_flipped_byte_gets_past_the_reader_but_as_records_or_one_line(path: Path) -> None:
    image = path.read_bytes()
    refusals = []
    for position in range(0, len(image), 397):
        path.write_bytes(image[:position] + bytes([image[position] ^ 0xFF]) + image[position + 1 :])
        try:
            store.read(path)
        except VectorError as error:
            refusals.append(str(error))
    assert refusals
    assert not [message for message in refusals if "\n" in message]


def test_a_file_of_a_terabyte_is_refused_before_it_is_read(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2**40)
    assert refusal(path) == "has 1099511627776 bytes, and 268435456 is the most that is read"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "loss.h5")
    assert "is no regular file" in refusal(tmp_path / "loss.h5")


def test_a_file_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    assert refusal(tmp_path / "loss.h5") == "cannot be read: No such file or directory"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="is no regular file"):
        store.read(tmp_path)


def test_an_altered_golden_file_never_reaches_the_hdf5_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(path.parent, Manifest("1.0.0", {"loss.h5": FileEntry("0" * 64, {"/": "0" * 64})}))
    opened: list[object] = []
    monkeypatch.setattr(store, "_tree", lambda *arguments: opened.append(arguments))
    with pytest.raises(VectorError, match=r"loss\.h5: is not the file that the manifest lists \(SHA-256 [0-9a-f]{12}"):
        store.read_golden("loss", path.parent)
    assert opened == []


def test_reading_opens_the_file_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that were hashed are the bytes that are parsed: nobody can swap the file in between."""
    store.update_manifest(path.parent, ["loss"])
    read = store.bytes_of

    def read_and_remove(where: Path) -> bytes:
        content = read(where)
        where.unlink()
        return content

    monkeypatch.setattr(store, "bytes_of", read_and_remove)
    assert len(tuple(store.read_golden("loss", path.parent).families)) == 7


def test_a_reader_never_changes_the_file(path: Path) -> None:
    before = path.read_bytes()
    path.chmod(0o444)
    store.read(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_hard_links_to_the_same_column_are_no_harm(path: Path) -> None:
    """Two names for one dataset read the same bytes twice; no size is multiplied by it."""

    def share(file: h5py.File) -> None:
        del file["float32/tolerance/float32/loss/starts"]
        h5o.link(file["float32/expected/loss/starts"].id, file["float32/tolerance/float32/loss"].id, b"starts")

    with h5py.File(path, "r+", libver="earliest") as file:
        share(file)
    assert len(tuple(store.read(path).families)) == 7
