"""A golden file as a tree of groups and arrays, and content hashes that do not depend on how it is stored.

`writing` and `reading` turn records into a tree and back, `hdf5` turns a tree into a file and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np


@dataclass(frozen=True, eq=False)
class Group:
    """Named groups and arrays. An array is one axis of little-endian numbers."""

    children: Mapping[str, "Group | np.ndarray"]
    attributes: Mapping[str, int] = field(default_factory=dict)


def content_hashes(root: Group) -> dict[str, str]:
    """Return the content hash of every group and dataset of a tree by path ("/", "/float32/expected/loss").

    SCHEMA.md defines the hash. A repacked file has the hashes of the original.
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
        digest = sha256(f"dataset {node.dtype.str} {len(node)}\n".encode() + node.tobytes())
    hashes[path] = digest.hexdigest()
    return hashes[path]
