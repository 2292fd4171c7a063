"""What a wrong result looks like: the diagnosis of the plugin, asked about one call of the user's own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import thread_time
from typing import TYPE_CHECKING

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ...vectors.records import Expectation, Family, OperationVectors
from ..check.values import agrees
from ..check.verdict import Miss, MissKind, verdict_on
from ..diagnosis.evidence import Ran
from ..diagnosis.findings import Diagnosis, diagnose
from ..implementation.load import Implementation
from .call import OwnCall, Tensors, held
from .evaluation import counted, fast_parts, parts_of, whole
from .judging import Judgement

if TYPE_CHECKING:
    from ...reference.arithmetic.sampling import Cut

WHOLE, PART = 2**17, 2**15
"""Elements of all arguments of a call up to which it is compared with what mutants of the formula give, and of the part
of a larger one that is. What lies between is where the formula is cheap."""
DEAREST = 0.003
"""Seconds that the formula may take then: up to thousands of mutants take as long."""
FEW = 4
"""So many rows of a larger call at least are looked at."""
Expected = tuple[OwnCall, dict[str, np.ndarray], dict[str, np.ndarray]]
"""A call or a part of it, and what is expected of its results with the tolerances, by name."""


class Rows(np.ndarray):
    """Some rows of a tensor, whose `len` is that of the whole, as a mean divides by it; of what is made of them too.

    Their number must be that of no other axis of the call.
    """

    few: int
    whole: int

    @classmethod
    def of(cls, rows: np.ndarray, axis: int, whole: int) -> "Rows":
        """Make some of a whole that has so many along an axis."""
        found = rows.view(cls)
        found.few, found.whole = rows.shape[axis], whole
        return found

    def __array_finalize__(self, made_of: np.ndarray | None) -> None:
        """Stay some of the same whole."""
        self.few, self.whole = getattr(made_of, "few", 0), getattr(made_of, "whole", 0)

    def __len__(self) -> int:
        """Give the length of the whole."""
        return self.whole if self.shape[:1] == (self.few,) else super().__len__()


def explain(call: OwnCall, judgement: Judgement) -> list[Diagnosis]:
    """What is wrong looks like this; empty where nothing is known that gives such results, or the call is too large.

    Of a large call a few rows are looked at, with the results that have a row for each.
    """
    dtype, precision = judgement.dtype, judgement.precision
    found = _looked_at(replace(call, sample=None), judgement)
    if found is None:
        return []
    shown, expected, tolerance = found
    due = {name: e.astype(numpy_dtype(dtype)) for name, e in expected.items()}
    tolerance = {name: t if name in shown.results else np.full(t.shape, np.inf) for name, t in tolerance.items()}
    came = tuple(held(shown.results.get(name, due[name]), dtype) for name in call.names)
    family = Family(
        op=call.operation.name,
        dtype=dtype,
        name="own-data",
        direction=call.direction,
        count=1,
        level="required",
        result="valid",
        flags=(),
        parameters=shown.parameters,
        seed="",
        comment="",
        source="",
        inputs={name: held(x, dtype)[None] for name, x in shown.arguments.items()},
        answer=Expectation(
            {name: e.astype(np.float64)[None] for name, e in expected.items()},
            {precision: {name: t[None] for name, t in tolerance.items()}},
        ),
    )
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
        families=(family,),
    )
    implementation = Implementation(
        spec="",
        name="",
        version="",
        functions={(family.op, family.direction): lambda *_, **__: came},
        dtypes=(dtype,),
        precision={dtype: precision},
    )
    misses = [Miss(MissKind.VALUE, False, 0, "", result=tally.name) for tally in judgement.wrong]
    misses += [Miss(MissKind.SHAPE, False, 0, "", result=name) for name, _ in judgement.misshapen]
    return list(diagnose([Ran(family, verdict_on(family, misses), fails=True)], implementation, vectors))


def _looked_at(call: OwnCall, judgement: Judgement) -> Expected | None:
    """The call itself, or some rows of a large one; None where it cannot be cut."""
    dtype, precision, answer = judgement.dtype, judgement.precision, call.operation.formulations[call.direction]
    if _is_affordable(call):
        return call, *whole(parts_of(call, answer, dtype, precision))
    from ...reference.arithmetic.sampling import cut

    tensors = list(call.arguments.values())
    axes = tuple(None if at is None else at % x.ndim for at, x in zip(call.batch_axes, tensors, strict=True))
    cuts = call.cuts_above(1)
    one = next((one for one in cuts if one.axes == axes), None)
    wrong = [tally for tally in judgement.wrong if one and one.valid.get(call.names.index(tally.name)) is not None]
    if one is None or not wrong:
        return None
    worst, place = wrong[0].worst[0], call.names.index(wrong[0].name)
    for chosen in _choices(call, one, [other for other in cuts if other is not one and _is_valid(other, one)]):
        taken = [(each, _spread(each, count, worst, place)) for each, count in chosen]
        few, batch = cut(tensors, taken)
        results = {n: x for n, x in call.results.items() if one.valid.get(call.names.index(n)) is not None}
        for each, indices in taken:
            results = {n: np.take(x, indices, each.valid[call.names.index(n)]) for n, x in results.items()}
        rows = (x if at is None else Rows.of(held(x, dtype), at, one.length) for x, at in zip(few, axes, strict=True))
        part = replace(call, arguments=dict(zip(call.arguments, rows, strict=True)), results=results)
        if not _is_affordable(part):
            continue
        plain = replace(part, arguments=dict(zip(call.arguments, few, strict=True)))
        sound = counted(answer, plain, dtype, precision)
        expected, tolerance = whole(fast_parts(plain, sound, dtype, precision, lambda _: None, batch))
        return (part, expected, tolerance) if _follows(part, expected, tolerance) else None
    return None


def _is_valid(other: "Cut", one: "Cut") -> bool:
    """Whether the results with an axis for the batch are cut as well."""
    return all(other.valid.get(place) is not None for place, axis in one.valid.items() if axis is not None)


def _choices(call: OwnCall, one: "Cut", others: Sequence["Cut"]) -> Iterator[list[tuple["Cut", int]]]:
    """How many indices are left of the batch, and then of other axes too, fewer and fewer."""
    tensors = call.arguments.values()
    fixed = sum(x.size for x, at in zip(tensors, one.axes, strict=True) if at is None)
    row = (sum(x.size for x in tensors) - fixed) // one.length
    rest = {n for x, at in zip(tensors, one.axes, strict=True) for axis, n in enumerate(x.shape) if axis != at}
    counts = ((PART - fixed) // row, min(FEW, (WHOLE - fixed) // row), 2, 1)
    told = (next((n for n in range(min(count, one.length), 0, -1) if n not in rest), 0) for count in counts)
    possible = told if one.counted else (min(count, one.length) for count in counts)
    kept = sorted({count for count in possible if count > 0}, reverse=True)
    yield from ([(one, count)] for count in kept)
    yield from ([(one, kept[-1]), *((other, min(few, other.length)) for other in others)] for few in (FEW, 2, 1))


def _spread(one: "Cut", count: int, worst: tuple[int, ...], place: int) -> np.ndarray:
    """So many indices from all over an axis, that of the worst element of a result among them."""
    taken, at = np.linspace(0, one.length - 1, count).astype(int), one.valid[place]
    assert at is not None
    taken[np.argmin(abs(taken - worst[at]))] = worst[at]
    return taken


def _is_affordable(call: OwnCall) -> bool:
    """Whether hundreds of mutants of the formula can be called with these arguments."""
    elements = sum(x.size for x in call.arguments.values())
    return elements <= PART or (elements <= WHOLE and min(_seconds(call) for _ in range(3)) <= DEAREST)


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
