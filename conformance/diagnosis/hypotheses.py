"""What a wrong result may be instead of the right one: each hypothesis foretells it, and is held against what came."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from .conditions import conditions
from .result_views import Scene, sizes_apart

STATE = "a state left over"
VANISHING = 1e-3
"""A sum so small next to its terms is as good as 0, which other faults give too."""
FEWEST = 3
"""So many wrong elements at least must be foretold."""

Foretold: TypeAlias = np.ndarray | None


@dataclass(frozen=True)
class Reading:
    """What is wrong with a result."""

    name: str
    words: str
    """Fits behind the result's name and a colon."""
    cure: str


@dataclass(frozen=True)
class Hypothesis:
    """A way to be wrong that foretells what comes."""

    reading: Reading
    foretell: Callable[[Scene], Foretold]
    """The results of all cases; None where this way to be wrong makes no difference."""
    of_state: bool = False
    """Whether the first case of a family is left open, since what was called before it is not known."""

    def test(self, wrong: Sequence[Scene], right: Sequence[Scene], failing: Sequence[Scene]) -> Reading | None:
        """The reading, if all that is wrong is as foretold and all that is right is none of its business.

        `failing` are the scenes of all families that failed, those that were not called again among them.
        """
        told = 0
        for scene in wrong:
            if self.of_state and len(scene.expected) < 2:
                continue
            foretold = self.foretell(scene)
            if foretold is None or not scene.is_got(foretold):
                return None
            told += int(np.count_nonzero(scene.wrong))
        if told < FEWEST:
            return None
        against = [scene for scene in right if self._contradicts(scene)]
        if not against:
            return self.reading
        for condition in conditions([*failing, *against]):
            if condition.separates(failing, against):
                words = f"{self.reading.words}, {condition.words}"
                return Reading(self.reading.name, words, self.reading.cure)
        return None

    def _contradicts(self, scene: Scene) -> bool:
        foretold = self.foretell(scene)
        return foretold is not None and not scene.is_right(foretold)


def plain(scenes: Sequence[Scene]) -> Iterator[Hypothesis]:
    """Hypotheses that leave nothing open: factors, transpositions, reductions, states."""
    cure = "fill the result that is returned; a branch may have been left before it was."
    yield Hypothesis(Reading("left at zero", "0 throughout", cure), lambda scene: scene.expected * 0)
    yield from _factors(scenes)
    yield from _transposed()
    yield from _reduced()
    yield _of_state("adds to the result of the call before", lambda scene: scene.expected[1:] + _got(scene)[:-1])
    yield _of_state("the result that the call before should have had", lambda scene: scene.expected[:-1])


def _factors(scenes: Sequence[Scene]) -> Iterator[Hypothesis]:
    for factor, words, cure in (
        (2.0, "twice what is due", "look for something that is added twice, or for a derivative of a square."),
        (0.5, "half of what is due", "look for a mean of two, or for a 1/2 of a square."),
        (-1.0, "the negative of what is due", "turn the sign: gradients are returned, the optimizer subtracts them."),
    ):
        yield _factor(words, cure, _constant(factor))
    for name in sizes_apart(scenes):
        symbol = "N" if name == "the batch size" else "C"
        yield _factor(
            f"{symbol} times what is due, {symbol} being {name}",
            f"divide by {symbol} once, where the loss is reduced.",
            _size(name, 1),
        )
        yield _factor(
            f"1/{symbol} of what is due, {symbol} being {name}",
            f"divide by {symbol} once, in the loss, and nowhere else.",
            _size(name, -1),
        )


def _factor(words: str, cure: str, factor: Callable[[Scene], Foretold]) -> Hypothesis:
    def foretell(scene: Scene) -> Foretold:
        factors = factor(scene)
        if factors is None:
            return None
        with np.errstate(over="ignore"):
            return scene.expected * factors.reshape(-1, *[1] * (scene.expected.ndim - 1))

    return Hypothesis(Reading("a factor", words, cure), foretell)


