"""Wrappers that make any function wrong: what goes in, what comes out, the precision, the state, the refusals.

They take nothing but what an operation says of itself: its arguments, results, labels and batch axes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .changes import OF_ARGUMENTS, OF_RESULTS, OF_UPSTREAM, ROW_CHANGES, Change
from .formula import reads
from .labels import LABELS, cure
from .wrong_calls import (
    computed_in,
    cutting,
    disturbed_at,
    dividing_in_place,
    exchanged,
    half_in_float32,
    in_tf32_operands,
    never_refusing,
    on_argument,
    on_labels,
    on_result,
    on_results,
    one_result,
    operands_in,
    over_batch,
    overwriting,
    own_format,
    refusing_empty,
    skipped_for_one,
    through_shared_object,
    updated_first,
    updated_in_place,
    where_rows,
    with_decay,
    writing_beside,
)

Array = Any
ROWS_FROM_THE_END = -2


@cache
def wrappers(op: str) -> tuple[Fault, ...]:
    """All wrappers of an operation's functions."""
    subject = operation(op)
    return tuple(
        fault
        for direction in subject.functions
        for make in (_results, _arguments, _parameters, _labels, _calls)
        for fault in make(subject, direction)
    )


def _wrapped(
    subject: Operation,
    direction: str,
    name: str,
    wrong: str,
    wrap: Callable[[Function], Function],
    *,
    exact: bool = True,
    raw: bool = False,
    memory: dict[Any, Any] | None = None,
    disturbed: Function | None = None,
    cure: str = "compute it as the formula says, in the dtype of the arguments.",
) -> Fault:
    sound = subject.functions[direction]
    wrapped = wrap(widened(sound))  # changes are of results in the dtype that is due
    return faulty(
        subject.name,
        name if name.startswith("dL_") or len(subject.functions) == 1 else f"{direction}_{name}",
        direction,
        wrapped if raw else widened(wrapped),
        sort="wrapper",
        wrong=f"{wrong[0].upper()}{wrong[1:]}" if wrong[1:2] != "L" else wrong,
        cure=cure,
        formula=wrap(sound) if exact else None,
        memory={} if memory is None else memory,
        disturbed=disturbed,
        as_is=raw,
    )


def _changed(
    subject: Operation, direction: str, name: str, tensor: str, change: Change, around: partial[Function]
) -> Fault:
    """A fault that changes one tensor; `around`, which has its position, takes the change of it and the function."""
    memory: dict[Any, Any] = {name: {}} if change.remembers else {}
    function = partial(change.function, memory=memory[name]) if change.remembers else change.function
    if change in ROW_CHANGES and subject.batch_axis[tensor] == ROWS_FROM_THE_END:
        function = partial(where_rows, function)
    return _wrapped(
        subject,
        direction,
        name,
        change.says.format(it=tensor),
        partial(around, function),
        exact=change.exact and not change.raw,
        raw=change.raw,
        memory=memory,
        disturbed=disturbed_at(subject.name, direction, around.func, *around.args),
        cure=change.cure or f"{'return' if tensor in subject.results[direction] else 'use'} {tensor} as it is due.",
    )


def _results(subject: Operation, direction: str) -> Iterator[Fault]:
    """Each result changed; several results in another order, all changed alike."""
    results = subject.results[direction]
    for position, result in enumerate(results):
        for said, change in OF_RESULTS.items():
            yield _changed(subject, direction, f"{result}_{said}", result, change, partial(on_result, position))
    make = partial(_wrapped, subject, direction)
    batch = _batch(subject, direction)
    for position, result in enumerate(results):
        if batch is not None:
            yield make(
                f"{result}_over_batch",
                f"{result} is divided by the number of rows of the batch.",
                partial(over_batch, (position,), batch),
            )
            yield make(
                f"{result}_zero_for_a_batch_of_one",
                f"{result} is 0 for a batch of one.",
                partial(skipped_for_one, position, batch),
            )
    shared = tuple(i for i, result in enumerate(results) if subject.batch_axis[result] is None)
    if batch is not None and len(shared) > 1:
        yield make(
            "parameter_gradients_over_batch",
            "The gradients of parameters are divided by the number of rows of the batch.",
            partial(over_batch, shared, batch),
        )
    if len(results) > 1:
        for position, result in enumerate(results):
            for said, wrong, way, more in PRECISIONS:
                yield make(
                    f"{result}_{said}",
                    f"{result} alone: {wrong[0].lower()}{wrong[1:]}",
                    partial(one_result, position, way),
                    exact=False,
                    **more,
                )
        for said in EVERY_RESULT:
            yield _all_changed(subject, direction, f"every_result_{said}", OF_RESULTS[said], range(len(results)))
        yield make("results_exchanged", "The first two results are exchanged.", exchanged)
        yield _wrapped(
            subject,
            direction,
            "results_in_reverse_order",
            "The results come in reverse order.",
            lambda function: lambda *tensors, **parameters: function(*tensors, **parameters)[::-1],
        )


def _batch(subject: Operation, direction: str) -> int | None:
    """The position of the first argument whose rows are the batch."""
    arguments = subject.arguments[direction]
    rows = [
        i
        for i, a in enumerate(arguments)
        if subject.batch_axis[a] in (0, ROWS_FROM_THE_END) and a not in subject.labels
    ]
    return next((i for i in rows if not arguments[i].startswith("dL_d")), rows[0] if rows else None)


