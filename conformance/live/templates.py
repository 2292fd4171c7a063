"""Golden families as templates of live cases: which axes go together, and what each argument may hold.

Nothing is listed by operation. Axes of the same length are lengthened, as few together as may be, and the operation's
own formula is asked whether it still takes the arguments; where it does, that length may be any. What a tensor holds
is told by what all golden families of the operation hold.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...vectors.records import Family, OperationVectors
from .domains import Domain, Indices, domain_of

if TYPE_CHECKING:
    from ...reference.model.operation import Operation

Axis = tuple[str, int]
"""An argument and one of its axes."""
Shapes = Mapping[str, tuple[int, ...]]
UPSTREAM = "dL_d"


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
    stacks: Mapping[str, Sequence[np.ndarray]]
    """By argument, its cases in all families that are templates."""

    @cached_property
    def drawn_first(self) -> tuple[str, ...]:
        """The arguments that others' shapes follow from: all but the upstream, which is as large as the outputs."""
        names = self.operation.arguments[self.family.direction]
        return tuple(n for n in names if not n.startswith(UPSTREAM)) if "forward" in self.operation.functions else names

    @cached_property
    def lengths(self) -> tuple[Length, ...]:
        """The lengths that may be changed, each by itself."""
        groups: dict[int, list[Axis]] = {}
        for name in self.drawn_first:
            for axis, size in enumerate(self._first[name].shape):
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
            if self._takes(both, 2):
                found.append(Length(both, 1))
        return tuple(found)

    @cached_property
    def domains(self) -> dict[str, Domain | Indices]:
        """What each argument but an upstream may hold."""
        return {
            name: domain_of(x, self.stacks[name], is_label=name in self.operation.labels)
            for name, x in self.family.inputs.items()
            if not name.startswith(UPSTREAM)
        }

    @cached_property
    def limits(self) -> dict[str, tuple[Axis | None, int]]:
        """For each argument of indices the axis that they are indices into, if one is found, and its golden length."""
        return {n: self._limit(n) for n, domain in self.domains.items() if isinstance(domain, Indices)}

    def shapes(self, sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
        """The shapes of what is drawn first, for a size of each length."""
        shapes = {name: list(self._first[name].shape) for name in self.drawn_first}
        for length, size in zip(self.lengths, sizes, strict=True):
            for (name, axis), multiple in length.multiples.items():
                shapes[name][axis] = multiple * size
        return {name: tuple(shape) for name, shape in shapes.items()}

    @cached_property
    def _first(self) -> dict[str, np.ndarray]:
        """The arguments of the first case; floats as float64."""
        return {n: x[0] if x.dtype.kind == "i" else x[0].astype(np.float64) for n, x in self.family.inputs.items()}

    def _fewest(self, size: int, axes: Sequence[Axis]) -> Length | None:
        """The fewest of some axes of one length, the first among them, that may be lengthened together."""
        first, *others = axes
        for count in range(len(axes)):
            for some in combinations(others, count):
                if length := self._length(size, (first, *some)):
                    return length
        return None

    def _length(self, size: int, axes: Sequence[Axis]) -> Length | None:
        for multiple, golden in ((1, size), (size, 1)):
            length = Length(dict.fromkeys(axes, multiple), golden)
            if self._takes(length.multiples, golden + 1):
                return length
        return None

    def output_shapes(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes of the outputs for a size of each length, without the work: lengths that outputs only follow are
        kept short. Raises what the formula does where it refuses them."""
        short = [
            length.golden if follows else size
            for length, size, follows in zip(self.lengths, sizes, self.followers, strict=True)
        ]
        shapes = [list(shape) for shape in self._outputs(short)]
        for follows, size in zip(self.followers, sizes, strict=True):
            for (output, axis), multiple in (follows or {}).items():
                shapes[output][axis] = multiple * size
        return [tuple(shape) for shape in shapes]

    @cached_property
    def followers(self) -> tuple[Mapping[tuple[int, int], int] | None, ...]:
        """For each length the outputs' axes that are a multiple of it: (output, axis) and which; None where one depends
        on it in another way."""
        golden = [length.golden for length in self.lengths]
        before = self._outputs(golden)
        found: list[dict[tuple[int, int], int] | None] = []
        for place, size in enumerate(golden):
            after = self._outputs([*golden[:place], size + 1, *golden[place + 1 :]])
            grown = {
                (output, axis): (n, m)
                for output, (one, other) in enumerate(zip(before, after, strict=True))
                for axis, (n, m) in enumerate(zip(one, other, strict=True))
                if n != m
            }
            even = all(n % size == 0 and m * size == n * (size + 1) for n, m in grown.values())
            found.append({key: n // size for key, (n, _) in grown.items()} if even else None)
        shared = Counter(key for follows in found for key in follows or ())
        return tuple(f if f is not None and all(shared[key] == 1 for key in f) else None for f in found)

    def _outputs(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        tensors = {name: self._first[name] for name in self.drawn_first}
        for length, size in zip(self.lengths, sizes, strict=True):
            tensors = lengthened(tensors, length.multiples, size)
        return output_shapes(self.operation, tensors, self.family)

    def _takes(self, multiples: Mapping[Axis, int], size: int) -> bool:
        """Whether the formula takes the first case with other lengths."""
        return self._accepts(lengthened({name: self._first[name] for name in self.drawn_first}, multiples, size))

    def _accepts(self, tensors: Mapping[str, np.ndarray]) -> bool:
        try:
            output_shapes(self.operation, tensors, self.family)
        except Exception:  # of the formula: it refuses them
            return False
        return True

    def _limit(self, name: str) -> tuple[Axis | None, int]:
        largest = int(self.family.inputs[name].max(initial=0))
        tensors = {n: self._first[n] for n in self.drawn_first}
        for other in self.drawn_first:
            for axis, size in enumerate(tensors[other].shape if other != name else ()):
                last, beyond = ({**tensors, name: np.full_like(tensors[name], i)} for i in (size - 1, size))
                if size > largest and self._accepts(last) and not self._accepts(beyond):
                    return (other, axis), size
        return None, largest + 1


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
    """The golden families of a function and dtype that live cases are made after: ordinary, required, drawn ones."""
    families = [f for f in vectors.families if f.level == "required" and f.result == "valid" and "random" in f.flags]
    stacks: dict[str, list[np.ndarray]] = {}
    for family in families:
        for name, x in family.inputs.items():
            stacks.setdefault(name, []).append(x)
    mine = (f for f in families if f.dtype == dtype and f.direction == direction)
    return tuple(Template(operation, family, stacks) for family in mine)
