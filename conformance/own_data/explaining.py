"""What a wrong result looks like: the diagnosis of the plugin, asked about one call of the user's own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from time import thread_time
from typing import TYPE_CHECKING

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ...vectors.records import OperationVectors
from ..check.values import agrees
from ..check.verdict import Miss, MissKind, verdict_on
from ..diagnosis.evidence import Ran
from ..diagnosis.findings import Diagnosis, diagnose
from ..diagnosis.observation import Observation
from ..diagnosis.search import MOST_SECONDS
from ..implementation.load import Implementation
from .between_rows import BetweenRows, Rows, family_of
from .call import OwnCall, Tensors, held
from .evaluation import counted, fast_parts, parts_of, whole
from .judging import Judgement
from .on_the_whole import OnTheWhole
from .plain import plainly

if TYPE_CHECKING:
    from ...reference.arithmetic.fast_sums import Batch
    from ...reference.arithmetic.sampling import Cut

LARGE, WHOLE, PART, SMALL = 2**20, 2**17, 2**15, 2**13
"""Elements of all arguments of a call up to which it is compared with what mutants of the formula give, where no part
of it tells of all that is wrong, or anyhow; and of the part of a larger one that is. Beyond the last but one only where
the formula is cheap. Mutants are tried on a small part first, where thousands take a second, and what explains that is
held against the rest."""
DEAREST = 0.05
"""Seconds that the formula may take then: dozens of mutants take as long, or up to hundreds."""
ROWS, OF_ROWS = 8, 2**18
"""A part has so many rows, if it can with so many elements: of fewer, labels and sums of rows tell little."""
BESIDE = 2
"""So many indices are left of an axis that a result does not depend on."""
FEW, SEVERAL, MOST_AXES = 4, (64, 32, 16, 8, 4, 2, 1), 4
"""Of so many rows of a larger call, or more, any number is looked at; of several axes so many indices each."""
PAIRED = 2**23
"""Elements of what the two longest axes may span, as where a mutant lays one along the other."""
MORE_SECONDS = 4.0
"""Of processor beyond what the diagnosis of a run may take: of one call more explanations come near."""
Expected = tuple[OwnCall, dict[str, np.ndarray], dict[str, np.ndarray]]
"""A call or a part of it, and what is expected of its results with the tolerances, by name."""
Part = tuple[OwnCall, OwnCall, "Batch | None"]
"""A part of a call, of tensors whose `len` is that of the whole; of plain tensors; and what it was cut from."""


def explain(call: OwnCall, judgement: Judgement) -> tuple[list[Diagnosis], bool]:
    """What is wrong looks like this, empty where nothing is known that gives such results; and whether that was not
    looked for, or not to the end, as it takes long.

    Of a large call a few rows are looked at, with the results that have a row for each; then all of it, for what sums
    over rows where it should not. What results plainly are is read off all of it, and told of those of which nothing
    else is.
    """
    began, all_of_it = thread_time(), replace(call, sample=None)
    shown = list(_looked_at(all_of_it, judgement))
    diagnoses, told = _diagnosed(all_of_it, judgement, shown, MORE_SECONDS) if shown else ([], set[str]())
    plain = tuple(plainly(call, judgement, told))
    is_part = bool(shown) and shown[-1][0] is not all_of_it
    if is_part and not (told or plain) and _elements(call) <= LARGE and _is_affordable(call):
        left = MORE_SECONDS - (thread_time() - began)
        every = [(all_of_it, *_whole(all_of_it, judgement))]
        found = _diagnosed(all_of_it, judgement, every, left, between_rows=True)
        diagnoses, told = found if found[1] else (diagnoses, told)
    if not plain:
        too_long = not shown or thread_time() - began > MORE_SECONDS + MOST_SECONDS
        return diagnoses, bool(judgement.wrong) and not diagnoses and too_long
    known = diagnoses[0].findings if diagnoses and told else ()  # else it says where it is wrong, not what
    return [Diagnosis(call.operation.name, call.direction, (*known, *plain))], False


def _diagnosed(
    call: OwnCall, judgement: Judgement, shown: Sequence[Expected], more: float, between_rows: bool = False
) -> tuple[list[Diagnosis], set[str]]:
    """What diagnosis tells of a call, or of parts of it, and of which results it knows what is wrong. With
    `between_rows` no more is tried than what has rows depend on others that are not to."""
    of, families, came = (judgement.dtype, judgement.precision), [], {}
    for part, expected, tolerance in shown:
        families.append(family_of(part, expected, tolerance, *of))
        due = {name: part.results.get(name, e.astype(numpy_dtype(judgement.dtype))) for name, e in expected.items()}
        results = tuple(held(due[name], judgement.dtype) for name in call.names)
        came[tuple(x.shape for x in part.arguments.values())] = results
    vectors = OperationVectors(
        op=call.operation.name,
        vectors_version="",
        generator="",
        arguments=call.operation.arguments,
        results=call.operation.results,
        batch_axis=call.operation.batch_axis,
        aliases={},
        flags=(),
        answers=(),
        families=tuple(families),
    )
    implementation = Implementation(
        spec="",
        name="",
        version="",
        functions={(vectors.op, call.direction): lambda *tensors, **_: came[tuple(x.shape for x in tensors)]},
        dtypes=(judgement.dtype,),
        precision={judgement.dtype: judgement.precision},
    )
    misses = [Miss(MissKind.VALUE, False, 0, "", result=tally.name) for tally in judgement.wrong]
    misses += [Miss(MissKind.SHAPE, False, 0, "", result=name) for name, _ in judgement.misshapen]
    ran = [Ran(family, verdict_on(family, misses), fails=True) for family in families]
    whole_call = Observation(family_of(call, {}, {}, *of), vectors, 0, judgement.precision)
    agrees = OnTheWhole(call, judgement, whole_call)
    known = {"may": BetweenRows.of(whole_call, call, judgement.dtype).mixes} if between_rows else {}
    found = list(diagnose(ran, implementation, vectors, more=more, holds=agrees, **known))
    return found, {call.names[position] for position in agrees.positions}


def _looked_at(call: OwnCall, judgement: Judgement) -> Iterator[Expected]:
    """The call itself, or some rows of a large one, with a smaller part first; nothing where it cannot be cut."""
    elements = _elements(call)
    cuts = call.cuts_above(1, patient=True) if elements > 2 * SMALL else []
    small = _part(call, judgement, cuts, SMALL)
    if small is not None and 2 * _elements(small[0]) <= elements:
        yield from _evaluated(*small, judgement)
    part = _part(call, judgement, cuts, PART) if elements > PART else None
    if part is not None and _rows(part[0]) < ROWS:
        more = _part(call, judgement, cuts, OF_ROWS)
        part = more if more is not None and _rows(more[0]) > _rows(part[0]) else part
    lacks = part is None or any(tally.name not in part[0].results for tally in judgement.wrong)
    if lacks and elements <= LARGE and _is_affordable(call):
        yield call, *_whole(call, judgement)
    elif part is not None and (small is None or _elements(part[0]) > _elements(small[0])):
        yield from _evaluated(*part, judgement)


def _whole(call: OwnCall, judgement: Judgement) -> tuple[Tensors, Tensors]:
    """What is due of all of a call, with the tolerances."""
    if all(name in judgement.whole for name in call.names):
        return {n: judgement.whole[n][0] for n in call.names}, {n: judgement.whole[n][1] for n in call.names}
    answer = call.operation.formulations[call.direction]
    return whole(parts_of(call, answer, judgement.dtype, judgement.precision))


def _rows(part: OwnCall) -> int:
    return min((x.few for x in part.arguments.values() if isinstance(x, Rows)), default=ROWS)


def _elements(call: OwnCall) -> int:
    return sum(x.size for x in call.arguments.values())


def _part(call: OwnCall, judgement: Judgement, cuts: "Sequence[Cut]", most: int) -> Part | None:
    """The part of so many elements or fewer that has most of a result, or the smallest: with all results that have a
    row for each of the arguments', or else with one of those that are wrong. None where it is too dear."""
    from ...reference.arithmetic.sampling import cut

    tensors = list(call.arguments.values())
    axes = tuple(None if at is None else at % x.ndim for at, x in zip(call.batch_axes, tensors, strict=True))
    places = [call.names.index(tally.name) for tally in judgement.wrong]
    useful = [one for one in cuts if any(one.valid.get(place) is not None for place in places)]
    one = next((one for one in useful if one.axes == axes), useful[0] if useful else None)
    if one is None:
        return None
    place = next(place for place in places if one.valid.get(place) is not None)
    tally = next(tally for tally in judgement.wrong if tally.name == call.names[place])
    also = [other for other in cuts if other is not one and other.valid.get(place) is not None]
    possible: list[Part] = []
    apart = [other for other in cuts if other.valid.get(place, -1) is None and not other.counted]
    for others, beside in (([other for other in also if _is_valid(other, one)], []), (also, []), (also, apart)):
        few_of = [(other, np.arange(min(BESIDE, other.length))) for other in beside]
        chosen = _chosen(call, one, others, beside, place, most)
        taken = [(each, _spread(each, count, tally.worst[0], place)) for each, count in chosen] + few_of
        few, batch = cut(tensors, taken)
        kept = [n for n in call.results if all(call.names.index(n) in c.valid for c, _ in taken)]
        kept = [n for n in kept if all(c.valid[call.names.index(n)] is not None for c, _ in taken[: len(chosen)])]
        results = {n: call.results[n] for n in kept}
        for each, indices in taken:
            at = {n: each.valid[call.names.index(n)] for n in results}
            results = {n: x if at[n] is None else np.take(x, indices, at[n]) for n, x in results.items()}
        plain = replace(call, arguments=dict(zip(call.arguments, few, strict=True)), results=results)
        named = zip(call.arguments, few, one.axes, strict=True)
        rows = {n: x if axis is None else Rows.of(held(x, judgement.dtype), axis, one.length) for n, x, axis in named}
        part = replace(plain, arguments=rows)
        longest = sorted({n for x in few for n in x.shape})[-2:]
        if math.prod(longest) <= PAIRED and _elements(part) <= LARGE:
            possible.append((part, plain, batch))
            if _elements(part) <= 2 * PART:
                return possible[-1]
    ordered = sorted(possible, key=lambda each: _elements(each[0])) if most == SMALL else possible
    return next((each for each in ordered if _is_affordable(each[0])), None)


