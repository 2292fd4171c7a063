"""What is found to be wrong with a part of a call is held against elements of all of it.

A few rows have fewer kinds of elements than the whole: what explains them may be wrong elsewhere, as where it leaves
out the last row; or it has right wrong what is off by less than the largest tolerance of the part.
"""

from dataclasses import dataclass, field

import numpy as np

from ..diagnosis.conditions import Marked
from ..diagnosis.observation import Observation, Results
from ..diagnosis.search import Explanation
from .beyond_bounds import LARGEST, Sample
from .call import OwnCall
from .judging import Judgement

SLACK, UNITS, SHARE = 4.0, 64, 0.05
"""What comes of the same fault is off by so many tolerances, units in the last place, and such a share of the error."""
AGAINST = 0.01
"""Such a share of what is foretold wrong, where it is right, speaks against an explanation."""
MOST, NEARLY, ALL = 0.5, 0.9, 0.999
"""It explains most of what is wrong: all of it, or nearly, or so much less that it is a part of what is wrong."""


@dataclass
class OnTheWhole:
    """Says whether an explanation agrees with the whole of a call, as far as it can be held against it."""

    call: OwnCall
    judgement: Judgement
    whole: Observation
    """Without what is due, of which some elements are known alone."""
    asked: dict[tuple[int, tuple[int, ...]], tuple[Explanation, bool]] = field(default_factory=dict)
    """What was asked, by candidate and results."""

    @property
    def positions(self) -> set[int]:
        """The results that something which agrees explains, and is no number that was fitted."""
        sure = [found for found, agrees in self.asked.values() if agrees and not found.candidate.constant]
        return {position for found in sure for position in found.positions}

    def __call__(self, found: Explanation) -> bool:
        """Hold an explanation against it, once."""
        key = id(found.judged), found.positions
        if key not in self.asked:
            self.asked[key] = found, self._agrees(found)
        return self.asked[key][1]

    def _agrees(self, found: Explanation) -> bool:
        if found.candidate.remembers or sum(x.size for x in self.call.arguments.values()) > LARGEST:
            return True
        try:
            told = found.candidate.foretell(self.whole)
        except KeyError:  # of what is due
            return True
        return told is not None and all(self._agrees_of(found, told, position) for position in found.positions if told)

    def _agrees_of(self, found: Explanation, told: Results, position: int) -> bool:
        name, array = self.whole.names[position], told[position]
        tally = next((tally for tally in self.judgement.wrong if tally.name == name), None)
        if array is None or tally is None:
            return True
        if array.shape != tally.shape:
            return False
        every = Marked(self.whole, array.shape, np.ones(array.shape, bool))
        holds = every.elements
        for condition in found.conditions:
            at = condition.holds(every)
            holds = holds & np.asarray(False if at is None else at)
        _, foretold, against = _held(self.judgement.samples[name], array, holds, self.whole.units)
        near, *_ = _held(tally.missed, array, holds, self.whole.units)
        share = float(near.mean())
        explains = share >= ALL or MOST <= share < NEARLY or (found.conditions and share >= MOST)
        return bool(explains) and bool(against.sum() <= AGAINST * foretold.sum())


def _held(
    sample: Sample, told: np.ndarray, holds: np.ndarray, units: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each element whether it is as it is foretold; is surely foretold wrong; and that, and is right."""
    got, due, bound = (np.concatenate(each) for each in (sample.got, sample.expected, sample.bounds))
    values, inside = sample.of(told).astype(np.float64), sample.of(holds)
    with np.errstate(all="ignore"):
        slack = SLACK * bound + UNITS * units * np.maximum(np.abs(got), np.abs(values))
        off, apart = np.abs(got - due), np.abs(got - values)
        near = (apart <= slack + SHARE * off) | (got == values) | (np.isnan(got) & np.isnan(values))
        foretold = inside & ~(np.abs(values - due) <= SLACK * bound + UNITS * units * np.abs(due))
        return near & inside, foretold, foretold & (off <= bound) & ~near
