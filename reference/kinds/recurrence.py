"""Recurrent cells, and layers that put one through time: inputs, states, weights and biases of gates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words, held
from ..model.family import Draft, Inputs
from .paired import families, nan_in_turn, one_at_a_time, refused
from .special_values import ends
from .upstreams import far_upstreams, scaled

Sizes = tuple[int, ...]
"""(N, I, H), and before them T of a layer."""
Groups = tuple[tuple[str, str, int, tuple[Sizes, ...]], ...]
"""Flag, what the sizes are, how many cases, sizes."""
PLAIN: Sizes = (2, 3, 2)
GROUPS: Groups = (
    ("distinct-sizes", "all different", 2, ((2, 3, 4), (3, 4, 2), (4, 2, 3), (3, 1, 2))),
    ("square", "some of them equal", 2, ((3, 3, 3), (2, 2, 3))),
    ("batch-of-one", "a batch of one", 2, ((1, 3, 2), (1, 1, 2))),
    ("smallest", "a single hidden unit", 2, ((3, 2, 1),)),
    (
        "odd-sizes",
        "beside the sizes that tiles have",
        1,
        ((17, 2, 1), (2, 9, 1), (2, 33, 1), (1, 2, 5), (1, 1, 9), (33, 1, 1)),
    ),
    ("many-rows", "more rows than a block of threads takes", 1, ((131, 1, 1),)),
)
LARGE: Groups = (("odd-sizes", "one of which is more than a block of threads has", 1, ((2, 129, 1), (1, 1, 33))),)
LADDER = (5, 10, 17, 20, 37, 60)


@dataclass(frozen=True)
class Cell:
    """What a cell takes and gives, or a layer that puts it through time."""

    blocks: int
    """Gates, each of which has a row of the weights for each hidden unit."""
    bent: int
    """The gate that is bent by tanh, not by a sigmoid."""
    states: tuple[str, ...]
    """In the order of the call; each has a successor with an upstream."""
    steps: Sizes = ()
    """T of curated sequences; empty for a cell."""
    groups: Groups = GROUPS
    """What sizes are drawn."""
    large: Groups = LARGE
    """What sizes are drawn at one dtype, as weights of so many units take bytes."""
    ladder: tuple[int, ...] = LADDER
    """Sums of gates at which they are nearly open or shut, in rising order."""

    def shapes(self, sizes: Sizes) -> dict[str, Shape]:
        """Give the shapes of backward's arguments in the order of the call, for sizes (N, I, H) or (T, N, I, H)."""
        *time, n, i, h = sizes
        g = self.blocks * h
        upstreams: dict[str, Shape] = {"dL_doutputs": (*time, n, h)} if time else {}
        upstreams |= {f"dL_dnext_{name}": (n, h) for name in self.states}
        states = dict.fromkeys(self.states, (n, h))
        layer = {"weight_ih": (g, i), "weight_hh": (g, h), "bias_ih": (g,), "bias_hh": (g,)}
        return {**upstreams, "inputs": (*time, n, i), **states, **layer}

    def plain(self, dtype: str, sizes: Sizes = PLAIN, turn: int = 0) -> Inputs:
        """Give curated arguments of backward, for sizes (N, I, H): small numbers, none of them like its neighbours."""
        numbers = np.roll([1.5, -0.5, 0.25, -1.25, 0.75, 2, -0.75, 0.5, -1, 0.125, -0.375], -turn)
        given = self.shapes((*self.steps, *sizes)).items()
        return {name: held(np.resize(np.roll(numbers, k), shape), dtype) for k, (name, shape) in enumerate(given)}


def ordinary(kind: Cell, sizes: Sizes, w: Words) -> Inputs:
    """Draw backward's arguments: bell-shaped, but in the half precisions, where `without_cancellation` draws them."""
    shapes = kind.shapes(sizes)
    if w.dtype in HALF:
        return without_cancellation(kind, shapes, w)
    return {
        name: w.normal(shape, 0.5 if name.startswith(("weight", "bias")) else 1.0) for name, shape in shapes.items()
    }


