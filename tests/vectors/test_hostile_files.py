"""The reader trusts no file: each of these is refused with one line that says what is wrong, and where."""

import json
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from backproof.vectors import hdf5, store
from backproof.vectors.deflate import deflated
from backproof.vectors.manifest import FileEntry, Manifest, write_manifest
from backproof.vectors.records import VectorError
from h5py import h5d, h5o, h5p, h5s, h5t, h5z
from synthetic_vectors import every_feature, many_families

Edit = Callable[[h5py.File], object]
LOSS = "float32/expected/loss"
SCORES = "float32/inputs/scores"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a file of float32 families."""
    vectors = every_feature()
    path = tmp_path_factory.mktemp("sound") / "loss.h5"
    families = tuple(family for family in vectors.families if family.dtype == "float32")
    store.write(path, replace(vectors, families=families))
    return path.read_bytes()


@pytest.fixture
def path(sound: bytes, tmp_path: Path) -> Path:
    """A sound file of float32 families, for a test to spoil."""
    path = tmp_path / "loss.h5"
    path.write_bytes(sound)
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


def attribute(name: str, value: object, node: str = "/") -> Edit:
    return lambda file: file[node].attrs.create(name, value)


def text(content: bytes) -> Edit:
    """An edit that puts a text in place of the contents."""
    return dataset("contents", data=np.frombuffer(content, "u1"))


def contents(*path: Any, value: object) -> Edit:
    """An edit of one place in the JSON document: `contents("families", 0, "count", value=7)`; None deletes it."""

    def edit(file: h5py.File) -> None:
        document = node = json.loads(file["contents"][()].tobytes())
        for step in path[:-1]:
            node = node[step]
        if value is None:
            del node[path[-1]]
        else:
            node[path[-1]] = value
        text(json.dumps(document).encode())(file)

    return edit


def compact(group: h5py.Group, name: str) -> None:
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_layout(h5d.COMPACT)
    h5d.create(group.id, name.encode(), h5t.IEEE_F64LE, h5s.create_simple((8,)), creation)


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((4,), "<f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    group.create_virtual_dataset(name, layout)


def committed(group: h5py.Group, name: str) -> None:
    group.file["double"] = np.dtype("<f8")
    group.create_dataset(name, (8,), dtype=group.file["double"])
    del group.file["double"]


def null_space(group: h5py.Group, name: str) -> None:
    h5d.create(group.id, name.encode(), h5t.IEEE_F64LE, h5s.create(h5s.NULL))


def long_string(group: h5py.Group, name: str) -> None:
    kind = h5t.C_S1.copy()
    kind.set_size(2**31)
    h5d.create(group.id, name.encode(), kind, h5s.create(h5s.SCALAR))


ELSEWHERE = {
    "a soft link": (link("float32/extra", h5py.SoftLink("/contents")), "/float32/extra is a link to elsewhere"),
    "a link to another file": (
        link(SCORES, h5py.ExternalLink("/etc/passwd", "/")),
        "/float32/inputs/scores is a link to elsewhere (soft or external)",
    ),
    "an external file of values": (
        dataset(LOSS, shape=(4,), dtype="<f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]),
        "/float32/expected/loss keeps its values in an external file",
    ),
    "a virtual dataset": (replace_node(LOSS, virtual), "loss is a virtual dataset"),
}

STORAGE = {
    "a compact dataset": (replace_node(LOSS, compact), "loss is compact or in several chunks"),
    "terabytes that are not there": (dataset(LOSS, shape=(2**27,), dtype="<f8"), "declares 1073741824 bytes, which"),
    "terabytes in one size": (dataset(LOSS, shape=(2**40,), dtype="<f8"), "declares the sizes (1099511627776,)"),
    "an exabyte times nothing": (dataset(LOSS, shape=(0, 2**60), dtype="<f8"), "loss declares the sizes (0, "),
    "more than the file holds": (dataset(LOSS, shape=(10**5,), dtype="<f8"), "declares 800000 bytes, which the file"),
    "no shape": (replace_node(LOSS, null_space), "loss has no shape"),
    "two axes": (dataset(LOSS, data=np.zeros((7, 3))), "loss declares the sizes (7, 3)"),
    "a number alone": (dataset(LOSS, data=np.zeros(())), "loss declares the sizes ()"),
    "contents of two axes": (dataset("contents", data=np.zeros((2, 9), "u1")), "/contents declares the sizes (2, 9)"),
    "contents without end": (dataset("contents", shape=(2**24 + 1,), dtype="u1"), "declares the sizes (16777217,)"),
}

ZEROS = deflated(np.zeros(9))
SHUFFLE, DEFLATE = h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE


def chunk(
    stream: bytes,
    size: int = 9,
    mask: int = 0,
    filters: Sequence[int] = (SHUFFLE, DEFLATE),
    at: str = LOSS,
    kind: h5t.TypeID = h5t.IEEE_F64LE,
) -> Edit:
    """An edit that makes a column one chunk, which holds a stream, whatever its filters make of that."""

    def make(group: h5py.Group, name: str) -> None:
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_chunk((size,))
        for code in filters:
            creation.set_filter(code, h5z.FLAG_OPTIONAL, (9,) if code == DEFLATE else ())
        column = h5d.create(group.id, name.encode(), kind, h5s.create_simple((size,)), creation)
        if stream:
            column.write_direct_chunk((0,), stream, mask)

    return replace_node(at, make)


SHORT = "loss does not inflate to the 72 bytes that it declares"
FILTERS = "loss is a chunk of other filters than shuffle, by the elements' size, and deflate"
CHUNKS = {
    "chunks": (dataset(LOSS, shape=(8,), dtype="<f8", chunks=(4,)), "loss is compact or in several chunks"),
    "a chunk beyond the column": (
        dataset(LOSS, shape=(8,), maxshape=(None,), dtype="<f8", chunks=(9,), shuffle=True, compression="gzip"),
        "loss is compact or in several chunks",
    ),
    "a chunk of two axes": (
        dataset(LOSS, data=np.zeros((3, 3)), chunks=(3, 3), shuffle=True, compression="gzip"),
        "loss declares the sizes (3, 3)",
    ),
    "a chunk without filters": (chunk(bytes(72), filters=()), FILTERS),
    "deflate alone": (chunk(ZEROS, filters=(DEFLATE,)), FILTERS),
    "shuffle alone": (chunk(bytes(72), filters=(SHUFFLE,)), FILTERS),
    "filters in another order": (chunk(ZEROS, filters=(DEFLATE, SHUFFLE)), FILTERS),
    "a filter twice": (chunk(ZEROS, filters=(SHUFFLE, DEFLATE, DEFLATE)), FILTERS),
    "a checksum as a filter": (chunk(ZEROS, filters=(SHUFFLE, DEFLATE, h5z.FILTER_FLETCHER32)), FILTERS),
    "another compression": (dataset(LOSS, shape=(9,), dtype="<f8", chunks=(9,), compression="lzf"), FILTERS),
    "a filter left out": (chunk(ZEROS, mask=1), "loss has a chunk that leaves out a filter"),
    "a chunk that is not there": (chunk(b""), "loss lacks its chunk"),
    "a bomb": (chunk(zlib.compress(bytes(10**7))), f"{SHORT}: more comes of it"),
    "a bomb that is declared": (chunk(ZEROS, size=2**25 + 1), "268435456 bytes are the most that a file may inflate"),
    "an element too many": (chunk(deflated(np.zeros(10))), f"{SHORT}: more comes of it"),
    "an element too few": (chunk(deflated(np.zeros(8))), f"{SHORT}: it ends early"),
    "a stream without its end": (chunk(ZEROS[:-1]), f"{SHORT}: it ends early"),
    "a stream that breaks off": (chunk(ZEROS[:4]), f"{SHORT}: it ends early"),
    "bytes behind the stream": (chunk(ZEROS + b"\0"), f"{SHORT}: other bytes follow it"),
    "a second stream": (chunk(ZEROS + ZEROS), f"{SHORT}: other bytes follow it"),
    "another checksum": (chunk(ZEROS[:-1] + b"!"), f"{SHORT}: Error -3 while decompressing data: incorrect data check"),
    "no stream": (chunk(b"nothing"), f"{SHORT}: Error -3 while decompressing data"),
    "contents that are a bomb": (
        chunk(zlib.compress(bytes(10**7)), at="contents", kind=h5t.STD_U8LE),
        "/contents does not inflate to the 9 bytes that it declares: more comes of it",
    ),
    "contents that are a bomb, which is declared": (
        chunk(zlib.compress(bytes(2**25)), size=2**25, at="contents", kind=h5t.STD_U8LE),
        "/contents declares the sizes (33554432,), which are beyond any column",
    ),
    "contents deflated alone": (
        dataset("contents", data=np.zeros(9, "u1"), chunks=(9,), compression="gzip"),
        "/contents is a chunk of other filters",
    ),
}

FOREIGN = "a type that no golden file has"
TYPES = {
    "object references": (dataset(LOSS, shape=(8,), dtype=h5py.ref_dtype), FOREIGN),
    "region references": (dataset(LOSS, shape=(8,), dtype=h5py.regionref_dtype), FOREIGN),
    "strings of any length": (dataset("contents", shape=(), dtype=h5py.string_dtype()), FOREIGN),
    "rows of any length": (dataset(LOSS, shape=(8,), dtype=h5py.vlen_dtype("<f8")), FOREIGN),
    "truth values": (dataset(LOSS, shape=(8,), dtype=bool), FOREIGN),
    "big-endian numbers": (dataset(LOSS, data=np.zeros(8, ">f8")), FOREIGN),
    "opaque bytes": (dataset(LOSS, data=np.zeros(8, "V8")), FOREIGN),
    "records": (dataset(LOSS, data=np.zeros(8, [("a", "<f8")])), FOREIGN),
    "a string of gigabytes": (replace_node("contents", long_string), FOREIGN),
    "a committed type": (replace_node(LOSS, committed), "loss has a committed type"),
    "a type for an object": (link("type", np.dtype("<i8")), "/type is neither a group nor a dataset"),
    "a string of fixed length": (dataset("contents", data=np.array(b"{}")), FOREIGN),
    "an attribute that is an array": (attribute("schema_version", [1, 2]), "schema_version of / is no scalar"),
    "an attribute in words": (attribute("schema_version", "two"), "schema_version of / is no integer of 64 bits"),
    "an attribute that is a fraction": (attribute("schema_version", 2.0), "is no integer of 64 bits"),
    "an attribute that is short": (attribute("schema_version", np.int32(2)), "is no integer of 64 bits"),
    "an attribute of a column": (attribute("unit", 1, LOSS), "/float32/expected/loss has attributes, and none"),
    "an attribute of a group": (attribute("unit", 1, "float32"), "/float32 has an attribute unit, which is none"),
    "float32 for float64": (dataset(LOSS, data=np.zeros(9, "<f4")), "is no array of one axis and dtype <f8"),
    "float16 for float32": (dataset(SCORES, data=np.zeros(9, "<f2")), "is no array of one axis and dtype <f4"),
    "bytes for float64": (dataset(LOSS, data=np.zeros(9, "u1")), "is no array of one axis and dtype <f8"),
}

VERSIONS = {
    "a newer schema": (
        attribute("schema_version", 5),
        "has schema version 5, and this backproof reads 4; install a newer backproof",
    ),
    "a newer schema with things unheard of": (
        lambda file: (attribute("schema_version", 9)(file), dataset("new", data=["text"])(file)),
        "has schema version 9, and this backproof reads 4",
    ),
    "the schema before": (attribute("schema_version", 3), "reads 4; run `backproof generate`, or read it with the"),
    "the first schema": (
        attribute("schema_version", 1),
        "reads 4; run `backproof generate`, or read it with the backproof that wrote it (0.1 for version 1)",
    ),
    "no schema": (lambda file: file.attrs.pop("schema_version"), "schema_version is None, where a whole number"),
    "another attribute": (attribute("mood", 1), "/ has an attribute mood, which is none of the layout"),
}

TREE = {
    "an unknown group": (lambda file: file.create_group("float8"), "/float8 is none of contents, float64, float32"),
    "an unknown column": (dataset("float32/extra", data=np.zeros(1)), "/float32/extra is no column of loss"),
    "a column that is missing": (
        lambda file: file.pop(SCORES),
        "/float32/inputs/scores is missing, which loss/float32/forward-indices has",
    ),
    "no dtype": (lambda file: file.pop("float32"), "/float32/inputs/scores is missing"),
    "a dataset for a group": (dataset("float32/inputs", data=np.zeros(1)), "/float32/inputs is no column of loss"),
    "a group for a dataset": (
        replace_node(LOSS, lambda group, last: group.create_group(last)),
        "/float32/expected/loss is missing",
    ),
    "an unknown argument": (
        lambda file: file.move(SCORES, "float32/inputs/scares"),
        "/float32/inputs/scares is no column of loss",
    ),
    "an unknown result": (lambda file: file.copy(LOSS, "float32/expected/gain"), "gain is no column of loss"),
    "a precision of another dtype": (
        lambda file: file.move("float32/tolerance/float32", "float32/tolerance/float64"),
        "/float32/tolerance/float64/dL_dscores is no column",
    ),
    "half a tolerance": (
        lambda file: file.pop("float32/tolerance/float32/loss"),
        "/float32/tolerance/float32/loss is missing",
    ),
    "a column that ends early": (
        dataset(LOSS, data=np.zeros(5)),
        "/float32/expected/loss ends at 5, and loss/float32/",
    ),
    "a column that goes on": (
        dataset(LOSS, data=np.zeros(99)),
        "/float32/expected/loss has 99 values, and the families take 9",
    ),
    "a column of nobody's": (
        lambda file: file.create_dataset("float32/tolerance/tf32/loss", data=np.zeros(0, "<u2")),
        "/float32/tolerance/tf32/loss ends at 0, and loss/float32/forward-indices takes up",
    ),
    "a group that holds itself": (lambda file: file.__setitem__("float32/inputs/self", file["float32"]), "is nested"),
}

CONTENTS = {
    "no contents": (lambda file: file.pop("contents"), "/contents is missing, or is no column of bytes"),
    "numbers for the contents": (
        dataset("contents", data=np.zeros(1)),
        "/contents is missing, or is no column of bytes",
    ),
    "no UTF-8": (text(b"\xff"), "/contents is not UTF-8"),
    "no JSON": (text(b"{"), "the contents '{' is no JSON"),
    "JSON of the wrong kind": (text(b"[]"), "the contents '[]' is no JSON object"),
    "JSON nested without end": (text(b"[" * 10**6), "is no JSON"),
    "a key twice": (text(b'{"operation": 1, "operation": 2}'), "a key appears twice"),
    "half a character": (text(rb'{"operation": "\ud800"}'), "half of a surrogate pair"),
    "a field missing": (contents("aliases", value=None), "the contents have the fields arguments, batch_axis"),
    "an unknown field": (contents("mood", value=1), "the contents have the fields aliases, arguments"),
    "a number for a text": (contents("generator", value=1), "say '1' for generator, where a string is due"),
    "no identifier": (contents("operation", value="../x"), "say '../x' for operation, where an identifier is due"),
    "a direction unheard of": (contents("results", value={"up": []}), "for results, where an object by direction"),
    "a signature that is no list": (
        contents("results", "forward", value="loss"),
        "say 'loss' for results, where a list",
    ),
    "a name twice": (contents("arguments", "forward", value=["x", "x"]), "where a list of distinct names is due"),
    "no axis": (contents("batch_axis", "loss", value=True), "say 'True' for batch_axis of 'loss', where an axis"),
    "axes in a list": (contents("batch_axis", value=[]), "say '[]' for batch_axis, where an object is due"),
    "no precision": (contents("aliases", "tf32", value="fp8"), "say 'fp8' for aliases of 'tf32', where a known"),
    "an unhashable alias": (contents("aliases", "tf32", value=[]), "say '[]' for aliases of 'tf32'"),
    "a flag in three words": (
        contents("flags", 0, value=["a", "b", "c"]),
        "for flags, where a list of str, str, str, str",
    ),
    "a flag that is no word": (contents("flags", 0, 0, value="a b"), "say 'a b' for flags, where the name of a flag"),
    "a flag without end": (contents("flags", 0, 0, value="a" * 151), "...' for flags, where the name of a flag is due"),
    "an operation without end": (contents("operation", value="a" * 151), "...' for operation, where an identifier is"),
    "flags that are none": (contents("flags", value=7), "say '7' for flags, where a list"),
    "canonical in numbers": (contents("conventions", 0, 2, value=1), "where a list of str, str, bool, str is due"),
    "an answer of spaces": (contents("conventions", 0, 1, value=" "), "say 'slope= ' for conventions, where an answer"),
    "families that are none": (contents("families", value={}), "say '{}' for families, where a list is due"),
}


def family(field: str, value: object, due: str, number: int = 0) -> tuple[Edit, str]:
    """Something else in one field of a family, and what the refusal says is due there."""
    of = f"family {number}" if field == "name" else NAMES[number]
    return contents("families", number, field, value=value), f" for {field} of {of}, where {due}"


NAMES = [family.name for family in every_feature().families if family.dtype == "float32"]
EACH_ONCE = "dtypes, one at least, each once is due"
SHAPE = "a shape of 8 sizes at most is due"
ARGUMENTS = "the arguments in order is due"
PARAMETER = "a string, a number, a truth value, null or a list of such is due"
FAMILIES = {
    "no family": (contents("families", 0, value=[]), "for family 0, where an object of known fields is due"),
    "an unknown field of a family": (
        contents("families", 0, "mood", value=1),
        "for family 0, where an object of known",
    ),
    "an id that is a path": family("name", "../x", "a family's name is due"),
    "an id that breaks lines": family("name", "a\nb", "a family's name is due"),
    "an endless name": family("name", "a" * 151, "a family's name is due"),
    "an id twice": (
        contents("families", 0, "name", value="forward-one-hot"),
        "loss/float32/forward-one-hot appears twice",
    ),
    "no dtype of a family": family("dtypes", [], "dtypes, one at least is due"),
    "an unknown dtype": family("dtypes", ["float8"], "dtypes, one at least is due"),
    "a dtype twice": family("dtypes", ["float32", "float32"], EACH_ONCE),
    "a dtype that has no values": (
        contents("families", 0, "dtypes", value=["float32", "float16"]),
        "/float16/inputs/scores is missing, which loss/float16/forward-indices has",
    ),
    "an unknown direction": family("direction", "sideways", "one that the operation has is due"),
    "an unhashable direction": family("direction", [], "one that the operation has is due"),
    "an unknown level": family("level", "optional", "one of required, robust is due"),
    "an unknown result kind": family("result", "whatever", "one of valid, convention, invalid is due"),
    "no cases": family("count", 0, "1 to 65536 is due"),
    "cases below none": family("count", -3, "1 to 65536 is due"),
    "cases without end": family("count", 2**62, "1 to 65536 is due"),
    "half a case": family("count", 1.5, "1 to 65536 is due"),
    "a truth value of cases": family("count", True, "1 to 65536 is due"),
    "another count": (
        contents("families", 0, "count", value=5),
        "/float32/inputs/scores ends at 264, and loss/float32/forward-not-finite takes up to 304",
    ),
    "many cases of nothing": (
        lambda file: [contents("families", n, "count", value=2**16)(file) for n in (3, 4)],
        "the families of float32 count more than 65536 cases",
    ),
    "flags that are no words": family("flags", ["a b"], "words is due"),
    "flags in one text": family("flags", "mean", "words is due"),
    "parameters that are no object": family("parameters", [], "an object is due"),
    "a parameter of no name": family("parameters", {"": 1}, "an identifier is due"),
    "a parameter that is an object": family("parameters", {"a": {}}, PARAMETER),
    "a parameter nested too deep": family("parameters", {"a": [[[[[[[[1]]]]]]]]}, PARAMETER),
    "a parameter that is not finite": (contents("families", 0, "parameters", value={"a": np.nan}), "NaN is no number"),
    "a seed that is no text": family("seed", 7, "a string is due"),
    "an argument lacking": family("inputs", {"scores": [4, 5]}, ARGUMENTS),
    "arguments in another order": family("inputs", {"labels.int64": [4], "scores": [4, 5]}, ARGUMENTS),
    "an argument of the other direction": family("inputs", {"dL_dloss": [], "scores": [], "labels": []}, ARGUMENTS),
    "both kinds of labels": family("inputs", {"scores": [], "labels": [], "labels.int64": []}, ARGUMENTS),
    "a result lacking": family("results", {}, "those of a call that is valid is due"),
    "a result of the other direction": family("results", {"dL_dscores": []}, "those of a call that is valid is due"),
    "a call to refuse with a result": family("results", {"loss": []}, "those of a call that is invalid is due", 5),
    "a shape that is none": family("inputs", {"scores": 4, "labels": []}, SHAPE),
    "a negative size": family("inputs", {"scores": [-4, 5], "labels.int64": []}, SHAPE),
    "two negative sizes": family("inputs", {"scores": [-4, -5], "labels.int64": []}, SHAPE),
    "a fraction of a size": family("inputs", {"scores": [4.0], "labels.int64": []}, SHAPE),
    "a rank of nine": family("inputs", {"scores": [1] * 9, "labels.int64": []}, SHAPE),
    "sizes whose product overflows": family("results", {"loss": [2**32, 2**32]}, "the shape of a tensor is due"),
    "a huge tensor of nothing": family("results", {"loss": [0, 2**62]}, "the shape of a tensor is due"),
    "another shape": (
        contents("families", 0, "results", "loss", value=[5]),
        "/float32/expected/loss ends at 9, and loss/float32/forward-indices takes",
    ),
    "an unknown alternative": family("alternatives", ["slope=2"], "of the conventions is due", 4),
    "an alternative twice": family("alternatives", ["slope=1/2"] * 2, "of the conventions, each once is due", 4),
    "an alternative without values": (
        contents("families", 4, "alternatives", value=["slope=0", "slope=1/2", "slope=100%"]),
        "/float32/expected/dL_dscores ends at",
    ),
    "an unknown precision": family("without", ["fp8"], "precisions is due"),
}

HOSTILE = ELSEWHERE | STORAGE | CHUNKS | TYPES | VERSIONS | TREE | CONTENTS | FAMILIES


@pytest.mark.parametrize(("edit", "complaint"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(path: Path, edit: Edit, complaint: str) -> None:
    assert complaint in refusal_after(path, edit)


def test_a_file_of_countless_objects_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST_OBJECTS", 10)
    assert "is one object too many: 10 are the most that a file may have" in refusal(path)


def write_unchecked(path: Path) -> None:
    """Write a file of one chunk in the earliest format, which has no checksums, so that a byte of it can be altered."""
    with h5py.File(path, "w", libver="earliest") as file:
        attribute("schema_version", 4)(file)
        file.create_group("float32/expected")
        chunk(ZEROS)(file)


def test_a_chunk_shuffled_by_another_size_is_refused(path: Path) -> None:
    write_unchecked(path)
    image, size = path.read_bytes(), struct.pack("<I", 8)
    assert image.count(b"shuffle\0" + size) == 1
    path.write_bytes(image.replace(b"shuffle\0" + size, b"shuffle\0" + struct.pack("<I", 4)))
    assert FILTERS in refusal(path)


@pytest.mark.parametrize("field", ["place", "length"])
def test_a_chunk_that_reaches_beyond_the_file_is_refused(path: Path, field: str) -> None:
    with h5py.File(path, "r+", libver="earliest") as file:
        chunk(ZEROS)(file)
        place = file[LOSS].id.get_chunk_info(0).byte_offset
    image, key = path.read_bytes(), struct.pack("<IIQQQ", len(ZEROS), 0, 0, 0, place)  # of the index of chunks
    assert image.count(key) == 1
    beyond = {
        "place": struct.pack("<IIQQQ", len(ZEROS), 0, 0, 0, len(image) - 1),
        "length": struct.pack("<IIQQQ", 2**31, 0, 0, 0, place),
    }
    path.write_bytes(image.replace(key, beyond[field]))
    assert "loss lacks its chunk, which the file of" in refusal(path)


@pytest.mark.parametrize(("kind", "key_size"), [(0, 8), (1, 24)], ids=["links", "chunks"])
def test_an_index_that_leads_to_itself_is_refused(path: Path, kind: int, key_size: int) -> None:
    """The HDF5 library would end the process by it."""
    write_unchecked(path)
    image = bytearray(path.read_bytes())
    node = image.index(b"TREE" + bytes([kind, 0]))
    image[node + 5] = 1  # its level
    struct.pack_into("<Q", image, node + 24 + key_size, node)  # its first child
    path.write_bytes(image)
    assert refusal(path) == "has an index of several levels, which no golden file has"


def test_an_index_of_several_levels_is_refused_in_the_format_of_today(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        attribute("schema_version", 4)(file)
        for number in range(2000):
            file[f"group{number}"] = file
    assert b"TREE" not in path.read_bytes()
    assert refusal(path) == "has an index of several levels, which no golden file has"


def test_chunks_that_inflate_to_too_much_together_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names cost nothing: many of them for one chunk would fill the memory."""
    with h5py.File(path, "r+", libver="earliest") as file:
        chunk(deflated(np.zeros(1000)), size=1000)(file)
        for number in range(10):
            file[f"float32/expected/loss{number}"] = file[LOSS]
    monkeypatch.setattr(hdf5, "LARGEST_FILE", 87_999)
    assert "/float32/expected/loss9 is too large: 87999 bytes are the most that a file may inflate to" in refusal(path)


