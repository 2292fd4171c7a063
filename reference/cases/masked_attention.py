"""Families of cases for attention under a mask."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words, held
from ..kinds.attention import SMALL, Attention, Sizes, attention, ordinary, plain
from ..kinds.paired import families, refused
from ..model.family import Draft, Inputs


def masks(w: Words | None, of: Sizes, dtype: str) -> Mapping[str, np.ndarray]:
    """Two keys of three are seen, and the first or the second of them in any case."""
    shape = (of.b, of.h, of.s, of.t)
    drawn = np.resize([1, 1, 0, 1, 0], shape) if w is None else w.integers(shape, 0, 3)
    mask = (drawn > 0).astype(np.int64)
    mask[..., :2] |= 1 - mask[..., 1:2][..., ::-1] if of.t > 1 else 1
    return {"mask": held(mask, dtype)}


MASKED = Attention(masks)
BROADCAST: dict[str, tuple[Sizes, Shape]] = {
    "one-head": (Sizes(2, 2, 1, 3, 4, 2, 3), (2, 1, 3, 4)),
    "one-batch": (Sizes(2, 2, 2, 3, 4, 2, 3), (1, 2, 3, 4)),
    "one-for-all": (Sizes(2, 2, 1, 3, 4, 3, 2), (1, 1, 3, 4)),
}
PATTERNS: dict[str, tuple[str, Any]] = {
    "all-seen": ("Every query sees every key.", 1),
    "one-seen": ("Every query sees one key, whose value its output is.", [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]),
    "first-unseen": ("No query sees the first key, whose gradients are 0.", [0, 1, 1, 1]),
    "heads-differ": ("Each head sees keys that the other does not.", [[[1, 1, 0, 0]] * 3, [[0, 0, 1, 1]] * 3]),
}
NONE_SEEN: dict[str, tuple[str, Any]] = {
    "row": ("One query sees no key.", [[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]]),
    "head": ("No query of one head sees a key.", [[[1, 1, 0, 1]] * 3, [[0] * 4] * 3]),
    "all": ("No query sees a key.", 0),
}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from attention(MASKED, dtype, chain(broadcast(), patterns(dtype), refusals(dtype)))


def with_mask(case: Inputs, mask: Any, shape: Shape = (1, 2, 3, 4)) -> Inputs:
    """Give a case another mask."""
    return {**case, "mask": held(np.broadcast_to(mask, shape), case["query"].dtype.name)}


def broadcast() -> Iterator[Draft]:
    """Masks of one head, or of one batch, that are those of all."""

    def draw(of: Sizes, shape: Shape, w: Words) -> Inputs:
        case = ordinary(MASKED, of, w)
        return {**case, "mask": case["mask"][: shape[0], : shape[1]].copy()}

    for name, (of, shape) in BROADCAST.items():
        comment, flags = f"A mask of shape {shape}.", "random unseen-keys broadcast upstream-signed"
        yield from families(f"random-mask-{name}", flags, comment, draw=partial(draw, of, shape), counts=2)


def patterns(dtype: str) -> Iterator[Draft]:
    """Masks of all sorts, some of which leave a query without a key."""
    case = plain(MASKED, dtype)
    for name, (comment, mask) in PATTERNS.items():
        yield from families(name, "unseen-keys", comment, (with_mask(case, mask),))
    more: dict[str, Any] = {"level": "robust", "point": "masked_row"}
    for name, (comment, mask) in NONE_SEEN.items():
        yield from families(f"none-seen-{name}", "unseen-keys", comment, (with_mask(case, mask),), **more)
    shared = with_mask(case, NONE_SEEN["row"][1], (1, 1, 3, 4))
    comment = "One query sees no key, by a mask of one head that is that of all."
    yield from families("none-seen-by-one-for-all", "unseen-keys broadcast", comment, (shared,), **more)
    single = with_mask(plain(MASKED, dtype, of=Sizes(1, 2, 2, 3, 1, 2, 3)), [[1], [0], [1]], (1, 2, 3, 1))
    comment = "One query does not see the only key."
    yield from families("none-seen-of-one-key", "unseen-keys smallest", comment, (single,), **more)
    comment = "Each case differs from the one before in the mask alone: one that is remembered shows."
    cases = tuple(with_mask(case, mask) for mask in ([1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]))
    yield from families("another-mask", "successive unseen-keys", comment, cases)
    long = plain(MASKED, dtype, of=Sizes(1, 1, 1, 2, keys := 65 if dtype in HALF else 129, 1, 1))
    comment = (
        "No query sees a key of the first block, and the second none but the last: a maximum of nothing comes first."
    )
    mask = np.arange(keys) >= np.array([[64], [keys - 1]])
    late = (with_mask(long, mask, (1, 1, 2, keys)),)
    yield from families("first-blocks-unseen", "unseen-keys odd-sizes", comment, late)
    far = {**case, "key": case["key"].copy()}
    far["key"][..., 3, :] = held([64, -64], dtype)
    comment = "The largest score is of a key that is not seen: it must not be the measure."
    yield from families("unseen-largest", "unseen-keys far-logits", comment, (with_mask(far, [1, 1, 1, 0]),))


def refusals(dtype: str) -> Iterator[Draft]:
    """Masks of shapes that are not due."""
    case = plain(MASKED, dtype)
    for name, shape in {"rank": (3, 4), "one-query": (1, 2, 1, 4), "keys": (1, 2, 3, 3), "heads": (1, 3, 3, 4)}.items():
        comment = f"A mask of shape {shape} where {(1, SMALL.h, SMALL.s, SMALL.t)} is due, to be broadcast by none."
        yield from refused(f"mask-{name}", "size-mismatch", comment, with_mask(case, 1, shape))
