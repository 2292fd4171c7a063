"""What is expected of a user's own call, piece by piece, with the tolerance of every element.

Small calls are judged by the rules of the golden files: exact values, and bounds over all formulations. Larger ones,
and those that have no such bound as a whole, by fast bounds, in chunks along the batch, or along another axis
where there is none; or at a sample of their elements: see `sampling`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce, wraps
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ...reference.model.formulations import Formulation
from .call import OwnCall
from .sampling import Grid, grids_of

if TYPE_CHECKING:
    from ...reference.arithmetic.chunks import Piece
    from ...reference.arithmetic.fast_sums import Batch

SMALL = 2**12
"""Elements of all arguments up to which the rules of the golden files are applied, which takes a second or less."""
BLOCK = 2**20
"""Elements that are compared at a time."""


@dataclass(frozen=True)
class Part:
    """What is expected of a part of one result."""

    result: str
    shape: tuple[int, ...]
    """Of the whole result."""
    where: tuple[slice | np.ndarray, ...]
    """Slices, or the open mesh of `np.ix_`, whose indices rise."""
    expected: np.ndarray
    bound: np.ndarray
    """How far an implementation that computes as the first formulation does may be off; infinite where by anything, as
    where a step on the way may overflow."""
    others: Callable[[], Iterator[np.ndarray]] = lambda: iter(())
    """The bounds of the other formulations, each evaluated when it is asked for, before the next part is."""

    @cached_property
    def tolerance(self) -> np.ndarray:
        """The largest bound of all formulations."""
        return reduce(np.maximum, self.others(), self.bound)


Region = tuple[int, tuple[slice, ...]]
"""Which result, and what part of it."""
Answer = Sequence[Formulation]
"""The formulations of one right answer, the one to read first at the beginning."""


def parts_of(
    call: OwnCall,
    answer: Answer,
    dtype: str,
    precision: str,
    tick: Callable[[float], None] = lambda _: None,
    small: int = SMALL,
) -> Iterator[Part]:
    """Each part of each result, by the rules of the golden files where they apply, and by fast bounds elsewhere.

    small: how many elements all arguments may have for the rules of the golden files to apply.
    """
    sound = counted(answer, call, dtype, precision)
    few = sum(x.size for x in call.arguments.values()) <= small
    exact = exact_parts(call, sound, dtype, precision) if few else None
    if exact is not None:
        return iter(exact)
    if call.sample is not None and (grids := grids_of(call)):
        return sampled_parts(call, grids, sound, dtype, precision, tick)
    return fast_parts(call, sound, dtype, precision, tick)


def exact_parts(call: OwnCall, answer: Answer, dtype: str, precision: str) -> list[Part] | None:
    """The whole of each result by the rules of the golden files; None where they give no bound."""
    from ...reference.arithmetic.protocol import RangeError, UnboundedError
    from ...reference.arithmetic.rounding import LengthError
    from ...reference.generation.evaluate import CaseError, evaluate

    try:
        found = evaluate(tuple(answer), call.arguments, call.parameters, dtype, (precision,), required=True, guard=True)
    except (UnboundedError, RangeError, CaseError):
        return None
    except LengthError as error:
        raise ValueError(f"{call}: precision={precision!r} allows short sums alone: {error}") from None
    except (ValueError, IndexError) as error:  # of the formula
        raise refused(call, error) from None
    values = zip(call.names, found.expected, found.tolerance[precision], strict=True)
    return [Part(name, e.shape, (slice(None),) * e.ndim, e, t) for name, e, t in values]


def sampled_parts(
    call: OwnCall,
    grids: Mapping[str, Grid],
    answer: Answer,
    dtype: str,
    precision: str,
    tick: Callable[[float], None] = lambda _: None,
    *,
    independent: bool = False,
) -> Iterator[Part]:
    """Parts of each result that has a grid, for the elements of that alone."""
    from ...reference.arithmetic.sampling import cut

    for done, (name, grid) in enumerate(grids.items()):
        few, batch = cut(list(call.arguments.values()), grid.cuts)
        some = replace(call, arguments=dict(zip(call.arguments, few, strict=True)))
        for part in fast_parts(some, answer, dtype, precision, lambda _: None, batch, independent=independent):
            if part.result == name:
                rows = (at[s] for at, s in zip(grid.indices, part.where, strict=True))
                yield replace(part, shape=grid.shape, where=np.ix_(*rows))
        tick((done + 1) / len(grids))


def fast_parts(
    call: OwnCall,
    answer: Answer,
    dtype: str,
    precision: str,
    tick: Callable[[float], None],
    batch: "Batch | None" = None,
    *,
    independent: bool = False,
) -> Iterator[Part]:
    """Each part of each result by fast bounds.

    `tick` is told what share is done. `batch` and `independent` are as `pieces` takes them.
    """
    met: list[Region] = []
    streams = [
        _pieces(
            call, one, answer[0], dtype, precision, tick if one is answer[0] else lambda _: None, batch, independent
        )
        for one in answer
    ]
    turns = [_Turn(one, stream, met) for one, stream in zip(answer[1:], streams[1:], strict=True)]
    for number, piece in enumerate(streams[0]):
        met.append((piece.result, piece.where))
        shape = piece.expected.shape
        step = max(BLOCK // max(math.prod(shape[1:]), 1), 1)
        for start in range(0, shape[0] if shape else 1, step):
            some = (slice(start, start + step),) if shape else ()

            def bounds(number: int = number, some: tuple[slice, ...] = some) -> Iterator[np.ndarray]:
                return (turn.bound(number)[some] for turn in turns)

            yield Part(
                call.names[piece.result],
                piece.shape,
                _shifted(piece.where, start, step, shape),
                piece.expected[some],
                piece.tolerance[some],
                bounds,
            )


@dataclass
class _Turn:
    """The pieces of another formulation, evaluated as far as they are asked for."""

    formulation: Formulation
    pieces: Iterator["Piece"]
    met: Sequence[Region]
    """Where each piece of the first formulation is that has come."""
    number: int = -1
    """Of the last piece that came."""
    last: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Its bound."""
    apart: dict[int, np.ndarray] = field(default_factory=dict)
    """By result the bounds of what is left, where this formulation is evaluated in other pieces than the first."""

    def bound(self, number: int) -> np.ndarray:
        """The bound of a piece, around what the first formulation gives: what others round to in float64 differs from
        that by rounding alone, which bounds in float64 see. One that loses digits counts where it has a bound."""
        while self.number < number and not self.apart:
            piece, self.number = next(self.pieces), self.number + 1
            self.last = piece.tolerance
            if (piece.result, piece.where) != self.met[self.number]:
                for one in chain([piece], self.pieces):
                    self.apart.setdefault(one.result, np.empty(one.shape, one.tolerance.dtype))[one.where] = (
                        one.tolerance
                    )
        result, where = self.met[number]
        bound = self.apart[result][where] if self.apart else self.last
        return bound if self.formulation.stable else np.where(np.isinf(bound), 0, bound)


