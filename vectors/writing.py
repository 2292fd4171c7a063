"""Records into a tree: families one after another in columns."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from .dtypes import DTYPES
from .layout import ATTRIBUTE_BYTES, CONVENTIONS_TABLE, FAMILIES_TABLE, FLAGS_TABLE, LABEL_SUFFIX, WORD, link_of
from .manifest import SCHEMA_VERSION
from .records import Expectation, Family, OperationVectors, VectorError
from .tree import Dataset, Group

Row = tuple[str | int, ...]


def pack(vectors: OperationVectors) -> Group:
    """The tree of a golden file.

    Families keep their order within a dtype. Raises VectorError, naming the family, where a string is too long for
    its field or a tensor's dtype or shape is not what its family says.
    """
    families = tuple(vectors.families)
    children: dict[str, Group | Dataset] = {
        "flags": _table(FLAGS_TABLE, [(flag.name, flag.kind, flag.effect, flag.link) for flag in vectors.flags]),
        "conventions": _table(
            CONVENTIONS_TABLE,
            [(answer.point, answer.answer, int(answer.canonical), answer.meaning) for answer in vectors.answers],
        ),
    }
    for family in families:
        if family.op != vectors.op or family.dtype not in DTYPES:
            raise VectorError(f"{family.id}: is no family of {vectors.op} in a known dtype")
    for dtype in DTYPES:
        of_dtype = [family for family in families if family.dtype == dtype]
        if of_dtype:
            children[dtype] = _pack_dtype(dtype, of_dtype)
    return Group(children, _attributes(vectors))


def _attributes(vectors: OperationVectors) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "schema_version": SCHEMA_VERSION,
        "operation": vectors.op,
        "vectors_version": vectors.vectors_version,
        "generator": vectors.generator,
        "arguments": _json(dict(vectors.arguments), "attribute arguments"),
        "results": _json(dict(vectors.results), "attribute results"),
        "batch_axis": _json(dict(vectors.batch_axis), "attribute batch_axis"),
        "aliases": _json(dict(vectors.aliases), "attribute aliases"),
    }
    for name, value in attributes.items():
        if isinstance(value, str):
            _encoded(value, ATTRIBUTE_BYTES, f"attribute {name}")
    return attributes


def _pack_dtype(dtype: str, families: Sequence[Family]) -> Group:
    inputs = [
        {name + LABEL_SUFFIX if tensor.dtype == np.int64 else name: tensor for name, tensor in family.inputs.items()}
        for family in families
    ]
    children: dict[str, Group | Dataset] = {
        "families": _families_table(families),
        "inputs": _columns(dtype, families, inputs),
        **_expectations(families, [family.answer for family in families]),
    }
    keys = sorted({key for family in families for key in family.alternatives})
    if keys:
        nothing = Expectation({}, {})
        alternatives = {
            link_of(key): Group(_expectations(families, [family.alternatives.get(key, nothing) for family in families]))
            for key in keys
        }
        children["alternatives"] = Group(alternatives)
    return Group(children)


def _families_table(families: Sequence[Family]) -> Dataset:
    rows: list[Row] = []
    first = 0
    for family in families:
        for flag in family.flags:
            if not WORD.fullmatch(flag):
                raise VectorError(f"{family.id}: the flag {flag!r} is no word of ASCII without spaces")
        rows.append(
            (
                family.id,
                family.direction,
                first,
                family.count,
                family.level,
                family.result,
                " ".join(family.flags),
                _json(dict(family.parameters), f"{family.id}: its parameters"),
                family.seed,
                family.comment,
                family.source,
            )
        )
        first += family.count
    return _table(FAMILIES_TABLE, rows)


def _expectations(families: Sequence[Family], expectations: Sequence[Expectation]) -> dict[str, Group]:
    precisions = sorted({precision for expectation in expectations for precision in expectation.tolerance})
    tolerance = {
        precision: _columns("float64", families, [one.tolerance.get(precision, {}) for one in expectations])
        for precision in precisions
    }
    expected = _columns("float64", families, [expectation.expected for expectation in expectations])
    return {"expected": expected, "tolerance": Group(tolerance)}


def _columns(dtype: str, families: Sequence[Family], tensors: Sequence[Mapping[str, np.ndarray]]) -> Group:
    names = sorted({name for by_name in tensors for name in by_name})
    return Group({name: _column(name, dtype, families, [one.get(name) for one in tensors]) for name in names})


def _column(name: str, dtype: str, families: Sequence[Family], tensors: Sequence[np.ndarray | None]) -> Group:
    wanted = "int64" if name.endswith(LABEL_SUFFIX) else dtype
    stored = np.dtype("<u2") if wanted == "bfloat16" else np.dtype(wanted).newbyteorder("<")
    width = max(tensor.ndim - 1 for tensor in tensors if tensor is not None)
    shapes = np.full((len(tensors), 1 + width), -1, "<i8")
    starts = np.zeros(len(tensors) + 1, "<i8")
    pieces: list[np.ndarray] = [np.empty(0, stored)]
    for index, (family, tensor) in enumerate(zip(families, tensors, strict=True)):
        starts[index + 1] = starts[index]
        if tensor is None:
            continue
        if tensor.dtype.name != wanted:
            raise VectorError(f"{family.id}: {name} has dtype {tensor.dtype.name}, where {wanted} is due")
        if tensor.ndim == 0 or tensor.shape[0] != family.count:
            raise VectorError(
                f"{family.id}: {name} has shape {tensor.shape}, where the first size is the count {family.count}"
            )
        shapes[index, : tensor.ndim] = (tensor.ndim - 1, *tensor.shape[1:])
        starts[index + 1] += prod(tensor.shape)
        flat = np.ascontiguousarray(tensor).reshape(-1)
        pieces.append(flat.view(stored) if wanted == "bfloat16" else flat.astype(stored, copy=False))
    attributes = {"dtype": "bfloat16"} if wanted == "bfloat16" else {}
    return Group(
        {"values": Dataset(np.concatenate(pieces), attributes), "shapes": Dataset(shapes), "starts": Dataset(starts)}
    )


def _table(fields: Mapping[str, int | None], rows: Iterable[Row]) -> Dataset:
    encoded = [
        tuple(
            value if limit is None else _encoded(str(value), limit, f"{row[0]}: its {name}")
            for (name, limit), value in zip(fields.items(), row, strict=True)
        )
        for row in rows
    ]
    kinds = []
    for index, (name, limit) in enumerate(fields.items()):
        width = max((len(value) for row in encoded if isinstance(value := row[index], bytes)), default=0)
        kinds.append((name, "<i8" if limit is None else f"S{width or 1}"))
    return Dataset(np.array(encoded, np.dtype(kinds)))


def _encoded(text: str, limit: int, where: str) -> bytes:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise VectorError(f"{where} is no text: it contains a lone surrogate") from None
    if len(content) > limit:
        raise VectorError(f"{where} takes {len(content)} bytes, and its field holds {limit}; shorten it")
    if b"\0" in content:
        raise VectorError(f"{where} contains a NUL character; leave it out")
    return content


def _json(document: Mapping[str, object], where: str) -> str:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise VectorError(f"{where} cannot be written as JSON: {error}") from None
