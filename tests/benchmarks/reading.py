"""Reading all golden files into families, against numpy.load of the same numbers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from backproof.vectors import store
from backproof.vectors.records import Family

from .measure import Figure, at_least, at_most, best


def tensors(family: Family) -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of a family, under names unique within it."""
    for name, array in family.inputs.items():
        yield f"inputs/{name}", array
    for key, answer in {"": family.answer, **family.alternatives}.items():
        for name, array in answer.expected.items():
            yield f"{key}/expected/{name}", array
        for precision, results in answer.tolerance.items():
            for name, array in results.items():
                yield f"{key}/tolerance/{precision}/{name}", array


def read_all() -> list[Family]:
    """Read every golden file, hashes checked, down to each family's arrays."""
    return [family for op in store.golden_operations() for family in store.read_golden(op).families]


def load_all(path: Path) -> None:
    """Load every array of an .npz."""
    with np.load(path) as arrays:
        for name in arrays.files:
            arrays[name]


def plain(array: np.ndarray) -> np.ndarray:
    """Give a bfloat16 array as its bits, which .npz can hold."""
    return array if array.dtype.isbuiltin == 1 else array.view(np.uint16)


def columns() -> dict[str, np.ndarray]:
    """All columns of all golden files as they are stored."""
    found = {}
    for path in sorted(store.golden_folder().glob("*.h5")):
        with h5py.File(path) as file:

            def keep(name: str, node: object, op: str = path.stem) -> None:
                if isinstance(node, h5py.Dataset) and node.shape:
                    found[f"{op}/{name}"] = node[()]

            file.visititems(keep)
    return found


def figures() -> Iterator[Figure]:
    """Measure."""
    single = {f"{family.id}/{name}": plain(array) for family in read_all() for name, array in tensors(family)}
    with tempfile.TemporaryDirectory() as folder:
        by_column, by_family = Path(folder, "columns.npz"), Path(folder, "families.npz")
        np.savez(by_column, **columns())
        np.savez(by_family, **single)
        own, column, family_wise = (
            best(read_all),
            best(lambda: load_all(by_column)),
            best(lambda: load_all(by_family), 2),
        )
    yield at_most("all golden files into families, against one .npz of columns", own / column, 4)
    yield at_least("the same, against an .npz with one array a family and tensor", family_wise / own, 5, "x faster")
