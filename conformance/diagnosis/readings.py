"""Structural readings: what wrong results look like that no fault of the catalogue accounts for."""

from collections.abc import Iterator, Sequence

from ...vectors.records import Family, OperationVectors
from ..check.verdict import MissKind, Outcome
from .conditions import conditions
from .evidence import grave
from .forms import form, place
from .hypotheses import STATE, Hypothesis, Reading, permuted, plain
from .matching import Wrong
from .misread import Reference, misread, reference
from .reduced_precision import precise_only_to
from .result_views import Scene, right_scenes, scenes_of
from .suspects import Ran

FEWEST_FAMILIES = 3
"""A condition is told for its own sake where so many families at least are wrong, and so many right."""

_BREACHES = {
    MissKind.CHANGED_ARGUMENT: Reading(
        "an argument written to", "the call changes an argument that was handed in", "work on a copy of it."
    ),
    MissKind.OVERWRITTEN_RESULT: Reading(
        "memory used again", "a later call overwrites results that were returned", "allocate results in each call."
    ),
    MissKind.STATE: Reading(
        STATE,
        "the same call gives something else once another was made in between",
        "clear what is kept between calls: no result may depend on the call before.",
    ),
    MissKind.LAYOUT: Reading(
        "memory read as it lies",
        "right for contiguous arguments, wrong for the same values in another layout",
        "honour strides, or make the arguments contiguous first.",
    ),
}
"""What a breach of the contract is in itself."""
_CONSEQUENCES = {STATE: {MissKind.LAYOUT, MissKind.BATCH, MissKind.REPEAT, MissKind.STATE}}
_OF_ANY = {MissKind.BATCH}
"""Breaches that wrong values bring with them, by the name of the reading, and whatever it is."""

_OF_RESULTS = {MissKind.VALUE, MissKind.SHAPE, MissKind.DTYPE}
"""Kinds of misses that are read result by result."""
_UNREAD = {MissKind.RAISED, MissKind.ACCEPTED, MissKind.COUNT, MissKind.RESULT_TYPE, MissKind.CONVENTION}
"""Kinds of misses that no reading explains."""

Told = tuple[tuple[str, ...], Reading]


def read(wrong: Sequence[Wrong], ran: Sequence[Ran], vectors: OperationVectors) -> tuple[Told, ...]:
    """What wrong results look like, result by result: names and a reading; all that is wrong is read, or nothing."""
    failing = [item for item in ran if item.fails]
    kinds = {miss.kind for item in failing for miss in grave(item.verdict.misses)}
    named = [
        name for name in vectors.results[failing[0].family.direction] if any(_names(item, name) for item in failing)
    ]
    if kinds & _UNREAD:
        return ()
    told: dict[Reading, list[str]] = {}
    formula = reference(vectors.op, failing[0].family.direction)
    for name in named:
        reading = _read_result(name, wrong, ran, vectors, formula)
        if reading is None:
            return ()
        told.setdefault(reading, []).append(name)
    breaches = kinds - _OF_RESULTS
    for kind in sorted(breaches):
        if told and any(kind in _CONSEQUENCES.get(reading.name, _OF_ANY) for reading in told):
            continue
        if kind not in _BREACHES:
            return ()
        told[_BREACHES[kind]] = []
    return tuple((tuple(names), reading) for reading, names in told.items())


def _names(item: Ran, name: str) -> bool:
    """Whether a result's values or form are wrong in a family."""
    return any(miss.kind in _OF_RESULTS and miss.result == name for miss in item.verdict.misses)


def _read_result(
    name: str, trials: Sequence[Wrong], ran: Sequence[Ran], vectors: OperationVectors, formula: Reference | None
) -> Reading | None:
    precision = {one.trial.family.dtype: one.trial.precision for one in trials}

    def silent(family: Family) -> Sequence[Scene]:
        return right_scenes([family], vectors, name, precision.get(family.dtype, family.dtype))

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
        return _read_values(seen, wrong, right, failing, formula, ran)
    reading = form(malformed)
    if reading is not None and well_formed:
        other = _only(plain(seen), well_formed, right, failing)
        return reading if other is not None and other.name == reading.name else None
    if reading is None and all(scene.got is not None for scene in wrong):
        other = _only(_hypotheses(seen, formula, ran), wrong, right, failing)
        return other if other is not None and other.name == STATE else None  # of which another dtype may come
    return reading


def _read_values(
    seen: Sequence[Scene],
    wrong: Sequence[Scene],
    right: Sequence[Scene],
    failing: Sequence[Scene],
    formula: Reference | None,
    ran: Sequence[Ran],
) -> Reading | None:
    return (
        _only(_hypotheses(seen, formula, ran), wrong, right, failing)
        or permuted(wrong)
        or precise_only_to(wrong, right, failing, formula)
        or place(wrong, right)
        or _when(failing, right)
    )


def _malformed(scene: Scene) -> bool:
    return scene.got is None or any(array is None or array.dtype.name != scene.family.dtype for array in scene.raw)


def _hypotheses(scenes: Sequence[Scene], formula: Reference | None, ran: Sequence[Ran]) -> Iterator[Hypothesis]:
    yield from plain(scenes)
    if formula is not None:
        # What is kept may be of the run, or of the calls made since where it was set up anew or in another process.
        yield from misread(formula, [scene.family for scene in scenes], [item.family for item in ran])


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
