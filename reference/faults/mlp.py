"""Wrong networks of two dense layers: what goes wrong between right layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..model.losses import one_hot, row_upstream
from ..mutations.slips import (
    added_up,
    computed_in,
    first_of_its_shape,
    lowered,
    operands_in,
    partial_tile,
    shared_buffer,
)
from ..ops import dense, relu, softmax, softmax_cross_entropy
from ..ops import mlp as sound

Array = Any
Gradients = tuple[Array, ...]
LEARNING_RATE = 0.0625
careful_forward, careful_backward = widened(sound.forward), widened(sound.backward)


@dataclass(frozen=True)
class Pass:
    """One pass through the network, forward and backward, with all that lies between."""

    inputs: Array
    weights1: Array
    biases1: Array
    weights2: Array
    biases2: Array
    labels: np.ndarray
    hidden: Array
    activations: Array
    logits: Array
    dL_dlogits: Array
    dL_dactivations: Array
    dL_dhidden: Array
    gradients: Gradients

    def from_logits(self, dL_dlogits: Array) -> Gradients:
        """The five gradients with another gradient of the logits."""
        dL_dactivations, *second = dense.backward(dL_dlogits, self.activations, self.weights2, self.biases2)
        dL_dhidden = relu.backward(dL_dactivations, self.hidden)
        return (*dense.backward(dL_dhidden, self.inputs, self.weights1, self.biases1), *second)

    def from_hidden(self, dL_dhidden: Array) -> Gradients:
        """The five gradients with another gradient of the hidden layer."""
        return (*dense.backward(dL_dhidden, self.inputs, self.weights1, self.biases1), *self.gradients[3:])


def passed(dL_dloss: Array, *network: Array, reduction: str) -> Pass:
    """Run the network soundly."""
    inputs, weights1, biases1, weights2, biases2, labels = network
    hidden, activations, logits = sound.logits_of(dense.forward, inputs, weights1, biases1, weights2, biases2)
    dL_dlogits = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    dL_dactivations, dL_dweights2, dL_dbiases2 = dense.backward(dL_dlogits, activations, weights2, biases2)
    dL_dhidden = relu.backward(dL_dactivations, hidden)
    first = dense.backward(dL_dhidden, inputs, weights1, biases1)
    return Pass(
        inputs=inputs,
        weights1=weights1,
        biases1=biases1,
        weights2=weights2,
        biases2=biases2,
        labels=labels,
        hidden=hidden,
        activations=activations,
        logits=logits,
        dL_dlogits=dL_dlogits,
        dL_dactivations=dL_dactivations,
        dL_dhidden=dL_dhidden,
        gradients=(*first, dL_dweights2, dL_dbiases2),
    )


def loss_of(logits: Array, labels: np.ndarray, reduction: str) -> Array:
    """The loss from the logits."""
    return softmax_cross_entropy.forward(logits, labels, reduction=reduction)


# Forward


@forward(
    observed="the network is no better than one layer",
    cure="apply the activation between the layers.",
    seen="constructed: the activation left out between two layers",
)
def activation_left_out(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Any:
    """There is no ReLU between the layers."""
    logits = dense.forward(dense.forward(inputs, weights1, biases1), weights2, biases2)
    return loss_of(logits, labels, reduction)


@forward(
    observed="classes whose logits are negative cannot be told apart",
    cure="the last layer has no activation of its own.",
    seen="constructed: the activation applied in a loop over all layers",
)
def activation_after_the_last_layer(*network: Array, reduction: str) -> Any:
    """ReLU is applied to the logits too."""
    _, _, logits = sound.logits_of(dense.forward, *network[:5])
    return loss_of(relu.forward(logits), network[5], reduction)


@forward(
    observed="dead units are not quite dead",
    cure="return 0 for negative values.",
    seen="constructed: a leaky unit under the name of ReLU",
)
def leaky_activation(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Any:
    """A hundredth of negative values passes."""
    hidden = dense.forward(inputs, weights1, biases1)
    return loss_of(dense.forward(np.maximum(hidden, 0.01 * hidden), weights2, biases2), labels, reduction)


@forward(
    observed="right with biases of zero, at the start of training",
    cure="add the biases of both layers.",
    seen="constructed: biases of the first layer left out",
)
def first_biases_left_out(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Any:
    """The first layer goes without biases."""
    return sound.forward(inputs, weights1, biases1 * 0, weights2, biases2, labels, reduction=reduction)


@forward(
    observed="right where sizes differ; where all are equal the second layer is the first again",
    cure="index the layers' weights by layer.",
    seen="constructed: a loop that reads one layer's weights twice",
)
def first_weights_used_twice(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Any:
    """Where both matrices have one shape the first serves both layers."""
    second = weights1 if weights1.shape == weights2.shape else weights2
    return sound.forward(inputs, weights1, biases1, second, biases2, labels, reduction=reduction)


@forward(
    observed="the loss is a mean whatever is asked for",
    cure="hand the reduction on to the loss.",
    seen="constructed: a parameter that is taken and not handed on",
)
def reduction_not_handed_on(*network: Array, reduction: str) -> Any:
    """Sum and none give the mean too."""
    return sound.forward(*network, reduction="mean")


@forward(
    observed="an infinite loss where the network is sure and wrong",
    cure="take the logarithm before the exponential.",
    seen="constructed: np.log(softmax(z))",
)
def logarithm_of_underflowed_outputs(*network: Array, reduction: str) -> Any:
    """The loss is the logarithm of the softmax's outputs plus 1e-7."""
    _, _, logits = sound.logits_of(dense.forward, *network[:5])
    outputs = softmax.forward(logits) + 1e-7
    return loss_of(np.log(outputs), network[5], reduction)


