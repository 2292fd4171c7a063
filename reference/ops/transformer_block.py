"""A block of a transformer: causal attention and a gated network, each of normalised inputs and added to what came in.

normal1    = rms_norm(inputs, norm1)
query      = rotary_embedding(normal1 wq)    of each head, and so is key, of wk
value      = normal1 wv
mixed      = scaled_dot_product_attention(query, key, value), causal, of scale 1 / sqrt(D)
middle     = inputs + mixed wo
normal2    = rms_norm(middle, norm2)
gate       = normal2 w_gate                  and so is up, of w_up
outputs    = middle + swiglu(gate, up) w_down

dL_dw_down = swiglu(gate, up)^T dL_doutputs
dL_dgate   = the gradient of swiglu, of dL_doutputs w_down^T, and so is dL_dup
dL_dw_gate = normal2^T dL_dgate
dL_dw_up   = normal2^T dL_dup
dL_dnorm2  = the gradient of rms_norm by its weight, of dL_dgate w_gate^T + dL_dup w_up^T
dL_dmiddle = dL_doutputs + the gradient of rms_norm by its inputs, of the same
dL_dwo     = mixed^T dL_dmiddle
dL_dwq     = normal1^T dL_dquery             dL_dquery being turned back, after the gradient of attention
dL_dwk     = normal1^T dL_dkey               likewise
dL_dwv     = normal1^T dL_dvalue
dL_dnorm1  = the gradient of rms_norm by its weight, of dL_dquery wq^T + dL_dkey wk^T + dL_dvalue wv^T
dL_dinputs = dL_dmiddle + the gradient of rms_norm by its inputs, of the same

where x w is a product of matrices for each of a batch, and the gradients of weights are summed over it. Heads stand
side by side in the columns of wq, D = columns / heads to each; keys and values have as many as the columns of wk make.

See Xiong et al., "On layer normalization in the transformer architecture" (2020), https://arxiv.org/abs/2002.04745, and
Touvron et al., "LLaMA: open and efficient foundation language models" (2023), https://arxiv.org/abs/2302.13971.
"""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, named, replacing, shared, side_by_side
from ..model.functions import inverse_sqrt
from ..model.shapes import require_same_shape
from . import matmul, rms_norm, rotary_embedding, scaled_dot_product_attention, swiglu

Array = Any

LABELS = ("cos", "sin")
BATCH_AXIS = dict.fromkeys(("inputs", "outputs", "dL_doutputs", "dL_dinputs"), 0)
AFFINE = True  # errors of a norm reach all that it scales: bounds that do not see it are 20 times as large


def forward(
    inputs: Array,
    norm1: Array,
    wq: Array,
    wk: Array,
    wv: Array,
    wo: Array,
    norm2: Array,
    w_gate: Array,
    w_up: Array,
    w_down: Array,
    cos: Array,
    sin: Array,
    *,
    heads: int,
    eps: float,
) -> Array:
    """inputs (B, S, E), norm1 and norm2 (E,), wq (E, H D), wk and wv (E, G D), wo (H D, E), w_gate and w_up (E, F),
    w_down (F, E), cos and sin (S, D / 2) -> outputs (B, S, E)."""
    block = inputs, norm1, wq, wk, wv, wo, norm2, w_gate, w_up, w_down, cos, sin
    return forward_by(projected, scaled_dot_product_attention.forward, swiglu.forward, *block, heads=heads, eps=eps)


def backward(
    dL_doutputs: Array,
    inputs: Array,
    norm1: Array,
    wq: Array,
    wk: Array,
    wv: Array,
    wo: Array,
    norm2: Array,
    w_gate: Array,
    w_up: Array,
    w_down: Array,
    cos: Array,
    sin: Array,
    *,
    heads: int,
    eps: float,
) -> tuple[Array, ...]:
    """dL_doutputs (B, S, E) and forward's arguments -> a gradient of the shape of each but cos and sin, in their
    order."""
    block = inputs, norm1, wq, wk, wv, wo, norm2, w_gate, w_up, w_down, cos, sin
    parts = projection_gradients, rms_norm.backward, scaled_dot_product_attention.backward, swiglu.backward
    return backward_by(*parts, dL_doutputs, *block, heads=heads, eps=eps)