def without_cancellation(kind: Cell, shapes: Mapping[str, Shape], w: Words) -> Inputs:
    """Draw arguments of which no sum cancels: else many gradients would be smaller than their tolerance.

    Each feature, each unit, the inputs, and the upstream have a sign, and everything else has the product of those
    that it belongs to: an element of the inputs that of its feature and of the inputs; what a sigmoid takes is
    positive, and what tanh takes has the sign of its unit.
    """
    features, units = shapes["inputs"][-1], shapes["weight_hh"][-1]
    feature, unit, of_inputs, of_upstream = (w.signs(shape) for shape in ((features,), (units,), (), ()))
    is_bent = np.repeat(np.arange(kind.blocks) == kind.bent, units)
    rows = np.where(is_bent, np.tile(unit, kind.blocks), of_inputs)
    signs = {"inputs": of_inputs * feature, "weight_ih": np.outer(rows, feature), "weight_hh": np.outer(rows, unit)}

    def one(name: str, shape: Shape) -> np.ndarray:
        if name.startswith("bias"):
            drawn = w.signed(shape, 0.03125, 0.0625).astype(np.float64)
            return w.array(np.where(is_bent, 2 * abs(drawn) * rows * of_inputs, drawn))
        if name.startswith("weight"):
            low = 0.25 / 2.0 ** (shape[1] - 1).bit_length()
        else:  # gates that are nearly open forget no error over the steps
            low = 0.25 if kind.steps and not name.startswith("dL") else 1.0
        sign = unit * (of_upstream if name.startswith("dL") else of_inputs)
        return w.array(w.uniform(shape, low, 2 * low).astype(np.float64) * signs.get(name, sign))

    return {name: one(name, shape) for name, shape in shapes.items()}


