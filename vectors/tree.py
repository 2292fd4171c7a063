"""A golden file as a plain tree of groups and arrays, and the hash of what it holds, whatever its packing.

Between the records and HDF5: `layout` turns records into a tree and back, `store` a tree into a file and back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

Attribute = str | int


@dataclass(frozen=True, eq=False)
class Dataset:
    """An array whose dtype is little-endian: a number, or a record of UTF-8 strings (NUL-padded) and int64."""

    array: np.ndarray
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Group:
    """Named groups and datasets."""

    children: Mapping[str, "Group | Dataset"]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def content_hashes(root: Group) -> dict[str, str]:
    """The content hash of every group of a tree, by its path ("/", "/float32", "/float32/inputs").

    SCHEMA.md gives the hash byte by byte. It does not see how a file is laid out, so that a repacked file has the
    hashes of the original.
    """
    hashes: dict[str, str] = {}
    _group_hash(root, "/", hashes)
    return dict(sorted(hashes.items()))


def _group_hash(group: Group, path: str, hashes: dict[str, str]) -> str:
    digest = sha256(b"group\n")
    for piece in _attribute_bytes(group.attributes):
        digest.update(piece)
    for name in sorted(group.children):
        child = group.children[name]
        below = f"{path.rstrip('/')}/{name}"
        child_hash = _group_hash(child, below, hashes) if isinstance(child, Group) else _dataset_hash(child)
        digest.update(f"{name} {child_hash}\n".encode())
    hashes[path] = digest.hexdigest()
    return hashes[path]


def _dataset_hash(dataset: Dataset) -> str:
    array = dataset.array
    digest = sha256(f"dataset {type_name(array.dtype)} {','.join(map(str, array.shape))}\n".encode())
    for piece in _attribute_bytes(dataset.attributes):
        digest.update(piece)
    digest.update(b"\n")
    digest.update(array.tobytes())
    return digest.hexdigest()


def _attribute_bytes(attributes: Mapping[str, Attribute]) -> Iterator[bytes]:
    for name in sorted(attributes):
        value = attributes[name]
        kind = "string" if isinstance(value, str) else "integer"
        text = str(value).encode()
        yield f"@{name} {kind} {len(text)}\n".encode() + text + b"\n"


def type_name(dtype: np.dtype) -> str:
    """How the content hash spells a dtype: "<f8", or "{id:S41,first:<i8}" for a table."""
    if dtype.names is None:
        return dtype.str if dtype.kind != "S" else f"S{dtype.itemsize}"
    return "{" + ",".join(f"{name}:{type_name(dtype[name])}" for name in dtype.names) + "}"
