"""Operations that normalise each row along the last axis of a tensor of any rank, with weights or without."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..model.family import DRAWN, Draft, Inputs
from .paired import changed, families, one_at_a_time
from .special_values import ends
from .upstreams import far_upstreams, mismatched, units

RANKS = {"c5": (5,), "n4-c3": (4, 3), "n3-c6": (3, 6), "n2-h3-c4": (2, 3, 4), "n2-h3-w2-c5": (2, 3, 2, 5)}
COINCIDING = {"n3-c3": (3, 3), "n4-c4": (4, 4), "n3-h3-c3": (3, 3, 3), "n2-h2-w2-c2": (2, 2, 2, 2)}
THIN = {"n1-c4": (1, 4), "n5-c2": (5, 2)}
BESIDE_TILES = ((9, 7), (17, 3), (3, 9), (2, 17), (2, 31), (3, 33), (1, 65))
ODD = {f"n{rows}-c{classes}": (rows, classes) for rows, classes in BESIDE_TILES}
UPSTREAM = [[3, -5, 0.5], [-1, 2, 4]]
PLAIN = [[1, -0.5, 2], [0.25, 3, -1]]
LONG = {"float64": (1, 257), "float32": (1, 513), "float16": (2, 129), "bfloat16": (1, 1025)}
"""By dtype, rows longer than a block of threads or a vector of registers takes."""
AXES = (
    *((-2, (3, 4)), (-2, (4, 4)), (-2, (2, 5, 3)), (-2, (3, 3, 3)), (-3, (4, 2, 3)), (-3, (3, 3, 3))),
    *((-2, (67, 2)), (-2, (2, 35)), (-3, (19, 1, 2))),
)
"""Axes that are not the last, in shapes where no two axes have the same length, where all have, and where one has more
elements than a block takes."""
FROM_THE_FRONT = ((0, (4,)), (0, (3, 4)), (1, (2, 5, 3)), (0, (4, 2, 3)), (0, (35, 2)))
"""Axes counted from the front, of which the first, 0, is no less an axis than others."""
SHORT = 100
"""Rows of more elements are long."""
SUMMED = "; what is summed over the rows is NaN too"
WEIGHTS = [1.5, -0.5, 0.75, 2, -1.25, 3, 0.625, -2.5]


@dataclass(frozen=True)
class Rows:
    """The arguments and parameters of an operation on rows."""

    inputs: str = "inputs"
    """The name of what is normalised."""
    weights: tuple[str, ...] = ()
    """The names of further arguments, each as long as a row."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""
    cases: int = DRAWN
    """Cases of a drawn family, unless they are large or much alike."""
    long: Shape = (2, 1000)
    """A shape of long rows."""

    def call(self, dtype: str, upstream: object, inputs: object) -> Inputs:
        """Give backward's arguments."""
        x = held(inputs, dtype)
        weights = {name: held(np.roll(WEIGHTS, k)[: x.shape[-1]], dtype) for k, name in enumerate(self.weights)}
        return {"dL_doutputs": held(upstream, dtype), self.inputs: x, **weights}

    def drawn(self, w: Words, upstream: np.ndarray, inputs: np.ndarray) -> Inputs:
        """Give backward's arguments, with weights drawn: in the half precisions and long rows none near 0."""
        far = w.dtype in HALF or inputs.shape[-1] > SHORT
        weights = {name: apart(w, inputs.shape[-1:]) if far else w.normal(inputs.shape[-1:]) for name in self.weights}
        return {"dL_doutputs": upstream, self.inputs: inputs, **weights}


