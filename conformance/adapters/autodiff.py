"""Shared by the adapters of autodiff frameworks: make `<op>_forward` and `<op>_backward` from a forward function.

Each adapter gives the framework's own functions, how an array becomes a tensor, and how gradients are taken.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial, wraps
from operator import truediv
from typing import Any

import numpy as np

from .steps import require_one_shape

Function = Callable[..., Any]
Array = Any
"""np.ndarray."""
Tensor = Any
"""What the framework calls one."""
Tensors = Any
"""A sequence of them."""
Axes = int | tuple[int, ...] | None
"""The axes of a reduction, counted from the end."""
Sizes = int | tuple[int, ...]
"""A size for all axes of images, or one for each."""


@contextmanager
def needed(module: str, framework: str, install: str) -> Iterator[None]:
    """Wrap the import of a framework: where it is missing, raise an error that says what to install."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        raise ModuleNotFoundError(f"this adapter needs {framework}: pip install {install}", name=module) from None


def own(array: Array) -> Array:
    """Copy an array, packed in C order and in the machine's byte order.

    Some frameworks refuse negative strides and the other byte order, tinygrad overlooks the order, and a copy is safe
    from being written to.
    """
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _call(function: Function, *tensors: Tensor) -> Tensor:
    return function(*tensors)


def _itself(tensor: Tensor) -> object:
    return tensor


def native(array: Array) -> Array:
    """The array in the machine's byte order: frameworks refuse another, or read over it."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


@dataclass(frozen=True)
class Autodiff:
    """The calls into a framework, and the functions of an adapter made from them."""

    tensor: Callable[[Array], Tensor]
    """Makes a tensor of an array's dtype, shape and values, in memory of its own."""
    gradients: Callable[[Function, Tensors, Tensors, Tensor], Tensors]
    """Gives the gradient of each variable, from function, variables, constants and the gradient of the result."""
    value: Function = _call
    """Calls a function with tensors, compiled where the user asked for that."""
    array: Callable[[Tensor], object] = _itself
    """Makes a result of a tensor: itself, where NumPy reads it through DLPack or `__array__` at every dtype."""

    def both(self, function: Function) -> tuple[Function, Function]:
        """Make both directions of an operation whose arguments are all differentiable."""
        return self._forward(function), self._backward(function, constants=0)

    def both_of_loss(self, function: Function, constants: int = 1) -> tuple[Function, Function]:
        """Make both directions of an operation whose last argument, or last few, are labels, which have no gradient."""
        return self._forward(function), self._backward(function, constants)

    def both_with_indices(self, function: Function, at: int) -> tuple[Function, Function]:
        """Make both directions of an operation whose argument at a position, counted from 0, has no gradient."""

        def indices_last(*tensors: Tensor, **parameters: object) -> Tensor:
            *others, indices = tensors
            return function(*others[:at], indices, *others[at:], **parameters)

        differentiate = self._backward(indices_last, constants=1)

        def backward(upstream: Array, *arguments: Array, **parameters: object) -> tuple[object, ...]:
            others = arguments[:at] + arguments[at + 1 :]
            found: tuple[object, ...] = differentiate(upstream, *others, arguments[at], **parameters)
            return found

        return self._forward(function), backward

    def both_of_several(self, function: Function, results: int) -> tuple[Function, Function]:
        """Make both directions of an operation with several results, whose arguments are all differentiable."""
        return self._forward(function), self._backward(function, constants=0, results=results)

    def step(self, function: Function) -> Function:
        """Make an optimizer's step, of parameters, gradients and state of one shape: forward alone, never compiled."""

        @wraps(function)  # whose keywords say what is unsupported
        def step(*arguments: Array, **rates: object) -> tuple[object, ...]:
            require_one_shape(*arguments)
            return tuple(map(self.array, function(*(self.tensor(native(x)) for x in arguments), **rates)))

        return step

    def from_outputs(self, rows: Callable[[Tensor, Tensor], Tensor]) -> Function:
        """`softmax_cross_entropy_from_outputs_backward`, written out, as autodiff needs a forward pass.

        `rows` gives labels (N,) or (N, C) as rows (N, C) of the scores' dtype.
        """

        def backward(dL_dloss: Array, outputs: Array, labels: Array, *, reduction: str) -> object:
            if dL_dloss.shape != (outputs.shape[:1] if reduction == "none" else ()):
                raise ValueError(f"a gradient of shape {dL_dloss.shape} does not fit outputs {outputs.shape}")
            dL_dloss, outputs, labels = native(dL_dloss), native(outputs), native(labels)
            upstream, probabilities = self.tensor(dL_dloss.reshape(-1, 1)), self.tensor(outputs)
            if reduction == "mean":
                upstream = upstream / len(outputs)
            return self.array((probabilities - rows(self.tensor(labels), probabilities)) * upstream)

        return backward

    def _forward(self, function: Function) -> Function:
        def forward(*arguments: Array, **parameters: object) -> object:
            tensors = [self.tensor(native(argument)) for argument in arguments]
            result = self.value(_with(function, **parameters), *tensors)
            return tuple(map(self.array, result)) if isinstance(result, tuple) else self.array(result)

        return forward

    def _backward(self, function: Function, constants: int, results: int = 1) -> Function:
        def backward(*arguments: Array, **parameters: object) -> tuple[object, ...]:
            given = [self.tensor(native(argument)) for argument in arguments]
            upstream, tensors = given[0] if results == 1 else tuple(given[:results]), given[results:]
            count = len(tensors) - constants
            called = _with(function, **parameters)
            found = self.gradients(called, tensors[:count], tensors[count:], upstream)
            return tuple(map(self.array, found))

        return backward


