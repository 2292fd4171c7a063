"""Readings of results that are not of the shape or dtype that is due, and of results that are wrong in places."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from ...vectors.dtypes import numpy_dtype
from .evidence import unit_roundoff
from .hypotheses import Reading
from .result_views import Scene

TILES = (2, 4, 8, 16, 32, 64, 128)


def form(wrong: Sequence[Scene]) -> Reading | None:
    """Values that are right, or nearly so, in a shape or dtype that is not."""
    by_shape = [_told(scene, _shape) for scene in wrong]  # which an axis of length 1 too many may look like
    for way in (_dtype, _flipped, *_reductions()):
        readings = [_told(scene, way) for scene in wrong]
        told = {reading for reading in readings if reading is not None}
        if len(told) == 1 and all(one or other for one, other in zip(readings, by_shape, strict=True)):
            return told.pop()
    same = set(by_shape)
    return same.pop() if len(same) == 1 else None


def _told(scene: Scene, way: Callable[[Scene, np.ndarray, int], Reading | None]) -> Reading | None:
    """What a way says of a scene, if it says the same of all cases that are wrong in their form."""
    readings: set[Reading | None] = set()
    due = scene.expected.shape[1:], numpy_dtype(scene.family.dtype)
    for case, array in enumerate(scene.raw):
        if array is None or array.dtype.kind not in "fiuV":
            return None
        if (array.shape, array.dtype) == due:
            if not _near(array.astype(np.float64), scene, case, scene.expected[case]):
                return None
        else:
            readings.add(way(scene, array, case))
    return readings.pop() if len(readings) == 1 else None


def _near(values: np.ndarray, scene: Scene, case: int, due: np.ndarray, units: float = 0.0) -> bool:
    """Whether values are those due, up to the tolerance of the case and a share of their size."""
    allowed = 4 * float(scene.tolerance[case].max(initial=0.0)) + max(8 * scene.units, 4 * units) * np.abs(due)
    return values.shape == due.shape and bool((np.abs(values - due) <= allowed).all())


def _dtype(scene: Scene, array: np.ndarray, case: int) -> Reading | None:
    if array.shape != scene.expected.shape[1:] or array.dtype.kind == "i":
        return None
    units = float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else unit_roundoff("bfloat16")
    if not _near(array.astype(np.float64), scene, case, scene.expected[case], units):
        return None
    words = f"right values of the wrong dtype, {array.dtype}"
    return Reading("a wrong dtype", words, "allocate results in the dtype of the arguments, and let nothing widen it.")


def _flipped(scene: Scene, array: np.ndarray, case: int) -> Reading | None:
    due = scene.expected[case]
    if array.ndim != 2 or array.shape == due.shape or not _near(array.astype(np.float64), scene, case, due.T):
        return None
    return Reading("transposed", "the right values, transposed", "transpose the result, or exchange the factors.")


def _shape(scene: Scene, array: np.ndarray, case: int) -> Reading | None:
    due = scene.expected[case]
    if array.size != due.size or not _near(array.astype(np.float64).reshape(due.shape), scene, case, due):
        return None
    lost = [length for length in due.shape if length != 1] == list(array.shape) and array.ndim < due.ndim
    what = "axes of length 1 lost" if lost else "the wrong shape"
    return Reading("a wrong shape", f"right values, {what}", "keep the shape: keepdims=True, and no squeeze.")


def _reductions() -> Iterator[Callable[[Scene, np.ndarray, int], Reading | None]]:
    for axis, (word, reduce) in product(range(3), (("sum", np.sum), ("mean", np.mean))):
        yield _too_few(axis, word, reduce)
        yield _too_many(axis, word, reduce)


def _too_few(
    axis: int, word: str, reduce: Callable[..., np.ndarray]
) -> Callable[[Scene, np.ndarray, int], Reading | None]:
    def way(scene: Scene, array: np.ndarray, case: int) -> Reading | None:
        due = scene.expected[case]
        if array.ndim <= axis or array.size <= due.size:
            return None
        reduced = reduce(array.astype(np.float64), axis=axis)
        if reduced.size != due.size or not _near(reduced.reshape(due.shape), scene, case, due):
            return None
        words = f"not reduced: its {word} over axis {axis} is what is due"
        return Reading("an axis too many", words, f"take the {word} over axis {axis}.")

    return way


def _too_many(
    axis: int, word: str, reduce: Callable[..., np.ndarray]
) -> Callable[[Scene, np.ndarray, int], Reading | None]:
    def way(scene: Scene, array: np.ndarray, case: int) -> Reading | None:
        due = scene.expected[case]
        if due.ndim <= axis or array.size >= due.size:
            return None
        reduced = np.asarray(reduce(due, axis=axis))
        if reduced.size != array.size or not _near(
            array.astype(np.float64).reshape(reduced.shape), scene, case, reduced
        ):
            return None
        words = f"reduced too far: the {word} over axis {axis} of what is due"
        return Reading("an axis too few", words, f"leave out the {word} over axis {axis}.")

    return way


def place(wrong: Sequence[Scene], right: Sequence[Scene]) -> Reading | None:
    """Wrong in the last rows, columns or elements alone: a loop that ends too early, or a partial tile."""
    if any(scene.got is None for scene in wrong):
        return None
    for axis, word in ((0, "rows"), (-1, "columns"), (None, "elements")):
        pairs = [_extent(scene, axis) for scene in wrong]
        if any(pair is None for pair in pairs):
            continue
        found = [pair for pair in pairs if pair is not None]
        passing = [length for scene in right if (length := _length(scene, axis)) is not None]
        lengths = {length for _, length in found}
        if (
            len(lengths) > 1
            and all(first == length - 1 for first, length in found)
            and not any(length > 1 for length in passing)
        ):
            one = word.removesuffix("s")
            return Reading("the last left out", f"wrong in the last {one} alone", "let the loop run to its end.")
        tiles = [
            tile
            for tile in TILES
            if all(length > tile and length % tile and first >= length - length % tile for first, length in found)
            and not any(length > tile and length % tile for length in passing)
        ]
        if tiles:
            of = f"of {tiles[0]} " if len(tiles) == 1 else ""
            words = f"wrong in the last {word} alone, those beyond the last whole tile {of}".rstrip()
            return Reading("a tile edge", words, "handle the partial tile, with a mask or a loop over the rest.")
    return None


def _length(scene: Scene, axis: int | None) -> int | None:
    shape = scene.expected.shape[1:]
    if axis is None:
        return int(np.prod(shape)) if shape else None
    return int(shape[axis]) if len(shape) > (1 if axis == 0 else 0) or (axis == -1 and shape) else None


def _extent(scene: Scene, axis: int | None) -> tuple[int, int] | None:
    """The first place along an axis that is wrong, and the axis's length; None where that says nothing."""
    length = _length(scene, axis)
    if length is None or length < 2:
        return None
    wrong = scene.wrong.reshape(len(scene.wrong), -1) if axis is None else scene.wrong
    along = -1 if axis is None or axis == -1 else 1
    places = np.flatnonzero(np.moveaxis(wrong, along, 0).reshape(length, -1).any(axis=1))
    return (int(places[0]), length) if places.size else None
