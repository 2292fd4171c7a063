"""What a wrong result looks like: the diagnosis of the plugin, asked about one call of the user's own."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ...vectors.records import Expectation, Family, OperationVectors
from ..check.verdict import Miss, MissKind, verdict_on
from ..diagnosis.evidence import Ran
from ..diagnosis.findings import Diagnosis, diagnose
from ..implementation.load import Implementation
from .call import OwnCall, held
from .evaluation import parts_of, whole
from .judging import Judgement

LARGEST = 2**15
"""Elements of all arguments of a call up to which it is compared with what mutants of the formula give."""
Tensors = Mapping[str, np.ndarray]


def explain(call: OwnCall, judgement: Judgement) -> list[Diagnosis]:
    """What is wrong looks like this; empty where nothing is known that gives such results, or the call is too large.

    Of a large call a few rows are looked at, with the results that have a row for each.
    """
    shown = _few_rows(call, judgement)
    if shown is None:
        return []
    shown = replace(shown, sample=None)
    dtype, precision = judgement.dtype, judgement.precision
    answer = call.operation.formulations[call.direction]
    expected, tolerance = whole(parts_of(shown, answer, dtype, precision))
    due = {name: e.astype(numpy_dtype(dtype)) for name, e in expected.items()}
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
            {precision: {name: t.astype(np.float64)[None] for name, t in tolerance.items()}},
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


def _few_rows(call: OwnCall, judgement: Judgement) -> OwnCall | None:
    """The call itself, or some rows of a large one, among them the worst; None where it cannot be cut."""
    sizes = [x.size for x in call.arguments.values()]
    if sum(sizes) <= LARGEST:
        return call
    axes = dict(zip(call.arguments, call.batch_axes, strict=True))
    lengths = {x.shape[axes[name]] for name, x in call.arguments.items() if (axes[name]) is not None}  # type: ignore[index]
    fixed = sum(size for size, axis in zip(sizes, axes.values(), strict=True) if axis is None)
    if len(lengths) != 1:
        return None
    length = lengths.pop()
    rows = (LARGEST - fixed) // max((sum(sizes) - fixed) // max(length, 1), 1)
    batch = call.operation.batch_axis
    of_rows = {
        name: axis
        for name, x in call.results.items()
        if (axis := batch.get(name)) is not None and -x.ndim <= axis < x.ndim and x.shape[axis] == length
    }
    wrong = [tally for tally in judgement.wrong if tally.name in of_rows]
    if rows < 1 or not wrong:
        return None
    first = min(wrong[0].worst[0][of_rows[wrong[0].name]], length - min(rows, length))
    taken = np.arange(first, first + min(rows, length))
    return replace(
        call,
        arguments={n: x if axes[n] is None else np.take(x, taken, axes[n]) for n, x in call.arguments.items()},
        results={n: np.take(call.results[n], taken, axis) for n, axis in of_rows.items()},
    )
