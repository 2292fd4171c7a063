"""Families of cases for a block of a transformer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, held
from ..kinds.clear import CLEARANCE, one_more_at_a_time
from ..kinds.paired import changed, families, in_steps, nan_in_turn, refused
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams, mismatched, scaled, units
from ..model.family import Draft, Inputs
from ..ops import rms_norm, scaled_dot_product_attention
from ..ops.transformer_block import attended, causal, joined, projected

EPS = 1e-5


@dataclass(frozen=True)
class Block:
    """The sizes of a block."""

    b: int
    s: int
    e: int
    h: int
    """Heads of queries; `g` of keys and values, each of `d` features."""
    g: int
    d: int
    f: int

    def __str__(self) -> str:
        return "-".join(f"{name}{size}" for name, size in vars(self).items())

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of the arguments of backward."""
        b, s, e, h, g, d, f = vars(self).values()
        images, table = (b, s, e), (s, d // 2)
        attention = {"wq": (e, h * d), "wk": (e, g * d), "wv": (e, g * d), "wo": (h * d, e)}
        network = {"norm2": (e,), "w_gate": (e, f), "w_up": (e, f), "w_down": (f, e)}
        given = {"dL_doutputs": images, "inputs": images, "norm1": (e,)}
        return {**given, **attention, **network, "cos": table, "sin": table}


PLAIN, SMALL, LEAST = Block(1, 3, 2, 2, 1, 2, 3), Block(2, 3, 3, 2, 1, 2, 2), Block(1, 2, 2, 1, 1, 2, 1)
QUARTERS = (((1, 0, -1), (0, 1, 0)), ((0, -1, 1), (-1, 0, 0)))
"""cos and sin of turns by quarters, for each token."""
SHAPES = (
    ("distinct-sizes", 2, Block(2, 3, 6, 2, 1, 4, 5)),
    ("distinct-sizes", 1, Block(3, 2, 5, 3, 3, 2, 4)),
    ("batch-of-one", 1, Block(1, 5, 4, 4, 2, 2, 3)),
    ("square", 2, Block(2, 2, 2, 1, 1, 2, 2)),
    ("square", 1, Block(2, 4, 4, 2, 2, 2, 4)),
    ("smallest", 1, Block(3, 1, 4, 2, 1, 2, 3)),
    ("smallest", 1, Block(2, 4, 3, 1, 1, 2, 1)),
    ("odd-sizes", 1, Block(1, 2, 12, 2, 1, 6, 3)),
    ("odd-sizes", 1, Block(1, 2, 2, 1, 1, 10, 17)),
    ("odd-sizes", 1, Block(1, 2, 20, 1, 1, 2, 2)),
    ("odd-sizes", 1, Block(1, 9, 3, 1, 1, 2, 2)),
    ("odd-sizes", 1, Block(2, 2, 3, 9, 3, 2, 9)),
)
"""Flags, how many cases, and sizes."""
LONG = {
    "float64": (
        Block(131, 1, 2, 1, 1, 2, 1),
        Block(33, 2, 2, 1, 1, 2, 1),
        Block(1, 33, 2, 1, 1, 2, 1),
        Block(1, 2, 65, 1, 1, 2, 1),
    ),
    "float32": (Block(9, 2, 2, 1, 1, 2, 1),),
    "float16": (Block(1, 2, 33, 1, 1, 2, 1),),
    "bfloat16": (Block(1, 2, 2, 1, 1, 2, 33),),
}
"""By dtype, sizes with more of something than a block of a kernel takes."""


def is_clear(case: Inputs, of: Block, eps: float, dtype: str) -> bool:
    """Whether no gate of a case is near 0."""
    x = {name: tensor.astype(np.float64) for name, tensor in case.items()}
    tensors = [x[name] for name in ("inputs", "norm1", "wq", "wk", "wv", "cos", "sin")]
    _, *of_heads = attended(projected, *tensors, heads=of.h, eps=eps)
    mixed = joined(causal(scaled_dot_product_attention.forward, *of_heads))
    gates = rms_norm.forward(x["inputs"] + mixed @ x["wo"], x["norm2"], eps=eps) @ x["w_gate"]
    return bool((abs(gates) >= CLEARANCE[dtype]).all())


def ordinary(of: Block, w: Words, eps: float = EPS) -> Inputs:
    """Draw the arguments of backward, until no gate is near 0: bell-shaped, but in the half precisions, where
    `without_cancellation` draws them."""
    while True:
        case = without_cancellation(of, w) if w.dtype in HALF else bell_shaped(of, w)
        if is_clear(case, of, eps, w.dtype):
            return case


def bell_shaped(of: Block, w: Words) -> Inputs:
    """Bell-shaped inputs and weights, and tables of angles on either side of 0."""
    case: dict[str, np.ndarray] = {}
    for name, shape in of.shapes.items():
        if name in ("cos", "sin"):
            case[name] = w.uniform(shape, 0.5, 1) if name == "cos" else w.uniform(shape, -0.75, 0.75)
        elif name.startswith("norm"):
            case[name] = w.signed(shape, 0.5, 1.5)
        else:
            case[name] = w.normal(shape, 2.0 ** -(shape[0].bit_length() // 2) if name.startswith("w") else 1.0)
    return case


def without_cancellation(of: Block, w: Words) -> Inputs:
    """Draw arguments of which hardly any sum cancels: else many gradients would be smaller than their tolerance.

    Everything has the sign of its features, so that the terms of products agree. Gradients of scores, which add up
    to 0, have terms of either sign: so every other token differs. Some features, which keys read, have the sign of
    their token, and are large where the others, which everything else reads, are small.
    """
    features, first, second, hidden = (w.signs((n,)) for n in (of.e, of.e, of.e, of.f))
    of_keys, of_values = (w.signs((of.g, of.d)) for _ in range(2))
    own = np.array(w.permutation(of.e)) < of.e // 2
    token = (1 - 2 * ((np.arange(of.s) + w.integers((), 0, 2)) % 2))[:, None]
    by_token = np.where((token > 0) != own, 1, 0.25) * np.where(own, token, 1)

    def shared(signs: np.ndarray) -> np.ndarray:
        return np.repeat(signs, of.h // of.g, axis=0).ravel()

    few, many = np.where(own, 1 / 16, 1), np.where(own, 1, 1 / 16)
    rows = {
        "wq": (features * first * few, shared(of_keys), 2),
        "wk": (features * first * many, of_keys.ravel(), 1),
        "wv": (features * first * few, of_values.ravel(), 1),
        "wo": (shared(of_values), features, 1),
        "w_gate": (features * second * few, np.ones(of.f), 2),
        "w_up": (features * second * few, hidden, 1),
        "w_down": (hidden, features, 1),
    }
    signs = {"dL_doutputs": features * w.signs(()), "inputs": features * by_token, "norm1": first, "norm2": second}

    def one(name: str, shape: Shape) -> np.ndarray:
        if name in ("cos", "sin"):
            return w.uniform(shape, 0.5, 1) if name == "cos" else w.signed(shape, 2.0**-5, 0.25)
        if name in rows:
            given, columns, most = rows[name]
            size = 2.0 ** -(shape[0] - 1).bit_length() * most
            return w.array(w.uniform(shape, size / 4, size).astype(np.float64) * np.outer(given, columns))
        return w.array(w.uniform(shape, 0.5, 2).astype(np.float64) * signs[name])

    return {name: one(name, shape) for name, shape in of.shapes.items()}


def plain(
    dtype: str, changes: Mapping[str, object] | None = None, of: Block = PLAIN, turn: int = 0
) -> dict[str, np.ndarray]:
    """Give ordinary numbers of few digits, some tensors changed."""
    numbers = np.roll([0.5, -1, 0.125, -0.375, 1.5, -0.5, 0.25, -1.25, 0.75, 2, -0.75], -turn)
    case = {name: np.resize(np.roll(numbers, k), shape) for k, (name, shape) in enumerate(of.shapes.items())}
    case |= {name: np.clip(case[name] / 2, -1, 1) for name in ("cos", "sin")}
    return {name: held((changes or {}).get(name, x), dtype) for name, x in case.items()}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    parts = (drawn, upstreams, branches, tokens, special, misfits)
    yield from changed(chain(*(part(dtype) for part in parts)), {}, {"heads": PLAIN.h, "eps": EPS})


def drawn(dtype: str) -> Iterator[Draft]:
    """Ordinary blocks of many sizes, and inputs about as large as the root of eps."""
    for flag, count, of in (*SHAPES, *(("odd-sizes", 1, of) for of in LONG[dtype])):
        flags = f"random {flag}{' shared-heads' if of.h > of.g else ''} upstream-signed"
        given: dict[str, Any] = {"draw": partial(ordinary, of), "parameters": {"heads": of.h}}
        yield from families(f"random-{of}", flags, f"Ordinary numbers, of sizes {of}.", counts=count, **given)
    for eps in (0.0, 0.5):
        given = {"draw": partial(ordinary, SMALL, eps=eps), "parameters": {"heads": SMALL.h, "eps": eps}}
        yield from families(f"eps-{eps}", "random epsilon upstream-signed", f"An eps of {eps}.", counts=1, **given)


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and answers that are remembered."""
    shape = PLAIN.shapes["inputs"]
    of_least = {"heads": LEAST.h}
    yield from changed(units(lambda g: plain(dtype, {"dL_doutputs": g}, LEAST), LEAST.shapes["inputs"]), {}, of_least)
    yield from far_upstreams(scaled(partial(ordinary, PLAIN)), dtype, half=(4, -4), cases=1)
    draw = partial(ordinary, LEAST, Words("transformer_block/others", dtype))
    cases = one_more_at_a_time(draw(), draw, lambda case: is_clear(case, LEAST, EPS, dtype))
    yield from in_steps(tuple(cases), parameters=of_least)
    comment = "Inputs that differ in the last digits alone, from one case to the next."
    unit = 2.0 ** (2 - FORMATS[dtype].significand)
    digits = tuple(plain(dtype, {"inputs": np.resize([1 + k * unit, 2], shape)}) for k in range(3))
    yield from families("last-digits", "successive", comment, digits)
    wrong = ((1, 2, 2), (1, 3, 1), (2, 3, 2), (3, 2))
    yield from mismatched(lambda g: plain(dtype, {"dL_doutputs": g}), "tokens one-feature batch rank", wrong, shape)


def branches(dtype: str) -> Iterator[Draft]:
    """Residual branches that add nothing, one of them or both."""
    nothing = {name: np.zeros(shape) for name, shape in PLAIN.shapes.items()}
    for name, zero, comment in (
        ("no-attention", "wo", "wo is 0: attention adds nothing, and nothing passes back through it but to wo."),
        ("no-values", "wv", "wv is 0: attention adds nothing, and wv alone has a gradient of it."),
        ("no-network", "w_down", "w_down is 0: the network adds nothing, and w_down alone has a gradient of it."),
        ("no-up", "w_up", "w_up is 0: the network adds nothing, and w_up alone has a gradient of it."),
    ):
        cases = tuple(plain(dtype, {zero: nothing[zero]}, turn=turn) for turn in (0, 2))
        yield from families(name, "dead upstream-signed", comment, cases)
    whole = {"inputs": np.resize([7, -5, 3], PLAIN.shapes["inputs"])}
    both = plain(dtype, {**whole, "wo": nothing["wo"], "w_down": nothing["w_down"]})
    comment = "Both branches add nothing: outputs are the inputs, whole numbers, and their gradient is the upstream."
    yield from families("no-branch", "dead upstream-signed", comment, (both,))


def tokens(dtype: str) -> Iterator[Draft]:
    """Tokens that are alike, turns, and scores of real size."""
    shape, table, keys = (PLAIN.shapes[name] for name in ("inputs", "cos", "wk"))
    unturned = {"cos": np.ones(table), "sin": np.zeros(table)}
    alike = {"inputs": np.full(shape, [1.5, -0.5]), **unturned}
    turned = [{"cos": np.array(c)[:, None], "sin": np.array(s)[:, None]} for c, s in QUARTERS]
    strong = {"wq": np.full(PLAIN.shapes["wq"], 4), "wk": np.full(keys, 1.5)}
    largest = np.resize([1, 0.5, -0.5, 0.25, 8, -64], shape)
    table_of_cases: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
        ("equal-tokens", "stride-zero", "Tokens that are the same, unturned: each has seen its own value.", [alike]),
        ("zero-token", "smallest", "A token of zeros, whose scores are all 0: it sees and is seen all the same.",
         [{"inputs": np.resize([2, -1, 0, 0, 1, 3], shape)}]),
        ("quarter-turns", "settings", "Queries and keys turned by quarters, differently by token.", turned),
        ("large-scores", "saturated", "Most queries attend to one key.", [strong]),
        ("unseen-largest", "unseen-keys far-logits", "The largest score is of the last token's key.",
         [{"inputs": largest, **strong, **unturned}]),
        ("apart", "spread", "Tokens of very different size, which the normalisation hides from both branches.",
         [{"inputs": np.resize([256, -128, -1, 0.5, 2.0**-7, 2.0**-8], shape)}]),
    )  # fmt: skip
    for name, flags, comment, changes in table_of_cases:
        yield from families(name, f"{flags} upstream-signed", comment, tuple(plain(dtype, c) for c in changes))


def special(dtype: str) -> Iterator[Draft]:
    """Nothing of something, NaN and subnormal numbers."""
    comment = "Nothing in the batch: nothing comes out, and gradients of weights are 0."
    yield from families("empty", "empty-batch", comment, (plain(dtype, of=replace(PLAIN, b=0)),), level="robust")
    case = plain(dtype)
    yield from nan_in_turn(case, {name: (0, -1, 0)[-x.ndim :] for name, x in case.items()})
    least = ends(dtype).subnormal
    for name, tensor, numbers in (
        ("forward-subnormal-inputs", "inputs", [1.5, -1, least, 0.5, 2, -least / 2]),
        ("backward-subnormal-upstream", "dL_doutputs", [least, -least, -least / 2]),
    ):
        small = plain(dtype, {tensor: np.resize(numbers, PLAIN.shapes[tensor])})
        comment = f"Subnormal numbers in {tensor}: what is computed of them may be 0, but not of the other sign."
        yield from families(name, "subnormal", comment, (small,), level="robust")


def misfits(dtype: str) -> Iterator[Draft]:
    """Shapes that do not fit, to be refused."""
    for name, shape in [*PLAIN.shapes.items()][1:]:
        for axis in range(len(shape)):
            for word, size in {"long": shape[axis] + 1, "one": 1}.items():
                wrong = (*shape[:axis], size, *shape[axis + 1 :])
                if wrong == shape or (name == "inputs" and axis == 0):
                    continue
                comment = f"{name} of shape {wrong} where {shape} is due, to be broadcast or cut by none."
                id, case = f"mismatch-{name}-{axis}-{word}", plain(dtype, {name: np.ones(wrong)})
                yield from refused(id, "size-mismatch", comment, case)
    heads = plain(dtype, of=Block(1, 3, 2, 4, 1, 2, 3))
    comment = "Heads that are no divisor of the columns of wq."
    yield from refused("mismatch-heads", "size-mismatch", comment, heads, heads=3)
