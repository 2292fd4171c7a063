"""A golden file as a plain tree of groups and arrays, and the hash of what it holds, whatever its packing.

Between the records and HDF5: `writing` and `reading` turn records into a tree and back, `store` a tree into a file and
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np


@dataclass(frozen=True, eq=False)
class Group:
    """Named groups and arrays. An array is of little-endian numbers and one-dimensional, or one string."""

    children: Mapping[str, "Group | np.ndarray"]
    attributes: Mapping[str, int] = field(default_factory=dict)


def content_hashes(root: Group) -> dict[str, str]:
    """The content hash of every group and dataset of a tree, by its path ("/", "/float32/expected/loss").

    SCHEMA.md gives the hash byte by byte. It does not see how a file is laid out, so that a repacked file has the
    hashes of the original.
    """
    hashes: dict[str, str] = {}
    _hash(root, "/", hashes)
    return dict(sorted(hashes.items()))


def _hash(node: Group | np.ndarray, path: str, hashes: dict[str, str]) -> str:
    if isinstance(node, Group):
        digest = sha256(b"group\n")
        for name, value in sorted(node.attributes.items()):
            digest.update(f"@{name} {value}\n".encode())
        for name, child in sorted(node.children.items()):
            below = f"{path.rstrip('/')}/{name}"
            digest.update(f"{name} {_hash(child, below, hashes)}\n".encode())
    else:
        kind = node.dtype.str if node.dtype.kind != "S" else f"S{node.dtype.itemsize}"
        digest = sha256(f"dataset {kind} {','.join(map(str, node.shape))}\n".encode() + node.tobytes())
    hashes[path] = digest.hexdigest()
    return hashes[path]
