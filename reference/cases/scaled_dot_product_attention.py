"""Families of cases for scaled dot-product attention."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..generation.draws import held
from ..kinds.attention import Attention, Sizes, attention, plain, with_parameters
from ..kinds.paired import families
from ..model.family import Draft

ATTENTION = Attention()
CAUSAL, ALIGNED = {"is_causal": True}, "causal_alignment"
SEEN: dict[str, tuple[str, tuple[int, ...], dict[str, Any], str | None]] = {
    "causal": ("unseen-keys", (1, 2, 1, 4, 4, 3, 2), CAUSAL, None),
    "causal-17": ("unseen-keys odd-sizes", (1, 1, 1, 17, 17, 1, 1), CAUSAL, None),
    "causal-67": ("unseen-keys odd-sizes", (1, 1, 1, 67, 67, 1, 1), CAUSAL, None),
    "causal-35-more-keys": ("unseen-keys odd-sizes", (1, 1, 1, 35, 67, 1, 1), CAUSAL, ALIGNED),
    "causal-more-keys": ("unseen-keys", (1, 1, 1, 3, 5, 2, 3), CAUSAL, ALIGNED),
    "causal-more-queries": ("unseen-keys", (1, 1, 1, 5, 3, 2, 2), CAUSAL, ALIGNED),
    "window-0": ("unseen-keys", (1, 1, 1, 4, 4, 2, 3), {"window": 0}, None),
    "window-1": ("unseen-keys", (2, 2, 2, 4, 4, 2, 3), {"window": 1}, None),
    "window-1-more-keys": ("unseen-keys", (1, 2, 2, 4, 5, 2, 3), {"window": 1}, ALIGNED),
    "window-1-shared-heads": ("unseen-keys shared-heads", (1, 4, 2, 3, 3, 2, 2), {"window": 1}, None),
    "window-2-causal": ("unseen-keys", (1, 1, 1, 5, 5, 2, 3), {"window": 2, **CAUSAL}, None),
    "window-16": ("unseen-keys odd-sizes", (1, 1, 1, 18, 18, 1, 1), {"window": 16}, None),
    "window-35-causal": ("unseen-keys odd-sizes", (1, 1, 1, 67, 67, 1, 1), {"window": 35, **CAUSAL}, None),
    "softcap": ("softcap", (2, 2, 1, 3, 4, 2, 3), {"softcap": 1.0}, None),
    "softcap-batch": ("softcap odd-sizes", (33, 1, 1, 1, 9, 1, 1), {"softcap": 1.0}, None),
    "softcap-causal": ("softcap unseen-keys", (1, 1, 1, 4, 4, 2, 3), {"softcap": 1.5, **CAUSAL}, None),
    "softcap-window-1-causal": (
        "softcap unseen-keys shared-heads",
        (1, 2, 1, 4, 4, 2, 3),
        {"softcap": 1.5, "window": 1, **CAUSAL},
        None,
    ),
    "scale-1": ("settings", (1, 2, 1, 3, 4, 2, 3), {"scale": 1.0}, None),
    "scale-third": ("settings", (1, 2, 1, 3, 4, 2, 3), {"scale": 0.3}, None),
    "scale-third-35": ("settings odd-sizes", (1, 1, 1, 35, 35, 1, 1), {"scale": 0.3}, None),
}
"""By name, flags, sizes, parameters and the convention's point where there is one."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    seen = (
        draft
        for name, (flags, of, given, point) in SEEN.items()
        for draft in with_parameters(ATTENTION, name, flags, Sizes(*of), given, point)
    )
    yield from attention(ATTENTION, dtype, seen)
    case = plain(ATTENTION, dtype)
    case["query"] = held(case["query"].astype(np.float64) * 4, dtype)
    parameters: dict[str, Any] = {"scale": 0.5, "softcap": 2.0}
    comment = "Scores far beyond the cap, where its slope is nearly 0: a cap that is left out shows."
    yield from families("softcap-reached", "softcap saturated", comment, (case,), parameters=parameters)
    few = plain(ATTENTION, dtype, of=Sizes(1, 2, 1, 4, 2, 2, 3))
    comment = "The last query sees no key: a window of 1 ends before it."
    masked: dict[str, Any] = {"level": "robust", "point": "masked_row", "parameters": {"scale": 0.5, "window": 1}}
    yield from families("window-past-keys", "unseen-keys", comment, (few,), **masked)
    far = plain(ATTENTION, dtype)
    far["key"][..., -1, :] = held([64, -64], dtype)
    comment = (
        "The largest score of all is of a key that no query but the last sees: its exponential must not be the measure."
    )
    parameters = {"scale": 0.5, "is_causal": True}
    yield from families(
        "unseen-largest", "unseen-keys far-logits", comment, (far,), parameters=parameters, point=ALIGNED
    )