def network(dense: Function, relu: Function, loss: Function) -> Function:
    """Compose dense, ReLU, dense and a loss of logits."""

    def mlp(
        inputs: Tensor,
        weights1: Tensor,
        biases1: Tensor,
        weights2: Tensor,
        biases2: Tensor,
        labels: Tensor,
        *,
        reduction: str,
    ) -> Tensor:
        hidden = relu(dense(inputs, weights1, biases1))
        return loss(dense(hidden, weights2, biases2), labels, reduction=reduction)

    return mlp


def convolutional(
    conv2d: Function,
    batch_norm: Function,
    relu: Function,
    max_pool2d: Function,
    reshape: Function,
    dense: Function,
    loss: Function,
) -> Function:
    """Compose a convolution, batch normalisation, ReLU, pooling, dense and a loss of logits."""

    def convolutional_network(
        inputs: Tensor,
        conv_weight: Tensor,
        conv_bias: Tensor,
        norm_weight: Tensor,
        norm_bias: Tensor,
        weights: Tensor,
        biases: Tensor,
        labels: Tensor,
        *,
        reduction: str,
    ) -> Tensor:
        hidden = relu(batch_norm(conv2d(inputs, conv_weight, conv_bias), norm_weight, norm_bias, eps=1e-5))
        pooled = max_pool2d(hidden, kernel_size=2, stride=2)
        features = reshape(pooled, (pooled.shape[0], weights.shape[0]))
        return loss(dense(features, weights, biases), labels, reduction=reduction)

    return convolutional_network


