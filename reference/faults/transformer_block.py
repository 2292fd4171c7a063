"""Wrong blocks of a transformer that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..model.formulations import replacing
from ..ops import matmul, rms_norm, swiglu
from ..ops import scaled_dot_product_attention as attention
from ..ops import transformer_block as sound

Array = Any
BY_NORM, BY_ATTENTION, BY_GRADIENTS = (
    replacing(sound.backward, part) for part in (rms_norm.backward, attention.backward, sound.projection_gradients)
)


def _residuals_lost(second: bool, first: bool, dL_doutputs: Array, *block: Array, **how: Any) -> Any:
    """Backward without the gradient that passes by the network, by attention, or both."""
    through_norms: list[Array] = []

    def norm(*of_norm: Array, eps: float) -> Any:
        dL_dx, dL_dweight = rms_norm.backward(*of_norm, eps=eps)
        through_norms.append(dL_dx - dL_doutputs if second and not through_norms else dL_dx)
        return through_norms[-1], dL_dweight

    dL_dinputs, *rest = BY_NORM(norm, dL_doutputs, *block, **how)
    return through_norms[1] if first else dL_dinputs, *rest


@backward("paiml/entrenar#313", "add dL_doutputs to what comes back through the second norm.")
def second_residual_gradient_lost(*tensors: Array, **how: Any) -> Any:
    """The gradient of middle is that through the second norm alone: what passes by the network is lost."""
    return _residuals_lost(True, False, *tensors, **how)


@backward("NVIDIA/recsys-examples#446", "add the gradient of middle to what comes back through the first norm.")
def first_residual_gradient_lost(*tensors: Array, **how: Any) -> Any:
    """The gradient of the inputs is that through the first norm alone: what passes by attention is lost."""
    return _residuals_lost(False, True, *tensors, **how)


@backward("NVIDIA/Fuser PR 2922", "at each norm, add the gradient that passes by it.")
def both_residual_gradients_lost(*tensors: Array, **how: Any) -> Any:
    """Neither sum of a branch and what it is added to has a gradient but that of the branch."""
    return _residuals_lost(True, True, *tensors, **how)


@backward("Dao-AILab/quack PR 53", "differentiate the norm first, then add the residual's gradient.")
def residual_gradient_through_the_norm(dL_doutputs: Array, *block: Array, **how: Any) -> Any:
    """The gradient that passes by the network is added before the second norm's, and goes through that as well."""

    first = iter((True, False))

    def norm(dL_dnormal: Array, *of_norm: Array, eps: float) -> Any:
        if not next(first):
            return rms_norm.backward(dL_dnormal, *of_norm, eps=eps)
        dL_dmiddle, dL_dnorm2 = rms_norm.backward(dL_dnormal + dL_doutputs, *of_norm, eps=eps)
        return dL_dmiddle - dL_doutputs, dL_dnorm2

    return BY_NORM(norm, dL_doutputs, *block, **how)


@backward("linkedin/Liger-Kernel PR 1435", "dL_dnormal2 = dL_dgate w_gate^T + dL_dup w_up^T: add both products.")
def gate_alone_reaches_the_inputs(*tensors: Array, **how: Any) -> Any:
    """Of gate and up, one alone has a part in the gradient of what both were computed from."""

    def gradients(normal: Array, *projections: Any) -> Any:
        total, *weights = sound.projection_gradients(normal, *projections)
        if len(projections) == 2:
            total, _ = matmul.backward(projections[0][0], normal, projections[0][1])
        return total, *weights

    return BY_GRADIENTS(gradients, *tensors, **how)


@backward("XunhaoLai/native-sparse-attention-triton#27", "sum the gradients of heads that share keys.")
def gradients_of_shared_keys_not_summed(*tensors: Array, **how: Any) -> Any:
    """Of the heads that share keys and values, the first alone gives them a gradient."""

    def first_heads(g: Array, query: Array, key: Array, value: Array, **options: Any) -> Any:
        dL_dquery, _, _ = attention.backward(g, query, key, value, **options)
        shared = query.shape[1] // key.shape[1]
        return dL_dquery, *attention.backward(g[:, ::shared], query[:, ::shared], key, value, **options)[1:]

    return BY_ATTENTION(first_heads, *tensors, **how)


@forward("Howuhh/faster-trajectory-transformer#3", "add attention to the inputs as they came in.")
def residual_of_normalized_inputs(inputs: Array, norm1: Array, *block: Array, eps: float, **how: Any) -> Any:
    """What attention is added to is its normalised inputs."""
    normal1 = rms_norm.forward(inputs, norm1, eps=eps)
    project = sound.projected
    wq, wk, wv, wo, norm2, w_gate, w_up, w_down, cos, sin = block
    _, *of_heads = sound.attended(project, inputs, norm1, wq, wk, wv, cos, sin, eps=eps, **how)
    middle = normal1 + sound.joined(sound.causal(attention.forward, *of_heads)) @ wo
    gate, up = project(rms_norm.forward(middle, norm2, eps=eps), w_gate, w_up)
    return sound.added(middle, swiglu.forward(gate, up) @ w_down)


@forward("karpathy/ng-video-lecture PR 6", "divide by the root of the size of a head.")
def scaled_by_all_features(inputs: Array, *block: Array, **how: Any) -> Any:
    """Scores are divided by the root of the number of the inputs' features."""

    def attend(*of_heads: Array, scale: Any, **options: Any) -> Any:
        return attention.forward(*of_heads, scale=float(inputs.shape[2] ** -0.5), **options)

    return replacing(sound.forward, attention.forward)(attend, inputs, *block, **how)


@forward("onnx/onnx PR 7274", "repeat each head of keys for its own queries, one after another.")
def heads_of_keys_tiled(*block: Array, **how: Any) -> Any:
    """Heads of keys are repeated as a whole: head h of queries reads head h % G."""

    def attend(query: Array, key: Array, value: Array, **options: Any) -> Any:
        repeated = (np.tile(x, (1, query.shape[1] // x.shape[1], 1, 1)) for x in (key, value))
        return attention.forward(query, *repeated, **options)

    return replacing(sound.forward, attention.forward)(attend, *block, **how)
