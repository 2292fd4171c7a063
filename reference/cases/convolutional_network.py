"""Families of cases for the network of images."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, held
from ..kinds.clear import CLEARANCE, one_more_at_a_time
from ..kinds.loss import upstream_drawn
from ..kinds.normalization import apart
from ..kinds.paired import changed, families, in_steps, refused
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams_of_rows
from ..model.family import Draft, Inputs
from ..model.losses import REDUCTIONS
from ..ops import batch_norm, conv2d
from ..ops.convolutional_network import features_of, quarters

NAMES = ("inputs", "conv_weight", "conv_bias", "norm_weight", "norm_bias", "weights", "biases", "labels")


@dataclass(frozen=True)
class Network:
    """The sizes of a network, and its reduction."""

    inputs: Shape
    kernel: Shape
    """(O, KH, KW)."""
    classes: int
    reduction: str = "mean"

    @property
    def name(self) -> str:
        """As a name of families has it: "n3-2x3x5-k2x2x2-c3-mean"."""
        images, kernel = ("x".join(map(str, sizes)) for sizes in (self.inputs[1:], self.kernel))
        return f"n{self.inputs[0]}-{images}-k{kernel}-c{self.classes}-{self.reduction}"


PLAIN = Network((3, 2, 3, 5), (2, 2, 2), 3)
LAYOUTS: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("distinct-sizes", tuple(Network((3, 2, 5, 4), (2, 2, 1), 4, reduction) for reduction in REDUCTIONS)),
    ("distinct-sizes", (Network((5, 2, 2, 3), (2, 1, 2), 3), Network((2, 3, 3, 8), (2, 2, 3), 5, "none"))),
    ("square", (Network((3, 3, 3, 3), (3, 2, 2), 3, "none"), Network((2, 2, 5, 5), (2, 2, 2), 2, "sum"))),
    ("batch-of-one", (Network((1, 2, 5, 4), (2, 2, 1), 3), Network((1, 1, 4, 6), (2, 1, 2), 2, "none"))),
    ("smallest", (Network((4, 2, 2, 3), (1, 1, 2), 2, "sum"), Network((3, 2, 2, 2), (2, 1, 1), 3, "none"))),
    ("odd-sizes", (Network((2, 9, 3, 3), (2, 2, 2), 2, "sum"), Network((2, 1, 3, 3), (17, 2, 2), 2))),
    ("odd-sizes", (Network((2, 2, 3, 3), (2, 2, 2), 17, "none"),)),
)
LARGE = {"float64": 33, "float32": 65}
"""By dtype, more images than a block has."""


def before_relu(case: Inputs) -> list[np.ndarray]:
    """What a case's convolution gives, and what its normalisation makes of that."""
    images = (case[name].astype(np.float64) for name in NAMES[:5])
    return [*features_of(conv2d.forward, batch_norm.forward, *images)[:2]]


def is_clear(before: np.ndarray, dtype: str) -> bool:
    """Whether nothing that ReLU gets is near the kink, and no two of a window tie for the largest, but zeros."""
    *_, second, first = np.sort(np.stack(quarters(np.maximum(before, 0))), axis=0)
    ties = (first > 0) & (first - second < CLEARANCE[dtype] * (1 + first))
    return not ties.any() and bool((abs(before) >= CLEARANCE[dtype]).all())


