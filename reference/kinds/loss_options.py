"""A loss of logits that is asked for more: a label to ignore, smoothed labels, a penalty, and capped logits.

An implementation may refuse these families.
"""

from collections.abc import Iterator
from typing import Any

from ..model.family import Draft
from .ignoring import IGNORING, NOTHING, USUAL, partly_ignored
from .loss import ROW_UPSTREAM, Call, Loss, Options, curated, drawn, invalid

SPREAD: dict[str, Any] = {"point": "label_smoothing_spread"}
OPTIONS: tuple[tuple[str, str, str, Options, dict[str, Any]], ...] = (
    ("ignored", "indices-mean-n5-c3 indices-mean-n6-c3", "ignored", {"ignore_index": USUAL}, {}),
    (
        "ignored-many",
        "indices-none-n37-c3 indices-mean-n65-c2 indices-sum-n3-c35",
        "ignored",
        {"ignore_index": USUAL},
        {},
    ),
    ("ignored-class", "indices-none-n4-c3", "ignored", {"ignore_index": 0}, {}),
    ("ignored255", "indices-mean-n7-c4 indices-sum-n3-c4", "ignored", {"ignore_index": 255}, {}),
    ("smoothed", "indices-mean-n5-c4 soft-none-n3-c4 indices-sum-n4-c3", "smoothing", {"label_smoothing": 0.1}, SPREAD),
    ("smoothed-many", "indices-none-n33-c2 indices-sum-n2-c131", "smoothing", {"label_smoothing": 0.1}, SPREAD),
    (
        "smoothed-ignored",
        "indices-mean-n7-c3 indices-none-n4-c3",
        "smoothing ignored",
        {"ignore_index": USUAL, "label_smoothing": 0.3},
        SPREAD,
    ),
    ("z-loss", "indices-mean-n5-c3 one-hot-none-n3-c4 indices-sum-n3-c4", "settings", {"z_loss": 0.1}, {}),
    ("z-loss-ignored", "indices-mean-n7-c3", "settings ignored", {"ignore_index": 1, "z_loss": 0.1}, {}),
    (
        "softcap",
        "indices-none-n4-c4 indices-mean-n3-c5 indices-sum-n4-c3 soft-mean-n3-c4",
        "settings",
        {"softcap": 1.5},
        {},
    ),
    ("z-loss-softcap", "indices-none-n4-c3", "settings", {"softcap": 3.0, "z_loss": 0.05}, {}),
    (
        "z-loss-softcap-many",
        "indices-none-n33-c2 indices-mean-n3-c131",
        "settings",
        {"softcap": 3.0, "z_loss": 0.05},
        {},
    ),
    (
        "all-options",
        "indices-mean-n7-c4",
        "settings smoothing ignored",
        {"ignore_index": 2, "label_smoothing": 0.2, "softcap": 3.0, "z_loss": 0.05},
        SPREAD,
    ),
)
"""Name, cells, flags, options, and fields of the family."""
ROWS = [[0.5, -1, 0.25], [1, 0.125, -0.5], [-0.25, 2, 1]]


def options(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give the families of a loss of logits with options."""
    for name, cells, flags, given, fields in OPTIONS:
        asked = ", ".join(f"{word}={value}" for word, value in given.items())
        labels = partly_ignored(loss, given["ignore_index"]) if "ignore_index" in given else None
        comment, flags = f"Asked for {asked}, which an implementation may refuse.", f"further-form random {flags}"
        count = 1 if name.endswith("-many") else 2
        yield from drawn(loss, name, flags, comment, cells, labels=labels, count=count, options=given, **fields)
    none, flags = [USUAL] * 3, "further-form ignored"
    comment = "Every row has the label to ignore: no loss and no gradient. An implementation may refuse to ignore any."
    for direction, reduction, more in (("backward", "mean", {}), ("forward", "mean", NOTHING), ("forward", "sum", {})):
        call, name = (ROWS, none, 1.5), f"{direction}-ignored-all-{reduction}"
        yield from curated(loss, dtype, name, flags, comment, call, reduction=reduction, options=IGNORING, **more)
    comment = "A label to ignore that is the number of classes: n C + label is another row's."
    of_three: Call = ROWS, [3, 0, 2], ROW_UPSTREAM[:3]
    yield from curated(loss, dtype, "ignored-next", flags, comment, of_three, options={"ignore_index": 3})
    for word, wrong in (("out-of-range", 3), ("negative", -1)):
        comment, call = "A label that is no class, beside one to ignore.", (ROWS, [USUAL, wrong, 0], 2.5)
        name, flags = f"ignored-beside-{word}", "further-form label-range"
        yield from invalid(loss, dtype, name, flags, comment, call, options=IGNORING)