def _shifted(where: tuple[slice, ...], start: int, step: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    if not where:
        return where
    first = (where[0].start or 0) + start
    return (slice(first, min(first + step, (where[0].start or 0) + shape[0])), *where[1:])


def _pieces(
    call: OwnCall,
    formulation: Formulation,
    first: Formulation,
    dtype: str,
    precision: str,
    tick: Callable[[float], None],
    batch: "Batch | None",
    independent: bool,
) -> Iterator["Piece"]:
    from ...reference.arithmetic.chunks import ChunkError, pieces
    from ...reference.arithmetic.rounding import LengthError

    called = 0
    for axes, chunks in _ways(call) if batch is None else [(None, 1.0)]:
        if any((one.function, tuple(axes or ())) in call.refused for one in (formulation, first)):
            continue

        @wraps(formulation.function, assigned=(), updated=())
        def function(*tensors: Any, chunks: float = chunks, **parameters: Any) -> Any:
            nonlocal called
            called += 1
            tick(min(called / (chunks + 1), 1.0))
            return formulation.function(*tensors, **parameters)

        arguments = list(call.arguments.values())
        try:
            yield from pieces(
                function,
                arguments,
                call.parameters,
                dtype,
                precision,
                batch_axes=axes,
                batch=batch,
                independent=independent,
            )
        except ChunkError:  # found before the first piece; what the first formulation refuses others do
            call.refused.add((formulation.function, tuple(axes or ())))
            continue
        except LengthError as error:
            raise ValueError(f"{call}: precision={precision!r} allows short sums alone: {error}") from None
        except (ValueError, IndexError) as error:  # of the formula
            raise refused(call, error) from None
        return


def _ways(call: OwnCall) -> Iterator[tuple[Sequence[int | None] | None, float]]:
    """The axes along which a call may be evaluated in chunks, and how many these are: the batch first, and at last no
    axis, for the whole of it."""
    from ...reference.arithmetic.chunks import CHUNK, ChunkError, batch_length, rows_that_fit

    arguments = list(call.arguments.values())
    try:
        length, rows = (f(arguments, call.batch_axes) for f in (batch_length, rows_that_fit))
    except ChunkError:
        length = rows = 1
    if length > rows:
        yield call.batch_axes, length / rows
    if sum(x.size for x in arguments) > 2 * CHUNK:
        for one in sorted(call.cuts, key=lambda cut: -cut.length):
            yield one.axes, one.length / rows_that_fit(arguments, one.axes)
    yield None, 1.0


def refused(call: OwnCall, error: Exception) -> ValueError:
    """What the formula says to arguments that it does not take, in one line with the shapes of all."""
    said = str(error).strip().splitlines()
    return ValueError(f"{call} does not take {call.shapes}: {said[0] if said else type(error).__name__}")


def counted(answer: Answer, call: OwnCall, dtype: str, precision: str) -> list[Formulation]:
    """The formulations that are sound for these arguments at a precision."""
    from ...reference.arithmetic.precision import precision_model

    model = precision_model(dtype, precision)
    stepwise = model.accumulator == model.format
    given = {**call.arguments, **call.parameters}
    forms = (given, {**given, **_along_the_axis(call)})
    return [f for f in answer if (stepwise or not f.accumulates) and all(map(f.applies, forms))]


def _along_the_axis(call: OwnCall) -> dict[str, Any]:
    """The arguments with the axis that a parameter names as the last, along which formulations have their limits."""
    axis = call.parameters.get("axis")
    if not isinstance(axis, int):
        return {}
    moved = {n: np.moveaxis(x, axis, -1) if -x.ndim <= axis < x.ndim else x for n, x in call.arguments.items()}
    return {**moved, "axis": -1}


def whole(parts: Iterator[Part]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Expected values and tolerances by result, put together."""
    expected: dict[str, np.ndarray] = {}
    tolerance: dict[str, np.ndarray] = {}
    for part in parts:
        for all_of_it, some in ((expected, part.expected), (tolerance, part.tolerance)):
            if part.result not in all_of_it:
                all_of_it[part.result] = np.empty(part.shape, some.dtype)
            all_of_it[part.result][part.where] = some
    return expected, tolerance