def _constant(factor: float) -> Callable[[Scene], Foretold]:
    return lambda scene: np.full(len(scene.expected), factor)


def _size(name: str, power: int) -> Callable[[Scene], Foretold]:
    def factor(scene: Scene) -> Foretold:
        size = scene.sizes.get(name)
        return np.full(len(scene.expected), float(size) ** power) if size else None

    return factor


def _transposed() -> Iterator[Hypothesis]:
    def square(scene: Scene) -> Foretold:
        expected = scene.expected
        if expected.ndim != 3 or expected.shape[1] != expected.shape[2]:
            return None
        return expected.swapaxes(1, 2)

    def reshaped(scene: Scene) -> Foretold:
        expected = scene.expected
        return None if expected.ndim != 3 else expected.swapaxes(1, 2).reshape(expected.shape)

    yield Hypothesis(
        Reading("transposed", "transposed where it is square", "transpose it, or exchange the factors of the product."),
        square,
    )
    yield Hypothesis(
        Reading("transposed", "the transposed values, reshaped to the shape due", "transpose, do not reshape."),
        reshaped,
    )


def _reduced() -> Iterator[Hypothesis]:
    for axis, (how, reduce) in product((-1, -2, -3), (("summed", np.sum), ("averaged", np.mean))):

        def foretell(scene: Scene, axis: int = axis, reduce: Callable[..., np.ndarray] = reduce) -> Foretold:
            expected = scene.expected
            if expected.ndim <= -axis or expected.shape[axis] < 2:
                return None
            reduced = reduce(expected, axis=axis, keepdims=True)
            if np.max(abs(reduced)) < VANISHING * np.max(abs(expected)):
                return None
            return np.broadcast_to(reduced, expected.shape)

        place = {-1: "its last axis", -2: "its last axis but one", -3: "its last axis but two"}[axis]
        yield Hypothesis(
            Reading(
                "reduced too far",
                f"{how} over {place} and spread out again",
                "leave that axis alone, and mind what broadcasts.",
            ),
            foretell,
        )


def _of_state(words: str, later: Callable[[Scene], np.ndarray]) -> Hypothesis:
    """What the first case should be is left open."""

    def foretell(scene: Scene) -> Foretold:
        return None if len(scene.expected) < 2 else np.concatenate([_got(scene)[:1], later(scene)])

    cure = "clear what is kept between calls, or replace it: no result may depend on the call before."
    return Hypothesis(Reading(STATE, words, cure), foretell, of_state=True)


def _got(scene: Scene) -> np.ndarray:
    return scene.expected if scene.got is None else scene.got


def permuted(wrong: Sequence[Scene]) -> Reading | None:
    """Rows or columns in another order."""
    for axis, word in ((1, "rows"), (-1, "columns")):
        long = any(scene.expected.ndim > 2 and scene.expected.shape[axis] > 2 for scene in wrong)
        if long and all(scene.got is not None and _is_permuted(scene, axis) for scene in wrong):
            place = "row" if word == "rows" else "column"
            return Reading(
                "permuted", f"the right {word} in another order", f"look at what each {place} is stored or gathered by."
            )
    return None


def _is_permuted(scene: Scene, axis: int) -> bool:
    expected, got = scene.expected, scene.got
    assert got is not None
    if expected.ndim < 3 or expected.shape[axis] < 2:
        return False
    for one, other, due, allowed in zip(got, scene.expected, expected, scene.tolerance, strict=True):
        mine, theirs = (np.moveaxis(array, axis if axis < 0 else axis - 1, 0) for array in (one, other))
        mine, theirs = mine.reshape(len(mine), -1), theirs.reshape(len(theirs), -1)
        limit = 2 * allowed.max() + 8 * scene.units * np.abs(due).max()
        alike = (np.abs(mine[:, None] - theirs[None]) <= limit).all(axis=-1)
        if not (alike.any(axis=0).all() and alike.any(axis=1).all()) or alike.trace() == len(mine):
            return False
    return True
