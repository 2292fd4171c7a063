"""Families of cases for the network of two layers."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, product
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, nearest_held
from ..kinds.labelled import misfits as of_losses
from ..kinds.labels import FORMS, exact_soft_rows
from ..kinds.logits import NEAR, beyond_rows, gap
from ..kinds.network import PLAIN, Network, changed_network, curated, network
from ..kinds.operands import initial
from ..kinds.paired import families, refused
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams_of_rows
from ..model.family import Draft, Inputs
from ..model.losses import REDUCTIONS
from .softmax_cross_entropy import LOSS

LayerSizes = tuple[int, int, int, int]
DISTINCT: tuple[LayerSizes, ...] = ((2, 3, 5, 4), (4, 3, 6, 2), (5, 4, 2, 3))
"""(N, I, H, C), no two of which coincide; each form of labels with each reduction at one of them."""
GROUPS: tuple[tuple[str, tuple[int, int], tuple[LayerSizes, ...]], ...] = (
    (
        "square",
        (4, 8),
        ((3, 3, 3, 3), (4, 4, 5, 3), (3, 4, 4, 2), (2, 3, 4, 4), (3, 2, 5, 3), (2, 4, 3, 4), (4, 3, 4, 2)),
    ),
    ("smallest", (4, 8), ((1, 3, 4, 2), (1, 4, 3, 5), (3, 4, 1, 2), (4, 1, 3, 2), (1, 1, 1, 2))),
    ("odd-sizes", (1, 2), ((9, 7, 17, 5), (7, 17, 9, 3), (3, 31, 4, 7), (3, 5, 33, 4), (33, 3, 5, 2), (2, 3, 4, 17))),
)
LARGE = {
    "float64": Network(33, 2, 35, 3, "indices", "mean"),
    "float32": Network(257, 2, 3, 2, "indices", "mean"),
    "float16": Network(2, 33, 35, 3, "indices", "sum"),
    "bfloat16": Network(65, 3, 4, 2, "indices", "none"),
}
"""By dtype, more rows than a block has, and gradients of weights that are larger than a tile both ways."""
ALL_ON, ALL_OFF = [[1, 4, 6.5]], [[-8, -8.5, -9]]
G = [1.5, -2, 3]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from drawn()
    yield from _drawn(LARGE[dtype], "odd-sizes", (1, 1))
    for part in (scales, upstreams, kinks, far, labels_and_shapes, special, misfits, successive, ladder):
        yield from part(dtype)


def drawn() -> Iterator[Draft]:
    """Ordinary networks of many sizes, under every form of labels and every reduction."""
    for k, sizes in enumerate(DISTINCT):
        for form, reduction in zip(FORMS, REDUCTIONS[k:] + REDUCTIONS[:k], strict=True):
            yield from _drawn(Network(*sizes, form, reduction), "distinct-sizes", (4, 8))
    mixtures = cycle(product(FORMS, REDUCTIONS))
    for flag, counts, group in GROUPS:
        for sizes in group:
            yield from _drawn(Network(*sizes, *next(mixtures)), "batch-of-one" if sizes[0] == 1 else flag, counts)
    for reduction in REDUCTIONS:
        yield from _drawn(Network(131, 2, 3, 2, "indices", reduction), "odd-sizes", (1, 1))
        what = Network(3, 2, 4, 3, "soft", reduction)
        comment = "Soft labels of full significands, hard rows among them."
        draw, parameters = partial(_of_exact_labels, what), {"reduction": reduction}
        flags = "random labels-soft upstream-signed"
        yield from families(f"exact-labels-{reduction}", flags, comment, draw=draw, counts=1, parameters=parameters)


def _of_exact_labels(what: Network, w: Words) -> Inputs:
    case = network(w, what)
    return {**case, "labels": exact_soft_rows(w, what.rows, what.classes)}


def _drawn(what: Network, flag: str, counts: tuple[int, int]) -> Iterator[Draft]:
    n, i, h, c = what.rows, what.inputs, what.hidden, what.classes
    flags = f"random {flag} labels-{what.labels} reduction upstream-signed"
    comment = f"A network of {i} inputs, {h} hidden units and {c} classes, for a batch of {n}."
    name, parameters = f"random-n{n}-i{i}-h{h}-c{c}-{what.labels}-{what.reduction}", {"reduction": what.reduction}
    yield from families(name, flags, comment, draw=partial(network, what=what), counts=counts, parameters=parameters)


def scales(dtype: str) -> Iterator[Draft]:
    """Inputs and weights far from 1."""
    what, far_off, mean = Network(3, 4, 5, 2, "indices", "mean"), 4 if dtype == "float16" else 30, {"reduction": "mean"}

    def scaled(power: int, w: Words) -> Inputs:
        case, factors = network(w, what), {"inputs": power, "weights1": -power}
        return {**case, **{name: w.scaled(case[name], e) for name, e in factors.items()}}

    for word, power in (("large", far_off), ("small", -far_off)):
        comment = f"Inputs around 2**{power}, and weights that make up for it: the gradients of both are far apart."
        flags, draw = "spread upstream-signed", partial(scaled, power)
        yield from families(f"{word}-inputs", flags, comment, draw=draw, counts=4, parameters=mean)
    if dtype in HALF:
        return

    def start(w: Words) -> Inputs:
        case = network(w, what)
        weights = {"weights1": initial(w, (4, 5)), "weights2": initial(w, (5, 2))}
        return {**case, **weights, "biases1": w.array(np.zeros((1, 5))), "biases2": w.array(np.zeros((1, 2)))}

    comment = "A network as training starts: weights 0.01 times bell-shaped numbers, biases of 0."
    more: dict[str, Any] = {"parameters": mean, "source": "nnfs.io, chapter on layers"}
    flags = "random small-values upstream-signed"
    yield from families("initial-weights", flags, comment, draw=start, counts=(4, 6), **more)


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them."""
    far_off = 8 if dtype == "float16" else 16
    both = "Upstreams of both signs: none, ordinary, small and large."
    scalars = [0, -0.75, 3, 2.0**-far_off * 5, -(2.0**far_off) * 3]
    if dtype != "float16":
        yield from far_upstreams_of_rows(partial(network, what=Network(3, 4, 5, 2, "indices", "none")))
    mixed = [[1.5, -2, 0.25], [-3, 0.75, 5]]
    for name, flags, comment, values, reduction in (
        ("zero", "upstream-zero", "No upstream, no gradient.", [[0, 0, 0]], "none"),
        ("one-hot", "upstream-one-hot", "One unit of upstream for each row in turn.", np.eye(3), "none"),
        ("mixed", "upstream-signed", "Rows of different sign and size.", mixed, "none"),
        ("mean", "upstream-signed reduction", both, scalars, "mean"),
        ("sum", "upstream-signed reduction", both, scalars, "sum"),
    ):
        cases = [{"dL_dloss": g} for g in values]
        yield from curated(dtype, f"backward-upstream-{name}", flags, comment, *cases, reduction=reduction)
    comment = "Rows of inputs that are the same, with labels and upstreams that are not."
    equal = {"dL_dloss": G, "inputs": [PLAIN["inputs"][0]] * 3, "labels": [0, 2, 1]}
    yield from curated(dtype, "backward-equal-inputs", "stride-zero upstream-signed", comment, equal, reduction="none")
    half = ends(dtype).subnormal
    comment = "A subnormal upstream of either sign: what is computed of it may be 0, but not of the other sign."
    small = {"dL_dloss": [half, -half, half], "biases1": ALL_ON}
    name, flags = "backward-subnormal-upstream", "subnormal upstream-signed"
    yield from curated(dtype, name, flags, comment, small, reduction="none", level="robust")


