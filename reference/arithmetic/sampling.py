"""Evaluate a few rows, columns or channels of tensors that are too large for all of them.

An axis is cut to some indices in every argument that has it. The results that do not sum over that axis come out for
these indices as they would have in the whole: of a dense layer's backward, cutting the inputs' features leaves
dL_dinputs and dL_dweights valid, and dL_dbiases, which do not depend on them. Several axes are cut at once, so that a
result is evaluated on a grid of its elements.

Which axes go together, and which results a cut leaves valid, is found by trying on corners of the tensors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import numpy as np

from ..model.formulations import Function
from .chunks import CORNER, Results, Tensors, agree, along, corners, finished, fractions, results_of
from .fast_bounds import units_of
from .fast_sums import Batch
from .precision import precision_model

Axis = tuple[int, int]
"""An argument and one of its axes."""
Validity = tuple[dict[int, int | None], bool]
"""Of a cut: see `Cut.valid` and `Cut.counted`."""
CORNER_SAMPLES = np.array([0, 2, 3]), np.array([1, 4, 5])
"""The indices on which it is tried which results stay valid: a largest element is among one of them alone."""


SHORT = len(CORNER_SAMPLES[0]) + 1
"""Axes of such a length are hardly worth cutting."""
LONGER = 2**6
"""Of a length that corners have more of, so many."""
MOST_GROUPS = 2**9
"""So many groups of axes of one length are tried: all of ten axes, and of more those of a few."""


@dataclass(frozen=True)
class Cut:
    """An axis of each of some arguments that is cut together."""

    axes: tuple[int | None, ...]
    """For each argument; None for one without it."""
    length: int
    valid: Mapping[int, int | None]
    """The results that stay valid, by index, and which of their axes is cut; None of one that does not depend on it."""
    counted: bool = False
    """Whether `len` of a tensor has to give the length of the whole axis, as a mean divides by it."""


def cuts_of(
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    forward: Function | None = None,
    upstreams: int = 0,
    above: int = SHORT,
    patient: bool = False,
) -> list[Cut]:
    """Find the axes longer than `above` that can be cut, the fewest together that the formula takes.

    Where the first so many arguments are upstreams, their corners have the shapes that `forward` gives of the others'.
    patient: whether corners are tried as well of which one length is larger, as groups and dilated kernels want.
    """
    for some_of_each in (*_corners(arguments), *(_longer_corners(arguments) if patient else ())):
        tensors = fractions(some_of_each)
        if forward is not None:
            try:
                with np.errstate(all="ignore"):
                    outputs = forward(*tensors[upstreams:], **parameters)
            except Exception:  # of the formula, which refuses corners of these tensors
                continue
            shapes = [np.shape(x) for x in (outputs if isinstance(outputs, tuple) else (outputs,))]
            tensors = fractions([np.ones(shape) for shape in shapes[:upstreams]] + tensors[upstreams:])
        if whole := _evaluated(function, tensors, parameters, Batch()):
            return _cuts(function, arguments, tensors, parameters, whole, above)
    return []


def _corners(arguments: Tensors) -> Iterator[list[np.ndarray]]:
    """Corners of tensors, of the same length in each axis; and with half as many of a length that is half of another,
    as tables of pairs have."""
    alike = corners(arguments)
    yield alike
    lengths = {length for x in arguments for length in x.shape}
    for half in sorted(length for length in lengths if length > CORNER and 2 * length in lengths):
        pairs = zip(alike, arguments, strict=True)
        yield [x[tuple(slice(CORNER // 2 if n == half else None) for n in whole.shape)] for x, whole in pairs]


def _longer_corners(arguments: Tensors) -> Iterator[list[np.ndarray]]:
    """Corners with more of one length."""
    for longer in sorted({length for x in arguments for length in x.shape if length > CORNER}):
        some = [x[tuple(slice(LONGER if n == longer else CORNER) for n in x.shape)] for x in arguments]
        yield [x % CORNER if x.dtype.kind in "iu" else x for x in some]


def _cuts(
    function: Function, arguments: Tensors, tensors: Tensors, parameters: Mapping[str, Any], whole: Results, above: int
) -> list[Cut]:
    """Find the axes that can be cut by what the formula gives of corners."""
    by_length: dict[int, list[Axis]] = {}
    for place, x in enumerate(arguments):
        for axis, length in enumerate(x.shape):
            by_length.setdefault(length, []).append((place, axis))
    found = []
    for length, axes in by_length.items():
        while axes and length > above:
            some, valid = next(_together(function, tensors, parameters, whole, axes), (axes[:1], None))
            if valid is not None:
                chosen = dict(some)
                found.append(Cut(tuple(chosen.get(place) for place in range(len(arguments))), length, *valid))
            axes = [axis for axis in axes if axis not in some]
    return found


def _evaluated(function: Function, tensors: Tensors, parameters: Mapping[str, Any], batch: Batch) -> Results | None:
    """What a formula gives, None where it does not take the tensors."""
    try:
        with np.errstate(all="ignore"):
            return results_of(function, tensors, parameters, units_of(precision_model("float64", "float64")), batch)
    except Exception:  # of the formula
        return None


def _together(
    function: Function,
    tensors: Tensors,
    parameters: Mapping[str, Any],
    whole: Results,
    candidates: Sequence[Axis],
) -> Iterator[tuple[Sequence[Axis], Validity]]:
    """The first of some axes of one length with others that the formula takes to be cut together, the fewest first."""
    first, *others = candidates
    groups = ((first, *some) for count in range(len(candidates)) for some in combinations(others, count))
    apart = (some for some in groups if len({place for place, _ in some}) == len(some))  # one axis of each argument
    for some in islice(apart, MOST_GROUPS):
        valid = _validity(function, tensors, parameters, whole, dict(some))
        if valid is not None:
            yield some, valid


def _validity(
    function: Function, tensors: Tensors, parameters: Mapping[str, Any], whole: Results, axes: Mapping[int, int]
) -> Validity | None:
    """Find the results that stay valid when axes are cut, by argument; None where the formula does not take that."""
    lengths = {tensors[place].shape[axis] for place, axis in axes.items()}
    if len(lengths) > 1:
        return None
    (length,) = lengths
    found: list[Validity] = []
    for counted in (False, True):
        valid = []
        for sample in CORNER_SAMPLES:
            taken = sample[sample < length]
            few = [along(x, axes[i], taken) if i in axes else x for i, x in enumerate(tensors)]
            part = _evaluated(function, few, parameters, Batch(len(taken), length, counted=counted))
            try:
                valid.append(set(_valid(whole, part or (), taken)))
            except (ValueError, IndexError):  # other results, or of other ranks or shorter
                return None
        found.append((dict(valid[0] & valid[1]), counted))
    return max(found, key=lambda each: (len(each[0]), not each[1]))


def _valid(whole: Sequence[Any], part: Sequence[Any], taken: np.ndarray) -> Iterator[tuple[int, int | None]]:
    for index, (one, other) in enumerate(zip(whole, part, strict=True)):
        due, tolerance = finished(one)
        value, _ = finished(other)
        unequal = [axis for axis, (n, m) in enumerate(zip(due.shape, value.shape, strict=True)) if n != m]
        if len(unequal) == 1:
            due, tolerance = (x.take(taken, unequal[0]) for x in (due, tolerance))
        if len(unequal) <= 1 and agree(value, due, tolerance):
            yield index, unequal[0] if unequal else None


def cut(arguments: Tensors, cuts: Sequence[tuple[Cut, np.ndarray]]) -> tuple[list[np.ndarray], Batch | None]:
    """Give what is left of tensors of the indices of each of several cuts; and as what part of a batch it is to be
    evaluated, if a cut is counted. One is at most."""
    few, batch = list(arguments), None
    for one, indices in cuts:
        few = [x if axis is None else along(x, axis, indices) for x, axis in zip(few, one.axes, strict=True)]
        if one.counted:
            batch = Batch(len(indices), one.length, counted=True)
    return few, batch