def _evaluated(part: OwnCall, plain: OwnCall, batch: "Batch | None", judgement: Judgement) -> Iterator[Expected]:
    """A part and what is due of it; nothing where the formula gives something else of the part than in the whole."""
    answer = plain.operation.formulations[plain.direction]
    dtype, precision = judgement.dtype, judgement.precision
    sound = counted(answer, plain, dtype, precision)
    expected, tolerance = whole(fast_parts(plain, sound, dtype, precision, lambda _: None, batch))
    if _follows(part, expected, tolerance):
        yield part, expected, tolerance


def _is_valid(other: "Cut", one: "Cut") -> bool:
    """Whether the results with an axis for the batch are cut as well."""
    return all(other.valid.get(place) is not None for place, axis in one.valid.items() if axis is not None)


def _chosen(
    call: OwnCall, one: "Cut", others: Sequence["Cut"], beside: Sequence["Cut"], place: int, most: int
) -> list[tuple["Cut", int]]:
    """How many indices are left of the batch, and of other axes where that is not enough, to have most of a result."""

    def left(shape: Sequence[int], at: Sequence[tuple[int | None, int]]) -> int:
        counts = {axis: count for axis, count in at if axis is not None}
        return math.prod(counts.get(axis, n) for axis, n in enumerate(shape))

    def elements(chosen: Sequence[tuple["Cut", int]]) -> int:
        tensors = enumerate(call.arguments.values())
        every = [*chosen, *((each, BESIDE) for each in beside)]
        return sum(left(x.shape, [(each.axes[at], count) for each, count in every]) for at, x in tensors)

    shape = call.results[call.names[place]].shape
    rest = {
        n for x, at in zip(call.arguments.values(), one.axes, strict=True) for k, n in enumerate(x.shape) if k != at
    }
    counts = [n for n in range(one.length, 0, -1) if n in SEVERAL or n > FEW] or [1]
    counts = [n for n in counts if not (one.counted and n in rest)] or counts[-1:]
    possible = [[(one, count)] for count in counts]
    for some in (some for k in range(1, min(len(others), MOST_AXES) + 1) for some in combinations(others, k)):
        for few in SEVERAL:
            count = next((n for n in counts if n <= few), counts[-1])
            possible.append([(one, count), *((other, min(few, other.length)) for other in some)])
    small = [chosen for chosen in possible if elements(chosen) <= most]
    if not small:
        return min(possible, key=elements)
    return max(small, key=lambda chosen: left(shape, [(each.valid[place], count) for each, count in chosen]))