def recurrent(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Give all families of a cell at a dtype."""
    parts = (upstreams, saturated, far_states, successive, special, mismatches)
    yield from chain(drawn(kind, dtype), *(part(kind, dtype) for part in parts))


def drawn(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Ordinary input of many sizes, and of a first step."""
    letters = "TNIH" if kind.steps else "NIH"
    for flag, words, count, group in kind.groups + (kind.large if dtype == "float32" else ()):
        for sizes in group:
            comment = f"Sizes ({', '.join(letters)}) = {sizes}, {words}."
            id = "-".join(["random", *(f"{letter}{size}" for letter, size in zip(letters.lower(), sizes, strict=True))])
            draw, flags = partial(ordinary, kind, sizes), f"random {flag} upstream-signed"
            yield from families(id, flags, comment, draw=draw, counts=count)

    def first_step(w: Words) -> Inputs:
        return {
            name: x * 0 if name in kind.states else x for name, x in ordinary(kind, (*kind.steps, *PLAIN), w).items()
        }

    comment = "A first step, whose states are 0: no gradient of the weights of the state."
    if kind.steps:
        comment = "States of 0 before the first step, which gives no gradient to the weights of the state."
    yield from families("first-step", "signed-zero upstream-signed", comment, draw=first_step, counts=2)


def upstreams(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them: each alone, one unit, none, large and small."""
    plain = kind.plain(dtype)
    upstream = [name for name in plain if name.startswith("dL")]
    none = {name: plain[name] * 0 for name in upstream}
    comment = "No upstream, no gradient."
    yield from families("backward-upstream-zero", "upstream-zero", comment, ({**plain, **none},))
    cases = tuple({**plain, **none, name: unit} for name in upstream for unit in _units(plain[name]))
    comment = "One unit of upstream at each place in turn: one row of the Jacobian at a time."
    yield from families("backward-upstream-one-hot", "upstream-one-hot", comment, cases)

    def alone(name: str, w: Words) -> Inputs:
        return {
            k: x * 0 if k in upstream and k != name else x for k, x in ordinary(kind, (*kind.steps, *PLAIN), w).items()
        }

    for name in upstream if len(upstream) > 1 else ():
        id, comment = f"backward-{name.removeprefix('dL_d').replace('_', '-')}-alone", f"An upstream of {name} alone."
        flags = "random upstream-zero upstream-signed"
        yield from families(id, flags, comment, draw=partial(alone, name), counts=2)
    comment = "The same upstream in every row, as broadcasting makes it."
    equal = {**plain, **{name: plain[name] * 0 + plain[name][..., :1, :] for name in upstream}}
    yield from families("backward-equal-rows", "stride-zero", comment, (equal,))

    yield from far_upstreams(scaled(partial(ordinary, kind, (*kind.steps, *PLAIN))), dtype, cases=1)


def _units(like: np.ndarray) -> np.ndarray:
    """One unit at each place of an array in turn."""
    return np.eye(like.size, dtype=like.dtype).reshape(like.size, *like.shape)


def saturated(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Gates that are nearly open or shut, each in turn, by their biases."""
    units = PLAIN[-1]
    for size in kind.ladder:
        cases = []
        for gate in range(kind.blocks):
            biases = np.zeros(kind.blocks * units)
            biases[gate * units : (gate + 1) * units] = size, -size
            cases.append({**kind.plain(dtype), "bias_ih": held(biases, dtype), "bias_hh": held(biases * 0, dtype)})
        comment = f"A gate whose sums are about {size} in one unit and -{size} in the other, each gate in turn."
        yield from families(f"saturated-{size}", "saturated", comment, tuple(cases))


def far_states(kind: Cell, dtype: str) -> Iterator[Draft]:
    """States far beyond what a bounded activation gives, and close to 0."""
    plain = kind.plain(dtype)
    far = {name: held(np.resize([96, -24, 2.0**-10, -(2.0**-12)], plain[name].shape), dtype) for name in kind.states}
    comment = "States of 96, -24, 2^-10 and -2^-12, which nobody may clip or take for 0."
    yield from families("far-states", "spread", comment, ({**plain, **far},))


def successive(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Cases that differ from the one before in one argument."""
    yield from one_at_a_time(kind.plain(dtype), kind.plain(dtype, turn=3))


def special(kind: Cell, dtype: str) -> Iterator[Draft]:
    """The smallest sizes, no rows, NaN and subnormal numbers."""
    cases = tuple(kind.plain(dtype, (1, 1, 1), turn) for turn in (0, 2, 5))
    yield from families("smallest-1x1x1", "smallest batch-of-one", "One row, one input, one unit.", cases)
    comment = "No rows: no new states, and gradients of 0 for what all rows share."
    yield from families("empty", "empty-batch", comment, (kind.plain(dtype, (0, 3, 2)),), level="robust")
    plain = kind.plain(dtype)
    yield from nan_in_turn(plain, dict.fromkeys(plain, 0))
    small = ends(dtype).subnormal
    for direction, names in (("forward", kind.states), ("backward", tuple(n for n in plain if n.startswith("dL")))):
        tiny = {name: held(np.resize([1, -1, -1, 0.5], plain[name].shape) * small, dtype) for name in names}
        comment = f"Subnormal numbers in {' and '.join(names)}."
        yield from families(f"{direction}-subnormal", "subnormal", comment, ({**plain, **tiny},), level="robust")


def mismatches(kind: Cell, dtype: str) -> Iterator[Draft]:
    """Shapes that do not fit, to be refused."""
    plain = kind.plain(dtype, (2, 3, 4))
    for name, x in plain.items():
        rows = max(x.ndim - 2, 0)
        wrong = [("long", np.concatenate([x, x.take([0], rows)], rows)), ("one", x.take([0], rows))]
        if x.ndim > 1:
            wrong += [("one-column", x[..., :1]), ("rank", x[0])]
        if kind.steps and name == "dL_doutputs":
            wrong += [("step-more", np.concatenate([x, x[:1]])), ("step-less", x[1:])]
        for word, other in wrong:
            what = name.removeprefix("dL_d").replace("_", "-")
            id = f"mismatch-{what}-{word}" if not name.startswith("dL") else f"backward-mismatch-{what}-{word}"
            comment = f"{name} of shape {other.shape} where {x.shape} is due, to be broadcast by none."
            yield from refused(id, "size-mismatch", comment, {**plain, name: np.ascontiguousarray(other)})
    fitting = kind.plain(dtype, (kind.blocks, 1, 1))
    comment = (
        "The same where one row left out would make everything fit: as many rows as the weights have, of one number."
    )
    longer = {**fitting, "hidden": np.resize(fitting["hidden"], (kind.blocks + 1, 1))}
    yield from refused("mismatch-hidden-long-1x1", "size-mismatch", comment, longer)