def test_links_in_a_circle_end_at_the_depth_of_the_layout(path: Path) -> None:
    def circle(file: h5py.File) -> None:
        group = file.create_group("circle")
        for index in range(10):
            group[f"again{index}"] = group

    assert "is nested deeper" in refusal_after(path, circle)


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.catalogue)])
def test_a_refused_file_leaves_nothing_behind_for_the_next(path: Path, step: int) -> None:
    sound = path.read_bytes()
    refused = []
    edits = [edit for edit, _ in HOSTILE.values()][::step]
    for edit in edits:
        path.write_bytes(sound)
        with h5py.File(path, "r+", libver="earliest") as file:
            edit(file)
        with pytest.raises(VectorError) as error:
            store.read(path)
        refused.append(error)  # its traceback holds on to whatever was open
        path.write_bytes(sound)
        assert len(tuple(store.read(path).families)) == 7
    assert len(refused) == len(edits)


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
    write_manifest(path.parent, Manifest("1.0.0", {"loss.h5": FileEntry("0" * 64, (), {"/": "0" * 64})}))
    opened: list[object] = []
    monkeypatch.setattr(store, "read_tree", lambda *arguments: opened.append(arguments))
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
    store.write(path, many_families("loss", families=4, elements=6))
    with h5py.File(path, "r+", libver="earliest") as file:
        del file["float32/inputs/weights"]
        h5o.link(file["float32/inputs/biases"].id, file["float32/inputs"].id, b"weights")
    assert len(tuple(store.read(path).families)) == 4
