"""Structural readings: what wrong results look like that no fault of the catalogue accounts for."""

from collections.abc import Iterator, Sequence

from ...vectors.records import Family
from ..check.verdict import BY_STATE, MissKind, Outcome
from ..check.wording import listed
from .conditions import conditions
from .evidence import grave
from .forms import form, place
from .hypotheses import STATE, Hypothesis, Reading, permuted, plain
from .reduced_precision import precise_only_to
from .result_views import Scene, right_scenes, scenes_of
from .suspects import Cause, Finding, Fitting, Known, Ran, cause_of

FEWEST_FAMILIES = 3
"""A condition is told for its own sake where so many families at least are wrong, and so many right."""

_BREACHES = {
    MissKind.CHANGED_ARGUMENT: Reading(
        "an argument written to", "the call changes an argument that was handed in", "work on a copy of it."
    ),
    MissKind.OVERWRITTEN_RESULT: Reading(
        "memory used again", "a later call overwrites results that were returned", "allocate results in each call."
    ),
    MissKind.WRITTEN_BESIDE: Reading(
        "a write out of bounds", "the call writes beside an argument", "end loops at the sizes, and honour strides."
    ),
    **{
        kind: Reading(STATE, words, "clear what is kept between calls: no result may depend on another call.")
        for kind, words in (
            (MissKind.STATE, "the same call gives something else once another was made in between"),
            (MissKind.NEW_CONTENTS, "memory that holds other values gives the results of the former ones"),
            (MissKind.MANY_CALLS, "the same call gives something else after many others"),
            (MissKind.THREADS, "calls from several threads reach one another's values"),
        )
    },
    MissKind.LAYOUT: Reading(
        "memory read as it lies",
        "right for contiguous arguments, wrong for the same values in another layout",
        "honour strides, or make the arguments contiguous first.",
    ),
}
"""What a breach of the contract is in itself."""
_OF_RESULTS = {MissKind.VALUE, MissKind.SIGN, MissKind.SHAPE, MissKind.DTYPE}
"""Kinds of misses that are read result by result."""
_UNREAD = {MissKind.RAISED, MissKind.ACCEPTED, MissKind.COUNT, MissKind.RESULT_TYPE, MissKind.CONVENTION}
"""Kinds of misses that no reading explains."""


def read(known: Known, fits: Sequence[Fitting]) -> list[Finding]:
    """What wrong results look like, result by result: the fault that accounts for one, or a reading of it. All that
    is wrong is told, or nothing."""
    ran, results = known.ran, known.vectors.results[known.ran[0].family.direction]
    failing = [item for item in ran if item.fails]
    kinds = {miss.kind for item in failing for miss in grave(item.verdict.misses)}
    if kinds & _UNREAD:
        return []
    explained = {MissKind.BATCH} if kinds & _OF_RESULTS else set()
    causes: dict[Cause, None] = {}
    told: dict[Reading, list[str]] = {}
    for name in (name for name in results if any(_names(item, name) for item in failing)):
        cause = cause_of(name, fits, known)
        if cause is not None:
            causes[cause] = None
            explained |= cause.kinds
            continue
        reading = _read_result(name, known)
        if reading is None:
            return []
        told.setdefault(reading, []).append(name)
        explained |= BY_STATE if reading.name == STATE else set()
    for kind in sorted(kinds - _OF_RESULTS - explained):
        if kind not in _BREACHES:
            return []
        told[_BREACHES[kind]] = []
    found = [cause.finding(results) for cause in causes]
    for reading, names in told.items():
        found.append(
            Finding(reading.name, f"{listed(names)}: {reading.words}." if names else f"{reading.words}.", reading.cure)
        )
    return found


def _names(item: Ran, name: str) -> bool:
    """Whether a result's values or form are wrong in a family."""
    return any(miss.kind in _OF_RESULTS and miss.result == name for miss in item.verdict.misses)


def _read_result(name: str, known: Known) -> Reading | None:
    trials, ran, vectors = known.wrong, known.ran, known.vectors

    def silent(family: Family) -> Sequence[Scene]:
        return right_scenes([family], vectors, name, known.implementation.working_precision(family.dtype, family.op))

    failing = [scene for item in ran if item.fails and _names(item, name) for scene in silent(item.family)]
    right = [
        scene
        for item in ran
        if not _names(item, name) and item.verdict.outcome in (Outcome.PASSED, Outcome.FAILED)
        for scene in silent(item.family)
    ]
    seen = [scene for one in trials for scene in scenes_of(one.trial) if scene.name == name]
    wrong = [scene for scene in seen if scene.got is None or scene.wrong.any() or _malformed(scene)]
    if not wrong or not failing:
        return None
    malformed = [scene for scene in wrong if _malformed(scene)]
    well_formed = [scene for scene in wrong if not _malformed(scene)]
    if not malformed:
        return _read_values(seen, wrong, right, failing)
    reading = form(malformed)
    if reading is not None and well_formed:
        other = _only(plain(seen), well_formed, right, failing)
        return reading if other is not None and other.name == reading.name else None
    if reading is None and all(scene.got is not None for scene in wrong):
        other = _only(plain(seen), wrong, right, failing)
        return other if other is not None and other.name == STATE else None  # of which another dtype may come
    return reading


def _read_values(
    seen: Sequence[Scene],
    wrong: Sequence[Scene],
    right: Sequence[Scene],
    failing: Sequence[Scene],
) -> Reading | None:
    return (
        _only(plain(seen), wrong, right, failing)
        or permuted(wrong)
        or precise_only_to(wrong, right, failing)
        or place(wrong, right)
        or _when(failing, right)
    )


def _malformed(scene: Scene) -> bool:
    return scene.got is None or any(array is None or array.dtype.name != scene.family.dtype for array in scene.raw)


def _only(
    hypotheses: Iterator[Hypothesis], wrong: Sequence[Scene], right: Sequence[Scene], failing: Sequence[Scene]
) -> Reading | None:
    """The reading of the one hypothesis that stands its test; of several that say the same, the first."""
    stood = [reading for one in hypotheses if (reading := one.test(wrong, right, failing)) is not None]
    if len({reading.name for reading in stood}) != 1:
        return None
    factors = {reading.words for reading in stood if reading.name == "a factor"}
    return None if len(factors) > 1 else stood[0]


def _when(failing: Sequence[Scene], right: Sequence[Scene]) -> Reading | None:
    """A condition that says in itself where to look, though not what is wrong."""
    visible = [scene for scene in right if scene.expected.any()]
    if len(failing) < FEWEST_FAMILIES or len(visible) < FEWEST_FAMILIES:
        return None
    for condition in conditions([*failing, *visible]):
        if condition.telling and condition.separates(failing, visible):
            return Reading("wrong by shape", f"wrong {condition.words} alone", condition.cure)
    return None