def successive(dtype: str) -> Iterator[Draft]:
    """Cases that differ from the one before in one argument alone, or in the last digits of one."""
    other = {
        "dL_dloss": -0.75,
        "inputs": [[2, 1], [1, -2], [-1, 3]],
        "weights1": [[1, 0.5, -1], [-0.75, 2, 0.5]],
        "biases1": [[0.5, 0.125, -0.25]],
        "weights2": [[-0.5, 0.5, 1], [0.25, -1, 0.75], [1, 0.25, -0.125]],
        "biases2": [[-1, 0.5, 0.25]],
        "labels": [2, 1, 0],
    }
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    changes = (dict([*other.items()][:k]) for k in range(len(other) + 1))
    yield from curated(dtype, "one-argument-at-a-time", "successive", comment, *changes)
    shift = 4 if dtype in HALF else 128
    steps = 8 * 2.0 ** (shift.bit_length() - FORMATS[dtype].significand) * np.concatenate([np.zeros((1, 3)), np.eye(3)])
    digits = [{"biases2": [np.array([0.5, 0.25, 0]) + shift + step], "dL_dloss": G} for step in steps]
    comment = "Last biases that differ in the last four bits alone, from one case to the next."
    yield from curated(dtype, "last-digits", "successive shifted-logits", comment, *digits, reduction="none")


