"""HIPS autograd: gradients of plain NumPy. Needs `pip install autograd`."""

# ruff: noqa: D103 - the names are the operations'

from importlib.metadata import version as version_of

from .autodiff import Array, Autodiff, Function, Tensor, Tensors, are_indices, needed, network

with needed("autograd", "HIPS autograd", "autograd"):
    import autograd.numpy as np
    from autograd import make_vjp

name = "HIPS autograd"
version = version_of("autograd")
dtypes = ["float64", "float32", "float16"]  # autograd cannot differentiate a bfloat16 scalar
precision = {"float16": "float16-native"}  # NumPy sums float16 along the first axis in float16

REDUCTIONS = {"none": lambda rows: rows, "sum": np.sum, "mean": np.mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return np.dot(inputs, weights) + biases


def relu(inputs: Tensor) -> Tensor:
    return np.maximum(inputs, 0)


def log_softmax(logits: Tensor) -> Tensor:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def softmax(logits: Tensor) -> Tensor:
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return scores[np.arange(len(labels)), labels]


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-np.log(of_labels(probabilities, labels)))
    losses = labels * np.log(np.where(labels == 0, 1, probabilities))  # a class of weight 0 adds nothing, even at p = 0
    return REDUCTIONS[reduction](-np.sum(losses, axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    logs = log_softmax(logits)
    if are_indices(labels, logits):
        return REDUCTIONS[reduction](-of_labels(logs, labels))
    return REDUCTIONS[reduction](-np.sum(labels * np.where(labels == 0, 0, logs), axis=-1))


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return np.eye(outputs.shape[-1], dtype=outputs.dtype)[labels] if are_indices(labels, outputs) else labels


# The adapter. autograd's tensors are NumPy's arrays.


def tensor(array: Array) -> Array:
    return array


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    # Of a tuple, whose gradient keeps its dtypes: of an array alone, np.max makes float64 of float32.
    back, _ = make_vjp(lambda values: function(*values, *constants))(tuple(variables))
    return back(upstream)


autodiff = Autodiff(tensor, gradients)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(relu)
softmax_forward, softmax_backward = autodiff.both(softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(softmax_cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, relu, softmax_cross_entropy))