def _spread(one: "Cut", count: int, worst: tuple[int, ...], place: int) -> np.ndarray:
    """So many indices from all over an axis, that of the worst element of a result among them."""
    taken, at = np.linspace(0, one.length - 1, count).astype(int), one.valid[place]
    assert at is not None
    taken[np.argmin(abs(taken - worst[at]))] = worst[at]
    return taken


def _is_affordable(call: OwnCall) -> bool:
    """Whether hundreds of mutants of the formula can be called with these arguments."""
    return _elements(call) <= PART or min(_seconds(call) for _ in range(3)) <= DEAREST


def _seconds(call: OwnCall) -> float:
    """How long the formula takes for a call."""
    began = thread_time()
    _formula(call)
    return thread_time() - began


def _formula(call: OwnCall) -> dict[str, np.ndarray] | None:
    """What the formula gives, by result; None where it raises, as one that does not take its length from `len` may."""
    from ...reference.model.fault import widened

    function = widened(call.operation.functions[call.direction])
    try:
        with np.errstate(all="ignore"):
            found = function(*(x.copy() for x in call.arguments.values()), **call.parameters)
    except Exception:
        return None
    return dict(zip(call.names, found if isinstance(found, tuple) else (found,), strict=True))


def _follows(part: OwnCall, expected: Tensors, tolerance: Tensors) -> bool:
    """Whether the formula gives for some rows what is due in the whole; else none of its mutants tells anything."""
    found = _formula(part)
    return found is not None and all(
        found[name].shape == expected[name].shape and agrees(found[name], expected[name], tolerance[name]).all()
        for name in part.results
    )
