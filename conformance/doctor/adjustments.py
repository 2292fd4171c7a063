"""Other ways to pass the arguments: if a function gives right results with one of them, that is what it takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations

import numpy as np

from ...vectors.records import Family
from .fit import Misfit
from .probes import is_one_hot

Arguments = list[object]
MOST_PERMUTED = 4


@dataclass(frozen=True)
class Adjustment:
    """Another way to pass the arguments."""

    misfit: Misfit
    apply: Callable[[Arguments], Arguments]
    of: int | None = None
    """The position of the argument that it changes; None where it changes several."""
    transposes: bool = False


def adjustments(family: Family, names: Sequence[str]) -> Iterator[tuple[Adjustment, ...]]:
    """The adjustments to try, the likeliest first."""
    single = [
        Adjustment(Misfit(f"it takes {name} {words}", cure), partial(_changed, index, way), index, way is np.transpose)
        for index, name in enumerate(names)
        for words, cure, way in _ways(family, name)
    ]
    yield from ((change,) for change in single)
    orders = [[*range(1, len(names)), 0]]
    if len(names) <= MOST_PERMUTED:
        orders += [list(found) for found in permutations(range(len(names)))]
    yield from ((_reordered(names, found),) for found in orders if found != sorted(found))
    for one, other in combinations(single, 2):
        if one.of != other.of and not _alike(family, names, one, other):
            yield one, other


def _alike(family: Family, names: Sequence[str], one: Adjustment, other: Adjustment) -> bool:
    """Whether both transpose tensors of one shape: an elementwise function gives right results with that too."""
    shapes = {family.inputs[names[change.of]].shape for change in (one, other) if change.of is not None}
    return one.transposes and other.transposes and len(shapes) == 1


def _reordered(names: Sequence[str], order: Sequence[int]) -> Adjustment:
    taken, due = ", ".join(names[index] for index in order), ", ".join(names)
    words = f"it takes its tensors in another order, ({taken}); they come as ({due})"
    return Adjustment(Misfit(words, f"define it as ({due})"), lambda arguments: [arguments[index] for index in order])


def _ways(family: Family, name: str) -> Iterator[tuple[str, str, Callable[..., object]]]:
    """As what a function may take an argument, and as what it comes; what to do; what makes the one of the other."""
    tensor = family.inputs[name][0]
    shape = tensor.shape
    if tensor.dtype.kind == "i":
        rows = [t for n, t in family.inputs.items() if n != name and t.ndim == 3 and len(t[0]) == len(tensor)]
        for scores in rows[:1] if tensor.ndim == 1 else ():
            cure = f"where {name}.ndim == 1, make rows of them: np.eye(classes, dtype=...)[{name}]"
            change = np.eye(scores.shape[-1]).astype(scores.dtype).__getitem__
            yield f"as one-hot rows alone; here they come as class indices, int64 of shape {shape}", cure, change
        return
    if tensor.ndim == 2 and shape[0] != shape[1] and min(shape) > 1:
        cure = f"hand {name}.T over to your code"
        yield f"transposed, of shape {shape[::-1]}, where {shape} comes", cure, np.transpose
    if is_one_hot(family.inputs[name]):
        cure = f"where {name}.ndim == 2, take {name}.argmax(axis=1), or raise NotImplementedError for rows"
        words = f"as class indices alone; here they come as rows of shape {shape}"
        yield words, cure, lambda rows: rows.argmax(axis=-1)
    if 1 in shape:
        less = tuple(length for length in shape if length != 1)
        digits = "-1" if len(less) == 1 else ", ".join(map(str, less))
        yield f"of shape {less}, where {shape} comes", f"hand {name}.reshape({digits}) over", np.squeeze
    if tensor.ndim == 0:
        yield "as a number, where an array of shape () comes", f"hand float({name}) over", float
        yield "of shape (1,), where () comes", f"hand {name}.reshape(1) over", lambda array: array.reshape(1)
    if tensor.ndim == 1:
        cure = f"hand {name}[:, np.newaxis] over"
        yield f"as a column, {(*shape, 1)}, where {shape} comes", cure, lambda array: array[:, np.newaxis]


def _changed(index: int, change: Callable[..., object], arguments: Arguments) -> Arguments:
    return [change(value) if place == index else value for place, value in enumerate(arguments)]
