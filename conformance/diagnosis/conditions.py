"""When is an implementation wrong? Conditions on parameters, dtypes, sizes, labels and elements, in words."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations, product
from typing import Any

import numpy as np

from ...reference.mutations.blocks import ENDS, TILES
from ...vectors.dtypes import DTYPES, HALF
from .observation import Observation

Array = np.ndarray

MOST = 2
"""So many conditions are combined."""
SOME = 16
FEWEST = 3
"""In so many families at least, whatever their dtype, one holds that is fitted; two together in as many as they are."""

COUNTS = ("groups", "heads")
"""How the names of parameters end that may be as large as a length."""
SIGNS = {">": np.greater, "<": np.less, "==": np.equal, ">=": np.greater_equal, "<=": np.less_equal}
Place = Callable[[Array, int], Array]
"""Given places and how many there are, whether something holds at each."""


@dataclass(frozen=True)
class Marked:
    """Elements of one result of one observation."""

    one: Observation
    shape: tuple[int, ...]
    """Of the result."""
    elements: Array
    """Bool, of that shape or a single one for all."""

    def argument(self, name: str) -> Array | None:
        """An argument of the result's shape, float64; None for another."""
        tensor = self.one.arguments.get(name)
        return None if tensor is None or tensor.shape != self.shape else tensor.astype(np.float64)

    def length(self, axis: int | None) -> int:
        """How many places there are along an axis, or in all; 0 where there is no such axis."""
        if axis is None:
            return math.prod(self.shape)
        return self.shape[axis] if -len(self.shape) <= axis < len(self.shape) else 0

    def places(self, axis: int | None) -> Array | None:
        """For each element its place along an axis, or in memory; None where there is no such axis, or it is the only
        one, or that of some rows of many."""
        if self.one.of_rows and (axis != -1 or len(self.shape) < 2):
            return None
        if axis is not None and (len(self.shape) < (1 if axis == -1 else 2) or axis >= len(self.shape)):
            return None
        return _along(self.shape, axis)


@cache
def _along(shape: tuple[int, ...], axis: int | None) -> Array:
    """For each element of a shape its place along an axis, or in memory."""
    return np.arange(math.prod(shape)).reshape(shape) if axis is None else np.asarray(np.indices(shape)[axis])


@dataclass(frozen=True)
class Condition:
    """Something that is true of some observations, or of some elements of a result."""

    words: str
    """"only for a batch of one"."""
    holds: Callable[[Marked], Any]
    """Bool, by element or for all; None for none."""
    by_element: bool = False
    of_lengths: bool = False
    """Whether it is about the lengths of axes, of which there are many."""
    of_number: bool = False
    """Whether it is about the value of a parameter that is a number, or are several."""
    fitted: bool = False
    """Whether it was found by looking at what is wrong: it wants more evidence, and stands by itself."""

    def spares(self, marked: Sequence[Marked]) -> list[bool]:
        """Of each, whether it is true of none of its elements."""
        return [not np.any(self.at(one)) for one in marked]

    def at(self, marked: Marked) -> Any:
        """Bool, of each of these elements or of all."""
        holds = self.holds(marked)
        if not self.by_element or holds is None:
            return bool(holds)
        if not marked.elements.ndim:
            return bool(np.any(holds))
        same = (x if x.shape == marked.shape else np.broadcast_to(x, marked.shape) for x in (holds, marked.elements))
        return np.asarray(next(same))[next(same)]


