"""Turn records into a tree: columns of families one after another, and a JSON document that describes them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace

import numpy as np

from .dtypes import DTYPES, PRECISIONS_OF
from .layout import CONTENTS, ID, LABEL_SUFFIX, LARGEST_CONTENTS, TEXT, Entry, Shape
from .manifest import SCHEMA_VERSION
from .records import Family, OperationVectors, VectorError
from .tolerances import to_bits
from .tree import Group


def to_tree(vectors: OperationVectors) -> Group:
    """Return the tree of a golden file; families keep their order within a dtype.

    Raises VectorError, naming the family, where a tensor's dtype or shape is
    not what its family says, or a text cannot be written.
    """
    families = tuple(vectors.families)
    for family in families:
        if family.op != vectors.op or family.dtype not in DTYPES:
            raise VectorError(f"{family.id}: is no family of {vectors.op} in a known dtype")
    children: dict[str, Group | np.ndarray] = {CONTENTS: _contents(vectors, families)}
    for dtype in DTYPES:
        pieces: dict[str, list[np.ndarray]] = {}
        for family in families:
            for path, values in _values(family) if family.dtype == dtype else ():
                pieces.setdefault(path, []).append(values)
        if pieces:
            children[dtype] = _nested({path: np.concatenate(found) for path, found in pieces.items()})
    return Group(children, {"schema_version": SCHEMA_VERSION})


def _contents(vectors: OperationVectors, families: tuple[Family, ...]) -> np.ndarray:
    document = {
        "operation": vectors.op,
        "vectors_version": vectors.vectors_version,
        "generator": vectors.generator,
        "arguments": dict(vectors.arguments),
        "results": dict(vectors.results),
        "batch_axis": dict(vectors.batch_axis),
        "aliases": dict(vectors.aliases),
        "flags": [list(asdict(flag).values()) for flag in vectors.flags],
        "conventions": [list(asdict(answer).values()) for answer in vectors.answers],
        "families": [_plain(entry) for entry in _merged(families)],
    }
    content = _json(document, "the contents").encode()
    if len(content) > LARGEST_CONTENTS:
        raise VectorError(f"the contents take {len(content)} bytes, and {LARGEST_CONTENTS} is the most that is read")
    return np.frombuffer(content, TEXT)


def _merged(families: Iterable[Family]) -> list[Entry]:
    """Return the entries of all families; dtypes in which only the numbers differ share one."""
    merged: list[Entry] = []
    keys: list[str] = []
    for dtype in DTYPES:
        own = [family for family in families if family.dtype == dtype]
        precisions = {precision for family in own for precision in family.answer.tolerance}
        at = 0
        for family in own:
            entry = _entry(family, precisions)
            key = _json(_plain(replace(entry, dtypes=(), without=())), f"{family.id}: what is said of it")
            alike = (i for i in range(at, len(keys)) if keys[i] == key and _lack_alike(merged[i], entry))
            if (found := next(alike, None)) is not None:
                at, other = found, merged[found]
                without = tuple(dict.fromkeys((*other.without, *entry.without)))
                merged[at] = replace(other, dtypes=(*other.dtypes, dtype), without=without)
            else:
                keys.insert(at, key)
                merged.insert(at, entry)
            at += 1
    return merged


def _lack_alike(one: Entry, other: Entry) -> bool:
    """Say whether two entries lack the same ones of the precisions that dtypes of both have."""
    theirs = {p for dtype in one.dtypes for p in PRECISIONS_OF[dtype]}
    shared = theirs.intersection(p for dtype in other.dtypes for p in PRECISIONS_OF[dtype])
    return shared.isdisjoint(set(one.without) ^ set(other.without))


def _entry(family: Family, precisions: Iterable[str]) -> Entry:
    answer = family.answer
    for other in (answer, *family.alternatives.values()):
        if other.tolerance.keys() != answer.tolerance.keys() or _shapes(other.expected) != _shapes(answer.expected):
            raise VectorError(f"{family.id}: its alternatives have other precisions, names or shapes than its answer")
        for precision, tolerances in other.tolerance.items():
            if _shapes(tolerances) != _shapes(other.expected):
                raise VectorError(
                    f"{family.id}: its tolerances for {precision} have other names or shapes than the results"
                )
    return Entry(
        name=family.name,
        dtypes=(family.dtype,),
        direction=family.direction,
        count=family.count,
        inputs={_column(name, tensor): tensor.shape[1:] for name, tensor in family.inputs.items()},
        results={name: tensor.shape[1:] for name, tensor in answer.expected.items()},
        level=family.level,
        result=family.result,
        flags=family.flags,
        parameters=dict(family.parameters) or None,
        seed=family.seed.replace(family.id, ID),
        comment=family.comment,
        source=family.source,
        alternatives=tuple(family.alternatives),
        without=tuple(sorted(set(precisions) - set(answer.tolerance))) if answer.expected else (),
    )


def _values(family: Family) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a family's tensors as they are stored, flat, each with the path of its column."""

    def flat(tensor: np.ndarray, dtype: str, name: str) -> np.ndarray:
        if tensor.dtype.name != dtype:
            raise VectorError(f"{family.id}: {name} has dtype {tensor.dtype.name}, where {dtype} is due")
        if tensor.shape[:1] != (family.count,):
            raise VectorError(
                f"{family.id}: {name} has shape {tensor.shape}, where the first size is the count {family.count}"
            )
        return np.ascontiguousarray(tensor).reshape(-1)

    for name, tensor in family.inputs.items():
        column = _column(name, tensor)
        dtype = "int64" if column != name else family.dtype
        values = flat(tensor, dtype, column)
        yield f"inputs/{column}", values.view("<u2") if dtype == "bfloat16" else _little_endian(values)
    for expectation in (family.answer, *family.alternatives.values()):
        for name, tensor in expectation.expected.items():
            yield f"expected/{name}", _little_endian(flat(tensor, "float64", name))
        for precision, tolerances in expectation.tolerance.items():
            for name, tensor in tolerances.items():
                try:
                    yield f"tolerance/{precision}/{name}", to_bits(flat(tensor, "float64", name))
                except ValueError as error:
                    raise VectorError(f"{family.id}: the tolerance of {name} for {precision} {error}") from None


def _column(name: str, tensor: np.ndarray) -> str:
    return name + LABEL_SUFFIX if tensor.dtype == np.int64 else name


def _little_endian(values: np.ndarray) -> np.ndarray:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def _shapes(tensors: Mapping[str, np.ndarray]) -> dict[str, Shape]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _nested(arrays: Mapping[str, np.ndarray]) -> Group:
    """Nest arrays by path into groups."""
    heads = dict.fromkeys(path.partition("/")[0] for path in arrays)
    below = {
        head: {path.removeprefix(f"{head}/"): array for path, array in arrays.items() if path.startswith(f"{head}/")}
        for head in heads
    }
    return Group({head: _nested(below[head]) if below[head] else arrays[head] for head in heads})


def _plain(entry: Entry) -> dict[str, object]:
    """Return the fields of an entry that differ from their defaults."""
    given = {field.name: (getattr(entry, field.name), field.default) for field in fields(Entry)}
    return {name: value for name, (value, default) in given.items() if value != default}


def _json(document: Mapping[str, object], where: str) -> str:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except UnicodeEncodeError:
        raise VectorError(f"{where} is no text: it contains a lone surrogate") from None
    except (TypeError, ValueError) as error:
        raise VectorError(f"{where} cannot be written as JSON: {error}") from None
    return text