def ladder(dtype: str) -> Iterator[Draft]:
    """Rows of logits at thresholds, all of a row near one number or far apart, and losses as large as that."""
    comment, alike = "The logits of a row are at a threshold of either sign.", np.zeros((3, 3))
    sizes = [m for m in (60, 104, 1e4, 1e5, 4e9) if m < ends(dtype).largest]
    rungs = [float(m) for m in nearest_held(sizes, dtype)]
    for reduction, g in (("mean", 1.5), ("sum", -2), ("none", G)):
        biases2 = [[x] for m in rungs for x in ([[m] * 3, [-m] * 3] if gap(m, dtype) <= NEAR else beyond_rows(m))]
        level = [{"weights2": alike, "biases2": row, "dL_dloss": g} for row in biases2]
        yield from curated(dtype, f"ladder-{reduction}", "far-logits saturated", comment, *level, reduction=reduction)
    comment = "Logits that the hidden units put far apart: the losses are as large, and neither clipped nor infinite."
    apart = {"biases1": ALL_ON, "biases2": [[0, 0, 0]], "labels": [0, 2, 0]}
    sizes = [m for m in (64, 8192, 131072) if m < ends(dtype).top / 8]
    cases = [{**apart, "weights2": np.array([[-1, 0.5, 0]] * 3) * m} for m in sizes]
    yield from curated(dtype, "large-losses", "confident-wrong far-logits", comment, *cases)


def kinks(dtype: str) -> Iterator[Draft]:
    """Hidden units at exactly 0, where the derivative jumps, and units that are off, or on, for every row."""
    inputs, weights1 = [[1, 2], [0, 0], [3, -1]], [[0.5, -1, 2], [1.25, 0.25, -0.75]]
    zero = {"inputs": inputs, "weights1": weights1, "biases1": [[0, 0, 0]]}
    some = {"inputs": [[2, 1], [-2, 1], [3, -1]], "labels": [0, 1, 2]}
    cancelled = (
        {**some, "weights1": [[1, -1, 2], [-2, 0.25, -1]], "biases1": [[0, -0.5, 1]]},
        {**some, "weights1": [[1, -1, 2], [-1, 0.25, -1]], "biases1": [[-1, -0.5, 1]]},
    )
    zeros, where = (zero, {**zero, "labels": [2, 0, 1]}), "A row of zeros and biases of 0: its hidden units are at 0."
    for name, comment, cases in (
        ("zero-row", where, zeros),
        ("cancelled", "A hidden unit whose terms cancel to exactly 0.", cancelled),
    ):
        for reduction, g in {"mean": -2.5, "none": G}.items():
            for direction, point in (("forward", None), ("backward", "relu_slope_at_zero")):
                id, under = f"{direction}-kink-{name}-{reduction}", [{**case, "dL_dloss": g} for case in cases]
                yield from curated(dtype, id, "kink", comment, *under, reduction=reduction, point=point)
    for name, biases, comment in (
        ("dead-layer", ALL_OFF, "All hidden units are off: nothing passes but to the last biases."),
        ("dead-unit", [[-8, -0.5, 1]], "One hidden unit is off for every row."),
        ("all-on", ALL_ON, "All hidden units are on: the network is linear up to its logits."),
    ):
        other = {"biases1": biases, "labels": [1, 1, 0], "dL_dloss": -0.75}
        yield from curated(dtype, name, "dead", comment, {"biases1": biases}, other)