def forward_by(project: Function, attend: Function, gated: Function, *block: Array, heads: int, eps: float) -> Array:
    """Forward with one formulation of each of its parts."""
    inputs, norm1, wq, wk, wv, wo, norm2, w_gate, w_up, w_down, cos, sin = block
    _, query, key, value = attended(project, inputs, norm1, wq, wk, wv, cos, sin, heads=heads, eps=eps)
    middle = added(inputs, joined(causal(attend, query, key, value)) @ wo)
    gate, up = project(rms_norm.forward(middle, norm2, eps=eps), w_gate, w_up)
    return added(middle, gated(gate, up) @ w_down)


def backward_by(
    gradients: Function,
    of_norm: Function,
    of_attention: Function,
    of_gated: Function,
    dL_doutputs: Array,
    *block: Array,
    heads: int,
    eps: float,
) -> tuple[Array, ...]:
    """Backward with one formulation of each of its parts, after forward."""
    inputs, norm1, wq, wk, wv, wo, norm2, w_gate, w_up, w_down, cos, sin = block
    normal1, query, key, value = attended(projected, inputs, norm1, wq, wk, wv, cos, sin, heads=heads, eps=eps)
    mixed = joined(causal(scaled_dot_product_attention.forward, query, key, value))
    middle = added(inputs, mixed @ wo)
    normal2 = rms_norm.forward(middle, norm2, eps=eps)
    gate, up = projected(normal2, w_gate, w_up)

    dL_dactivations, dL_dw_down = gradients(swiglu.forward(gate, up), (dL_doutputs, w_down))
    dL_dgate, dL_dup = of_gated(dL_dactivations, gate, up)
    dL_dnormal2, dL_dw_gate, dL_dw_up = gradients(normal2, (dL_dgate, w_gate), (dL_dup, w_up))
    through_norm2, dL_dnorm2 = of_norm(dL_dnormal2, middle, norm2, eps=eps)
    dL_dmiddle = added(dL_doutputs, through_norm2)
    dL_dmixed, dL_dwo = gradients(mixed, (dL_dmiddle, wo))
    dL_dmixed_heads = by_head(dL_dmixed, query.shape[3])
    turned_query, turned_key, dL_dvalue = causal(of_attention, dL_dmixed_heads, query, key, value)
    dL_dquery = rotary_embedding.backward(turned_query, query, cos, sin)
    dL_dkey = rotary_embedding.backward(turned_key, key, cos, sin)
    into_heads = (joined(dL_dquery), wq), (joined(dL_dkey), wk), (joined(dL_dvalue), wv)
    dL_dnormal1, dL_dwq, dL_dwk, dL_dwv = gradients(normal1, *into_heads)
    through_norm1, dL_dnorm1 = of_norm(dL_dnormal1, inputs, norm1, eps=eps)
    dL_dinputs = dL_dmiddle + through_norm1
    return dL_dinputs, dL_dnorm1, dL_dwq, dL_dwk, dL_dwv, dL_dwo, dL_dnorm2, dL_dw_gate, dL_dw_up, dL_dw_down


@shared
def attended(
    project: Function,
    inputs: Array,
    norm1: Array,
    wq: Array,
    wk: Array,
    wv: Array,
    cos: Array,
    sin: Array,
    *,
    heads: int,
    eps: float,
) -> tuple[Array, Array, Array, Array]:
    """What attention takes: normal1 (B, S, E), query (B, H, S, D), key and value (B, G, S, D)."""
    if wq.shape[1] % heads:
        raise ValueError(f"wq of shape {wq.shape} for {heads} heads")
    size = wq.shape[1] // heads
    normal1 = rms_norm.forward(inputs, norm1, eps=eps)
    query, key, value = (by_head(x, size) for x in project(normal1, wq, wk, wv))
    query, key = rotary_embedding.forward(query, cos, sin), rotary_embedding.forward(key, cos, sin)
    return normal1, query, key, value


def causal(attention: Function, *tensors: Array) -> Any:
    """Attention or its gradients, for queries that see the keys up to their own place."""
    return attention(*tensors, scale=inverse_sqrt(tensors[-1].shape[3]), is_causal=True)


def added(inputs: Array, branch: Array) -> Array:
    """The sum of both, of one shape."""
    require_same_shape(branch=branch, inputs=inputs)
    return inputs + branch


