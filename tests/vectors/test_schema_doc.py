"""SCHEMA.md is enough to read a file: its reader, its example and its hash are tried as they stand there."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from backproof.vectors import contents, hdf5, layout, manifest, store
from backproof.vectors.dtypes import ALL_PRECISIONS, DTYPES, PRECISIONS_OF
from backproof.vectors.files import LARGEST_FILE
from backproof.vectors.records import Expectation
from synthetic_vectors import OP, every_feature

DOCUMENT = (Path(store.__file__).parent / "SCHEMA.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading, up to the next one."""
    return re.split(r"^#+ ", DOCUMENT.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def code_block(title: str, language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```", section(title), flags=re.MULTILINE | re.DOTALL)
    assert match, f"no block of {language or 'text'} under {title}"
    return match[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "loss.h5"
    store.write(path, every_feature())
    return path


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_reader_reads_every_family(path: Path, dtype: str) -> None:
    reader: dict[str, Any] = {}
    exec(code_block("A reader", "python"), reader)
    precision = PRECISIONS_OF[dtype][0]
    due = [
        (family, key, answer)
        for family in every_feature().families
        if family.dtype == dtype
        for key, answer in {"": family.answer, **family.alternatives}.items()
    ]
    with h5py.File(path) as file:
        found = list(reader["families"](file, dtype, precision))
    assert [(entry["name"], key) for entry, key, *_ in found] == [(family.name, key) for family, key, _ in due]
    for (_, _, inputs, expected, tolerance), (family, _, answer) in zip(found, due, strict=True):
        assert same({name.removesuffix(".int64"): tensor for name, tensor in inputs.items()}, family.inputs)
        assert same(expected, answer.expected)
        assert same(tolerance, answer.tolerance.get(precision, {}))


def same(got: dict[str, np.ndarray], expected: Any) -> bool:
    return got.keys() == expected.keys() and all(
        got[name].shape == tensor.shape and got[name].tobytes() == tensor.tobytes() for name, tensor in expected.items()
    )


def test_the_reader_is_short() -> None:
    lines = [line for line in code_block("A reader", "python").splitlines() if line.strip()]
    assert len(lines) <= 15


def test_the_example_of_a_column_is_what_the_store_writes(tmp_path: Path) -> None:
    example: dict[str, Any] = {}
    exec(code_block("Columns", ""), example)
    template = next(family for family in every_feature().families if family.id == f"{OP}/float64/backward-rows")
    forward = next(family for family in every_feature().families if family.id == f"{OP}/float64/forward-indices")
    tensors = [np.arange(1.0, 7.0).reshape(2, 3), np.array([[[10.0, 20.0], [30.0, 40.0]]])]
    families = []
    for number, upstream in enumerate(tensors):
        count = len(upstream)
        inputs = {"dL_dloss": upstream, "scores": np.zeros(count), "labels": np.zeros(count)}
        answer = Expectation({"dL_dscores": np.zeros(count)}, {"float64": {"dL_dscores": np.zeros(count)}})
        families.append(replace(template, name=f"example-{number}", count=count, inputs=inputs, answer=answer))
    two_cases = {name: tensor[:2] for name, tensor in forward.inputs.items()}
    answer = Expectation({"loss": np.zeros(2)}, {"float64": {"loss": np.zeros(2)}})
    families.append(replace(forward, count=2, inputs=two_cases, answer=answer))
    store.write(tmp_path / "loss.h5", replace(every_feature(), families=tuple(families)))
    with h5py.File(tmp_path / "loss.h5") as file:
        assert file["float64/inputs/dL_dloss"][()].tolist() == example["values"]
        described = json.loads(file["contents"][()].tobytes())["families"]
    assert [entry["inputs"].get("dL_dloss") for entry in described] == example["shapes"]


def test_a_hash_computed_as_the_text_says_is_the_manifests(path: Path) -> None:
    """Written from the text, and on h5py alone."""
    store.update_manifest(path.parent, [OP])
    listed = manifest.read_manifest(path.parent).files["loss.h5"]
    found: dict[str, str] = {}

    def content_hash(node: h5py.HLObject) -> str:
        if isinstance(node, h5py.Dataset):
            content = f"dataset {node.dtype.str} {node.size}\n".encode() + node[()].tobytes()
        else:
            content = b"group\n" + b"".join(f"@{name} {value}\n".encode() for name, value in node.attrs.items())
            for name in sorted(node):
                content += f"{name} {content_hash(node[name])}\n".encode()
        found[node.name] = hashlib.sha256(content).hexdigest()
        return found[node.name]

    with h5py.File(path) as file:
        content_hash(file["/"])
    assert found == dict(listed.content)
    assert listed.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_holds_what_the_first_table_lists_and_nothing_else(path: Path) -> None:
    listed = [line.split()[0] for line in code_block("What a file holds", "").splitlines() if line]
    patterns = [re.sub(r"<\w+>", "[^/]+", line) for line in listed if line != "/"]
    datasets: list[str] = []
    with h5py.File(path) as file:
        file.visit(lambda name: datasets.append(f"/{name}") if isinstance(file[name], h5py.Dataset) else None)
    for name in datasets:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Contents", contents.FIELDS),
        ("Families", contents.ENTRY_FIELDS),
        ("Precisions and aliases", ALL_PRECISIONS),
    ],
)
def test_the_tables_name_what_the_code_names(title: str, words: Any) -> None:
    assert set(words) <= set(re.findall(r"`([^`]+)`", section(title)))


def test_the_limits_are_those_of_the_code() -> None:
    numbers = set(re.findall(r"[\d,]*\d", section("Limits")))
    limits = [layout.MOST_CASES, hdf5.MOST_OBJECTS, layout.LARGEST_RANK, layout.LARGEST_SIZE]
    name = int(re.findall(r"\d+", layout.FAMILY_NAME.pattern)[-1]) + 1
    mebibytes = [LARGEST_FILE >> 20, layout.LARGEST_CONTENTS >> 20]
    assert {f"{limit:,}" for limit in (*mebibytes, *limits, name, contents.DEEPEST_PARAMETER)} == numbers


def test_the_document_is_of_the_schema_that_the_code_reads() -> None:
    assert DOCUMENT.startswith(f"# The golden files, schema {manifest.SCHEMA_VERSION}\n")
