"""Compare the results of a family with its expected values: one answer for a valid family, several for a convention."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...vectors.dtypes import FORMATS, PRECISIONS_OF
from ...vectors.records import Expectation, Family, OperationVectors
from ..implementation.arrays import Arrays
from .messages import element, wrong_sign, wrong_values
from .precisions import looser_than
from .values import Comparison, compare, is_true, tolerance_key
from .verdict import Miss, MissKind, MissReason

ONE_PRODUCT = "one-product"
"""The flag of families of which every result is a single product."""


@dataclass(frozen=True)
class Returned:
    """The results of a family's calls."""

    stacks: Arrays
    """One array for each result, (count, *shape): copies, made as each call returned."""
    whole: np.ndarray
    """(results, count), bool: whether the call of that case returned that result."""
    kept: list[Arrays | None]
    """For each case the arrays that the call returned, not copied; None where it raised or a result was malformed."""

    def complete(self) -> np.ndarray:
        """For each case, bool: whether every result is there."""
        whole = self.whole
        complete: np.ndarray = np.ones(whole.shape[1], dtype=bool) if is_true(whole) else np.all(whole, axis=0)
        return complete


@dataclass(frozen=True)
class Agreement:
    """The verdict on a family's values."""

    misses: tuple[Miss, ...]
    answers: tuple[str, ...]
    """For a convention: the answers that every result agrees with, canonical first."""
    kept: Mapping[str, bool]
    """By precision with tolerances: whether all values follow one answer, the declared one if any, within them."""
    fraction: float | None
    ulps: float | None
    first: "Held | None"
    """The answer that the first case agrees with; None without one."""


@dataclass(frozen=True)
class Held:
    """The results compared with one answer."""

    expected: Arrays
    tolerance: Arrays
    comparisons: tuple[Comparison, ...]
    """One for each result, over the cases that returned it."""
    passed: np.ndarray
    """For each case, bool: every result is there and right."""
    kept: Mapping[str, bool]
    """By precision with tolerances: whether every result of every case is there and within them."""

    def of_case(self, case: int) -> tuple[Arrays, Arrays]:
        """Expected values and tolerances of one case."""
        return [e[case] for e in self.expected], [t[case] for t in self.tolerance]

    def wrong(self) -> int:
        """How many elements are wrong."""
        return sum(int(np.count_nonzero(~one.right)) for one in self.comparisons if not one.all_right)


def agree(family: Family, vectors: OperationVectors, precision: str, declared: object, returned: Returned) -> Agreement:
    """Compare the results of a family's calls with its answers, at the tolerances of a working precision.

    `declared` is the answer that the implementation says it follows at the family's point, or None.
    """
    names = vectors.results[family.direction]
    held: dict[str, Held] = {}
    for word, expectation in answers_of(family, vectors).items():
        key = tolerance_key(expectation, precision, vectors.aliases)
        if key is not None:
            held[word] = _hold(returned, names, expectation, key, family.dtype, vectors.aliases)
    if declared not in held and (family.point, declared) in {(a.point, a.answer) for a in vectors.answers}:
        declared = None  # it is for another operation, and makes no difference to this one
    complete = returned.complete()
    followed = [word for word, one in held.items() if is_true(one.passed[complete]) and complete.any()]
    nearest = next(iter(held))
    if len(held) > 1:
        nearest = min(held, key=lambda word: (word != declared, word not in followed, held[word].wrong()))
    eligible = [one for word, one in held.items() if word == declared or declared not in held]
    kept = {name: any(one.kept[name] for one in eligible) for name in held[nearest].kept}
    looser = next((name for name in looser_than(precision, family.dtype) if kept.get(name)), None)
    misses = _misses(family, names, held, nearest, declared, returned)
    comparisons = held[nearest].comparisons
    fractions = [comparison.fraction for comparison in comparisons if comparison.fraction is not None]
    return Agreement(
        misses=tuple(_allowed_by(looser, miss) if looser else miss for miss in misses),
        kept=kept,
        answers=tuple(followed) if family.point is not None else (),
        fraction=max(fractions, default=None),
        ulps=max((comparison.ulps for comparison in comparisons), default=None) if returned.whole.any() else None,
        first=next((one for one in (held[nearest], *held.values()) if one.passed[0]), None),
    )


def answers_of(family: Family, vectors: OperationVectors) -> dict[str, Expectation]:
    """The answers of a family by name, the canonical one first; a valid family has one, named ""."""
    point = family.point
    if point is None:
        return {"": family.answer}
    canonical = next((a.answer for a in vectors.answers if a.point == point and a.canonical), "canonical")
    others = {key.partition("=")[2]: expectation for key, expectation in family.alternatives.items()}
    return {canonical: family.answer, **others}


