"""Proofs that a fault is one: over certified enclosures of the exact results, its results cannot be the reference's."""

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import flint
import numpy as np
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.model.fault import Fault
from backproof.reference.model.formulations import Function
from backproof.reference.model.operation import operation
from backproof.vectors import store
from backproof.vectors.records import Family, OperationVectors

PRECISION = 160
LARGEST = 4000
"""Families with more elements are not evaluated: the exact arithmetic is slow."""
LARGER_BATCH, MADE_LARGER, SMALL = 150, 8, 80
"""So many rows have the batches that are made of families of a few, and so many families they are made of."""


@cache
def vectors_of(op: str) -> OperationVectors:
    """The golden vectors of one operation, read once."""
    vectors = store.read_golden(op)
    return OperationVectors(**{**vars(vectors), "families": tuple(vectors.families)})


@cache
def calls(op: str, direction: str) -> tuple[tuple[list[Any], dict[str, Any], Any], ...]:
    """Arguments, parameters and exact results of calls, or Exception for those to be refused; what costs least first.

    They are the first case of every float64 family without a convention, some with a batch that is larger than any,
    and some with a tensor that does not fit.
    """
    sound, families = operation(op).functions[direction], _families(op, direction)
    small = [family for family in families if family.seed and _is_small(family)][:MADE_LARGER]
    fitting = [(family, _first(family)) for family in families]
    fitting += [(family, [*_larger(op, family)]) for family in small]
    misfits = [(family, misfit) for family in small for misfit in _misfits(_first(family))]
    found = []
    for family, tensors in sorted(fitting, key=lambda call: sum(tensor.size for tensor in call[1])) + misfits:
        arguments, parameters = [*map(_exact, tensors)], dict(family.parameters)
        found.append((arguments, parameters, evaluated(sound, arguments, parameters)))
    return tuple(found[: len(fitting)] + [call for call in found[len(fitting) :] if call[2] is Exception])


def _families(op: str, direction: str) -> list[Family]:
    asked = (direction, "float64", "valid")
    families = [f for f in vectors_of(op).families if (f.direction, f.dtype, f.result) == asked]
    families = [f for f in families if "further-form" not in f.flags]  # which an implementation may refuse
    return [family for family in families if sum(tensor.size for tensor in _first(family)) <= LARGEST]


def _first(family: Family) -> list[np.ndarray]:
    """The tensors of a family's first case."""
    return [tensor[0, ...] for tensor in family.inputs.values()]


def _is_small(family: Family) -> bool:
    rows = next(tensor.shape[1] for tensor in family.inputs.values() if tensor.ndim > 1)
    return rows > 1 and sum(tensor[0].size for tensor in family.inputs.values()) < SMALL


def _larger(op: str, family: Family) -> Iterator[np.ndarray]:
    """The tensors with rows repeated up to a large batch."""
    for name, tensor in zip(family.inputs, _first(family), strict=True):
        axis = operation(op).batch_axis[name]
        if axis is None or tensor.ndim == 0 or axis < -tensor.ndim:
            yield tensor
        else:
            yield np.take(tensor, np.arange(LARGER_BATCH) % tensor.shape[axis], axis=axis)


def _misfits(tensors: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The same tensors, one of them an element too long along one axis."""
    for i, tensor in enumerate(tensors):
        for axis, size in enumerate(tensor.shape):
            longer = np.take(tensor, np.arange(size + 1) % size, axis=axis)
            yield [*tensors[:i], longer, *tensors[i + 1 :]]


def _exact(tensor: np.ndarray) -> Any:
    return tensor if tensor.dtype.kind == "i" else Ball(tensor)


def evaluated(function: Function, arguments: list[Any], parameters: dict[str, Any]) -> Any:
    """The enclosures that a function gives, or the type of what it raises."""
    with flint.ctx.workprec(PRECISION), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = function(*arguments, **parameters)
        except (ArithmeticError, TypeError, AttributeError):
            return None  # undecided, or not in the vocabulary of the exact arithmetic
        except Exception:
            return Exception
    several = results if isinstance(results, tuple) else (results,)
    return [result.balls if isinstance(result, Ball) else Ball(np.asarray(result)).balls for result in several]


def proven(fault: Fault) -> bool:
    """Whether some call shows that a fault's exact results are not the reference's, or that one of both refuses."""
    if fault.formula is None:
        return False
    for arguments, parameters, due in calls(fault.op, fault.direction):
        if due is None:
            continue
        came = evaluated(fault.formula, arguments, parameters)
        if came is not None and (came is Exception) != (due is Exception):
            return True
        if isinstance(came, list) and isinstance(due, list) and _apart(came, due):
            return True
    return False


def _apart(came: list[np.ndarray], due: list[np.ndarray]) -> bool:
    if [x.shape for x in came] != [x.shape for x in due]:
        return True
    pairs = ((x, y) for one, other in zip(came, due, strict=True) for x, y in zip(one.flat, other.flat, strict=True))
    return any(x.is_nan() != y.is_nan() or (x.is_finite() and y.is_finite() and not x.overlaps(y)) for x, y in pairs)
