"""When is an implementation wrong? Conditions on a family's shapes, dtype and parameters, in words."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ...vectors.dtypes import DTYPES
from ...vectors.records import Family, OperationVectors
from .result_views import Scene, of_family, sizes_apart


@dataclass(frozen=True)
class Condition:
    """Something that is true of some families."""

    words: str
    """"for a batch of one", "where N and I coincide": fits behind "is wrong"."""
    holds: Callable[[Scene], bool]
    telling: bool = False
    """Whether it is a reading in itself, even where what is wrong is not known."""
    cure: str = ""

    def separates(self, wrong: Sequence[Scene], right: Sequence[Scene]) -> bool:
        """Whether it is true of all that is wrong and of nothing that is right."""
        return bool(wrong) and all(map(self.holds, wrong)) and not any(map(self.holds, right))


def separating(wrong: Iterable[Family], right: Iterable[Family], vectors: OperationVectors) -> Condition | None:
    """The first condition that holds for all families that are wrong and for none that is right; None where none
    does."""
    failing, passing = ([of_family(family, vectors) for family in families] for families in (wrong, right))
    return next((one for one in conditions([*failing, *passing]) if one.separates(failing, passing)), None)


def conditions(scenes: Sequence[Scene]) -> Iterator[Condition]:
    """The conditions that there are words for, the plainest first."""
    yield Condition(
        "for batches of more than one sample",
        lambda scene: (scene.rows or 0) > 1,
        True,
        "look for a reduction or a broadcast along the batch that a single sample does not need.",
    )
    yield Condition(
        "for a batch of one",
        lambda scene: scene.rows == 1,
        True,
        "treat a batch of one like any other: look for a squeeze, or a branch for single samples.",
    )
    for name in _parameters(scenes):
        values = sorted({scene.family.parameters[name] for scene in scenes if name in scene.family.parameters}, key=str)
        for value in values:
            yield Condition(f"where {name} is {value!r}", _parameter_is(name, value))
    yield Condition("where labels are class indices", lambda scene: _labels(scene) == "i")
    yield Condition("where labels are rows", lambda scene: _labels(scene) == "f")
    names = sizes_apart(scenes)
    cure = "look for an axis that is told by its length, or a transposition that goes unnoticed between equal lengths."
    for first, second in combinations(names, 2):
        words = f"{first} and {second}"
        yield Condition(f"where {words} are the same", _coincide(first, second), True, cure)
        yield Condition(f"where {words} differ", _differ(first, second), True, cure)
    for first, second in combinations(names, 2):
        yield Condition(f"where {first} is larger than {second}", _larger(first, second))
        yield Condition(f"where {second} is larger than {first}", _larger(second, first))
    for dtype in DTYPES:
        yield Condition(f"in {dtype}", _dtype_is(dtype))


def _parameters(scenes: Sequence[Scene]) -> list[str]:
    return sorted({name for scene in scenes for name in scene.family.parameters})


def _parameter_is(name: str, value: object) -> Callable[[Scene], bool]:
    return lambda scene: scene.family.parameters.get(name) == value


def _dtype_is(dtype: str) -> Callable[[Scene], bool]:
    return lambda scene: scene.family.dtype == dtype


def _labels(scene: Scene) -> str:
    labels = scene.family.inputs.get("labels")
    return "" if labels is None else "i" if labels.dtype.kind == "i" else "f"


def _coincide(first: str, second: str) -> Callable[[Scene], bool]:
    return lambda scene: first in scene.sizes and scene.sizes[first] == scene.sizes.get(second)


def _differ(first: str, second: str) -> Callable[[Scene], bool]:
    return lambda scene: not _coincide(first, second)(scene)


def _larger(first: str, second: str) -> Callable[[Scene], bool]:
    return lambda scene: scene.sizes.get(first, 1) > scene.sizes.get(second, 1)
