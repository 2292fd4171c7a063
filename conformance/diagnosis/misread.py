"""Hypotheses that an argument was read wrongly: the right formula of something else than was handed in.

They need the reference, which is imported here once there is a failure and not before.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...vectors.records import Family
from .hypotheses import STATE, Foretold, Hypothesis, Reading
from .result_views import Scene

LABELS = "labels"
Sound = Callable[..., object]
Altered = Callable[[Scene, int], np.ndarray | None]
"""An argument of a case as it was read; None where that makes no difference."""


@dataclass(frozen=True)
class Reference:
    """The right formula of one direction."""

    function: Sound
    arguments: Sequence[str]
    results: Sequence[str]

    def results_of(self, arguments: Mapping[str, np.ndarray], scene: Scene) -> np.ndarray | None:
        """The scene's result for these arguments, float64; None where they cannot be used."""
        try:
            with np.errstate(all="ignore"):
                returned = self.function(*(arguments[name] for name in self.arguments), **scene.family.parameters)
        except (ValueError, IndexError):
            return None
        results = returned if isinstance(returned, tuple) else (returned,)
        result = np.asarray(results[self.results.index(scene.name)])
        return result.astype(np.float64) if result.shape == scene.expected.shape[1:] else None


def reference(op: str, direction: str) -> Reference | None:
    """The reference's formula, None where it has no such operation."""
    from ...reference.model.fault import widened
    from ...reference.model.operation import operation, operation_names

    if op not in operation_names():
        return None
    found = operation(op)
    if direction not in found.functions:
        return None
    return Reference(widened(found.functions[direction]), found.arguments[direction], found.results[direction])


def misread(formula: Reference, *called: Sequence[Family]) -> Iterator[Hypothesis]:
    """Each argument taken for something else. `called` are families in an order that calls may have had."""
    for name in formula.arguments:
        if name == LABELS:
            continue
        upstream = name.startswith("dL_d")
        if upstream:
            yield _hypothesis(
                formula, name, "an argument ignored", f"as if {name} were 1", f"multiply by {name}.", _filled(name, 1)
            )
            yield _hypothesis(
                formula,
                name,
                "a term missing",
                "without the last sample of the batch",
                "let the loop over the batch run to its end.",
                _rows_kept(name, slice(None, -1)),
            )
            yield _hypothesis(
                formula,
                name,
                "a term missing",
                "of the first sample of the batch alone",
                "add up all samples.",
                _rows_kept(name, slice(0, 1)),
            )
            yield _hypothesis(
                formula,
                name,
                "a term missing",
                "of the last sample of the batch alone",
                "add up all samples: += in the loop, not =.",
                _rows_kept(name, slice(-1, None)),
            )
        else:
            for value in (0, 1):
                words, cure = f"as if {name} were {value}", f"let {name} enter as it is."
                yield _hypothesis(formula, name, "an argument ignored", words, cure, _filled(name, value))
        yield _hypothesis(
            formula,
            name,
            "transposed",
            f"as if {name} were transposed where it is square",
            f"mind which way {name} lies in the product.",
            _turned(name),
        )
        yield _hypothesis(
            formula,
            name,
            "transposed",
            f"as if {name} lay in memory column after column",
            f"read {name} row after row: an element is at row * columns + column.",
            _laid_out(name),
        )
        cure = f"use {name} as it is handed in, or refresh what is kept of it."
        first = f"as if {name} were from the first call of its shape"
        for families in called:
            yield _hypothesis(formula, name, STATE, first, cure, _of_first(name, families), of_state=True)
        before = f"as if {name} were from the call before"
        yield _hypothesis(formula, name, STATE, before, cure, _of_last(name), of_state=True)


def lowered(formula: Reference, digits: int, names: Collection[str], scene: Scene) -> Foretold:
    """The scene's results with some of the arguments rounded to so many binary digits."""
    rows = []
    for case in range(len(scene.expected)):
        arguments = scene.arguments(case)
        rounded = {name: _rounded(arguments[name], digits) for name in names}
        result = formula.results_of({**arguments, **rounded}, scene)
        if result is None:
            return None
        rows.append(result)
    return np.stack(rows)


def _rounded(tensor: np.ndarray, digits: int) -> np.ndarray:
    if tensor.dtype.kind == "i":
        return tensor
    fraction, exponent = np.frexp(tensor.astype(np.float64))
    return np.asarray(np.ldexp(np.round(np.ldexp(fraction, digits)), exponent - digits)).astype(tensor.dtype)


def _hypothesis(
    formula: Reference, name: str, title: str, words: str, cure: str, altered: Altered, *, of_state: bool = False
) -> Hypothesis:
    def foretell(scene: Scene) -> Foretold:
        count = len(scene.expected)
        if of_state and count < 2:
            return None
        results = scene.expected.copy() if scene.got is None or not of_state else scene.got.copy()
        changed = False
        for case in range(int(of_state), count):
            results[case] = scene.expected[case]
            argument = altered(scene, case)
            if argument is None:
                continue
            result = formula.results_of({**scene.arguments(case), name: argument}, scene)
            if result is None:
                return None
            results[case] = result
            changed = True
        return results if changed and results.any() else None

    return Hypothesis(Reading(title, words, cure), foretell, of_state)


def _filled(name: str, value: int) -> Altered:
    return lambda scene, case: np.full_like(scene.family.inputs[name][case, ...], value)


def _turned(name: str) -> Altered:
    def altered(scene: Scene, case: int) -> np.ndarray | None:
        tensor = scene.family.inputs[name][case, ...]
        square = tensor.ndim == 2 and tensor.shape[0] == tensor.shape[1]
        return tensor.T if square else None

    return altered


def _laid_out(name: str) -> Altered:
    """The elements in their order in memory, taken for those of the transpose."""

    def altered(scene: Scene, case: int) -> np.ndarray | None:
        tensor = scene.family.inputs[name][case, ...]
        return tensor.reshape(tensor.shape[::-1]).T if tensor.ndim == 2 and min(tensor.shape) > 1 else None

    return altered


def _of_first(name: str, families: Sequence[Family]) -> Altered:
    """What the first of all calls with arguments of these shapes was given."""
    first: dict[tuple[int, ...], np.ndarray] = {}
    for family in families:
        tensor = family.inputs[name]
        first.setdefault(tensor.shape[1:], tensor[0, ...])

    def altered(scene: Scene, _: int) -> np.ndarray | None:
        tensor = scene.family.inputs[name]
        kept = first.get(tensor.shape[1:])
        return None if kept is None else kept.astype(tensor.dtype)

    return altered


def _of_last(name: str) -> Altered:
    return lambda scene, case: scene.family.inputs[name][case - 1, ...]


def _rows_kept(name: str, kept: slice) -> Altered:
    """All but these rows of the batch set to 0; a batch of one stays as it is."""

    def altered(scene: Scene, case: int) -> np.ndarray | None:
        tensor = scene.family.inputs[name][case, ...]
        axis = scene.batch_axis.get(name)
        if axis is None or not -tensor.ndim <= axis < tensor.ndim or tensor.shape[axis] < 2:
            return None
        masked = np.zeros_like(tensor)
        place = (slice(None),) * (axis % tensor.ndim) + (kept,)
        masked[place] = tensor[place]
        return masked

    return altered
