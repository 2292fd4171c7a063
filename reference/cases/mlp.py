"""What is tested of the network of two layers."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle, product

import numpy as np

from ..arithmetic.precision import HALF
from ..generation.draws import Words
from ..kinds import network_curated
from ..kinds.contractions_drawn import initial_weights
from ..kinds.labels_drawn import FORMS, REDUCTIONS
from ..kinds.network_curated import curated
from ..kinds.network_drawn import Network, network
from ..kinds.paired import paired, refused, without_upstream
from ..model.family import Draft, Inputs

Sizes = tuple[int, int, int, int]
MIXTURES = tuple(product(FORMS, REDUCTIONS))
DISTINCT: tuple[Sizes, ...] = ((2, 3, 5, 4), (4, 3, 6, 2), (5, 4, 2, 3))
"""(N, I, H, C), no two of which coincide; each form of labels with each reduction at one of them."""
COINCIDING: tuple[Sizes, ...] = (
    (3, 3, 3, 3),
    (4, 4, 5, 3),
    (3, 4, 4, 2),
    (2, 3, 4, 4),
    (3, 2, 5, 3),
    (2, 4, 3, 4),
    (4, 3, 4, 2),
)
THIN: tuple[Sizes, ...] = ((1, 3, 4, 2), (1, 4, 3, 5), (3, 4, 1, 2), (4, 1, 3, 2), (1, 1, 1, 2))
ODD: tuple[Sizes, ...] = ((9, 7, 17, 5), (7, 17, 9, 3), (3, 31, 4, 7), (3, 5, 33, 4), (33, 3, 5, 2), (2, 3, 4, 17))
COUNT = 12


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from random()
    yield from scales(dtype)
    yield from network_curated.drafts(dtype)
    yield from smallest(dtype)
    yield from invalid(dtype)


def random() -> Iterator[Draft]:
    """Ordinary networks of many sizes, under every form of labels and every reduction."""
    mixtures = cycle(MIXTURES)
    for k, sizes in enumerate(DISTINCT):
        for form, reduction in zip(FORMS, REDUCTIONS[k:] + REDUCTIONS[:k], strict=True):
            yield from _drawn(Network(*sizes, form, reduction), "distinct-sizes", COUNT // 3, COUNT)
    for group, flag, forward, backward in (
        (COINCIDING, "square", COUNT // 3, 2 * COUNT // 3),
        (THIN, "smallest", COUNT // 3, 2 * COUNT // 3),
        (ODD, "odd-sizes", 1, 2),
    ):
        for sizes in group:
            form, reduction = next(mixtures)
            yield from _drawn(
                Network(*sizes, form, reduction), "batch-of-one" if sizes[0] == 1 else flag, forward, backward
            )


def _drawn(what: Network, flag: str, forward: int, backward: int) -> Iterator[Draft]:
    yield from paired(
        f"random-{what.sizes}-{what.labels}-{what.reduction}",
        ("random", flag, f"labels-{what.labels}", "reduction", "upstream-signed"),
        f"A network of {what.inputs} inputs, {what.hidden} hidden units and {what.classes} classes, for a batch of "
        f"{what.rows}.",
        draw=lambda w: network(w, what),
        forward=forward,
        backward=backward,
        parameters={"reduction": what.reduction},
    )


def scales(dtype: str) -> Iterator[Draft]:
    """Inputs and weights far from 1."""
    what = Network(3, 4, 5, 2, "indices", "mean")
    exponent = 4 if dtype == "float16" else 30

    def scaled(w: Words, power: int) -> Inputs:
        case = network(w, what)
        factors = {"inputs": power, "weights1": -power}
        return {
            name: w.array(np.ldexp(x.astype(np.float64), factors[name])) if name in factors else x
            for name, x in case.items()
        }

    for word, power in (("large", exponent), ("small", -exponent)):
        yield from paired(
            f"{word}-inputs",
            ("spread", "upstream-signed"),
            f"Inputs around 2**{power}, and weights that make up for it: the gradients of both are far apart.",
            draw=partial(scaled, power=power),
            forward=COUNT // 3,
            backward=COUNT // 3,
            parameters={"reduction": what.reduction},
        )
    if dtype in HALF:
        return

    def start(w: Words) -> Inputs:
        case = network(w, what)
        return {
            **case,
            "weights1": initial_weights(w, (what.inputs, what.hidden)),
            "biases1": w.array(np.zeros((1, what.hidden))),
            "weights2": initial_weights(w, (what.hidden, what.classes)),
            "biases2": w.array(np.zeros((1, what.classes))),
        }

    yield from paired(
        "initial-weights",
        ("random", "small-values", "upstream-signed"),
        "A network as training starts: weights 0.01 times bell-shaped numbers, biases of 0.",
        draw=start,
        forward=COUNT // 3,
        backward=COUNT // 2,
        parameters={"reduction": what.reduction},
        source="nnfs.io, chapter on layers",
    )


def smallest(dtype: str) -> Iterator[Draft]:
    """One of everything, one class, and no rows at all."""
    one = {
        "inputs": [[3]],
        "weights1": [[0.5]],
        "biases1": [[-1]],
        "weights2": [[2]],
        "biases2": [[0.25]],
        "labels": [0],
    }
    one_class = {"weights2": [[1], [-1.5], [0.75]], "biases2": [[0.5]], "labels": [0, 0, 0]}
    for name, changes in (("smallest-n1-i1-h1-c1", one), ("one-class", one_class)):
        yield from paired(
            name,
            ("one-class", "smallest"),
            "The only class is certain: no loss, and no gradient.",
            cases=(curated(dtype, **changes),),
            parameters={"reduction": "mean"},
            level="robust",
        )
    for form, labels in (("indices", np.zeros(0)), ("one-hot", np.zeros((0, 3)))):
        for reduction in REDUCTIONS:
            upstream = np.zeros(0) if reduction == "none" else 1.5
            case = curated(dtype, dL_dloss=upstream, inputs=np.zeros((0, 2)), labels=labels)
            yield Draft(
                f"forward-empty-{form}-{reduction}",
                "forward",
                ("empty-batch",),
                "No rows, no loss.",
                (without_upstream(case),),
                parameters={"reduction": reduction},
                level="robust",
                result="convention" if reduction == "mean" else "valid",
                point="empty_mean" if reduction == "mean" else None,
            )
            yield Draft(
                f"backward-empty-{form}-{reduction}",
                "backward",
                ("empty-batch",),
                "No rows, and gradients of 0 for weights and biases.",
                (case,),
                parameters={"reduction": reduction},
                level="robust",
            )


def invalid(dtype: str) -> Iterator[Draft]:
    """Calls to be refused."""
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
        case = curated(dtype, **changes)
        yield refused(f"forward-invalid-{name}", flag, comment, without_upstream(case), reduction="mean")
        yield refused(f"backward-invalid-{name}", flag, comment, case, reduction="mean")
    yield refused(
        "backward-invalid-upstream",
        "size-mismatch",
        "An upstream for two rows of a batch of three.",
        curated(dtype, dL_dloss=[1.5, -2]),
        reduction="none",
    )
