"""What a fuzzer does to bytes, to JSON and to the structure of an HDF5 file, by a seeded generator."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from io import BytesIO
from random import Random
from typing import Any

import h5py
import numpy as np

HTML = "<script>alert(1)</script>"
"""What no page may hold unescaped."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 255, 2**31, 2**53, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e308, 5e-324),
    *("", "0", "float32", "../x", "a\nb", "\x1b[2J", HTML, "\u202e", "x" * 5000, "xfail", "__class__"),
    *([], {}, [[]], [None], {"": 0}, [[[[[[[[[1]]]]]]]]], [0] * 50),
)
_EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff" * 4, b"\0" * 8, b"\xff" * 8, b"\0\0\0\x80")


def mutated_bytes(random: Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Bytes with one to four things done to them."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(min(len(changed), random.choice((4096, len(changed)))) + 1)
        length = random.choice((1, 2, 8, 64, 1024))
        match random.randrange(8):
            case 0 if changed:
                changed[min(at, len(changed) - 1)] ^= 1 << random.randrange(8)
            case 1:
                extreme = random.choice(_EXTREMES)
                changed[at : at + len(extreme)] = extreme
            case 2:
                changed[at:at] = random.randbytes(length)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length]
            case 5:
                del changed[at:]
            case 6 if others:
                other = random.choice(others)
                start = random.randrange(len(other))
                changed[at : at + length] = other[start : start + length]
            case _:
                changed[at : at + length] = random.randbytes(len(changed[at : at + length]))
    return bytes(changed)


def mutated_json(random: Random, document: Any) -> Any:
    """A copy of a document with one to three places changed."""
    changed = json.loads(json.dumps(document))
    for _ in range(random.choice((1, 1, 2, 3))):
        holder, key = _place(random, changed)
        if holder is None:
            return random.choice(VALUES)
        match min(random.randrange(12), 5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(("", "x", "name", HTML))] = holder.pop(key)
            case 2 if isinstance(holder, list):
                holder.insert(key, holder[key])
            case 3 if isinstance(holder[key], int | float):
                holder[key] += random.choice((-1, 1, 0.5, 1000))
            case 4:
                other, its = _place(random, changed)
                if other is not None:
                    holder[key] = json.loads(json.dumps(other[its]))
            case _:
                alike = [value for value in VALUES if type(value) is type(holder[key])]
                holder[key] = deepcopy(random.choice(alike or VALUES if random.random() < 0.7 else VALUES))
    return changed


def _place(random: Random, document: Any) -> tuple[Any, Any]:
    """Some place in a document: what holds it, and the key or index there."""
    holder, key = None, None
    node = document
    while isinstance(node, dict | list) and node and (holder is None or random.random() < 0.8):
        holder = node
        key = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
        node = node[key]
    return holder, key


def mutated_file(random: Random, image: bytes) -> bytes:
    """A sound HDF5 file with one to three edits of its structure, by the HDF5 library itself."""
    mutated = BytesIO(image)
    with h5py.File(mutated, "r+") as file:
        for _ in range(random.choice((1, 1, 2, 3))):
            try:
                random.choice(_EDITS)(random, file)
            except (KeyError, OSError, RuntimeError, TypeError, ValueError):  # not everything can be done to every file
                continue
    return mutated.getvalue()


def _some(random: Random, file: h5py.File, kind: type) -> str:
    names: list[str] = []
    file.visititems(lambda name, node: names.append(name) if isinstance(node, kind) else None)
    return random.choice(names)


def _edit_contents(random: Random, file: h5py.File) -> None:
    text = json.dumps(mutated_json(random, json.loads(file["contents"][()].tobytes()))).encode()
    if random.random() < 0.1:
        text = mutated_bytes(random, text)
    del file["contents"]
    file.create_dataset("contents", data=np.frombuffer(text, "u1"))


def _edit_values(random: Random, file: h5py.File) -> None:
    column = file[_some(random, file, h5py.Dataset)]
    values = column[()]
    extremes = np.array((0, 1, -1, 1e300, np.nan, np.inf, -np.inf))
    with np.errstate(all="ignore"):
        drawn = extremes.astype(values.dtype) if values.dtype.kind == "f" else np.arange(2**15).astype(values.dtype)
    for _ in range(random.choice((1, 3))):
        values[random.randrange(len(values))] = random.choice(drawn)
    column[...] = values


def _edit_dataset(random: Random, file: h5py.File) -> None:
    name = _some(random, file, h5py.Dataset)
    dtype = random.choice(("<f8", "<f4", "<f2", "<u2", "<i8", ">f8", "u1", "S4", "?", "c16"))
    shape = random.choice(((), (0,), (1,), (7,), (1000,), (2, 3), (2**20,), (0, 2**60)))
    options: dict[str, Any] = {}
    if len(shape) == 1 and shape[0] and random.random() < 0.6:
        options = {"chunks": random.choice((shape, True, (1 + shape[0] // 2,)))}
        options["compression"] = random.choice((None, "gzip", "lzf"))
        options["shuffle"] = random.random() < 0.5
    del file[name]
    file.create_dataset(name, shape, dtype, **options)


def _edit_tree(random: Random, file: h5py.File) -> None:
    name, other = _some(random, file, object), _some(random, file, object)
    match random.randrange(6):
        case 0:
            del file[name]
        case 1:
            file.move(name, other + random.choice(("", "x", "/x")))
        case 2:
            file[other + random.choice(("x", "/x"))] = file[name]
        case 3:
            file[name + "x"] = h5py.SoftLink("/" + other)
        case 4:
            file[name + "x"] = h5py.ExternalLink("/etc/hostname", "/")
        case _:
            file.copy(name, other + "x")


def _edit_attribute(random: Random, file: h5py.File) -> None:
    node = file if random.random() < 0.5 else file[_some(random, file, object)]
    node.attrs[random.choice(("schema_version", "unit", "x"))] = random.choice((0, 1, 2, 3, 4, 2**40, 1.5, "2", [2, 2]))


_EDITS: tuple[Callable[[Random, h5py.File], None], ...] = (
    *[_edit_contents] * 6,
    *[_edit_values] * 2,
    *[_edit_dataset] * 2,
    *[_edit_tree] * 2,
    _edit_attribute,
)