def separating(
    true: Sequence[Marked], false: Sequence[Marked], by_element: bool | None = None, beside: str = ""
) -> tuple[Condition, ...] | None:
    """The plainest condition, or pair of them, that is true of all the first and of none of the second; by element
    or not, or whatever; another one than that of the words `beside`. None where there is none."""
    families = len({mark.one.family.name for mark in true})
    possible = [
        one
        for one in (conditions(list({id(m.one): m.one for m in (*true, *false)}.values()), true) if true else ())
        if by_element in (None, one.by_element) and not (one.fitted and (beside or families < FEWEST))
        if one.words != beside and all(at if (at := one.at(mark)).__class__ is bool else at.all() for mark in true)
    ]
    some = list(false[:: 1 + len(false) // SOME])
    while True:  # those that contradict what separates a few are added to them
        found = _separating(possible, some, 1 if families < MOST else MOST)
        against = [mark for mark in false if all(not one.spares([mark])[0] for one in found or ())]
        if found is None or not against:
            return found
        some += against[:SOME]


def _separating(possible: Sequence[Condition], false: Sequence[Marked], most: int) -> tuple[Condition, ...] | None:
    held = [(one, one.spares(false)) for one in possible]
    for count in range(1, most + 1):
        for some in combinations(held, count):
            if all(map(any, zip(*(spared for _, spared in some), strict=True))):
                return tuple(one for one, _ in some)
        held = [(one, spared) for one, spared in held if any(spared) and not one.fitted]
    return None


def conditions(observations: Sequence[Observation], true: Sequence[Marked]) -> Iterator[Condition]:
    """The conditions that there are words for, the plainest first; thresholds are those of `true`."""
    yield from _of_parameters(observations)
    for of, table in ((lambda one: one.family.dtype, OF_DTYPES), (_form, OF_LABELS)):
        yield from (_among(words, of, among) for words, among in table)
    repeated = "only for batches in which a label is repeated"
    yield Condition(repeated, lambda marked: len(np.unique(_classes(marked.one))) < len(_classes(marked.one)))
    yield Condition("only in rows of class 0", partial(_of_class, False), True)
    yield Condition("only in rows of the last class", partial(_of_class, True), True)
    ranks = sorted({*map(_rank, observations)})
    for place, rank in enumerate(ranks if len(ranks) > 1 else ()):
        yield _among(f"only for rank {rank}", _rank, (rank,))
        yield _among(f"only for ranks above {rank}", _rank, ranks[place + 1 :])
    yield from (replace(one, of_lengths=True) for one in _lengths(observations, [mark.one for mark in true]))
    yield from _arguments(true)
    yield from _places(true)


OF_DTYPES = (
    *((f"only in {dtype}", (dtype,)) for dtype in DTYPES),
    ("only in float16 and bfloat16", HALF),
    ("not in float64", DTYPES[1:]),
    ("only in float64 and float32", DTYPES[:2]),
)
OF_LABELS = (
    ("only for labels that are class indices", ("indices",)),
    ("only for labels that are rows", ("one-hot", "soft")),
    ("only for soft labels", ("soft",)),
    ("not for soft labels", ("indices", "one-hot")),
    ("only for one-hot labels", ("one-hot",)),
)


def _among(words: str, of: Callable[[Observation], object], among: Sequence[object], **more: bool) -> Condition:
    """That something of an observation is one of several values."""
    return Condition(words, lambda marked: of(marked.one) in among, **more)


def _of_parameters(observations: Sequence[Observation]) -> Iterator[Condition]:
    for name in sorted({name for one in observations for name in one.family.parameters}):

        def of(one: Observation, name: str = name) -> object:
            return one.family.parameters.get(name)

        values = sorted({of(one) for one in observations}, key=repr)
        for value in values if len(values) > 1 else []:
            only, but = f"only for {name}={value!r}", f"not for {name}={value!r}"
            if value is None:
                only, but = f"only where {name} is left out", f"only where {name} is given"
            number = value is not None and type(value) not in (str, bool)
            yield _among(only, of, (value,), fitted=value is None, of_number=number)
            if len(values) > 2:
                others = [other for other in values if other != value]
                yield _among(but, of, others, fitted=number, of_number=number)
        if any(isinstance(value, tuple) for value in values):
            differing = [value for value in values if isinstance(value, tuple) and len({*value}) > 1]
            yield _among(f"only where the values of {name} differ", of, differing)


def _rank(one: Observation) -> int:
    return next((tensor.ndim for tensor in one.arguments.values()), 0)


def _form(one: Observation) -> str:
    labels = one.arguments.get("labels")
    if labels is None or labels.dtype.kind == "i":
        return "" if labels is None else "indices"
    rows = labels.astype(np.float64)
    return "one-hot" if ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=-1) == 1).all() else "soft"


def _classes(one: Observation) -> Array:
    labels = one.arguments.get("labels", np.zeros(0))
    return np.asarray(labels if labels.ndim == 1 or not labels.size else labels.argmax(axis=-1))


def _of_class(last: bool, marked: Marked) -> Array | None:
    classes = max((n for name, n in marked.one.sizes.items() if name.endswith("[-1]")), default=1)
    rows = _classes(marked.one) == (classes - 1 if last else 0)
    if not marked.shape or rows.shape != marked.shape[:1]:
        return None
    return np.broadcast_to(rows.reshape(-1, *[1] * (len(marked.shape) - 1)), marked.shape)