def by_head(x: Array, size: int) -> Array:
    """(B, S, H D) as (B, H, S, D), heads of a size."""
    b, s, columns = x.shape
    return np.swapaxes(x.reshape(b, s, columns // size, size), 1, 2)


def joined(x: Array) -> Array:
    """(B, H, S, D) as (B, S, H D)."""
    b, heads, s, size = x.shape
    return np.swapaxes(x, 1, 2).reshape(b, s, heads * size)


@shared
def projected(normal: Array, *weights: Array) -> tuple[Array, ...]:
    """The product of (B, S, E) with each of the weights."""
    return tuple(normal @ w for w in weights)


def projection_gradients(normal: Array, *projections: tuple[Array, Array]) -> tuple[Array, ...]:
    """From each product's gradient and weights, the gradient of what they have in common, and of the weights."""
    each = [matmul.backward(dL_dproduct, normal, w) for dL_dproduct, w in projections]
    total, *others = (of_normal for of_normal, _ in each)
    for of_normal in others:
        total = total + of_normal
    return total, *(of_weights for _, of_weights in each)


@shared
def _in_one_product(normal: Array, *weights: Array) -> list[Array]:
    """Weights side by side."""
    return _apart(normal @ np.concatenate(weights, axis=1), weights)


def _gradients_in_one_product(normal: Array, *projections: tuple[Array, Array]) -> tuple[Array, ...]:
    """The same of their gradients, and all rows of the batch in one sum."""
    each, weights = zip(*projections, strict=True)
    (at_once,) = matmul.FORMULATIONS["backward"]
    whole = np.concatenate(each, axis=2), normal, np.concatenate(weights, axis=1)
    dL_dnormal, dL_dweights = at_once.function(*whole)
    return dL_dnormal, *_apart(dL_dweights, weights)


def _apart(x: Array, weights: tuple[Array, ...]) -> list[Array]:
    """Columns of x as many as each of the weights has."""
    return [x[..., start:end] for start, end in pairwise(accumulate((w.shape[1] for w in weights), initial=0))]


def _residuals_one_by_one(dL_doutputs: Array, *block: Array, **how: Any) -> Any:
    """What comes back through a norm is added to the residual's gradient term by term, as reverse mode does: through
    the scale, and through each factor of the square. Taken off again, dL_doutputs leaves what these sums round."""

    def norm(dL_dnormal: Array, x: Array, weight: Array, *, eps: float) -> tuple[Array, Array]:
        scale, g = rms_norm.scale_of(x, eps), dL_dnormal * weight
        of_factor = x * (scale * scale * scale * ((g * x).mean(axis=-1, keepdims=True) / 2))
        total = added(dL_doutputs, g * scale) - of_factor - of_factor
        return total - dL_doutputs, rms_norm.backward(dL_dnormal, x, weight, eps=eps)[1]

    return replacing(backward, rms_norm.backward)(norm, dL_doutputs, *block, **how)


ATTENTION, OF_ATTENTION = (scaled_dot_product_attention.FORMULATIONS[way] for way in ("forward", "backward"))
GATED, OF_GATED = (swiglu.FORMULATIONS[way] for way in ("forward", "backward"))
FORWARD_PARTS = (
    (as_written(projected), Formulation(_in_one_product, "one product")),
    (as_written(scaled_dot_product_attention.forward), *ATTENTION),
    (as_written(swiglu.forward), as_written(swiglu.forward), *GATED),
)
BACKWARD_PARTS = (
    (as_written(projection_gradients), Formulation(_gradients_in_one_product, "one product")),
    (as_written(rms_norm.backward), *rms_norm.FORMULATIONS["backward"]),
    (
        as_written(scaled_dot_product_attention.backward),
        *named(OF_ATTENTION, "saved logsumexp, sum of outputs", "keys repeated", "queries and keys scaled"),
    ),
    (
        as_written(swiglu.backward),
        *named(
            OF_GATED,
            "times up last",
            "g s + (g x) s', s (1 - s), (1 + tanh(x/2)) / 2",
            "s (1 + x (1 - s)), (1 + tanh(x/2)) / 2",
        ),
    ),
)
"""What each part may be: as written, and what differs most from that."""
FORMULATIONS = {
    "forward": side_by_side(forward_by, *FORWARD_PARTS),
    "backward": (
        *side_by_side(backward_by, *BACKWARD_PARTS),
        Formulation(_residuals_one_by_one, "residuals one by one"),
    ),
}