def _hold(
    returned: Returned,
    names: tuple[str, ...],
    expectation: Expectation,
    key: str,
    dtype: str,
    aliases: Mapping[str, str],
) -> Held:
    expected, tolerance = expectation.expected, expectation.tolerance[key]
    comparisons = []
    passed: np.ndarray = returned.complete()
    for stack, whole, name in zip(returned.stacks, returned.whole, names, strict=True):
        values = stack, expected[name], tolerance[name]
        if not is_true(whole):
            values = stack[whole], expected[name][whole], tolerance[name][whole]
        comparison = compare(*values, dtype)
        comparisons.append(comparison)
        if not comparison.all_right:
            passed[whole] &= comparison.passed()
    kept, complete = {}, is_true(returned.whole)
    for precision in PRECISIONS_OF[dtype]:
        if stored := tolerance_key(expectation, precision, aliases):
            allowed = expectation.tolerance[stored]
            kept[precision] = complete and all(map(Comparison.within, comparisons, (allowed[name] for name in names)))
    return Held(
        [expected[name] for name in names], [tolerance[name] for name in names], tuple(comparisons), passed, kept
    )


def _allowed_by(looser: str, miss: Miss) -> Miss:
    """A wrong value that a looser precision allows. Whether it allows the operation's others, the summary tells."""
    if miss.kind is not MissKind.VALUE:
        return miss
    return replace(miss, looser=looser).with_detail(f"within the tolerance of {looser}, as far as this family goes")


def _misses(
    family: Family,
    names: tuple[str, ...],
    held: dict[str, Held],
    nearest: str,
    declared: object,
    returned: Returned,
) -> Iterator[Miss]:
    robust = family.level == "robust"
    if family.point is not None and declared is not None and declared not in held:
        known = ", ".join(held)
        summary = f"conventions declares {declared!r} for {family.point}, where the answers are {known}"
        yield Miss(MissKind.CONVENTION, robust, None, summary, reason=MissReason.UNKNOWN_ANSWER)
    of_one_product = ONE_PRODUCT in family.flags
    if not held[nearest].wrong() and not of_one_product:
        return
    explained = len(held) > 1 and all(
        bool(np.any([one.comparisons[position].right for one in held.values()], axis=0).all())
        for position in range(len(names))
    )
    if not explained:
        against = f"no answer at {family.point} is followed, the nearest is {nearest!r}" if len(held) > 1 else ""
        for position, name in enumerate(names):
            comparison = held[nearest].comparisons[position]
            if comparison.all_right and not of_one_product:
                continue
            cases = np.flatnonzero(returned.whole[position])
            values = (
                returned.stacks[position][cases],
                held[nearest].expected[position][cases],
                held[nearest].tolerance[position][cases],
            )
            if not comparison.all_right:
                yield wrong_values(name, comparison, values, cases, robust=robust, against=against)
            if (robust or of_one_product) and not against:
                suspect = np.ones_like(comparison.right) if of_one_product else ~comparison.right
                yield from _wrong_signs(name, values, cases, suspect, family.dtype)
    elif declared in held:
        yield _against_declaration(family, names, held, nearest, returned, robust)
    else:
        yield _mixture(family, held, returned, robust)


def _wrong_signs(
    name: str, values: tuple[np.ndarray, np.ndarray, np.ndarray], cases: np.ndarray, suspect: np.ndarray, dtype: str
) -> Iterator[Miss]:
    """A required miss where a subnormal number is due and one of the other sign came: flushing to 0 may be allowed, as
    losing digits may, and neither gives a number of that size and the other sign. `suspect` says of which elements that
    holds: those that are wrong, or all where each is a single product, and so has a sign that no rounding changes."""
    got, expected = values[0].astype(np.float64), values[1]
    least = 2.0 ** FORMATS[dtype].smallest_normal
    wrong = suspect & (got * np.sign(expected) < 0) & (np.abs(expected) < least) & (np.abs(got) < least)
    if wrong.any():
        yield wrong_sign(name, values, cases, wrong)


def _against_declaration(
    family: Family, names: tuple[str, ...], held: dict[str, Held], declared: str, returned: Returned, robust: bool
) -> Miss:
    one = held[declared]
    position = next(p for p, comparison in enumerate(one.comparisons) if not comparison.all_right)
    row, *index = one.comparisons[position].worst()
    case = int(np.flatnonzero(returned.whole[position])[row])
    place = (case, *index)
    shown = element(
        index,
        returned.stacks[position][place],
        one.expected[position][place],
        one.tolerance[position][place],
        returned.stacks[position].dtype,
    )
    return Miss(
        MissKind.CONVENTION,
        robust,
        case,
        f"{names[position]} of case {case} does not follow the answer declared for {family.point}, {declared!r}",
        (shown[0], f"it agrees with {_words(held, case) or 'different answers at different elements'}"),
        result=names[position],
        reason=MissReason.DECLARED_OTHERWISE,
    )


def _mixture(family: Family, held: dict[str, Held], returned: Returned, robust: bool) -> Miss:
    seen: dict[str, int] = {}
    for case in np.flatnonzero(returned.complete()).tolist():
        seen.setdefault(_words(held, case) or "different answers at different elements", case)
    return Miss(
        MissKind.CONVENTION,
        robust,
        min(seen.values(), default=None),
        f"no single answer at {family.point} is followed throughout the family",
        tuple(f"case {case} agrees with {words}" for words, case in seen.items()),
        reason=MissReason.MIXED_ANSWERS,
    )


def _words(held: dict[str, Held], case: int) -> str:
    return " and ".join(repr(word) for word, one in held.items() if one.passed[case])