def network(w: Words, what: Network, shift: float = 0.0) -> Inputs:
    """Draw the arguments of backward, inputs around `shift`.

    Biases of the normalisation put the kink into a gap between the elements of each channel.
    """
    n, c, *_ = what.inputs
    o, *size = what.kernel
    draw = apart if w.dtype in HALF else Words.normal
    while True:
        case: dict[str, np.ndarray] = {
            "dL_dloss": upstream_drawn(w, (n,), what.reduction),
            "inputs": w.uniform(what.inputs, shift - 2, shift + 2) if shift else draw(w, what.inputs),
            "conv_weight": draw(w, (o, c, *size)),
            "conv_bias": w.signed((o,), 0.125, 0.25),
            "norm_weight": w.signed((o,), 0.5, 1.5),
            "norm_bias": w.array(np.zeros(o)),
        }
        images, centred = before_relu(case)
        if w.dtype in HALF and (abs(images.mean(axis=(0, 2, 3))) > images.std(axis=(0, 2, 3)) / 4).any():
            continue
        values = np.sort(np.moveaxis(centred, 1, 0).reshape(o, -1), axis=1)
        middle = values[:, values.shape[1] // 4 : values.shape[1] * 3 // 4 + 1]
        gaps = np.diff(middle, axis=1).argmax(axis=1)[:, None]
        kinks = sum(np.take_along_axis(middle, gaps + k, axis=1)[:, 0] for k in (0, 1)) / 2
        case["norm_bias"] = w.array(np.round(kinks * -128) / 128)
        if not is_clear(centred + case["norm_bias"].astype(np.float64)[:, None, None], w.dtype):
            continue
        features = o * math.prod((s - k + 1) // 2 for s, k in zip(what.inputs[2:], size, strict=True))
        down = features.bit_length() // 2 + (w.dtype in HALF)
        weights = w.scaled(draw(w, (features, what.classes)), -down)
        dense = {"weights": weights, "biases": w.signed((1, what.classes), 0.125, 0.75)}
        return {**case, **dense, "labels": w.integers((n,), 0, what.classes)}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    parts = (drawn, given, *(() if dtype in HALF else (far,)), special, misfits)
    yield from changed(chain.from_iterable(part(dtype) for part in parts), {}, {"reduction": "mean"})


def drawn(dtype: str) -> Iterator[Draft]:
    """Ordinary networks of many sizes, under every reduction."""
    large = [("many-rows", (Network((LARGE[dtype], 1, 3, 2), (1, 2, 1), 2),))] if dtype in LARGE else []
    for flag, group in (*LAYOUTS[: -2 if dtype in HALF else None], *large):
        for what in group:
            comment = f"Images of shape {what.inputs}, kernels of shape {what.kernel}, and {what.classes} classes."
            flags = f"random {flag} labels-indices reduction upstream-signed"
            counts = 1 if flag == "many-rows" else (2, 1)
            given: dict[str, Any] = {"draw": partial(network, what=what), "parameters": {"reduction": what.reduction}}
            yield from families(f"random-{what.name}", flags, comment, counts=counts, **given)


def plain(dtype: str, **changes: object) -> Inputs:
    """Give the plain network with some of its tensors changed."""
    case = network(Words("convolutional_network/plain", dtype), PLAIN)
    return {**case, **{k: np.array(x, np.int64) if k == "labels" else held(x, dtype) for k, x in changes.items()}}


Row = tuple[str, str, str, str, Sequence[Mapping[str, object]]]
"""A name, flags, a comment, a reduction, and what a case changes of the plain network."""


def of_plain(dtype: str, *rows: Row, **more: Any) -> Iterator[Draft]:
    """Give families of the plain network, a case for each set of tensors that are changed in it."""
    for name, flags, comment, reduction, changes in rows:
        cases, parameters = tuple(plain(dtype, **one) for one in changes), {"reduction": reduction}
        yield from families(name, flags, comment, cases, parameters=parameters, **more)


def given(dtype: str) -> Iterator[Draft]:
    """The plain network with some of its tensors changed."""
    sure = [{"biases": [[6, 0, -6]], "labels": [y] * 3} for y in (0, 2)]
    edges = [{"labels": y} for y in ([0, 2, 0], [2, 2, 2])]
    ones, one = [{"dL_dloss": unit} for unit in np.eye(3)], "One unit of upstream for each image in turn: others have"
    equal, unit = "The same upstream for every image.", 2.0 ** (3 - FORMATS[dtype].significand)
    digits = [{"biases": [[1, 1.5, 1 + k * unit]]} for k in (0, 1, 2)]
    of_digits = "Last biases that differ in the last digits alone, from one case to the next."
    of_edges, off, on = "Labels of the first class and of the last.", -8, 8
    yield from of_plain(
        dtype,
        ("backward-upstream-zero", "upstream-zero", "No upstream, no gradient.", "none", [{"dL_dloss": [0, 0, 0]}]),
        ("backward-upstream-one-hot", "upstream-one-hot", f"{one} a gradient through mean and variance.", "none", ones),
        ("backward-upstream-equal", "stride-zero", equal, "none", [{"dL_dloss": [-3, -3, -3]}]),
        ("label-edges", "label-edge labels-indices", of_edges, "sum", edges),
        ("sure", "confident-right confident-wrong", "Classes that are all but certain, or impossible.", "mean", sure),
        ("dead-channel", "dead", "A channel is off for every image.", "mean", [{"norm_bias": [off, on]}]),
        ("dead", "dead", "Nothing passes but to the last biases.", "mean", [{"norm_bias": [off, off]}]),
        ("all-on", "dead", "ReLU lets everything pass.", "mean", [{"norm_bias": [on, on]}]),
        ("last-digits", "successive", of_digits, "mean", digits),
    )


def far(dtype: str) -> Iterator[Draft]:
    """Numbers far from 1, where the dtype has room for them."""
    draw = partial(network, Words("convolutional_network/others", dtype), PLAIN)
    cases = one_more_at_a_time(plain(dtype), draw, lambda case: is_clear(before_relu(case)[1], dtype))
    yield from in_steps(tuple(cases))
    comment = "All inputs near a common number, which the normalisation takes off."
    yield from families("offset", "random offset", comment, draw=partial(network, what=PLAIN, shift=3.0), counts=2)
    yield from far_upstreams_of_rows(partial(network, what=replace(PLAIN, reduction="none")))

    def small(w: Words) -> Inputs:
        case = network(w, PLAIN)
        return {**case, **{name: w.scaled(case[name], -8) for name in ("inputs", "conv_bias")}}

    yield from families("epsilon", "random epsilon", "Variances about as large as eps.", draw=small, counts=2)
    beyond = 768 if dtype == "float64" else 96
    comment = f"The last biases shift all logits by {beyond}: exp of them overflows, and no probability changes."
    shifted = plain(dtype, biases=[[beyond + 0.5, beyond - 0.25, beyond]])
    yield from families("shifted", "shifted-logits far-logits", comment, (shifted,))


def special(dtype: str) -> Iterator[Draft]:
    """No images, a single class, and numbers that are none or subnormal."""
    least = ends(dtype).subnormal
    tiny = {"inputs": np.resize([least, -least, 0], PLAIN.inputs)}
    none: dict[str, Any] = {"inputs": np.zeros((0, 2, 3, 5)), "labels": []}
    one_class = {"weights": np.ones((4, 1)), "biases": [[0.5]], "labels": [0, 0, 0]}
    nan, of_nan = {"biases": [[0.5, math.nan, 0]]}, "A NaN among the last biases spoils everything."
    signed, of_signed = {"dL_dloss": [least, -least, least]}, "A subnormal upstream of either sign."
    yield from of_plain(
        dtype,
        ("empty", "empty-batch", "No images: no loss, and gradients of 0.", "sum", [none]),
        ("empty-none", "empty-batch", "No images: no losses, and gradients of 0.", "none", [{**none, "dL_dloss": []}]),
        ("one-class", "one-class", "The only class is certain: no loss, and no gradient.", "mean", [one_class]),
        ("nan", "nan", of_nan, "mean", [nan]),
        ("forward-subnormal-inputs", "subnormal epsilon", "The mean is taken off what is left.", "mean", [tiny]),
        ("backward-subnormal-upstream", "subnormal upstream-signed", of_signed, "none", [signed]),
        level="robust",
    )
    nothing: Row = ("forward-empty-mean", "empty-batch", "No images: the mean over none.", "mean", [none])
    yield from of_plain(dtype, nothing, level="robust", point="empty_mean")


def misfits(dtype: str) -> Iterator[Draft]:
    """Calls to refuse."""
    wrong: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("label-too-large", "label-range", {"labels": [0, 3, 1]}),
        ("label-negative", "label-range", {"labels": [0, -1, 1]}),
        ("labels-too-few", "label-length", {"labels": [0, 2]}),
        ("labels-too-many", "label-length", {"labels": [0, 2, 1, 0]}),
        ("labels-one", "label-length", {"labels": [1]}),
        ("channels", "size-mismatch", {"inputs": np.ones((3, 3, 3, 5))}),
        ("conv_bias-one", "size-mismatch", {"conv_bias": [1]}),
        ("norm_weight-one", "size-mismatch", {"norm_weight": [1]}),
        ("norm_bias-one", "size-mismatch", {"norm_bias": [1]}),
        ("weights", "size-mismatch", {"weights": np.ones((5, 3))}),
        ("biases-one", "size-mismatch", {"biases": [[1]]}),
        ("biases-rows", "size-mismatch", {"biases": np.ones((3, 3))}),
        ("backward-invalid-upstream-rows", "size-mismatch", {"dL_dloss": [1, 2, 3]}),
        ("backward-invalid-upstream-one", "size-mismatch", {"dL_dloss": [1]}),
    )
    for name, flag, changes in wrong:
        comment = f"{name.replace('-', ', ')}: what does not fit the others, to be broadcast or wrapped around by none."
        id = name if name.startswith("backward") else f"invalid-{name}"
        yield from refused(id, flag, comment, plain(dtype, **changes))
    name, comment, case = "backward-invalid-upstream-short", "An upstream too few.", plain(dtype, dL_dloss=[1.5, -2])
    yield from refused(name, "size-mismatch", comment, case, reduction="none")
