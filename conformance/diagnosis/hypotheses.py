"""What a wrong result may be instead of the right one, whatever the operation: each hypothesis foretells it."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...reference.mutations.rearranged import REARRANGED
from ...vectors.dtypes import HALF, numpy_dtype
from .candidates import NOTHING, Candidate, Foretold
from .fitting import in_words, size_factors
from .observation import Observation, State, alike, called

Array = np.ndarray
Result = Callable[[Observation], Array | None]
"""What a result would be, float64; None where nothing is said of it."""
Change = Callable[[Array], Array | None]
"""What becomes of the right result."""

IGNORED = "a parameter ignored"
FEWEST = 2
"""So many elements at least a factor is seen in, unless the result is a number."""


def alone(position: int, name: str, words: str, cure: str, result: Result, dtype: str | None = None) -> Candidate:
    """A candidate that speaks of one result; `dtype` where it is not the case's."""

    def foretell(one: Observation) -> Foretold:
        values = result(one) if one.expected else None
        if values is None:
            return NOTHING
        results: list[Array | None] = [None] * len(one.names)
        results[position] = np.asarray(values).astype(numpy_dtype(dtype or one.family.dtype))
        return tuple(results), None

    return Candidate(name, words, cure, foretell)


def zero(position: int) -> Candidate:
    """A result that is 0."""
    return _changed(position, "left at zero", "0 throughout", "fill the result that is returned.", np.zeros_like)


def ignored(sound: Callable[..., Any], some: Sequence[Observation]) -> Iterator[Candidate]:
    """A parameter that is not looked at."""
    for name in sorted({name for one in some for name in one.family.parameters}):
        values = {one.family.parameters[name] for one in some if name in one.family.parameters}
        for value in sorted(values, key=repr) if len(values) > 1 else []:

            def function(*tensors: Any, name: str = name, value: Any = value, **parameters: Any) -> Any:
                return sound(*tensors, **{**parameters, name: value})

            words = f"{name} is ignored: {value!r} is taken, whatever is asked"
            cure = f"follow {name}, or raise NotImplementedError for another than {value!r}."
            yield Candidate(IGNORED, words, cure, partial(called, function))


def of_result(position: int, one: Observation, others: Sequence[Observation]) -> Iterator[Candidate]:
    """Hypotheses on one result, from one observation in which it is wrong and the others, in which it may be."""
    if one.states[position] is State.MALFORMED:
        yield from _malformed(position, one)
    else:
        yield from _factors(position, one, others)
        yield from _of_arguments(position, one)
        yield from _of_other_results(position, one)
        yield from _limited(position, one)
    yield from _rearranged(position, one)


def _changed(position: int, name: str, words: str, cure: str, change: Change, dtype: str | None = None) -> Candidate:
    return alone(position, name, words, cure, lambda one: change(one.expected[position]), dtype)


def _factors(position: int, one: Observation, others: Sequence[Observation]) -> Iterator[Candidate]:
    """A multiple of what is due: by a length, a parameter, or a constant."""
    make = partial(alone, position, "a factor")
    factor = _factor(position, [one])
    if factor is not None:
        for words, of in size_factors(one):
            if abs((of(one) or 0.0) - factor) <= 1e-4 * abs(factor) and len({of(o) for o in others}) > 1:
                cure = f"leave out the factor {words}: look where a mean or a sum is taken, and how often."
                yield make(f"{words} times what is due", cure, partial(_scaled, position, of))
    same = [o for o in others if o.family.dtype == one.family.dtype and o.states[position] is State.WRONG]
    for some in ([one], same):
        factor = _factor(position, some)
        if factor is not None:
            factor = float(f"{factor:.{6 if one.units < 1e-4 else 3}g}")
            cure = "look for a factor that is left out, or taken twice."
            result = partial(_times, position, factor)
            yield make(f"{in_words(factor)} times what is due", cure, result)


def _scaled(position: int, of: Callable[[Observation], float | None], one: Observation) -> Array | None:
    factor = of(one)
    return None if factor is None else one.expected[position] * factor


def _times(position: int, factor: float, one: Observation) -> Array:
    return one.expected[position] * factor


def _factor(position: int, some: Sequence[Observation]) -> float | None:
    """By what results are multiples of what is due, None where they are not."""
    pairs = [(values, one.expected[position]) for one in some if (values := one.values[position]) is not None]
    got, due = (np.concatenate([pair[which].ravel() for pair in pairs]) for which in (0, 1))
    finite = np.isfinite(got) & np.isfinite(due)
    factor = _share(got[finite], due[finite])
    fewest = FEWEST if some[0].expected[position].ndim else 1
    if np.count_nonzero(due) < fewest or not np.isfinite(factor) or not factor or abs(factor - 1) < 1e-9:
        return None
    off, apart = np.abs(got - factor * due)[finite], np.abs(got - due)[finite]
    return factor if float(np.median(off)) < 0.25 * float(np.median(apart)) else None


def _share(of: Array, by: Array) -> float:
    """The multiple of `by` that is nearest to `of`."""
    square = float(by @ by)
    return float(of @ by) / square if square else 0.0


