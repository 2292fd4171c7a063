"""What a wrong result plainly is: 0, or a multiple of what is due, of an argument or of another result.

It is read off some elements of all there are, whatever the size and the operation, which costs nothing. A sum over a
batch that cannot be cut is told so, of which a part of the call tells nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from itertools import islice

import numpy as np

from ...reference.mutations.factors import TOLD, expressions, named
from ...vectors.dtypes import FORMATS
from ..check.wording import listed
from ..diagnosis.findings import Finding
from .beyond_bounds import Sample
from .call import OwnCall
from .judging import Judgement, Tally

FEWEST = 4
"""Of so many different values at least a multiple is read."""
SLACK, UNITS = 2.0, 4
"""What is a multiple of something is off by so many tolerances of what is due, times the multiple if that is above 1,
and so many units in the last place of it."""
FINE = 16
"""A multiple that differs from 1 by fewer units in the last place is none."""
APART = 0.01
"""What is left of errors, in the median: of more, it may be something else that comes near it."""
DISTINCT = 16
"""Of a length or a parameter that is smaller it is not said that a factor is made of it: many are, by chance."""
NOTHING: Mapping[str, float] = {}


def plainly(call: OwnCall, judgement: Judgement, told: Collection[str]) -> list[Finding]:
    """What is to be said of the wrong results that plainly are something, and of which nothing is told yet."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for tally in (one for one in judgement.wrong if one.name not in told and one.name in judgement.samples):
        with np.errstate(all="ignore"):
            for read in islice(_readings(call, judgement, tally, judgement.samples[tally.name]), 1):
                found.setdefault(read, []).append(tally.name)
    return [Finding(kind, f"{listed(names)}: {words}.", cure) for (kind, words, cure), names in found.items()]


def _readings(call: OwnCall, judgement: Judgement, tally: Tally, sample: Sample) -> Iterator[tuple[str, str, str]]:
    """What fits all elements that are looked at: a name, what it looks like, and a cure."""
    name, units = tally.name, float(FORMATS[judgement.dtype].unit_roundoff)
    both = [[*getattr(sample, each), *getattr(tally.missed, each)] for each in ("got", "expected", "bounds")]
    got, due, bounds = (np.concatenate(each).astype(np.float64) for each in both)
    known = np.isfinite(got) & np.isfinite(due) & np.isfinite(bounds)
    if not known.any():
        return
    if not got.any() and due.any():
        yield "left at zero", f"0 where {name} is due", "fill the result that is returned."
    fitted = partial(_multiple, got[known], due[known], bounds[known], units)
    factor, words = fitted(due[known], _made_of(call))
    if words and abs(factor - 1) > FINE * units:
        yield "a factor", f"{words} times what is due", "look where it is left out, or taken twice."
    for other, tensor in _others(call, judgement, tally):
        values = np.concatenate([sample.of(tensor), tally.missed.of(tensor)]).astype(np.float64)
        value, words = fitted(values[known])
        if words:
            times = "" if value == 1 else f"{words} * "
            yield "an argument returned", f"{times}{other} where {name} is due", f"return {name}."


def _others(call: OwnCall, judgement: Judgement, tally: Tally) -> Iterator[tuple[str, np.ndarray]]:
    """Arguments of a result's shape, if need be transposed, and other results that are right."""
    right = {name: call.results[name] for name in judgement.right}
    for name, x in {**call.arguments, **right}.items():
        if x.dtype.kind != "i" and x.ndim and x.shape == tally.shape:
            yield name, x
        if x.dtype.kind != "i" and x.ndim > 1 and x.swapaxes(-1, -2).shape == tally.shape:
            yield f"{name} transposed", x.swapaxes(-1, -2)


def _multiple(
    got: np.ndarray,
    due: np.ndarray,
    bounds: np.ndarray,
    units: float,
    of: np.ndarray,
    made: Mapping[str, float] = NOTHING,
) -> tuple[float, str]:
    """By what something is multiplied to give what came, and in words: to as few digits as will do, and with what it is
    made of. No words where it is not that, or not known from enough values."""
    large = np.abs(of) >= max(np.median(np.abs(of)), np.abs(of).max() / 1e6)
    if not np.isfinite(of).all() or len(np.unique(of[large])) < FEWEST or not got.any():
        return 1.0, ""
    value = float(np.median((got / np.where(of == 0, 1, of))[large]))
    left = float(np.median(np.abs(got - value * of)[large]))
    wrong = np.abs(got - due) > bounds

    def fits(value: float) -> bool:
        off, size = np.abs(got - value * of), np.abs(value * of)
        near = off <= SLACK * max(abs(value), 1) * bounds + UNITS * units * size
        return bool(near.all()) and float(np.median(off[large])) <= SLACK * left + units * np.median(size[large]) / 8

    if not fits(value) or not wrong.any() or np.median((np.abs(got - value * of) / np.abs(got - due))[wrong]) > APART:
        return value, ""
    value = next(filter(fits, (float(f"{value:.{digits}g}") for digits in range(1, 13))), value)
    known = [words for words, number in made.items() if fits(number)]
    if known:
        return made[known[0]], f"{made[known[0]]:.6g} ({', or '.join(known[:TOLD])})"
    return value, f"{value:.6g}{named(value)}"


def _made_of(call: OwnCall) -> dict[str, float]:
    """What a factor may be made of, in words: a length, or a parameter."""
    axes = call.operation.batch_axis
    numbers: dict[str, float] = {
        n: v for n, v in call.parameters.items() if type(v) in (int, float) and v not in (0, 1)
    }
    seen = Counter[int]()
    for name, x in call.arguments.items():
        for axis, length in enumerate(x.shape if not name.startswith("dL_d") else ()):
            is_batch = axes.get(name) in (axis, axis - x.ndim)
            # that of another argument is the same, mostly: of one length as many are told as one argument has
            if length >= DISTINCT and x.shape[: axis + 1].count(length) > seen[length]:
                seen[length] += 1
                numbers.setdefault("N" if is_batch else f"{name}.shape[{axis - x.ndim}]", length)
    made = ((words, of(numbers)) for said in numbers for words, of in expressions([said]) if "ceil" not in words)
    return {words: value for words, value in made if value is not None and abs(value) != 1}
