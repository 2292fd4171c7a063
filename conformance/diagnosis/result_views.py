"""One result of one family, wrong or right, as the structural readings look at it.

Only finite, well-formed families have scenes: a reading that holds on all of them is believed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..check.values import tolerance_key
from .evidence import Trial, by_rounding, close, scored, unit_roundoff

Arguments = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Scene:
    """What one result came to in the cases of one family."""

    family: Family
    name: str
    batch_axis: Mapping[str, int | None]
    got: np.ndarray | None
    """float64, (count, *shape); None where the results are not of the shape that is due."""
    raw: tuple[np.ndarray | None, ...]
    """As they came, case by case; empty where only the verdict is known, which is that they are right."""
    expected: np.ndarray
    tolerance: np.ndarray

    @cached_property
    def units(self) -> float:
        """The unit roundoff of the case's dtype."""
        return unit_roundoff(self.family.dtype)

    @cached_property
    def scores(self) -> np.ndarray:
        """|got - expected| in tolerances, element by element."""
        assert self.got is not None
        return scored(self.got, self.expected, self.tolerance)

    @cached_property
    def wrong(self) -> np.ndarray:
        """Element by element, bool."""
        return np.asarray(self.scores > 1)

    def is_right(self, predicted: np.ndarray) -> bool:
        """Whether such results would pass."""
        return not (scored(predicted, self.expected, self.tolerance) > 1).any()

    def is_got(self, predicted: np.ndarray) -> bool:
        """Whether such results are, up to rounding, what came, and every wrong element is foreseen as wrong."""
        if self.got is None or not np.isfinite(predicted).all():
            return False
        foreseen = scored(predicted, self.expected, self.tolerance) > 1
        certain = ~by_rounding(self.got, self.expected, self.scores, self.units)
        if ((foreseen != self.wrong) & certain).mean() > 0.1:
            return False
        slack = 2 * self.tolerance.reshape(len(self.tolerance), -1).max(axis=1, initial=0.0)
        slack = slack.reshape(-1, *[1] * (self.expected.ndim - 1))
        with np.errstate(all="ignore"):
            share = np.abs(self.got - predicted) / np.abs(self.got - self.expected)
        near = close(self.got, predicted, slack, self.units)
        wrong = self.wrong & certain
        return bool((near | (share < 0.01)).all() and (not wrong.any() or np.median(share[wrong]) < 0.25))

    def arguments(self, case: int) -> dict[str, np.ndarray]:
        """The arguments of a case, not to be written to."""
        return {name: tensor[case, ...] for name, tensor in self.family.inputs.items()}

    @cached_property
    def rows(self) -> int | None:
        """The batch size; None where no argument has a batch."""
        for name, tensor in self.family.inputs.items():
            axis = self.batch_axis.get(name)
            if axis is not None and -(tensor.ndim - 1) <= axis < tensor.ndim - 1:
                return int(tensor.shape[1:][axis])
        return None

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The lengths of axes by what they are called; of several that a family has in common, the first name."""
        sizes: dict[str, int] = {}
        for name, tensor in self.family.inputs.items():
            if name.startswith("dL_d"):
                continue
            batch = self.batch_axis.get(name)
            rank = tensor.ndim - 1
            for axis, length in enumerate(tensor.shape[1:]):
                if batch is not None and axis == batch % max(rank, 1):
                    sizes.setdefault("the batch size", int(length))
                else:
                    last = " (its last)" if axis == rank - 1 and rank > 1 else ""
                    sizes.setdefault(f"the length of axis {axis}{last} of {name}", int(length))
        return sizes


def of_family(family: Family, vectors: OperationVectors) -> Scene:
    """A family's shapes and parameters alone."""
    return Scene(family, "", vectors.batch_axis, None, (), np.zeros(0), np.zeros(0))


def sizes_apart(scenes: Iterable[Scene]) -> list[str]:
    """What lengths are called, the batch size first; of lengths that are the same in every scene one name alone."""
    scenes = tuple(scenes)
    names = dict.fromkeys(name for scene in scenes for name, length in scene.sizes.items() if length != 1)
    kept: list[str] = []
    for name in sorted(names, key=lambda name: name != "the batch size"):
        if not any(_alike(name, other, scenes) for other in kept):
            kept.append(name)
    return kept


def _alike(name: str, other: str, scenes: Iterable[Scene]) -> bool:
    both = [(scene.sizes[name], scene.sizes[other]) for scene in scenes if {name, other} <= scene.sizes.keys()]
    return bool(both) and all(one == another for one, another in both)


def scenes_of(trial: Trial) -> Iterator[Scene]:
    """The scenes of a trial, one a result; none where its values are not asked for or are not finite."""
    family, vectors = trial.family, trial.vectors
    for position, name in enumerate(trial.names):
        scene = _silent(family, vectors, name, trial.precision)
        if scene is None:
            continue
        shape = trial.due[position][0]
        raw = tuple(None if results is None else results[position] for results in trial.returned)
        whole = all(array is not None and array.shape == shape for array in raw)
        got = trial.values[name] if whole else None
        yield Scene(family, name, vectors.batch_axis, got, raw, scene.expected, scene.tolerance)


def right_scenes(families: Iterable[Family], vectors: OperationVectors, name: str, precision: str) -> Sequence[Scene]:
    """The scenes of families that passed, in which all that came is as good as what was expected."""
    found = (_silent(family, vectors, name, precision) for family in families)
    return [scene for scene in found if scene is not None]


def _silent(family: Family, vectors: OperationVectors, name: str, precision: str) -> Scene | None:
    if family.result != "valid":
        return None
    key = tolerance_key(family.answer, precision, vectors.aliases)
    if key is None:
        return None
    expected, tolerance = family.answer.expected[name], family.answer.tolerance[key][name]
    if not expected.size or not np.isfinite(expected).all() or not np.isfinite(tolerance).all():
        return None
    return Scene(family, name, vectors.batch_axis, expected, (), expected, tolerance)