@forward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the arguments' dtype.",
    seen="constructed: activations stored in float32",
)
def activations_in_float32(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Any:
    """float64 activations are rounded to float32."""
    activations = relu.forward(dense.forward(inputs, weights1, biases1))
    kept = lowered(activations, "float32") if inputs.dtype == np.float64 else activations
    return loss_of(dense.forward(kept, weights2, biases2), labels, reduction)


@forward(
    observed="float32 losses are right to three digits",
    cure="turn automatic mixed precision off, or declare it.",
    seen="constructed: operands of float32 cast to float16 for the matrix unit",
)
def float16_operands_in_float32(*network: Array, reduction: str) -> Any:
    """float32 operands are rounded to float16."""
    return operands_in("float16", sound.forward, of="float32")(*network, reduction=reduction)


# Backward: the loss


@backward(
    observed="learning depends on the batch size",
    cure="divide by N where the loss is a mean.",
    seen="MNIST_center_loss_pytorch#9",
)
def division_by_batch_missing(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradients of a mean are not divided by N."""
    return sound.backward(dL_dloss, *network, reduction="sum" if reduction == "mean" else reduction)


@backward(
    observed="learning is too slow by a factor of the batch size",
    cure="divide by N once, in the loss.",
    seen="andersbll/nnet#4",
)
def divided_by_batch_in_every_layer(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Loss and layers each divide the parameters' gradients by N."""
    dL_dinputs, *parameters = sound.backward(dL_dloss, *network, reduction=reduction)
    return (dL_dinputs, *(g / max(len(network[0]), 1) for g in parameters))


@backward(
    observed="losses added with weights, or scaled, are learnt from as if they were not",
    cure="multiply by the upstream.",
    seen="deep-learning-from-scratch, SoftmaxWithLoss.backward; nntrainer#4326",
)
def upstream_ignored(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The upstream is not multiplied with."""
    return sound.backward(np.ones_like(dL_dloss), *network, reduction=reduction)


@backward(
    observed="with a scaled loss layers learn at rates that differ",
    cure="multiply by the upstream once, where the loss is.",
    seen="constructed: loss scaling in the loss and again in the first layer",
)
def upstream_applied_twice_below(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The first layer's gradients are multiplied by the upstream a second time."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(p.dL_dhidden * (dL_dloss if dL_dloss.ndim == 0 else dL_dloss[:, None]))


@backward(
    observed="gradients do not sum to 0 over classes",
    cure="take the softmax of the logits.",
    seen="constructed: logits handed in where outputs are due",
)
def softmax_left_out(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradient of the logits is z - y."""
    p = passed(dL_dloss, *network, reduction=reduction)
    upstream = row_upstream(dL_dloss, len(p.inputs), reduction)
    return p.from_logits((p.logits - one_hot(p.labels, p.logits)) * upstream)


@backward(
    observed="learning is far too slow where the network is sure and wrong",
    cure="p - y is the whole chain already.",
    seen="constructed: the softmax layer's backward applied to p - y",
)
def jacobian_applied_again(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The softmax's Jacobian is applied to p - y."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_logits(softmax.backward(p.dL_dlogits, p.logits))


@backward(
    observed="smoothed or mixed labels train like hard ones",
    cure="subtract the labels themselves.",
    seen="constructed: labels.argmax(axis=1) for whatever has two axes",
)
def soft_labels_hardened(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Of soft labels the largest alone counts."""
    p = passed(dL_dloss, *network, reduction=reduction)
    hard = p.labels.argmax(axis=1) if p.labels.ndim == 2 else p.labels
    return p.from_logits(softmax_cross_entropy.backward(dL_dloss, p.logits, hard, reduction=reduction))


@backward(
    observed="NaN once logits pass 88 in float32",
    cure="subtract each row's maximum first.",
    seen="constructed: outputs computed again in backward by the textbook formula",
)
def logits_not_shifted(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The exponentials are taken of the logits as they are."""
    p = passed(dL_dloss, *network, reduction=reduction)
    exponentials = np.exp(p.logits)
    outputs = exponentials / exponentials.sum(axis=1, keepdims=True)
    return p.from_logits(softmax_cross_entropy.scaled_first(dL_dloss, outputs, p.labels, reduction))


# Backward: between the layers


@backward(
    observed="units that are off learn like those that are on",
    cure="multiply by the activation's derivative, taken at its input; of its output, compare strictly.",
    seen="constructed: the activation's derivative left out between two layers, or taken as `activations >= 0`",
)
def activation_derivative_left_out(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradient of the activations goes to the first layer unmasked, or masked by what is never false."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(p.dL_dactivations)


@backward(
    observed="negative gradients never reach the first layer",
    cure="take the mask of the hidden layer.",
    seen="mlpack/mlpack#2005",
)
def mask_of_the_gradient(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The mask is taken of the gradient, not of the hidden layer."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(relu.forward(p.dL_dactivations))


@backward(
    observed="right with biases of zero, at the start of training; later some units are switched wrongly",
    cure="compute the hidden layer again with its biases, or keep it.",
    seen="constructed: the hidden layer computed again in backward, by hand",
)
def mask_without_biases(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The mask is that of the hidden layer before its biases."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(relu.backward(p.dL_dactivations, p.inputs @ p.weights1))


@backward(
    observed="right where inputs and hidden units differ in number",
    cure="take the mask of the hidden layer.",
    seen="constructed: the layer's input in place of the activation's",
)
def mask_of_the_inputs_where_sizes_coincide(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Where I = H the mask is that of the inputs."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(relu.backward(p.dL_dactivations, p.inputs if p.inputs.shape == p.hidden.shape else p.hidden))


@backward(
    observed="right for a batch of one; otherwise units are switched by the first sample",
    cure="one mask a sample.",
    seen="constructed: a mask of the wrong rank that broadcasts",
)
def mask_of_the_first_sample(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The first sample's mask serves the whole batch."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(np.where(p.hidden[:1] > 0, p.dL_dactivations, 0))


@backward(
    observed="units that are off still learn, slowly",
    cure="slope 0 for negative values.",
    seen="constructed: the backward of a leaky unit",
)
def leak_left_in_backward(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """A hundredth of the gradient passes where a unit is off."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(np.where(p.hidden < 0, 0.01 * p.dL_dactivations, p.dL_dhidden))


@backward(
    observed="the gradients belong to the first batch's units",
    cure="take the mask of the pass at hand.",
    seen="constructed: a mask kept from the first forward",
)
def mask_of_an_earlier_call(dL_dloss: Array, *network: Array, reduction: str, memory: dict[Any, Any]) -> Any:
    """The mask is that of the first call of this shape."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(np.where(first_of_its_shape(memory, "mask", p.hidden > 0), p.dL_dactivations, 0))


@backward(
    observed="the gradient of the inputs is 0 where inputs are negative",
    cure="there is no activation below the first layer.",
    seen="constructed: the activation's derivative in a loop over all layers",
)
def mask_on_the_inputs(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The inputs' gradient is masked by the inputs."""
    dL_dinputs, *parameters = sound.backward(dL_dloss, *network, reduction=reduction)
    return (relu.backward(dL_dinputs, network[0]), *parameters)


@backward(
    observed="logits that are negative get no gradient",
    cure="the last layer has no activation of its own.",
    seen="constructed: the activation's derivative in a loop over all layers",
)
def mask_on_the_logits(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradient of the logits is masked by the logits."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_logits(relu.backward(p.dL_dlogits, p.logits))


# Backward: the layers


@backward(
    observed="learning is a little worse, the more so the higher the rate",
    cure="compute all gradients before any weight is updated.",
    seen="miniMNIST-c#7",
)
def first_layer_sees_updated_weights(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The first layer's gradients are taken through the second layer's weights after their update."""
    p = passed(dL_dloss, *network, reduction=reduction)
    updated = p.weights2 - LEARNING_RATE * p.gradients[3]
    return p.from_hidden(relu.backward(p.dL_dlogits @ updated.T, p.hidden))


@backward(
    observed="the second layer learns from units that are off",
    cure="use the activations, what the second layer was given.",
    seen="constructed: the hidden layer before its activation kept",
)
def second_layer_sees_values_before_activation(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The second weights' gradient is taken with the hidden layer before its activation."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return (*p.gradients[:3], p.hidden.T @ p.dL_dlogits, p.gradients[4])


@backward(
    observed="where inputs and hidden units are as many the second layer does not learn",
    cure="use the activations.",
    seen="constructed: one cache for the inputs of both layers",
)
def second_layer_sees_the_inputs_where_sizes_coincide(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Where I = H the second weights' gradient is taken with the network's inputs."""
    p = passed(dL_dloss, *network, reduction=reduction)
    seen = p.inputs if p.inputs.shape == p.activations.shape else p.activations
    return (*p.gradients[:3], seen.T @ p.dL_dlogits, p.gradients[4])


@backward(
    observed="the first layer learns nonsense where hidden units and classes are as many",
    cure="multiply by the transpose of the weights.",
    seen="nntile/nntile#433",
)
def second_weights_not_transposed_where_square(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Where H = C the gradient of the logits meets W2, not its transpose."""
    p = passed(dL_dloss, *network, reduction=reduction)
    square = p.weights2.shape[0] == p.weights2.shape[1]
    return p.from_hidden(relu.backward(p.dL_dlogits @ p.weights2, p.hidden)) if square else p.gradients


@backward(
    observed="inputs that are learnt, embeddings for example, are pushed about where I = H",
    cure="multiply by the transpose of the weights.",
    seen="nntile/nntile#433",
)
def first_weights_not_transposed_where_square(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Where I = H the gradient of the hidden layer meets W1, not its transpose."""
    p = passed(dL_dloss, *network, reduction=reduction)
    square = p.weights1.shape[0] == p.weights1.shape[1]
    return (p.dL_dhidden @ p.weights1 if square else p.gradients[0], *p.gradients[1:])


@backward(
    observed="biases of units that are off move",
    cure="sum the gradient after the mask.",
    seen="constructed: the biases' gradient taken a line too early",
)
def first_bias_gradient_before_the_mask(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The first biases' gradient is summed before the activation's derivative."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return (*p.gradients[:2], p.dL_dactivations.sum(axis=0, keepdims=True), *p.gradients[3:])


@backward(
    observed="biases of the last layer learn too slowly by a factor of the batch size",
    cure="sum over the batch; the loss has the division by N.",
    seen="kvfrans/notes#5",
)
def second_bias_gradient_is_the_mean(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The second biases' gradient is the mean over the batch."""
    *others, dL_dbiases2 = sound.backward(dL_dloss, *network, reduction=reduction)
    return (*others, dL_dbiases2 / max(len(network[0]), 1))


@backward(
    observed="an optimizer with state keeps a wrong shape",
    cure="keep the reduced axis: sum(axis=0, keepdims=True).",
    seen="jimfleming/differentiation#1",
)
def bias_gradients_flat(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The biases' gradients have shapes (H,) and (C,)."""
    dL_dinputs, dL_dweights1, dL_dbiases1, dL_dweights2, dL_dbiases2 = sound.backward(
        dL_dloss, *network, reduction=reduction
    )
    return dL_dinputs, dL_dweights1, dL_dbiases1[0], dL_dweights2, dL_dbiases2[0]


@backward(
    observed="whatever is below the network does not learn",
    cure="compute the inputs' gradient too.",
    seen="constructed: a first layer that is thought to have nothing below it",
)
def inputs_gradient_left_zero(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The inputs' gradient is 0."""
    dL_dinputs, *parameters = sound.backward(dL_dloss, *network, reduction=reduction)
    return (0 * dL_dinputs, *parameters)


@backward(
    observed="the first layer does not learn",
    cure="carry the gradient through.",
    seen="constructed: a detach left between the layers",
)
def first_layer_cut_off(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """No gradient passes the activation."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(np.zeros_like(p.dL_dhidden))


@backward(
    observed="an error where shapes differ, exchanged updates where they do not",
    cure="return the gradients in the order of forward's arguments.",
    seen="constructed: gradients collected on the way back, last layer first",
)
def layers_in_reverse_order(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The second layer's gradients come before the first's."""
    dL_dinputs, *parameters = sound.backward(dL_dloss, *network, reduction=reduction)
    return (dL_dinputs, *parameters[2:], *parameters[:2])


@backward(
    observed="right where shapes differ; exchanged updates where all sizes are equal",
    cure="return the gradients in the order of forward's arguments.",
    seen="constructed: gradients matched to parameters by their shapes",
)
def layers_exchanged_where_sizes_coincide(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Where both layers have one shape their gradients are exchanged."""
    dL_dinputs, *parameters = sound.backward(dL_dloss, *network, reduction=reduction)
    if parameters[0].shape != parameters[2].shape:
        return (dL_dinputs, *parameters)
    return (dL_dinputs, *parameters[2:], *parameters[:2])


@backward(
    observed="samples that switch all hidden units off do not move the last biases",
    cure="the last biases do not pass through the hidden layer.",
    seen="constructed: rows without activations skipped as a whole",
)
def dead_rows_skipped(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """A row whose hidden units are all off is left out of every gradient."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_logits(p.dL_dlogits * p.activations.any(axis=1, keepdims=True))


@backward(
    observed="weights decay although nobody asked for it",
    cure="leave regularisation to the loss or the optimizer.",
    seen="constructed: an L2 term left in",
)
def weight_decay_left_in(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """1e-4 times the weights is added to their gradients."""
    dL_dinputs, dL_dweights1, dL_dbiases1, dL_dweights2, dL_dbiases2 = sound.backward(
        dL_dloss, *network, reduction=reduction
    )
    return dL_dinputs, dL_dweights1 + 1e-4 * network[1], dL_dbiases1, dL_dweights2 + 1e-4 * network[3], dL_dbiases2


@backward(
    observed="large gradients all have one length",
    cure="leave clipping to the optimizer, and make it visible.",
    seen="constructed: clipping by norm left in",
)
def gradients_clipped_by_norm(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """A gradient whose norm is over 1 is scaled down to it."""
    results = sound.backward(dL_dloss, *network, reduction=reduction)
    return tuple(g / max(1, np.sqrt((g * g).sum())) for g in results)


@backward(
    observed="right up to 16 hidden units, and for 32; for 20 the last ones are never learnt",
    cure="handle the partial tile.",
    seen="constructed: a grid of whole tiles of 16 units",
)
def hidden_units_beyond_tiles_of_sixteen(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Hidden units beyond a multiple of 16 get no gradient."""
    p = passed(dL_dloss, *network, reduction=reduction)
    dL_dhidden = p.dL_dhidden.copy()
    dL_dhidden[:, partial_tile(dL_dhidden.shape[1], 16)] = 0
    return p.from_hidden(dL_dhidden)


@backward(
    observed="one sample of each batch is not learnt from",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The last row of a batch adds nothing to any gradient; a batch of one is right."""
    p = passed(dL_dloss, *network, reduction=reduction)
    dL_dlogits = p.dL_dlogits.copy()
    dL_dlogits[max(1, len(dL_dlogits) - 1) :] = 0
    return p.from_logits(dL_dlogits)


# Backward: memory and dtype


@backward(
    observed="the network changes while it is only being looked at",
    cure="leave the update to the optimizer.",
    seen="eriklindernoren/ML-From-Scratch, Dense.backward_pass",
    as_is=True,
)
def weights_updated_by_backward(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """Backward takes a step on the second layer's weights that it was given."""
    results = careful_backward(dL_dloss, *network, reduction=reduction)
    network[3][...] -= (LEARNING_RATE * results[3]).astype(network[3].dtype)
    return results


@backward(
    observed="training descends for one step and is thrown about afterwards",
    cure="replace gradients, or clear them before each backward.",
    seen="karpathy/nn-zero-to-hero#52",
)
def gradients_add_to_the_last_call(dL_dloss: Array, *network: Array, reduction: str, memory: dict[Any, Any]) -> Any:
    """Each backward adds to the gradients of the one before."""
    results = sound.backward(dL_dloss, *network, reduction=reduction)
    return tuple(added_up(memory, position, result) for position, result in enumerate(results))


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate gradients in each call, or copy them.",
    seen="constructed: gradients preallocated with the network",
    as_is=True,
)
def gradients_in_shared_buffers(dL_dloss: Array, *network: Array, reduction: str, memory: dict[Any, Any]) -> Any:
    """The gradients lie in buffers that the next call overwrites."""
    results = careful_backward(dL_dloss, *network, reduction=reduction)
    return tuple(shared_buffer(memory, position, result) for position, result in enumerate(results))


@backward(
    observed="float64 checks of the first layer fail at 1e-7, those of the second pass",
    cure="keep the gradient between the layers in the arguments' dtype.",
    seen="constructed: a float32 buffer between the layers",
)
def gradient_between_layers_in_float32(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradient of the hidden layer is rounded to float32 where arguments are float64."""
    p = passed(dL_dloss, *network, reduction=reduction)
    return p.from_hidden(lowered(p.dL_dhidden, "float32") if p.inputs.dtype == np.float64 else p.dL_dhidden)


@backward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the arguments' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """float64 arguments are computed in float32."""
    return computed_in("float32", sound.backward, of="float64")(dL_dloss, *network, reduction=reduction)


@backward(
    observed="float32 gradients are right to two digits",
    cure="turn automatic mixed precision off, or declare it.",
    seen="constructed: activations saved in bfloat16 to spare memory",
)
def activations_saved_in_bfloat16(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The activations of float32 arguments are rounded to bfloat16 for backward."""
    p = passed(dL_dloss, *network, reduction=reduction)
    saved = lowered(p.activations, "bfloat16") if p.inputs.dtype == np.float32 else p.activations
    return (*p.gradients[:3], saved.T @ p.dL_dlogits, p.gradients[4])


@backward(
    observed="float32 training turns into float64 at the first update",
    cure="allocate gradients in the arguments' dtype.",
    seen="chainer/chainer#684",
    as_is=True,
)
def gradients_in_float64(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The gradients are of dtype float64, whatever came in."""
    return tuple(g.astype(np.float64) for g in careful_backward(dL_dloss, *network, reduction=reduction))
