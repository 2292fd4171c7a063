"""Ordinary calls: what a careful user hands a checker, and what PyTorch makes of them.

They are drawn as live cases are: the numbers bell-shaped, or within their domain. Small calls have the sizes of a
golden family, no two of which coincide, twice, and about twice those; large ones as many elements and products as a
test on a processor affords. An operation comes with several of its parameters, label forms and ranks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from backproof.conformance.implementation.arrays import to_numpy
from backproof.conformance.live.cases import LiveCase
from backproof.conformance.live.judging import UnjudgedError, call_of
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors.dtypes import numpy_dtype
from backproof.vectors.records import OperationVectors
from backproof.vectors.store import read_golden

Array = Any
Arrays = tuple[np.ndarray, ...]

SMALL, LARGE = "small", "large"
OPERATIONS = operation_names()
MOST_FORMS = {SMALL: 4, LARGE: 2}
"""Parameters, label forms and ranks that an operation is called with."""
MOST_ELEMENTS, MOST_TERMS = 2**14, 2**18
"""Of all arguments of a large call but the upstream; and the product of all lengths."""


@dataclass(frozen=True, eq=False)
class Call:
    """One input of one operation."""

    op: str
    dtype: str
    size: str
    inputs: Mapping[str, np.ndarray]
    """What forward takes, by name; what backward takes besides its upstream, where there is no forward."""
    upstream: Arrays
    parameters: Mapping[str, Any]
    differentiated: tuple[str, ...] = ()
    """The arguments that have a gradient, in order."""
    draw: int = 0
    """Which of the calls of its parameters, label form and rank."""

    @property
    def differentiable(self) -> bool:
        """Whether there are a forward and a backward, so that differences of the one can be held against the other."""
        return {"forward", "backward"} <= operation(self.op).functions.keys()

    @property
    def tensors(self) -> Arrays:
        """What is differentiated."""
        return tuple(self.inputs[name] for name in self.differentiated)

    def fresh(self) -> "Call":
        """A call of copies, as a user would draw them."""
        inputs = {name: tensor.copy() for name, tensor in self.inputs.items()}
        return self._with(inputs, tuple(g.copy() for g in self.upstream))

    def at(self, tensors: Sequence[np.ndarray], upstream: Sequence[np.ndarray] = ()) -> "Call":
        """The call with other tensors, and another upstream."""
        inputs = {**self.inputs, **dict(zip(self.differentiated, tensors, strict=True))}
        return self._with(inputs, tuple(upstream) or self.upstream)

    def wide(self) -> "Call":
        """The call in float64."""
        inputs = {name: _wide(tensor) for name, tensor in self.inputs.items()}
        return self._with(inputs, tuple(map(_wide, self.upstream)))

    def arguments(self, direction: str) -> list[np.ndarray]:
        """The arguments of a function, in order."""
        if direction == "forward":
            return list(self.inputs.values())
        return [*self.upstream, *self.inputs.values()]

    def _with(self, inputs: Mapping[str, np.ndarray], upstream: Arrays) -> "Call":
        return replace(self, inputs=inputs, upstream=upstream)


def _wide(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "i" else array.astype(np.float64)


@cache
def vectors_of(op: str) -> OperationVectors:
    """The golden vectors of one operation, read once."""
    vectors = read_golden(op)
    return OperationVectors(**{**vars(vectors), "families": tuple(vectors.families)})


@cache
def calls(op: str, dtype: str, size: str) -> tuple[Call, ...]:
    """All ordinary calls of an operation."""
    forms = _forms(op, dtype)
    places = np.unique(np.linspace(0, len(forms) - 1, MOST_FORMS[size]).round().astype(int)) if forms else ()
    chosen = [forms[place] for place in places]
    if size == SMALL:
        return tuple(call for form in chosen for call in _small(form))
    return tuple(call for key, form in enumerate(chosen) for call in _large(form, key))


def _forms(op: str, dtype: str) -> list[Template]:
    """The first template of each combination of parameters, ranks, and dtypes of labels."""
    found: dict[str, Template] = {}
    direction = "backward" if "backward" in operation(op).functions else "forward"
    for template in templates(operation(op), vectors_of(op), dtype, direction):
        family = template.family
        kinds = [(x.ndim, x.dtype.kind == "i") for x in family.inputs.values()]
        if "further-form" not in family.flags:
            found.setdefault(f"{sorted(family.parameters.items())} {kinds}", template)
    return list(found.values())


def _small(template: Template) -> Iterator[Call]:
    golden = tuple(length.golden for length in template.lengths)
    for key, sizes in enumerate((golden, golden, tuple(2 * size + 1 for size in golden))):
        yield from _call(template, sizes, key, SMALL)


def _large(template: Template, key: int) -> Iterator[Call]:
    """The largest call within bounds: lengths are doubled in turn, the shortest first."""
    sizes = [length.golden for length in template.lengths]
    found: list[Call] = list(_call(template, tuple(sizes), key, LARGE))
    open_ = set(range(len(sizes)))
    while open_:
        place = min(open_, key=lambda one: sizes[one])
        longer = [2 * size + 1 if one == place else size for one, size in enumerate(sizes)]
        terms = np.prod([max(a.multiples.values()) * n for a, n in zip(template.lengths, longer, strict=True)])
        elements = sum(int(np.prod(shape)) for shape in template.shapes(longer).values())
        fits = terms <= MOST_TERMS and elements <= MOST_ELEMENTS
        grown = list(_call(template, tuple(longer), key, LARGE)) if fits else []
        if grown and sum(g.size for g in grown[0].upstream) <= 4 * MOST_ELEMENTS:
            sizes, found = longer, grown
        else:
            open_.remove(place)
    yield from found


def _call(template: Template, sizes: tuple[int, ...], key: int, size: str) -> Iterator[Call]:
    """The call of a live case; none where the operation does not take the sizes."""
    op, family = template.operation, template.family
    try:
        drawn = call_of(template, LiveCase(family.name, sizes, "bell", key)).arguments
    except UnjudgedError:
        return
    upstream = tuple(x for name, x in drawn.items() if name.startswith("dL_d"))
    inputs = {name: x for name, x in drawn.items() if not name.startswith("dL_d")}
    gradients = op.results.get("backward", ())
    differentiated = tuple(name for name in inputs if f"dL_d{name}" in gradients)
    call = Call(op.name, family.dtype, size, inputs, upstream, family.parameters, differentiated, key)
    try:
        with np.errstate(all="ignore"):
            for direction, formula in op.functions.items():
                formula(*call.wide().arguments(direction), **family.parameters)
    except (ValueError, IndexError):
        return
    yield call


@dataclass(frozen=True)
class Trusted:
    """What PyTorch makes of a call, computed in float64: exact to whoever compares lower dtypes with it."""

    outputs: Arrays | None
    """None where the operation has no forward."""
    gradients: Arrays | None
    """None where it has no backward."""

    def rounded(self, dtype: str) -> "Trusted":
        """The same in a dtype."""
        outputs, gradients = (
            None if results is None else tuple(x.astype(numpy_dtype(dtype)) for x in results)
            for results in (self.outputs, self.gradients)
        )
        return Trusted(outputs, gradients)


@cache
def trusted(call: Call) -> Trusted:
    """PyTorch's answer to a call in float64."""
    return framework_s(call.wide())


@cache
def trusted_rounded(call: Call) -> Trusted:
    """The same, rounded to the call's dtype."""
    return trusted(call).rounded(call.dtype)


@cache
def in_the_same_precision(call: Call) -> Trusted:
    """PyTorch's answer at the call's own dtype."""
    return framework_s(call)


def framework_s(call: Call) -> Trusted:
    """PyTorch's results at the dtype of the arguments; the reference's where PyTorch has no such function."""
    from backproof.conformance.adapters import torch as framework

    results: dict[str, Arrays] = {}
    for direction, formula in operation(call.op).functions.items():
        arguments = call.fresh().arguments(direction)
        try:
            found = getattr(framework, f"{call.op}_{direction}")(*arguments, **call.parameters)
        except (NotImplementedError, TypeError):
            found = widened(formula)(*arguments, **call.parameters)
        several = found if isinstance(found, tuple | list) else (found,)
        results[direction] = tuple(np.asarray(to_numpy(x)) for x in several)
    return Trusted(results.get("forward"), results.get("backward"))
