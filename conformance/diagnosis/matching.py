"""Does one implementation's way of being wrong account for another's?

What is wrong with a trial is spread out into cells, one for each breach of the contract, call, form and element, so
that a wrong implementation of the catalogue, or two of them together, can be asked whether they account for every one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..check.verdict import OF_VALUES
from .evidence import Signature, Trial, close, grave, signature

MOST_APART, ALIKE = 0.25, 0.01
"""How far apart two wrong results with the same fault may be, as a share of their distance from the right one: on
average, where they differ by rounding alone; and each, whatever they differ by."""


@dataclass(frozen=True)
class Account:
    """How far one trial of a family, by a wrong implementation that is known, accounts for another."""

    explained: np.ndarray
    """Cell by cell of what is wrong, bool."""
    distance: float
    """How far apart the results are, where they are alike: 0 for the same bits, at most 1."""


@dataclass(frozen=True)
class Wrong:
    """What is wrong in one trial, cell by cell: first breaches of the contract, then calls, forms and elements."""

    trial: Trial
    strict: bool = True
    """Whether nothing else may be wrong with what accounts for it; a robust family that passes is not so strict."""
    fails: bool = True
    """Whether the run failed it; others show what is right."""

    @cached_property
    def breaches(self) -> tuple[Signature, ...]:
        """Of the contract."""
        misses = grave(self.trial.verdict.misses)
        return tuple(sorted({signature(miss) for miss in misses if miss.kind not in OF_VALUES}))

    @cached_property
    def cells(self) -> np.ndarray:
        """Bool: what is so wrong that it wants an explanation."""
        return np.concatenate([np.ones(len(self.breaches), bool), *(certain for _, certain in self.trial.parts)])

    def cells_of(self, positions: Iterable[int]) -> np.ndarray:
        """Bool: the same of some of the results alone. Calls that raise, or return where they must not, are of all."""
        parts = list(self.trial.parts)
        kept = {0, *(part for position in positions for part in (2 * position + 1, 2 * position + 2))}
        cells = [certain if part in kept else np.zeros_like(certain) for part, (_, certain) in enumerate(parts)]
        return np.concatenate([np.zeros(len(self.breaches), bool), *cells])

    def account(self, by: Trial) -> Account | None:
        """How far `by` accounts for it; None where `by` has something wrong that this trial has not."""
        mine = self.trial
        nothing = None if self.strict else Account(np.zeros(len(self.cells), bool), 1.0)
        if not by.certain_signatures <= mine.signatures:
            return nothing
        explained = [np.array([breach in by.signatures for breach in self.breaches], bool)]
        distances: list[float] = []
        for (wrong, _), (others, certain), same in zip(
            mine.parts, by.parts, _likeness(mine, by, distances), strict=True
        ):
            if (certain & ~same).any():
                return nothing
            explained.append(wrong & others & same)
        return Account(np.concatenate(explained), float(np.mean(distances)) if distances else 0.0)


def _likeness(one: Trial, other: Trial, distances: list[float]) -> Iterable[np.ndarray]:
    """For each part, cell by cell, whether both trials have the same there."""
    if one.family.result == "invalid":
        both = ~one.raised & ~other.raised
        yield np.array([both[case] and _same_results(one, other, case) for case in range(len(both))], bool)
        return
    yield one.raised == other.raised
    for position, name in enumerate(one.names):
        shape = one.due[position][0]
        forms = one.forms[position]
        yield np.array(
            [
                one.raised[case]
                or (mine == theirs and (mine is None or mine[0] == shape or _same_result(one, other, position, case)))
                for case, (mine, theirs) in enumerate(zip(forms, other.forms[position], strict=True))
            ],
            bool,
        )
        hidden = np.array([form is None or form[0] != shape for form in forms], bool)
        yield (_like_values(one, other, name, distances) | hidden.reshape(-1, *[1] * len(shape))).reshape(-1)


def _like_values(one: Trial, other: Trial, name: str, distances: list[float]) -> np.ndarray:
    mine, theirs = one.values[name], other.values[name]
    same = close(mine, theirs, one.slack[name], one.units)
    wrong = (one.scores[name] > 1) & (other.scores[name] > 1)
    if wrong.any():
        with np.errstate(all="ignore"):
            share = np.abs(mine - theirs) / np.abs(mine - one.family.answer.expected[name])
        same |= wrong & (share < ALIKE)
        share[np.isnan(share) | (mine == theirs)] = 0.0
        wrong &= same
    if wrong.any():
        distances.append(float(np.minimum(share[wrong], 1.0).mean()))
        if distances[-1] > MOST_APART:  # as near to the right result as to each other: nothing is explained
            same &= ~wrong
    if one.family.point is not None and same.size:  # each right by an answer of its own
        distances.append(float((~same & (one.scores[name] <= 1) & (other.scores[name] <= 1)).mean()))
    return same


def _same_results(one: Trial, other: Trial, case: int) -> bool:
    return all(_same_result(one, other, position, case) for position in range(len(one.names)))


def _same_result(one: Trial, other: Trial, position: int, case: int) -> bool:
    """Whether results are alike that are not of the form that is due."""
    mine, theirs = one.returned[case], other.returned[case]
    if mine is None or theirs is None or mine[position] is None or theirs[position] is None:
        return mine is theirs or (mine is not None and theirs is not None and mine[position] is theirs[position])
    first, second = mine[position], theirs[position]
    assert first is not None
    assert second is not None
    if first.shape != second.shape or first.dtype != second.dtype or first.dtype.kind in "OSU":
        return False
    slack = 0.0
    if one.family.result != "invalid":
        slack = float(one.slack[one.names[position]][case].max(initial=0.0))
    return bool(close(first.astype(np.float64), second.astype(np.float64), slack, one.units).all())