def _all_changed(subject: Operation, direction: str, name: str, change: Change, positions: Iterable[int]) -> Fault:
    memory: dict[Any, Any] = {i: {} for i in positions if change.remembers}
    changes = {
        i: partial(change.function, memory=memory[i]) if change.remembers else change.function for i in positions
    }
    return _wrapped(
        subject,
        direction,
        name,
        change.says.format(it="every result"),
        partial(on_results, changes),
        exact=change.exact and not change.raw,
        raw=change.raw,
        memory=memory,
    )


def _parameters(subject: Operation, direction: str) -> Iterator[Fault]:
    """What gradients do to the tensors that they belong to: a step in place, a step too early, decay."""
    arguments, results = subject.arguments[direction], subject.results[direction]
    pairs = {i: arguments.index(r[4:]) for i, r in enumerate(results) if r[4:] in arguments and r.startswith("dL_d")}
    make = partial(_wrapped, subject, direction)
    for result, position in pairs.items():
        name = arguments[position]
        yield make(
            f"{name}_updated_in_place",
            f"A step is taken on {name} in place.",
            partial(updated_in_place, position, result),
            exact=False,
            raw=True,
        )
        yield make(
            f"{results[result]}_with_decay",
            f"1e-4 times {name} is added to {results[result]}.",
            partial(with_decay, {result: position}),
        )
        if len(results) > 1:
            yield make(
                f"{name}_updated_first",
                f"All gradients but that of {name} are taken after its update.",
                partial(updated_first, position, result),
            )


def _arguments(subject: Operation, direction: str) -> Iterator[Fault]:
    """Each argument but labels changed on its way in, or written to."""
    for position, argument in enumerate(subject.arguments[direction]):
        if argument in subject.labels or not reads(subject.functions[direction], argument):
            continue
        upstream = argument.startswith("dL_d")
        for said, change in (OF_UPSTREAM if upstream else OF_ARGUMENTS).items():
            name = f"{argument}_{said}" if not upstream else f"upstream_{argument.removeprefix('dL_d')}_{said}"
            yield _changed(subject, direction, name, argument, change, partial(on_argument, position))
        yield _wrapped(
            subject,
            direction,
            f"{argument.removeprefix('dL_d')}{'_upstream' if upstream else ''}_divided_in_place",
            f"{argument} is divided by its number of rows in place, after use.",
            partial(dividing_in_place, position),
            exact=False,
            raw=True,
            cure=f"work on a copy of {argument}.",
        )
        yield _wrapped(
            subject,
            direction,
            f"{argument.removeprefix('dL_d')}{'_upstream' if upstream else ''}_overwritten",
            f"A result of the shape of {argument} is written over it.",
            partial(overwriting, position),
            exact=False,
            raw=True,
            cure=f"work on a copy of {argument}.",
        )

        yield _wrapped(
            subject,
            direction,
            f"{argument.removeprefix('dL_d')}{'_upstream' if upstream else ''}_written_beside",
            f"The byte after the end of {argument} is changed.",
            partial(writing_beside, position),
            exact=False,
            raw=True,
            cure="end loops at the sizes.",
        )


def _labels(subject: Operation, direction: str) -> Iterator[Fault]:
    """Labels read wrong."""
    arguments = subject.arguments[direction]
    for position, argument in enumerate(arguments):
        if argument in subject.labels:
            for said, (wrong, change) in LABELS.items():
                yield _wrapped(
                    subject,
                    direction,
                    f"{argument}_{said}",
                    wrong,
                    partial(on_labels, position, change),
                    cure=cure(said),
                )


def _calls(subject: Operation, direction: str) -> Iterator[Fault]:
    """The call as a whole: its precision, an empty batch, what it should refuse."""
    make = partial(_wrapped, subject, direction)
    for said, wrong, way, more in PRECISIONS:
        yield make(said, wrong, way, exact=False, **more)
    yield make(
        "half_results_in_float32", "Results of half precisions are float32.", half_in_float32, exact=False, raw=True
    )
    yield make(
        "arguments_in_shared_object",
        "Arguments are kept in an object that threads share.",
        through_shared_object,
        exact=False,
        raw=True,
    )
    yield make("empty_batch_refused", "An empty batch raises.", refusing_empty)
    yield make(
        "refusals_answered_with_zeros", "What is to be refused gets zeros.", partial(never_refusing, subject, direction)
    )
    yield make("arguments_cut_to_fit", "Where sizes differ, what is beyond the shorter is left out.", cutting)


def _precisions() -> Iterator[tuple[str, str, Callable[[Function], Function], dict[str, Any]]]:
    for of, lower in (("float64", "float32"), ("float32", "float16"), ("float32", "bfloat16")):
        wrong = f"Arguments of {of} are computed in {lower}."
        yield f"{of}_computed_in_{lower}", wrong, partial(computed_in, lower, of=of), {}
        wrong = f"Arguments of {of} are rounded to {lower}."
        yield f"{of}_operands_in_{lower}", wrong, partial(operands_in, lower, of=of), {}
    yield "float32_operands_in_tf32", "Arguments of float32 are rounded to TF32.", in_tf32_operands, {}
    more = {"raw": True, "cure": "accumulate in float32, and round the result once."}
    yield "half_computed_as_it_is", "Half precisions are computed in the format itself.", own_format, more


PRECISIONS = tuple(_precisions())
"""Name, what is wrong, the wrapper, and what else `_wrapped` is to know of it."""
EVERY_RESULT = (
    *("adds_up", "in_shared_buffer", "in_float64", "in_float32", "last_row_left_out", "squeezed", "norm_clipped"),
)
"""What happens to all results at once."""
