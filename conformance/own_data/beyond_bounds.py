"""Hold a result to how far its own formula is off, where bounds say next to nothing.

A bound is for the worst case, and along a chain of operations it grows far faster than errors do: of a transformer
block of 128 positions it is 100,000 times what is due, so that zeros pass; of an LSTM over 64 steps there is none.
There the formula itself is computed in float32, as FlashAttention's tests hold a kernel to a multiple of what the plain
formula is off by in the same dtype (https://github.com/Dao-AILab/flash-attention, tests/test_flash_attn.py). That
multiple is 2 there, and large here: no sound implementation comes near it, and what is wrong is far beyond. The median
is compared: of elements beside a kink, such as ReLU's, any may be off by anything.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...reference.arithmetic.precision import precision_model
from ...vectors.dtypes import FLOAT32, FORMATS
from .call import OwnCall
from .evaluation import Answer, Part, counted

TIMES = 1024
"""How many times what the formula is off by half of the elements may be off."""
TIMES_COARSE = 16
"""And how many times that much again as its roundings are larger than float32's, in a precision such as TF32."""
WIDE = 1 / 16
"""A bound of this share of what is due, in the root mean square, says next to nothing."""
FEW = 64
"""Of fewer elements the median says little."""
NEAR = 1 / 32
"""Errors of this share of their bounds are looked at once more: of long sums the bound is far beyond errors."""
SEEN = 2**12
"""About so many elements of a part are looked at."""
FORMS = 8
"""So many formulations of the answer are computed."""
LARGEST = 2**24
"""Elements of all arguments beyond which the formula is not computed anew."""


@dataclass
class Sample:
    """Some elements of a result: what came, what is due, the bound, and where they are."""

    got: list[np.ndarray] = field(default_factory=list)
    expected: list[np.ndarray] = field(default_factory=list)
    bounds: list[np.ndarray] = field(default_factory=list)
    places: list[tuple[tuple[slice | np.ndarray, ...], slice | np.ndarray]] = field(default_factory=list)

    def take(self, got: np.ndarray, part: Part, among: np.ndarray | None = None) -> None:
        """Add some elements of a part, of which these values came; of those at some places alone, if any are given."""
        step = max((part.expected.size if among is None else len(among)) // SEEN, 1)
        some = slice(None, None, step) if among is None else among[::step]
        self.expected.append(part.expected.reshape(-1)[some])
        self.got.append(got.reshape(-1)[some].astype(np.float64))
        self.bounds.append(np.broadcast_to(part.bound, part.expected.shape).reshape(-1)[some])
        self.places.append((part.where, some))

    @property
    def errors(self) -> np.ndarray:
        """How far the elements are off."""
        with np.errstate(all="ignore"):
            return np.asarray(np.abs(np.concatenate(self.got) - np.concatenate(self.expected)))

    def of(self, whole: np.ndarray) -> np.ndarray:
        """The same elements of another tensor of the result's shape."""
        return np.concatenate([whole[where].reshape(-1)[some] for where, some in self.places])

    def says_nothing(self) -> bool:
        """Whether half of the bounds are too wide to judge by, of numbers that are not all 0 or unbounded."""
        if sum(x.size for x in self.expected) < FEW:
            return False
        due = _size(np.concatenate(self.expected))
        return bool(0 < due < np.inf and np.median(np.concatenate(self.bounds)) > WIDE * due)


@dataclass
class Samples:
    """Of each result, as its parts are held against what is expected."""

    by_result: defaultdict[str, Sample] = field(default_factory=lambda: defaultdict(Sample))

    def take(self, got: np.ndarray, part: Part) -> None:
        """Add some elements of a part, of which these values came."""
        if part.expected.size:
            self.by_result[part.result].take(got, part)

    def ceilings(self, call: OwnCall, answer: Answer, dtype: str, precision: str) -> dict[str, float]:
        """How far half of the elements may be off, of each result whose bounds say nothing; NaN where it is unknown."""
        wide = {name: sample for name, sample in self.by_result.items() if sample.says_nothing()}
        if not wide or sum(x.size for x in call.arguments.values()) > LARGEST:
            return dict.fromkeys(wide, np.nan)
        model = precision_model(dtype, precision)
        formats = model.format, model.accumulator, model.operand
        coarser = max(float(one.unit_roundoff) for one in formats) / float(FLOAT32.unit_roundoff)
        times = max(TIMES_COARSE * coarser, TIMES * min(coarser, 1.0))
        off = dict.fromkeys(wide, np.nan)
        for results in (in_float32(call, one.function) for one in counted(answer, call, dtype, precision)[:FORMS]):
            for name, sample in wide.items():
                if name in results and results[name].shape == call.results[name].shape:
                    errors = np.abs(sample.of(results[name]) - np.concatenate(sample.expected))
                    off[name] = np.fmax(off[name], np.median(errors))  # NaN where half of them overflow
        own = float(FORMATS[dtype].unit_roundoff)
        due = {name: _size(np.concatenate(sample.expected)) for name, sample in wide.items()}
        return {n: max(times * off[n], TIMES * own * due[n]) if off[n] >= 0 else np.nan for n in wide}

    def near_bounds(self) -> list[str]:
        """The results of which errors come near their bounds, in the median."""
        of = {name: (one.errors, np.concatenate(one.bounds)) for name, one in self.by_result.items()}
        return [name for name, (errors, bounds) in of.items() if np.median(errors) > NEAR * np.median(bounds)]

    def beyond(self, ceilings: Mapping[str, float]) -> list[str]:
        """The results of which half of the elements are further off than that."""
        return [n for n, most in ceilings.items() if np.median(self.by_result[n].errors) > most]


def _size(x: np.ndarray) -> float:
    """The root mean square, which does not overflow."""
    largest = float(np.abs(x).max())
    return largest * float(np.sqrt(np.mean(np.square(x / largest)))) if 0 < largest < np.inf else largest


def in_float32(call: OwnCall, function: Callable[..., Any]) -> dict[str, np.ndarray]:
    """The results of a formula that is computed in float32, by name; none where it does not take that."""
    tensors = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in call.arguments.values()]
    with np.errstate(all="ignore"):
        try:
            results = function(*tensors, **call.parameters)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return {}
    both = results if isinstance(results, tuple) else (results,)
    return {name: np.asarray(x, np.float64) for name, x in zip(call.names, both, strict=False)}
