"""What is tested of the softmax."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..generation.draws import Words, held, nearest_held
from ..kinds import softmax_limits
from ..kinds.paired import paired, refused
from ..kinds.softmax_drawn import balanced, ordinary
from ..model.family import Draft, Inputs

RANKS = {"c5": (5,), "n4-c3": (4, 3), "n3-c6": (3, 6), "n2-h3-c4": (2, 3, 4), "n2-h3-w2-c5": (2, 3, 2, 5)}
COINCIDING = {"n3-c3": (3, 3), "n4-c4": (4, 4), "n3-h3-c3": (3, 3, 3), "n2-h2-w2-c2": (2, 2, 2, 2)}
THIN = {"n1-c4": (1, 4), "n5-c2": (5, 2)}
ODD = {
    "n9-c7": (9, 7),
    "n17-c3": (17, 3),
    "n3-c9": (3, 9),
    "n2-c17": (2, 17),
    "n2-c31": (2, 31),
    "n3-c33": (3, 33),
    "n1-c65": (1, 65),
}
COUNT = 16
LESSON = "nnfs.io, chapter on activation functions: softmax"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from lesson(dtype)
    yield from random()
    yield from upstreams(dtype)
    yield from ties(dtype)
    yield from softmax_limits.drafts(dtype)
    yield from shapes(dtype)


def random() -> Iterator[Draft]:
    """Ordinary input of every rank."""
    for group, flag, forward, backward in (
        (RANKS, "rank", COUNT // 2, COUNT),
        (COINCIDING, "square", COUNT // 2, COUNT),
        (THIN, "smallest", COUNT // 2, COUNT),
        (ODD, "odd-sizes", 2, 4),
        ({"n2-c1000": (2, 1000)}, "many-classes", 1, 1),
    ):
        for name, shape in group.items():
            yield from paired(
                f"random-{name}",
                ("random", "batch-of-one" if shape[0] == 1 else flag, "upstream-signed"),
                f"Bell-shaped logits of shape {shape}.",
                draw=partial(ordinary, shape=shape),
                forward=forward,
                backward=backward,
            )


def lesson(dtype: str) -> Iterator[Draft]:
    """The figures of the lesson."""
    yield Draft(
        "forward-lesson",
        "forward",
        ("lesson",),
        "The lesson's outputs of a layer.",
        ({"logits": nearest_held([[4.8, 1.21, 2.385]], dtype)},),
        source=LESSON,
    )
    yield Draft(
        "forward-lesson-shifted",
        "forward",
        ("lesson", "shifted-logits"),
        "The lesson's example that a shift by the maximum changes nothing, and that a factor does.",
        tuple({"logits": held([z], dtype)} for z in ([1, 2, 3], [-2, -1, 0], [0.5, 1, 1.5])),
        source=LESSON,
    )


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""
    logits = held([[1, -0.5, 2], [0.25, 3, -1]], dtype)

    def case(upstream: object) -> Inputs:
        return {"dL_doutputs": held(upstream, dtype), "logits": logits}

    yield Draft(
        "backward-upstream-zero", "backward", ("upstream-zero",), "No upstream, no gradient.", (case(np.zeros((2, 3))),)
    )
    yield Draft(
        "backward-upstream-one-hot",
        "backward",
        ("upstream-one-hot",),
        "One unit of upstream at each place in turn: the columns of each row's Jacobian, and 0 for the other row.",
        tuple(case(unit) for unit in np.eye(6).reshape(6, 2, 3)),
    )
    yield Draft(
        "backward-equal-rows",
        "backward",
        ("stride-zero",),
        "The same upstream in every row, as broadcasting makes it.",
        (case([[3, -5, 0.5]] * 2), case([[-1, 0.25, 7]] * 2)),
    )

    def scaled(w: Words, exponent: int) -> Inputs:
        return {"dL_doutputs": balanced(w, (3, 4), exponent), "logits": w.normal((3, 4), 0.5)}

    large, small = (8, -4) if dtype == "float16" else (20, -20)
    for word, exponent, flags, comment in (
        ("large", large, (), "An upstream so large that a gradient that is clipped shows."),
        ("small", small, ("small-values",), "An upstream so small that an absolute tolerance would hide its gradient."),
    ):
        yield Draft(
            f"backward-{word}-upstream",
            "backward",
            ("random", "upstream-signed", *flags),
            comment,
            draw=partial(scaled, exponent=exponent),
            count=COUNT // 2,
        )


def ties(dtype: str) -> Iterator[Draft]:
    """Logits of which several, or all, are the same."""
    upstream = [3, -5, 1.5, 2, -1.25, 7, 4, -6.5]
    for classes in (2, 4, 8):
        logits = [np.full((1, classes), z) for z in (0, 3, -7.5)]
        yield from paired(
            f"equal-c{classes}",
            ("equal-logits",),
            f"All logits of a row are the same: every probability is 1/{classes}.",
            cases=tuple({"dL_doutputs": held([upstream[:classes]], dtype), "logits": held(z, dtype)} for z in logits),
        )
        yield Draft(
            f"backward-equal-c{classes}-constant",
            "backward",
            ("equal-logits",),
            "An upstream that is the same for all classes changes no probability: the gradient is exactly 0.",
            tuple({"dL_doutputs": held(np.ones((1, classes)), dtype), "logits": held(z, dtype)} for z in logits),
        )
    yield from paired(
        "tied-maximum",
        ("equal-logits",),
        "Two or three logits share the maximum.",
        cases=tuple(
            {"dL_doutputs": held([[3, -5, 0.5, 2]], dtype), "logits": held([z], dtype)}
            for z in ([2, 2, -1, 0.5], [-1, 1.5, 0, 1.5], [0, 0, 0, -3])
        ),
    )


def shapes(dtype: str) -> Iterator[Draft]:
    """One class, no rows, and calls to refuse."""
    one_class = {"1": (1,), "n1-c1": (1, 1), "n4-c1": (4, 1)}
    for name, shape in one_class.items():
        size = math.prod(shape)
        yield from paired(
            f"one-class-{name}",
            ("one-class", "smallest"),
            "The only class has probability 1 whatever its logit, and no gradient.",
            cases=tuple(
                {
                    "dL_doutputs": held(np.reshape([3, -5, 0.5, 2][:size], shape), dtype),
                    "logits": held(np.reshape(z[:size], shape), dtype),
                }
                for z in ([2, -1, 0, 0.75], [-50, 3, 4, 60])
            ),
        )
    for name, shape in {"n0-c3": (0, 3), "n0-h2-c3": (0, 2, 3)}.items():
        yield from paired(
            f"empty-{name}",
            ("empty-batch",),
            "No rows in, no rows out.",
            cases=({"dL_doutputs": held(np.zeros(shape), dtype), "logits": held(np.zeros(shape), dtype)},),
            level="robust",
        )
    for name, upstream, comment in (
        ("rows", (3, 4), "An upstream of three rows for two rows of logits."),
        ("one-row", (1, 4), "An upstream of one row for two rows of logits, to be broadcast by none."),
        ("one-column", (2, 1), "An upstream of one column for four classes, to be broadcast by none."),
        ("rank", (4,), "An upstream of rank 1 for logits of rank 2, to be broadcast by none."),
    ):
        values = np.arange(1, 1 + math.prod(upstream)).reshape(upstream)
        case = {"dL_doutputs": held(values, dtype), "logits": held([[1, -0.5, 2, 0], [0.25, 3, -1, 1]], dtype)}
        yield refused(f"backward-mismatch-{name}", "size-mismatch", comment, case)
