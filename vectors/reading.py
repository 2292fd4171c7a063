"""Turn a tree, which may come from anyone, into records: each family's tensors are slices of columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from .contents import read_contents
from .dtypes import DTYPES, PRECISIONS_OF, numpy_dtype
from .layout import CONTENTS, ID, LABEL_SUFFIX, TEXT, Entry, Shape, columns
from .records import Expectation, Family, OperationVectors, VectorError
from .tolerances import from_bits
from .tree import Group


def from_tree(root: Group) -> OperationVectors:
    """Return the records in a golden file's tree, families by dtype and in the file's order.

    Tensors are read-only views. Raises VectorError, with the place and what is wrong there, where the tree does not
    follow the layout; what it returns needs no further checks.
    """
    text = root.children.get(CONTENTS)
    if not isinstance(text, np.ndarray) or text.dtype != TEXT:
        raise VectorError(f"/{CONTENTS} is missing, or is no column of bytes")
    try:
        vectors, entries = read_contents(text.tobytes().decode())
    except UnicodeDecodeError:
        raise VectorError(f"/{CONTENTS} is not UTF-8") from None
    families: list[Family] = []
    for name in root.children:
        if name not in (CONTENTS, *DTYPES):
            raise VectorError(f"/{name} is none of {', '.join((CONTENTS, *DTYPES))}")
    for dtype in DTYPES:
        own = [entry for entry in entries if dtype in entry.dtypes]
        group = root.children.get(dtype, Group({}))
        families += _families(own, dtype, _columns(group, dtype, vectors), vectors)
    return replace(vectors, families=tuple(families))


@dataclass
class _Columns:
    """The columns of a dtype, from which the families take their values in turn."""

    at: str
    arrays: Mapping[str, np.ndarray]
    """By the path below the group of the dtype: "expected/loss"."""
    taken: dict[str, int] = field(default_factory=dict)

    def take(self, path: str, count: int, shape: Shape, name: str) -> np.ndarray:
        """Return the next `count` cases of a column. Raises VectorError where it is too short."""
        if path not in self.arrays:
            raise VectorError(f"{self.at}/{path} is missing, which {name} has")
        begin = self.taken.get(path, 0)
        end = self.taken[path] = begin + count * prod(shape)
        if end > len(self.arrays[path]):
            raise VectorError(f"{self.at}/{path} ends at {len(self.arrays[path])}, and {name} takes up to {end}")
        return self.arrays[path][begin:end].reshape(count, *shape)

    def refuse_leftovers(self) -> None:
        """Raise VectorError where a column has values that no family has taken."""
        for path, array in self.arrays.items():
            if self.taken.get(path) != len(array):
                raise VectorError(
                    f"{self.at}/{path} has {len(array)} values, and the families take {self.taken.get(path, 'none')}"
                )


def _columns(group: Group | np.ndarray, dtype: str, vectors: OperationVectors) -> _Columns:
    at = f"/{dtype}"
    known = columns(vectors, dtype)
    arrays = {}
    for path, array in _leaves(group, ""):
        if path not in known:
            raise VectorError(f"{at}/{path} is no column of {vectors.op}")
        if array.dtype != known[path] or array.ndim != 1:
            raise VectorError(f"{at}/{path} is no array of one axis and dtype {known[path].str}")
        if path.startswith("tolerance/"):
            arrays[path] = from_bits(array)
        else:
            arrays[path] = array.view(numpy_dtype(dtype)) if array.dtype == "<u2" else array
    return _Columns(at, arrays)


def _leaves(node: Group | np.ndarray, path: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(node, Group):
        for name, child in node.children.items():
            yield from _leaves(child, f"{path}/{name}" if path else name)
    else:
        yield path, node


def _families(entries: Sequence[Entry], dtype: str, columns: _Columns, vectors: OperationVectors) -> Iterator[Family]:
    precisions = [p for p in PRECISIONS_OF[dtype] if any(path.startswith(f"tolerance/{p}/") for path in columns.arrays)]
    for entry in entries:
        id_ = f"{vectors.op}/{dtype}/{entry.name}"
        inputs = {
            column.removesuffix(LABEL_SUFFIX): columns.take(f"inputs/{column}", entry.count, shape, id_)
            for column, shape in entry.inputs.items()
        }
        given = [precision for precision in precisions if precision not in entry.without]
        answer, *others = (
            _expectation(entry, given if entry.results else [], columns, id_)
            for _ in range(1 + len(entry.alternatives))
        )
        yield Family(
            op=vectors.op,
            dtype=dtype,
            name=entry.name,
            direction=entry.direction,
            count=entry.count,
            level=entry.level,
            result=entry.result,
            flags=entry.flags,
            parameters=dict(entry.parameters or {}),
            seed=entry.seed.replace(ID, id_),
            comment=entry.comment,
            source=entry.source,
            inputs=inputs,
            answer=answer,
            alternatives=dict(zip(entry.alternatives, others, strict=True)),
        )
    columns.refuse_leftovers()


def _expectation(entry: Entry, precisions: Sequence[str], columns: _Columns, id_: str) -> Expectation:
    def take(part: str) -> dict[str, np.ndarray]:
        return {name: columns.take(f"{part}/{name}", entry.count, s, id_) for name, s in entry.results.items()}

    return Expectation(take("expected"), {precision: take(f"tolerance/{precision}") for precision in precisions})