def far(dtype: str) -> Iterator[Draft]:
    """Logits far from one another, or from 0: a shift so large that exp overflows."""
    right, wrong = [0, 1, 0], [1, 2, 2]

    def apart(gap: float, labels: list[int]) -> dict[str, Any]:
        weights2 = np.array([[2, 0, -0.5], [0, 2, -0.5], [0, 0, 0]]) * nearest_held(gap, dtype).astype(np.float64)
        first = {"inputs": [[1, 0], [0, 1], [1, -1]], "weights1": [[1, 0, 0.25], [0, 1, 0.25]]}
        second = {"biases1": [[-0.5, -0.5, 0.25]], "weights2": weights2, "biases2": [[0, 0, 0]]}
        return {**first, **second, "dL_dloss": 0.5, "labels": labels}

    beyond, gap = 768 if dtype == "float64" else 96, 4 if dtype == "float16" else 8
    comment = f"The network is sure of the true classes, by logits of {beyond}: exp of them overflows."
    flags = "confident-right far-logits"
    yield from curated(dtype, "confident-right-beyond-exp", flags, comment, apart(beyond, right))
    if dtype == "float64":
        comment = "A loss under 1e-6 is not 0."
        yield from curated(dtype, "confident-right-small-loss", "confident-right", comment, apart(32, right))
    for word, labels, comment in (
        ("right", right, "The network is sure of the true classes: losses and gradients are small."),
        ("wrong", wrong, "The network is sure of other classes than the true ones."),
    ):
        near = [apart(gap, labels), apart(gap / 2, labels)]
        yield from curated(dtype, f"confident-{word}", f"confident-{word}", comment, *near)
        comment += " Logits are 64, 512 and 10000 apart, beyond what exp takes."
        flags, distant = f"confident-{word} far-logits", [apart(gap, labels) for gap in (64, 512, 10000)]
        yield from curated(dtype, f"far-{word}", flags, comment, *distant, reduction="sum", level="robust")
    if dtype in HALF:
        return
    soft = [[0.5, 0, 0.5], [0.25, 0.75, 0], [0.125, 0.25, 0.625]]
    comment = f"The last biases shift all logits by {beyond}: exp of them overflows, and no probability changes."
    shifted: tuple[tuple[str, Any, Any, str], ...] = (("indices", [0, 2, 1], 1.5, "mean"), ("soft", soft, G, "none"))
    for form, labels, g, reduction in shifted:
        case = {"biases2": [[beyond + 0.5, beyond - 0.25, beyond]], "labels": labels, "dL_dloss": g}
        flags = f"shifted-logits far-logits labels-{form}"
        yield from curated(dtype, f"shifted-{form}", flags, comment, case, reduction=reduction)


def labels_and_shapes(dtype: str) -> Iterator[Draft]:
    """Labels of the first class and of the last in every form, one of everything, one class, and no rows at all."""
    indices = ([0, 2, 0], [2, 0, 2], [2, 2, 2], [0, 0, 0])
    one_hot, soft = [np.eye(3)[y] for y in indices], [[0.5, 0, 0.5], [0.25, 0.75, 0], [0, 0.125, 0.875]]
    edges: tuple[tuple[str, Any], ...] = (("indices", indices), ("one-hot", one_hot), ("soft", [soft]))
    for form, group in edges:
        cases, comment = [{"labels": y} for y in group], "Labels of the first class and of the last."
        yield from curated(dtype, f"label-edges-{form}", f"label-edge labels-{form}", comment, *cases)
    layers = {"weights1": [[0.5]], "biases1": [[-1]], "weights2": [[2]], "biases2": [[0.25]]}
    one = {"inputs": [[3]], **layers, "labels": [0]}
    one_class = {"weights2": [[1], [-1.5], [0.75]], "biases2": [[0.5]], "labels": [0, 0, 0]}
    comment = "The only class is certain: no loss, and no gradient."
    yield from curated(dtype, "smallest-n1-i1-h1-c1", "one-class smallest", comment, one, level="robust")
    yield from curated(dtype, "one-class", "one-class smallest", comment, one_class, level="robust")
    for (form, labels), reduction in product({"indices": np.zeros(0), "one-hot": np.zeros((0, 3))}.items(), REDUCTIONS):
        case = {"dL_dloss": np.zeros(0) if reduction == "none" else 1.5, "inputs": np.zeros((0, 2)), "labels": labels}
        for direction in ("forward", "backward"):
            point = "empty_mean" if (direction, reduction) == ("forward", "mean") else None
            name, comment = f"{direction}-empty-{form}-{reduction}", "No rows: no loss, and gradients of 0."
            more: dict[str, Any] = {"reduction": reduction, "level": "robust", "point": point}
            yield from curated(dtype, name, "empty-batch", comment, case, **more)


