"""Golden families as templates of live cases: which axes go together, and what each argument may hold.

Nothing is listed by operation. Axes of the same length are lengthened, as few together as may be, and the operation's
own formula is asked whether it still takes the arguments; where it does, that length may be any. What a tensor holds
is told by what all golden families of the operation hold.
"""

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from types import FrameType
from typing import TYPE_CHECKING

import numpy as np

from ...vectors.records import Family, OperationVectors
from .domains import Domain, Indices, Seen, domain_of
from .parameters import RANDOM, Ranges, made_after, ranges_of, varied

if TYPE_CHECKING:
    from ...reference.model.operation import Operation

Axis = tuple[str, int]
"""An argument and one of its axes."""
Shapes = Mapping[str, tuple[int, ...]]
UPSTREAM = "dL_d"
LONGER = (1, 4)
"""By how much a length is made larger to see what follows it: by the second also where strides skip a few."""


@dataclass(frozen=True)
class Length:
    """A length that may be any: that of each of these axes is a multiple of it."""

    multiples: Mapping[Axis, int]
    golden: int
    """What it is in the golden family."""


@dataclass(frozen=True)
class Template:
    """A golden family, the shapes of whose arguments may be changed."""

    operation: "Operation"
    family: Family
    seen: Mapping[str, Seen]
    """By argument, its cases in all families that are templates."""
    apart: "Template | None" = None
    """One of the same parameters and ranks, of whose lengths fewer are alike."""
    ranges: Ranges = field(default_factory=dict)
    """The numbers that its parameters may be."""

    def at(self, variation: int) -> "Template":
        """The same with the parameters of a variation; with 0 those of the golden family."""
        if not self.ranges:
            return self
        changed = copy(self)  # which knows all that has been found out of lengths
        parameters = {**self.family.parameters, **varied(self.ranges, variation)}
        object.__setattr__(changed, "family", replace(self.family, parameters=parameters))
        return changed

    @cached_property
    def drawn_first(self) -> tuple[str, ...]:
        """The arguments that others' shapes follow from: all but the upstream, which is as large as the outputs."""
        names = self.operation.arguments[self.family.direction]
        return tuple(n for n in names if not n.startswith(UPSTREAM)) if "forward" in self.operation.functions else names

    @cached_property
    def lengths(self) -> tuple[Length, ...]:
        """The lengths that may be changed, each by itself."""
        groups: dict[int, list[Axis]] = {}
        for name, x in self._base.items():
            for axis, size in enumerate(x.shape):
                groups.setdefault(size, []).append((name, axis))
        found: list[Length] = []
        rest: list[tuple[int, list[Axis]]] = []
        for size, axes in groups.items():
            while axes and size > 1:
                together = self._fewest(size, axes)
                if not together:
                    rest.append((size, axes))
                    break
                found.append(together)
                axes = [axis for axis in axes if axis not in together.multiples]
        for (one, of_one), (other, of_other) in combinations(rest, 2):
            both = {**dict.fromkeys(of_one, one), **dict.fromkeys(of_other, other)}
            if all(self._takes(both, size) for size in (2, 3)):
                found.append(Length(both, 1))
        return tuple(found)

    @cached_property
    def domains(self) -> dict[str, Domain | Indices]:
        """What each argument but an upstream may hold."""
        return {
            name: domain_of(x, self.seen[name], is_label=name in self.operation.labels, named=self._named)
            for name, x in self.family.inputs.items()
            if not name.startswith(UPSTREAM)
        }

    @cached_property
    def limits(self) -> dict[str, tuple[Axis | None, int]]:
        """For each argument of indices the axis that they are indices into, if one is found, and its golden length."""
        return {n: self._limit(n) for n, x in self.family.inputs.items() if x.dtype.kind == "i"}

    @cached_property
    def form(self) -> object:
        """The family's parameters, and the ranks of its arguments."""
        ranks = [x.ndim for x in self._base.values()]
        return repr((sorted(self.family.parameters.items()), ranks))

    @cached_property
    def differing(self) -> int:
        """How many lengths there are, of all axes."""
        return len({size for x in self._base.values() for size in x.shape})

    def shapes(self, sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
        """The shapes of what is drawn first, for a size of each length."""
        shapes = {name: list(x.shape) for name, x in self._base.items()}
        for length, size in zip(self.lengths, sizes, strict=True):
            for (name, axis), multiple in length.multiples.items():
                shapes[name][axis] = multiple * size
        return {name: tuple(shape) for name, shape in shapes.items()}

    @cached_property
    def _base(self) -> dict[str, np.ndarray]:
        """Of the first case, the arguments that others' shapes follow from; floats as float64."""
        first = {name: self.family.inputs[name][0, ...] for name in self.drawn_first}
        return {name: x if x.dtype.kind == "i" else x.astype(np.float64) for name, x in first.items()}

    def _fewest(self, size: int, axes: Sequence[Axis]) -> Length | None:
        """The fewest of some axes of one length, the first among them, that may be lengthened together: those that are
        in the template whose lengths are apart, or of all sets of them the first that may."""
        first, *others = axes
        for known in [length.multiples.keys() for length in self.apart.lengths] if self.apart else []:
            if first in known <= {*axes} and (length := self._length(size, [axis for axis in axes if axis in known])):
                return length
        for count in range(len(axes)):
            for some in combinations(others, count):
                if length := self._length(size, (first, *some)):
                    return length
        return None

    def _length(self, size: int, axes: Sequence[Axis]) -> Length | None:
        for multiple, golden in ((1, size), (size, 1)):
            length = Length(dict.fromkeys(axes, multiple), golden)
            if self._takes(length.multiples, golden + 1) and self._takes_another(length):
                return length
        return None

    def _takes_another(self, length: Length) -> bool:
        """Whether one more is not all that there is room for, as in images that are pooled by twos: a window may be
        one shorter, if not two longer, and classes two more, if labels allow no fewer."""
        sizes = (length.golden + 2, *([length.golden - 1] if length.golden > 1 else []))
        return any(self._takes(length.multiples, size) for size in sizes)

    def output_shapes(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes of the outputs for a size of each length, without the work: lengths that outputs only follow,
        or do not depend on, are kept short. Raises what the formula does where it refuses them."""
        short = [
            size if follows is None else length.golden
            for length, size, follows in zip(self.lengths, sizes, self.followers, strict=True)
        ]
        shapes = [list(shape) for shape in self.outputs(short)]
        for follows, size in zip(self.followers, sizes, strict=True):
            for (output, axis), multiple in (follows or {}).items():
                shapes[output][axis] = multiple * size
        return [tuple(shape) for shape in shapes]

    @cached_property
    def followers(self) -> tuple[Mapping[tuple[int, int], int] | None, ...]:
        """For each length the outputs' axes that are a multiple of it: (output, axis) and which; None where one depends
        on it in another way, or on another length as well, as what is left of an image depends on the window."""
        found: list[dict[tuple[int, int], int] | None] = []
        shared = Counter[tuple[int, int]]()
        for length in self.lengths:
            grown = self._grown(length)
            found.append(None if grown is None or not all(grown.values()) else grown)
            shared.update(list(grown or ()))
        ones = {(name, axis) for name, x in self._base.items() for axis, size in enumerate(x.shape) if size == 1}
        for axis in ones.difference(*(length.multiples for length in self.lengths)):
            shared.update(list(self._grown(Length({axis: 1}, 1)) or ()))
        return tuple(f if f is not None and all(shared[key] == 1 for key in f) else None for f in found)

    def _grown(self, length: Length) -> dict[tuple[int, int], int] | None:
        """The outputs' axes that grow with a length: (output, axis), and which multiple of it they are, 0 if of
        none; None where it is soon too long for another length."""
        before = _sizes(output_shapes(self.operation, self._base, self.family))
        after = {}
        for more in LONGER:
            tensors = lengthened(self._base, length.multiples, length.golden + more)
            try:
                after[length.golden + more] = _sizes(output_shapes(self.operation, tensors, self.family))
            except (ValueError, IndexError):
                return None
        size = length.golden
        return {
            key: n // size if n % size == 0 and all(of[key] * size == n * m for m, of in after.items()) else 0
            for key, n in before.items()
            if any(of[key] != n for of in after.values())
        }

    @cached_property
    def loops(self) -> tuple[bool, ...]:
        """For each length whether the formula takes more steps the longer it is, as one in a loop over time does."""
        steps = self._steps(self._base)
        return tuple(
            self._steps(lengthened(self._base, length.multiples, length.golden + 1)) > steps for length in self.lengths
        )

    def _steps(self, tensors: Mapping[str, np.ndarray]) -> int:
        """How many functions are called to compute the outputs."""
        count = 0

        def step(_: FrameType, event: str, __: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(step)
        try:
            output_shapes(self.operation, tensors, self.family)
        finally:
            sys.setprofile(before)
        return count

    def outputs(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes of the outputs for a size of each length, with all the work."""
        tensors: Mapping[str, np.ndarray] = self._base
        for length, size in zip(self.lengths, sizes, strict=True):
            tensors = lengthened(tensors, length.multiples, size)
        return output_shapes(self.operation, tensors, self.family)

    def _takes(self, multiples: Mapping[Axis, int], size: int) -> bool:
        """Whether the formula takes the first case with other lengths."""
        return self._accepts(lengthened(self._base, multiples, size))

    def _accepts(self, tensors: Mapping[str, np.ndarray]) -> bool:
        try:
            output_shapes(self.operation, tensors, self.family)
        except Exception:  # of the formula: it refuses them
            return False
        return True

    @property
    def _named(self) -> list[int]:
        """The whole numbers among the parameters, one of which may be an index that means something else."""
        return [x for x in self.family.parameters.values() if type(x) is int]

    def _limit(self, name: str) -> tuple[Axis | None, int]:
        indices = self.family.inputs[name]
        largest = int(indices[~np.isin(indices, self._named)].max(initial=0))
        for other, x in self._base.items():
            for axis, size in enumerate(x.shape if other != name else ()):
                next_one = size + (size in self._named)
                last, beyond = ({**self._base, name: np.full_like(self._base[name], i)} for i in (size - 1, next_one))
                if size > largest and self._accepts(last) and not self._accepts(beyond):
                    return (other, axis), size
        return None, largest + 1


def _sizes(shapes: Sequence[Sequence[int]]) -> dict[tuple[int, int], int]:
    return {(output, axis): n for output, shape in enumerate(shapes) for axis, n in enumerate(shape)}


def lengthened(tensors: Mapping[str, np.ndarray], multiples: Mapping[Axis, int], size: int) -> dict[str, np.ndarray]:
    """Tensors with another length, filled by repetition."""
    changed = dict(tensors)
    for (name, axis), multiple in multiples.items():
        x = changed[name]
        changed[name] = np.take(x, np.arange(multiple * size) % x.shape[axis], axis)
    return changed


def output_shapes(operation: "Operation", tensors: Mapping[str, np.ndarray], family: Family) -> list[tuple[int, ...]]:
    """The shapes of the outputs for arguments of these, or of the gradients where the operation has no forward."""
    direction = "forward" if "forward" in operation.functions else "backward"
    with np.errstate(all="ignore"):
        results = operation.functions[direction](*tensors.values(), **family.parameters)
    return [np.shape(x) for x in (results if isinstance(results, tuple) else (results,))]


def templates(operation: "Operation", vectors: OperationVectors, dtype: str, direction: str) -> tuple[Template, ...]:
    """The golden families of a function and dtype that live cases are made after: ordinary, required, drawn ones, and
    one or more of each other set of parameters."""
    families = [f for f in vectors.families if f.level == "required" and f.result != "invalid"]
    ordinary = [f for f in families if RANDOM in f.flags]
    names = dict.fromkeys(name for f in ordinary for name in f.inputs)
    seen = {name: Seen([f.inputs[name] for f in ordinary if name in f.inputs]) for name in names}
    mine = [f for f in families if f.dtype == dtype and f.direction == direction]
    return _told_apart(
        [
            Template(operation, replace(f, result="valid", alternatives={}), seen, ranges=ranges_of(f, mine))
            for f in made_after(mine)
        ]
    )


def _told_apart(alike: Collection[Template]) -> tuple[Template, ...]:
    """Templates that know of one of the same parameters and ranks in which more lengths differ."""
    best: dict[object, Template] = {}
    for template in alike:
        found = best.setdefault(template.form, template)
        if template.differing > found.differing:
            best[template.form] = template
    return tuple(
        replace(each, apart=best[each.form]) if each.differing < best[each.form].differing else each for each in alike
    )