def _of_arguments(position: int, one: Observation) -> Iterator[Candidate]:
    """An argument instead of the result, or a multiple of one added to it."""
    got, due, name = one.values[position], one.expected[position], one.names[position]
    assert got is not None
    for argument, tensor in one.arguments.items():
        if tensor.dtype.kind == "i" or tensor.shape != due.shape or not tensor.size:
            continue
        for words, of in (
            (argument, np.positive),
            (f"-{argument}", np.negative),
            (f"{argument}.mean(axis=0) in every row", _mean_of_rows),
        ):
            result = partial(_of_argument, position, argument, of)
            yield alone(position, "an argument returned", f"{words} where {name} is due", f"return {name}.", result)
        wide, rest = tensor.astype(np.float64).ravel(), (got - due).ravel()
        finite = np.isfinite(wide) & np.isfinite(rest)
        share = _share(rest[finite], wide[finite])
        near = np.abs(rest - share * wide)[finite].max(initial=0.0)
        largest = np.abs(got)[np.isfinite(got)].max(initial=0.0)
        if (
            one.family.dtype not in HALF
            and share
            and np.count_nonzero(rest) >= FEWEST
            and near <= one.slack[position] + 64 * one.units * largest
        ):
            rounded = (float(f"{share:.{digits}g}") for digits in range(1, 6))
            share = next((value for value in rounded if abs(value - share) < 1e-5 * abs(value)), share)
            words = f"{in_words(share)} * {argument} is added to what is due"
            cure = f"return the gradient alone: a multiple of {argument} is no part of it."
            yield alone(position, "a term too many", words, cure, partial(_added, position, argument, share))


def _of_argument(position: int, argument: str, of: Callable[[Array], Array], one: Observation) -> Array | None:
    tensor = one.arguments[argument].astype(np.float64)
    return of(tensor) if tensor.shape == one.expected[position].shape else None


def _mean_of_rows(tensor: Array) -> Array:
    return np.broadcast_to(tensor.mean(axis=0), tensor.shape) if tensor.ndim and len(tensor) else tensor


def _added(position: int, argument: str, share: float, one: Observation) -> Array | None:
    tensor, due = one.arguments[argument].astype(np.float64), one.expected[position]
    return due + share * tensor if tensor.shape == due.shape else None


def _of_other_results(position: int, one: Observation) -> Iterator[Candidate]:
    """Another result, or its sum."""
    name = one.names[position]
    for other, theirs in enumerate(one.names):
        for axis in (None, 0, 1) if other != position else ():
            words = f"{theirs}{'' if axis is None else f'.sum(axis={axis})'} where {name} is due"
            result = partial(_of_other, position, other, axis)
            yield alone(position, "another result", words, f"compute {name} from the upstream.", result)


def _of_other(position: int, other: int, axis: int | None, one: Observation) -> Array | None:
    due, theirs = one.expected[position], one.expected[other]
    if axis is not None and theirs.ndim <= axis:
        return None
    found = theirs if axis is None else np.asarray(theirs.sum(axis=axis))
    return found.reshape(due.shape) if found.size == due.size else None


def _rearranged(position: int, one: Observation) -> Iterator[Candidate]:
    """The right numbers in other places, in another shape; reduced, and spread out again."""
    for kind, words, cure, change in REARRANGED:
        yield _changed(position, kind, words.format(it=one.names[position]), cure, change)


def _limited(position: int, one: Observation) -> Iterator[Candidate]:
    """Clipped to the largest that came, by element or by norm."""
    got, name = one.values[position], one.names[position]
    assert got is not None
    cure = "return the gradient as it is; clipping is the optimizer's."
    largest = np.abs(got)[one.wrong[position] & np.isfinite(got)]
    if largest.size >= FEWEST and np.ptp(largest) <= 1e-6 * largest.max() and largest.max() > 0:
        most = float(f"{largest.max():.6g}")
        words = f"np.clip({name}, -{most:.6g}, {most:.6g})"
        yield _changed(position, "clipped", words, cure, lambda due: np.clip(due, -most, most))
    norm = float(f"{np.sqrt(np.sum(got**2)):.3g}")
    if got.size > 1 and np.isfinite(norm) and norm > 0:

        def scaled(due: Array) -> Array:
            size = float(np.sqrt(np.sum(due**2)))
            return due * (norm / size) if size > norm else due

        words = f"scaled down to a norm of {norm:.3g} where that is exceeded"
        yield _changed(position, "clipped", words, cure, scaled)


def _malformed(position: int, one: Observation) -> Iterator[Candidate]:
    """Right values in a dtype that is not; something whose sum or mean is what is due."""
    came = None if one.results is None else one.results[position]
    name, due = one.names[position], one.expected[position]
    if came is None:
        return
    if came.dtype != numpy_dtype(one.family.dtype):
        words = f"right values of the wrong dtype, {'integers' if came.dtype.kind in 'iu' else came.dtype}"
        cure = f"return {name} in the dtype of the arguments: let nothing widen or narrow it on the way."
        yield _changed(position, "a wrong dtype", words, cure, np.positive, str(came.dtype))
    for axis in range(came.ndim if came.shape != due.shape else 0):
        for how, reduce in (("sum", np.sum), ("mean", np.mean)):
            words = f"not reduced: its {how} over axis {axis} is what is due"
            cure = f"take the {how} over axis {axis}: what was broadcast has the gradient of the argument's shape."
            yield Candidate("a wrong shape", words, cure, partial(_unreduced, position, axis, reduce))


def _unreduced(position: int, axis: int, reduce: Callable[..., Array], one: Observation) -> Foretold:
    """What came, where its sum or mean is what is due."""
    came = None if one.results is None else one.results[position]
    if came is None or not one.expected or came.ndim <= axis or came.dtype.kind not in "fV":
        return NOTHING
    due = one.expected[position]
    reduced = np.asarray(reduce(came.astype(np.float64), axis=axis))
    if reduced.size != due.size or not alike(reduced.reshape(due.shape), due, one.slack[position], one.units):
        return NOTHING
    return tuple(came if p == position else None for p in range(len(one.names))), None