def _lengths(observations: Sequence[Observation], true: Sequence[Observation]) -> Iterator[Condition]:
    def on(words: str, holds: Callable[..., bool], *given: Any, fitted: bool = False) -> Condition:
        return Condition(words, lambda marked: holds(marked.one.sizes.get, *given), fitted=fitted)

    yield on("only for a batch of one", lambda size: size("N") == 1)
    yield on("only for batches of more than one", lambda size: size("N", 0) > 1)
    lengths: dict[tuple[int | None, ...], str] = {}  # of lengths that are always the same, one is told
    for name in dict.fromkeys(name for one in observations for name in one.sizes):
        lengths.setdefault(tuple(one.sizes.get(name) for one in observations), name)
    names = list(lengths.values())
    for name in names:
        yield on(f"only where {name} is 0", lambda size, n: size(n) == 0, name)
        if name != "N":
            yield on(f"only where {name} is 1", lambda size, n: size(n) == 1, name)
            yield on(f"only where {name} is not 1", lambda size, n: size(n, 1) != 1, name)
    counts = sorted({name for one in observations for name in one.family.parameters if name.endswith(COUNTS)})
    for n, m in combinations((*names, *counts), 2):
        same = f"only where {n} and {m} are the same"
        yield Condition(same, lambda marked, n=n, m=m: _number(marked.one, n) == _number(marked.one, m))  # type: ignore[misc]
    for name in observations[0].arguments:
        words = f"only where {name} is not square"
        yield Condition(words, lambda marked, n=name: len({*marked.one.arguments[n].shape[-2:]}) > 1)  # type: ignore[misc]
    operands = [name for name in observations[0].arguments if not name.startswith("dL_d")]
    broadcast = "only where shapes are broadcast"
    yield Condition(broadcast, lambda marked: len({np.shape(marked.one.arguments[name]) for name in operands}) > 1)
    for name in names:
        found = [one.sizes[name] for one in true if name in one.sizes]
        least, most = min(found, default=0), max(found, default=0)
        told = f"only where {name} is"
        yield on(f"{told} {least} or more", lambda size, n, v: size(n, 0) >= v, name, least, fitted=True)
        yield on(f"{told} {most} or less", lambda size, n, v: 0 < size(n, 0) <= v, name, most, fitted=True)
        for tile in TILES:
            yield on(f"{told} no multiple of {tile}", lambda size, n, t: size(n, 0) % t, name, tile, fitted=True)


def _number(one: Observation, name: str) -> object:
    """A length or a parameter; what equals nothing where there is none."""
    return one.sizes.get(name, one.family.parameters.get(name)) or object()


def _arguments(true: Sequence[Marked]) -> Iterator[Condition]:
    """By the sign or magnitude of an argument of the result's shape."""
    names = [name for name, tensor in true[0].one.arguments.items() if tensor.shape == true[0].shape]
    for name, (words, sign) in product(names, SIGNS.items()):
        yield Condition(f"only where {name} {words} 0", partial(_beyond, name, np.positive, 0, sign), True)
    for name in names:
        for words, of in ((f"abs({name})", np.abs), (name, np.positive), (f"-{name}", np.negative)):
            tensors = [(mark.argument(name), mark.elements) for mark in true if mark.elements.ndim]
            found = [of(tensor)[elements] for tensor, elements in tensors if tensor is not None]
            if len(found) < len(true):
                continue
            least, most = min(float(x.min(initial=np.inf)) for x in found), max(float(x.max()) for x in found)
            for limit, said, beyond in ((least, "or more", np.greater_equal), (most, "or less", np.less_equal)):
                if 0 < limit < np.inf and (beyond is np.greater_equal or of is np.abs):
                    holds = partial(_beyond, name, of, limit, beyond)
                    yield Condition(f"only where {words} is about {limit:.3g} {said}", holds, True, True)


def _beyond(
    name: str, of: Callable[..., Array], limit: float, beyond: Callable[..., Any], marked: Marked
) -> Array | None:
    tensor = marked.argument(name)
    return None if tensor is None else np.asarray(beyond(of(tensor), limit))


def _places(true: Sequence[Marked]) -> Iterator[Condition]:
    """By place in the result."""
    middle = [(axis, "slice", f" along axis {axis}") for axis in range(1, len(true[0].shape) - 1)]
    for axis, word, along in ((0, "row", ""), (-1, "column", ""), (None, "element", ""), *middle):
        starts = [np.min(at[m.elements]) for m in true if m.elements.ndim and (at := m.places(axis)) is not None]
        start = int(min(starts, default=0))
        places: list[tuple[str, Place]] = [
            (f"only in the last {word}", lambda k, n: k == n - 1),
            (f"only in the first {word}", lambda k, _: k == 0),
            (f"not in the first {word}", lambda k, _: k > 0),
        ]
        if start > 1:
            places.append((f"only from {word} {start} on", lambda k, _, start=start: k >= start))  # type: ignore[misc]
        most = max((mark.length(axis) for mark in true), default=0)
        tiles = [tile for tile in TILES[::-1] if tile < most]  # of several that fit, the largest is told
        places += [(words.format(word=word, tile=tile), partial(of, tile)) for tile in tiles for words, of in ENDS]
        for words, of in places:
            yield Condition(f"{words}{along}", partial(_at_place, axis, of), True)


def _at_place(axis: int | None, of: Place, marked: Marked) -> Array | None:
    places = marked.places(axis)
    return None if places is None else of(places, marked.length(axis))