def rows(kind: Rows, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of an operation on rows at a dtype; its changes apply to `more` families too."""
    given = chain(drawn(kind), *(part(kind, dtype) for part in (upstreams, special, shapes)), more)
    yield from changed(given, kind.changes, kind.parameters, cases=kind.cases)


def along_axes(
    kind: Rows, places: Iterable[tuple[int, Shape]], comment: str, flags: str = "random rank", **more: Any
) -> Iterator[Draft]:
    """Bell-shaped inputs, given by axis and shape; the comment may use {shape} and {axis}."""
    for axis, shape in places:
        name, said = f"random-{'x'.join(map(str, shape))}-axis{axis}", comment.format(shape=shape, axis=axis)
        draw, parameters = partial(ordinary, kind, shape), {"axis": axis, **kind.parameters}
        yield from families(name, f"{flags} upstream-signed", said, draw=draw, parameters=parameters, **more)


def ordinary(kind: Rows, shape: Shape, w: Words) -> Inputs:
    """Bell-shaped inputs under an asymmetric upstream.

    In the half precisions inputs are closer together, and the upstream has as many positive elements in a row as
    negative ones: else many elements of the gradient would be smaller than their tolerance. So would they be in long
    rows that are scaled by weights, of which nothing is near 0.
    """
    if kind.weights and shape[-1] > SHORT:
        return kind.drawn(w, apart(w, shape), apart(w, shape))
    if w.dtype in HALF:
        return kind.drawn(w, balanced(w, shape), w.normal(shape, 0.5))
    return kind.drawn(w, w.normal(shape), w.normal(shape, 2.0))


def apart(w: Words, shape: Shape) -> np.ndarray:
    """Draw magnitudes between 1 and 2, with random signs."""
    return w.signed(shape, 1, 2)


def balanced(w: Words, shape: Shape, exponent: int = 0) -> np.ndarray:
    """Draw magnitudes between 2**exponent and twice that, half of each row positive."""
    places = [w.permutation(shape[-1]) for _ in range(math.prod(shape[:-1]))]
    signs = 1 - 2 * (np.array(places, dtype=np.int64).reshape(shape) % 2)
    return w.array(w.scaled(w.uniform(shape, 1, 2), exponent).astype(np.float64) * signs)


def drawn(kind: Rows) -> Iterator[Draft]:
    """Ordinary input of every rank."""
    for group, flag, counts in (
        (RANKS, "rank", (DRAWN, DRAWN)),
        (COINCIDING, "square", (DRAWN, DRAWN)),
        (THIN, "smallest", (DRAWN, DRAWN)),
        (ODD, "odd-sizes", (2, 4)),
        ({"n131-c2": (131, 2)}, "odd-sizes", (1, 1)),
        ({"n{}-c{}".format(*kind.long): kind.long}, "many-classes", (1, 1)),
    ):
        for name, shape in group.items():
            flags = f"random {'batch-of-one' if shape[0] == 1 else flag} upstream-signed"
            comment = f"Bell-shaped {kind.inputs} of shape {shape}."
            draw = partial(ordinary, kind, shape)
            yield from families(f"random-{name}", flags, comment, draw=draw, counts=counts)


def upstreams(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them."""

    def under(upstream: object) -> Inputs:
        return kind.call(dtype, upstream, PLAIN)

    def scaled(w: Words, exponent: int) -> Inputs:
        return kind.drawn(w, balanced(w, (3, 4), exponent), w.normal((3, 4), 0.5))

    yield from units(under, (2, 3))
    comment = "The same upstream in every row, as broadcasting makes it."
    equal = (under([[3, -5, 0.5]] * 2), under([[-1, 0.25, 7]] * 2))
    yield from families("backward-equal-rows", "stride-zero", comment, equal)
    comment = "Rows of inputs that are the same, under upstreams that are not."
    cases = tuple(kind.call(dtype, UPSTREAM, [row] * 2) for row in PLAIN)
    yield from families("backward-equal-inputs", "stride-zero upstream-signed", comment, cases)
    if kind.weights:
        first = kind.weights[0]
        zeros = ({**under(UPSTREAM), first: held(w, dtype)} for w in ([0, -1.5, 2], [-2, 0.5, 0], [0, 0, 0]))
        comment = "Weights of 0, and below 0: what is normalised cannot be had back from the outputs."
        yield from families("weights-of-zero", "dead", comment, tuple(zeros))
    ends_of = (
        {**kind.call(dtype, g, x), **{name: held(weights, dtype) for name in kind.weights}}
        for g, x, weights in ((UPSTREAM, PLAIN, WEIGHTS[:3]), (UPSTREAM[::-1], PLAIN[::-1], WEIGHTS[3:6]))
    )
    yield from one_at_a_time(*ends_of)
    yield from far_upstreams(scaled, dtype, half=(8, -4), large=20)


def special(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Infinities and NaN, which make NaN of their own row alone."""
    for word, value in (("infinity", math.inf), ("nan", math.nan)):
        first = [[value if k == column else x for k, x in enumerate(PLAIN[0])] for column in range(3)]
        cases = tuple(kind.call(dtype, UPSTREAM, [row, PLAIN[1]]) for row in first)
        comment = f"A {value} makes NaN of its row, and of no other{SUMMED if kind.weights else ''}."
        yield from families(word, word, comment, cases, level="robust")
    comment = f"A NaN of the upstream makes NaN of its row, and of no other{SUMMED if kind.weights else ''}."
    case = kind.call(dtype, [[3, math.nan, 0.5], UPSTREAM[1]], PLAIN)
    yield from families("backward-nan-upstream", "nan", comment, (case,), level="robust")
    half, least = ends(dtype).subnormal, ends(dtype).smallest
    comment = "A subnormal upstream of either sign: what is computed of it may be 0, but not of the other sign."
    case = kind.call(dtype, [[half, -half, 3 * least], [-half, half, -half]], PLAIN)
    yield from families("backward-subnormal-upstream", "subnormal upstream-signed", comment, (case,), level="robust")
    if not kind.weights:
        cases = tuple(kind.call(dtype, g, PLAIN) for g in np.diag([half, -half, half])[:, None] * [[1], [-1]])
        comment = "A subnormal upstream of one element in each row: each element of the gradient has one term."
        flags = "subnormal one-product upstream-one-hot"
        yield from families("backward-one-product", flags, comment, cases, level="robust")


def shapes(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Rows of one element, no rows, and calls to refuse."""
    for name, shape in {"1": (1,), "n1-c1": (1, 1), "n4-c1": (4, 1)}.items():
        upstream, *values = (
            np.reshape(row[: math.prod(shape)], shape) for row in ([3, -5, 0.5, 2], [2, -1, 0, 0.75], [-50, 3, 4, 60])
        )
        comment = "A row of one element, whose result is the same whatever it is."
        cases = tuple(kind.call(dtype, upstream, z) for z in values)
        yield from families(f"one-class-{name}", "one-class smallest", comment, cases)
    for name, shape in {"n0-c3": (0, 3), "n0-h2-c3": (0, 2, 3)}.items():
        case = kind.call(dtype, np.zeros(shape), np.zeros(shape))
        yield from families(f"empty-{name}", "empty-batch", "No rows in, no rows out.", (case,), level="robust")
    logits = [[1, -0.5, 2, 0], [0.25, 3, -1, 1]]
    wrong = ((3, 4), (1, 4), (2, 1), (4,))
    yield from mismatched(lambda g: kind.call(dtype, g, logits), "rows one-row one-column rank", wrong, (2, 4))