def special(dtype: str) -> Iterator[Draft]:
    """Infinities, NaN and subnormal numbers."""
    nan, give = math.nan, partial(curated, dtype, level="robust")
    comment = "A NaN among the last biases spoils everything."
    yield from give("nan", "nan", comment, {"biases1": ALL_ON, "biases2": [[0.5, nan, 0]]})
    comment = "A NaN of the upstream spoils its row's gradient, and those of the weights, but no other row's."
    case = {"dL_dloss": [1.5, nan, -2], "biases1": ALL_ON}
    yield from give("backward-nan-upstream", "nan", comment, case, reduction="none")
    comment = "A class masked by a bias of -inf has probability 0, and no gradient."
    case = {"biases2": [[0.5, -0.25, -math.inf]], "labels": [0, 1, 1]}
    yield from give("masked-class", "masked-logits infinity", comment, case)
    case = {"inputs": np.array(PLAIN["inputs"]) * ends(dtype).normal / 4}
    comment = "Subnormal inputs, and so subnormal gradients of the first weights."
    yield from give("subnormal-inputs", "subnormal", comment, case)


def misfits(dtype: str) -> Iterator[Draft]:
    """Calls to refuse: labels or shapes that do not fit."""
    for name, flag, comment, changes in (
        ("label-too-large", "label-range", "A label of 3 for three classes.", {"labels": [0, 3, 1]}),
        ("label-negative", "label-range", "A label of -1.", {"labels": [0, -1, 1]}),
        ("labels-too-many", "label-length", "Four labels for three rows.", {"labels": [0, 2, 1, 0]}),
        ("labels-too-few", "label-length", "Two labels for three rows.", {"labels": [0, 2]}),
        ("label-single", "label-length", "One label for three rows, to be broadcast by none.", {"labels": [1]}),
        ("label-columns", "label-length", "One-hot rows of four for three classes.", {"labels": np.eye(4)[[0, 2, 1]]}),
        ("inputs", "size-mismatch", "Three inputs a row for weights of two.", {"inputs": np.ones((3, 3))}),
        ("hidden", "size-mismatch", "Three hidden units for weights of two.", {"weights2": np.ones((2, 3))}),
    ):
        yield from refused(f"invalid-{name}", flag, comment, changed_network(dtype, changes), reduction="mean")
    shapes: tuple[tuple[str, Shape], ...] = (("mean", (3,)), ("mean", (1,)), ("none", ()), ("none", (1,)))
    for reduction, shape in (*shapes, ("none", (3, 1)), ("none", (1, 3))):
        case = changed_network(dtype, {"dL_dloss": np.resize(G, shape)})
        name = f"backward-invalid-upstream-{reduction}-{'x'.join(map(str, shape)) or 'scalar'}"
        comment = f'An upstream of shape {shape} for a batch of three and reduction "{reduction}".'
        yield from refused(name, "size-mismatch", comment, case, reduction=reduction)
    for layer, shape in product(("biases1", "biases2"), ((3, 3), (3, 1), (1, 1), ())):
        of_both = "forward-" if (layer, shape) == ("biases1", (3, 3)) else ""  # backward has it below
        case, comment = changed_network(dtype, {layer: np.ones(shape)}), f"{layer} of shape {shape} for three units."
        name = f"{of_both}invalid-{layer}-{'x'.join(map(str, shape)) or 'scalar'}"
        yield from refused(name, "size-mismatch", comment, case, reduction="mean")
    if dtype in ("float64", "float32"):  # what is refused is refused at any dtype
        yield from (_of_a_network(draft, dtype) for draft in of_losses(LOSS, dtype))
    case, comment = changed_network(dtype, {"dL_dloss": [1.5, -2]}), "An upstream for two rows of a batch of three."
    yield from refused("backward-invalid-upstream", "size-mismatch", comment, case, reduction="none")
    case, comment = changed_network(dtype, {"biases1": np.ones((3, 3))}), "Biases of the first layer for each row."
    yield from refused("backward-invalid-biases", "size-mismatch", comment, case, reduction="mean")


def _of_a_network(draft: Draft, dtype: str) -> Draft:
    """Give a draft of calls of the loss that are refused as one of calls of a network."""

    def call(case: Inputs) -> Inputs:
        rows, classes = case["logits"].shape
        own = {
            "inputs": np.resize(PLAIN["inputs"], (rows, 2)),
            "weights2": np.resize(PLAIN["weights2"], (3, classes)),
            "biases2": np.resize(PLAIN["biases2"], (1, classes)),
        }
        network = changed_network(dtype, own)
        return {name: case.get(name, x) for name, x in network.items() if name in case or not name.startswith("dL_d")}

    return replace(draft, name=f"{draft.name}-of-the-network", cases=tuple(map(call, draft.cases)))
