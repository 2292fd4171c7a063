"""Rotary position embedding: pairs of features turned by an angle that depends on position and pair.

outputs[s,i]     = inputs[s,i] cos[s,i] - inputs[s,j] sin[s,i]
outputs[s,j]     = inputs[s,j] cos[s,i] + inputs[s,i] sin[s,i]

dL_dinputs[s,i]  = dL_doutputs[s,i] cos[s,i] + dL_doutputs[s,j] sin[s,i]
dL_dinputs[s,j]  = dL_doutputs[s,j] cos[s,i] - dL_doutputs[s,i] sin[s,i]

where the features i and j are a pair: j = i + D/2 in layout "half". In layout "interleaved" the features 2i and 2i + 1
are one, with the same column i of the tables. cos and sin have a row for each position and a column for each pair.
"""

from typing import Any

import numpy as np

from ..model.shapes import require_same_shape

Array = Any

LABELS = ("cos", "sin")
BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, cos: Array, sin: Array, *, layout: str = "half") -> Array:
    """inputs (..., S, D), cos and sin (S, D / 2) -> outputs of the shape of inputs."""
    x1, x2 = pairs(inputs, cos, sin, layout)
    return together(x1 * cos - x2 * sin, x2 * cos + x1 * sin, layout)


def backward(dL_doutputs: Array, inputs: Array, cos: Array, sin: Array, *, layout: str = "half") -> Array:
    """dL_doutputs of the shape of inputs, and forward's arguments -> dL_dinputs of that shape."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    g1, g2 = pairs(dL_doutputs, cos, sin, layout)
    return together(g1 * cos + g2 * sin, g2 * cos - g1 * sin, layout)


def pairs(x: Array, cos: Array, sin: Array, layout: str) -> tuple[Array, Array]:
    """The first and the second of each pair, (..., S, D / 2). Raises ValueError on shapes that do not fit."""
    if layout not in ("half", "interleaved"):
        raise ValueError(f"layout={layout!r} is neither half nor interleaved")
    if x.ndim < 2 or x.shape[-1] % 2 or any(t.shape != (x.shape[-2], x.shape[-1] // 2) for t in (cos, sin)):
        raise ValueError(f"cos of shape {cos.shape} and sin of shape {sin.shape} for a tensor of shape {x.shape}")
    if layout == "interleaved":
        return x[..., 0::2], x[..., 1::2]
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def together(first: Array, second: Array, layout: str) -> Array:
    """Put pairs back where they were."""
    if layout == "interleaved":
        return np.stack([first, second], axis=-1).reshape(*first.shape[:-1], 2 * first.shape[-1])
    return np.concatenate([first, second], axis=-1)
