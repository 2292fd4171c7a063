"""Columns and tables of a tree, read with every number held against the others."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod

import numpy as np

from .layout import COLUMN, LARGEST_RANK, LARGEST_SIZE
from .records import VectorError
from .tree import Dataset, Group

Column = list[np.ndarray | None]
"""A tensor's array for each family, None where the family lacks it."""
Row = tuple[str | int, ...]


def read_column(node: "Group | Dataset", dtype: str, counts: Sequence[int], where: str) -> Column:
    """The tensors of a column, views into its values. Raises VectorError where values, shapes and starts disagree."""
    if not isinstance(node, Group) or set(node.children) != set(COLUMN):
        raise VectorError(f"{where} is no column: a group of {', '.join(COLUMN)}")
    values = _vector(node, "values", "<u2" if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<"), 1, where)
    shapes = _vector(node, "shapes", "<i8", 2, where)
    starts = _vector(node, "starts", "<i8", 1, where)
    if dtype == "bfloat16":
        if node.children["values"].attributes != {"dtype": "bfloat16"}:
            raise VectorError(f"{where}/values are 16 bits without the attribute dtype, which says bfloat16")
        values = values.view(_bfloat16())
    if len(starts) != len(counts) + 1 or len(shapes) != len(counts) or not 1 <= shapes.shape[1] <= 1 + LARGEST_RANK:
        raise VectorError(
            f"{where}: shapes {shapes.shape} and starts {starts.shape} are not those of {len(counts)} families"
        )
    bounds = starts.tolist()
    if bounds[0] != 0 or bounds[-1] != len(values):
        raise VectorError(f"{where}: starts run from {bounds[0]} to {bounds[-1]}, where there are {len(values)} values")
    column: Column = []
    begin = 0
    for index, (count, row, end) in enumerate(zip(counts, shapes.tolist(), bounds[1:], strict=True)):
        try:
            shape, elements = _shape_of(tuple(row))
        except VectorError as error:
            raise VectorError(f"{where}: family {index} {error}") from None
        if begin + count * elements != end:
            raise VectorError(
                f"{where}: family {index} takes {count * elements} values, and its starts give it {end - begin}"
            )
        column.append(None if shape is None else values[begin:end].reshape(count, *shape))
        begin = end
    return column


@lru_cache(maxsize=1024)  # the same few shapes stand in every column
def _shape_of(row: tuple[int, ...]) -> tuple[tuple[int, ...] | None, int]:
    """The shape of one case and how many values it has; None and 0 where the family lacks the tensor."""
    rank = row[0]
    shape = row[1 : 1 + max(rank, 0)]
    if not -1 <= rank < len(row) or min(shape, default=0) < 0 or any(size != -1 for size in row[1 + len(shape) :]):
        raise VectorError(f"has the shape row {list(row)}, which is no rank and its sizes")
    if prod(size or 1 for size in shape) > LARGEST_SIZE:
        raise VectorError(f"declares the sizes {list(shape)}, which are beyond any tensor")
    return (shape, prod(shape)) if rank >= 0 else (None, 0)


def _vector(group: Group, name: str, dtype: "str | np.dtype", rank: int, where: str) -> np.ndarray:
    node = group.children[name]
    if not isinstance(node, Dataset) or node.array.dtype != dtype or node.array.ndim != rank:
        raise VectorError(f"{where}/{name} is no array of rank {rank} and dtype {np.dtype(dtype).str}")
    return node.array


def _bfloat16() -> np.dtype:
    from ml_dtypes import bfloat16  # only files that hold bfloat16 should pay for it

    dtype: np.dtype = np.dtype(bfloat16)
    return dtype


def read_table(group: Group, name: str, fields: Mapping[str, int | None], at: str) -> list[Row]:
    """The rows of a table. Raises VectorError where its fields are not the given ones or its text is not UTF-8."""
    where = f"{at.rstrip('/')}/{name}"
    node = group.children.get(name)
    if not isinstance(node, Dataset) or node.array.ndim != 1 or node.array.dtype.names != tuple(fields):
        raise VectorError(f"{where} is no table of {', '.join(fields)}")
    dtype = node.array.dtype
    for field, limit in fields.items():
        kind, size = dtype[field].kind, dtype[field].itemsize
        if kind != ("i" if limit is None else "S") or (limit is not None and size > limit):
            raise VectorError(f"{where}: its field {field} is {dtype[field].str}, which is not of the layout")
    rows: list[Row] = []
    for raw in node.array.tolist():
        try:
            row = tuple(value.decode() if isinstance(value, bytes) else value for value in raw)
        except UnicodeDecodeError:
            raise VectorError(f"{where}: row {len(rows)} is not UTF-8") from None
        if any("\0" in value for value in row if isinstance(value, str)):
            raise VectorError(f"{where}: row {len(rows)} has a NUL character within a string")
        rows.append(row)
    return rows


def group_of(group: Group, name: str, at: str) -> Group:
    """The group of that name. Raises VectorError where there is none."""
    child = group.children.get(name)
    if not isinstance(child, Group):
        raise VectorError(f"{at.rstrip('/')}/{name} is missing, or is no group")
    return child