def transformer(
    rms_norm: Function, attention: Function, turned: Function, gated: Function, swapped: Function, reshape: Function
) -> Function:
    """Compose a block of a transformer of a normalisation, attention, rotary embedding, a gated product, and functions
    that exchange two axes and change a shape."""

    def transformer_block(
        inputs: Tensor,
        norm1: Tensor,
        wq: Tensor,
        wk: Tensor,
        wv: Tensor,
        wo: Tensor,
        norm2: Tensor,
        w_gate: Tensor,
        w_up: Tensor,
        w_down: Tensor,
        cos: Tensor,
        sin: Tensor,
        *,
        heads: int,
        eps: float,
    ) -> Tensor:
        (rows, tokens, _), columns = inputs.shape, wq.shape[1]
        if columns % heads:
            raise ValueError(f"{columns} columns of queries for {heads} heads")
        size = columns // heads
        normal = rms_norm(inputs, norm1, eps=eps)
        query, key, value = (
            swapped(reshape(normal @ w, (rows, tokens, w.shape[1] // size, size)), 1, 2) for w in (wq, wk, wv)
        )
        query, key = turned(query, cos, sin), turned(key, cos, sin)
        mixed = attention(query, key, value, scale=size**-0.5, is_causal=True)
        middle = added(inputs, reshape(swapped(mixed, 1, 2), (rows, tokens, columns)) @ wo)
        normal = rms_norm(middle, norm2, eps=eps)
        return added(middle, gated(normal @ w_gate, normal @ w_up) @ w_down)

    return transformer_block


def added(inputs: Tensor, branch: Tensor) -> Tensor:
    """The sum of a residual branch and what it is added to. Raises ValueError for two shapes."""
    require_one_shape(inputs, branch)
    return inputs + branch


def recurrent(sigmoid: Function, tanh: Function, stack: Function) -> tuple[Function, Function, Function]:
    """Make a step of an LSTM, an LSTM over time, and a step of a GRU."""

    def lstm_cell(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
        require_layer(4, inputs, (hidden, cell), layer)
        of_inputs, of_state = gates(4, inputs, hidden, *layer)
        i, f, g, o = (a + b for a, b in zip(of_inputs, of_state, strict=True))
        next_cell = sigmoid(f) * cell + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(next_cell), next_cell

    def lstm(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
        hiddens = []
        for step in range(inputs.shape[0]):
            hidden, cell = lstm_cell(inputs[step], hidden, cell, *layer)
            hiddens.append(hidden)
        return stack(hiddens), hidden, cell

    def gru_cell(inputs: Tensor, hidden: Tensor, *layer: Tensor) -> Tensor:
        require_layer(3, inputs, (hidden,), layer)
        (r, z, n), (of_r, of_z, of_n) = gates(3, inputs, hidden, *layer)
        update = sigmoid(z + of_z)
        return (1 - update) * tanh(n + sigmoid(r + of_r) * of_n) + update * hidden

    return lstm_cell, lstm, gru_cell


def gates(blocks: int, inputs: Tensor, hidden: Tensor, *layer: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """For each gate the sums of inputs and of the hidden state, both with their biases."""
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    sums = inputs @ weight_ih.T + bias_ih, hidden @ weight_hh.T + bias_hh
    units = hidden.shape[-1]
    of_inputs, of_state = ([x[:, k * units : (k + 1) * units] for k in range(blocks)] for x in sums)
    return of_inputs, of_state


def seen_by(query: Tensor, key: Tensor, mask: Tensors) -> Tensor | None:
    """Where the mask, if there is one, lets queries (N, H, S, D) see keys (N, G, T, D). Raises ValueError for a mask
    that is not (..., ..., S, T)."""
    if not mask:
        return None
    if mask[0].ndim != 4 or tuple(mask[0].shape[2:]) != (query.shape[2], key.shape[2]):
        raise ValueError(f"a mask {tuple(mask[0].shape)} for {query.shape[2]} queries and {key.shape[2]} keys")
    return mask[0] != 0


def require_layer(blocks: int, inputs: Tensor, states: Tensors, layer: Tensors) -> None:
    """Raise ValueError where states, weights and biases are not those of so many gates for inputs (N, I)."""
    (rows, features), units = inputs.shape, states[0].shape[-1]
    width = blocks * units
    due = [(rows, units)] * len(states) + [(width, features), (width, units), (width,), (width,)]
    if [tuple(x.shape) for x in (*states, *layer)] != due:
        raise ValueError(f"inputs {tuple(inputs.shape)} ask for states and a layer of shapes {due}")


def gated(activation: Function) -> Function:
    """Make an activation of a gate times another tensor, and raise ValueError where that has another shape."""

    def product(gate: Tensor, up: Tensor, **parameters: object) -> Tensor:
        if tuple(gate.shape) != tuple(up.shape):
            raise ValueError(f"a gate of shape {tuple(gate.shape)} for a tensor of shape {tuple(up.shape)}")
        return activation(gate, **parameters) * up

    return product


def by_norms(norm: Function, maximum: Function, row_sum: Function) -> tuple[Function, Function]:
    """Make the division of rows by their norms, and the cosine similarity.

    norm: of a tensor along an axis, which stays. row_sum: over the last axis. Raises ValueError for two shapes.
    """

    def l2_normalize(inputs: Tensor, *, axis: int = -1, eps: float) -> Tensor:
        return inputs / maximum(norm(inputs, axis), eps)

    def cosine_similarity(a: Tensor, b: Tensor, *, eps: float) -> Tensor:
        if tuple(a.shape) != tuple(b.shape):
            raise ValueError(f"vectors of shapes {tuple(a.shape)} and {tuple(b.shape)}")
        return row_sum(l2_normalize(a, eps=eps) * l2_normalize(b, eps=eps))

    return l2_normalize, cosine_similarity


def by_element(losses: Function, reductions: Mapping[str, Function] | None = None) -> Function:
    """Make a loss of one that frameworks would broadcast, or, given reductions, of the losses of each element.

    Raises ValueError where targets are of another shape than predictions, or weights than a row of them.
    """

    def loss(scores: Tensor, targets: Tensor, *weights: Tensor, reduction: str, **options: object) -> Tensor:
        due = tuple(scores.shape)
        if tuple(targets.shape) != due or any(tuple(weight.shape) != due[-1:] for weight in weights):
            raise ValueError(f"targets {tuple(targets.shape)}, or weights, do not fit predictions of shape {due}")
        if reductions is None:
            return losses(scores, targets, *weights, reduction=reduction, **options)
        return reductions[reduction](losses(scores, targets, *weights, **options))

    return loss


def dropout(inputs: Tensor, mask: Tensor, *, p: float) -> Tensor:
    """Dropout with a given mask, which frameworks draw themselves."""
    require_one_shape(inputs, mask)
    return inputs * (mask / (1 - p))


def lookup(rows: Function) -> Function:
    """Make an embedding of a function that picks rows of a table by index, and trains a padding row as any other."""

    def embedding(indices: Tensor, weight: Tensor, *, padding_idx: int | None = None) -> Tensor:
        if padding_idx is not None and not -len(weight) <= padding_idx < len(weight):
            raise ValueError(f"row {padding_idx} of {len(weight)}")
        return rows(weight, indices)

    return embedding


def corner(inputs: Tensor, indices: Tensor, axis: int) -> Tensor:
    """What indices can name along an axis: inputs no longer than they are along the others.

    Raises ValueError where they have another rank, or are longer.
    """
    shape, due = tuple(indices.shape), tuple(inputs.shape)
    cut, sizes = [slice(n) for n in shape], zip(shape, due, strict=False)
    if len(shape) != len(due) or any(n > size and k != axis % len(due) for k, (n, size) in enumerate(sizes)):
        raise ValueError(f"indices of shape {shape} for inputs of shape {due}")
    cut[axis] = slice(None)
    return inputs[tuple(cut)]


def places(indices: Tensor, axis: int, array: Function = np.asarray) -> tuple[Tensor, ...]:
    """What indices along an axis name, as one tensor of indices for each axis, which `array` makes."""
    others: list[Tensor] = [array(where) for where in np.indices(tuple(indices.shape))]
    others[axis] = indices
    return tuple(others)


def rotary(stack: Function, reshape: Function) -> Function:
    """Make the rotary embedding, of the framework's functions that put tensors beside each other and change a shape."""

    def rotary_embedding(inputs: Tensor, cos: Tensor, sin: Tensor, *, layout: str = "half") -> Tensor:
        shape, axis = tuple(inputs.shape), {"half": -2, "interleaved": -1}[layout]
        table = (shape[-2], shape[-1] // 2)
        if shape[-1] % 2 or tuple(cos.shape) != table or tuple(sin.shape) != table:
            raise ValueError(f"tables of shapes {tuple(cos.shape)} and {tuple(sin.shape)} for {shape}")
        cuts = ((slice(table[1]), slice(table[1], None)), (slice(0, None, 2), slice(1, None, 2)))[axis + 2]
        first, second = (inputs[..., cut] for cut in cuts)
        return reshape(stack([first * cos - second * sin, second * cos + first * sin], axis), shape)

    return rotary_embedding


@dataclass(frozen=True)
class ClassLosses:
    """Losses of logits and class indices, made of a framework's own functions."""

    log_softmax: Function
    tanh: Function
    over_classes: Function
    """Sums (N, C) to (N,)."""
    of_labels: Function
    """Picks of scores (N, C) those of indices (N,)."""
    or_zero: Function
    """Makes a tensor that is 0 where a condition does not hold."""
    reductions: Mapping[str, Function]
    quotient: Function = truediv
    """Divides a sum of losses by that of their weights, which is 0 where no row counts."""

    def nll(
        self, log_probabilities: Tensor, labels: Tensor, *, reduction: str, ignore_index: int | None = None
    ) -> Tensor:
        """The negative log-likelihood of class indices, of which one may be ignored."""
        if not are_indices(labels, log_probabilities):
            raise ValueError("rows of labels, where class indices are due")
        counted = _counted(labels, ignore_index)
        losses = -self.of_labels(log_probabilities, self.or_zero(counted, labels))
        return self._reduced(losses, self._ones(losses), counted, reduction)

    def weighted(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor,
        *,
        reduction: str,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """`weighted_softmax_cross_entropy`."""
        if tuple(class_weights.shape) != tuple(logits.shape)[1:] or not are_indices(labels, logits):
            raise ValueError("class weights or labels do not fit the logits")
        counted = _counted(labels, ignore_index)
        own, logs = self.or_zero(counted, labels), self.log_softmax(logits) * class_weights
        losses = -(1 - label_smoothing) * self.of_labels(logs, own)
        losses = losses - label_smoothing / logits.shape[1] * self.over_classes(logs)
        weights = self.of_labels(class_weights * self._ones(logits), own)
        return self._reduced(losses, weights, counted, reduction)

    def of_logits(
        self,
        logits: Tensor,
        labels: Tensor,
        *,
        reduction: str,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
    ) -> Tensor:
        """`softmax_cross_entropy` with any of its options."""
        if softcap:
            logits = softcap * self.tanh(logits / softcap)
        logs = self.log_softmax(logits)
        if are_indices(labels, logits):
            counted = _counted(labels, ignore_index)
            of_labels = self.of_labels(logs, self.or_zero(counted, labels))
        elif ignore_index is None:
            of_labels = self.over_classes(labels * logs)
            counted = of_labels == of_labels
        else:
            raise ValueError("an index to ignore, where labels are rows")
        losses = -(1 - label_smoothing) * of_labels
        losses = losses - label_smoothing / logits.shape[1] * self.over_classes(logs)
        if z_loss:
            losses = losses + z_loss * (logits - logs)[:, 0] ** 2  # a logit less its log-probability is log-sum-exp
        return self._reduced(losses, self._ones(losses), counted, reduction)

    def or_own(self, own: Function, *known: str) -> Function:
        """Make a loss that calls a framework's own where it has the options that are asked for, by name."""

        def loss(logits: Tensor, labels: Tensor, *, reduction: str, **options: Any) -> Tensor:
            function = own if options.keys() <= set(known) else self.of_logits
            return function(logits, labels, reduction=reduction, **options)

        return loss

    def _ones(self, like: Tensor) -> Tensor:
        """Ones of a tensor's shape and dtype, also where it is NaN or infinite."""
        return self.or_zero(like < like, like) + 1

    def _reduced(self, losses: Tensor, weights: Tensor, counted: Tensor, reduction: str) -> Tensor:
        losses = self.or_zero(counted, losses)
        if reduction != "mean":
            return self.reductions[reduction](losses)
        return self.quotient(self.reductions["sum"](losses), self.reductions["sum"](self.or_zero(counted, weights)))


def of_layer(loss: Function, transposed: Function) -> Function:
    """Make a loss of logits and class indices one of a linear layer, of inputs (N, D) and a weight (V, D)."""

    def linear(inputs: Tensor, weight: Tensor, labels: Tensor, **given: Any) -> Tensor:
        if inputs.ndim != 2 or weight.ndim != 2:
            raise ValueError("inputs or a weight that are no matrix")
        logits = inputs @ transposed(weight)
        if not are_indices(labels, logits):
            raise ValueError("rows of labels, where class indices are due")
        return loss(logits, labels, **given)

    return linear


def _counted(labels: Tensor, ignore_index: int | None) -> Tensor:
    """Where labels are not the one that is ignored."""
    return labels == labels if ignore_index is None else labels != ignore_index


def are_indices(labels: Tensor, scores: Tensor) -> bool:
    """Say whether labels for scores (N, C) are class indices (N,), not rows (N, C).

    Raises ValueError for any other shape: a framework would broadcast some of them.
    """
    given, due = tuple(labels.shape), tuple(scores.shape)
    if given not in (due, due[:1]):
        raise ValueError(f"labels {given} do not fit scores of shape {due}")
    return len(given) == 1


def wanted(word: str) -> bool:
    """Parse an option that is "true" or "false". Raises ValueError for any other word."""
    if word not in ("true", "false"):
        raise ValueError(f"{word!r} is neither true nor false")
    return word == "true"


@cache
def _with(function: Function, **parameters: object) -> Function:
    """Bind parameters to a function: the same object each time, since compilers cache by identity."""
    return partial(function, **parameters) if parameters else function
