"""What adapters of frameworks with automatic differentiation share: from a forward function to `<op>_backward`.

What is computed is the framework's own: each adapter names its functions of tensors to a tensor, says how an array
becomes a tensor, and how it takes gradients.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

Function = Callable[..., Any]
Array = Any
"""np.ndarray."""
Tensor = Any
"""What the framework calls one."""
Tensors = Any
"""A sequence of them."""


@contextmanager
def needed(module: str, framework: str, install: str) -> Iterator[None]:
    """Around the import of a framework's module: where it is missing, one line says what to install."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        raise ModuleNotFoundError(f"this adapter needs {framework}: pip install {install}", name=module) from None


def _call(function: Function, *tensors: Tensor) -> Tensor:
    return function(*tensors)


def _itself(tensor: Tensor) -> object:
    return tensor


@dataclass(frozen=True)
class Autodiff:
    """How a framework is spoken to."""

    tensor: Callable[[Array], Tensor]
    """The tensor of an array's dtype, shape and values, in memory of its own."""
    gradients: Callable[[Function, Tensors, Tensors, Tensor], Tensors]
    """Of function(*variables, *constants), given the gradient of its result: one for each variable."""
    value: Function = _call
    """function(*tensors), of function and tensors: called as it is, or compiled."""
    array: Callable[[Tensor], object] = _itself
    """What is returned of a tensor: itself, where NumPy reads it through DLPack or `__array__` at every dtype."""

    def both(self, function: Function) -> tuple[Function, Function]:
        """The two directions of an operation whose arguments are all differentiable."""
        return self._forward(function), self._backward(function, constants=0)

    def both_of_loss(self, function: Function) -> tuple[Function, Function]:
        """The two directions of an operation whose last argument is labels, which are not differentiable."""
        return self._forward(function), self._backward(function, constants=1)

    def from_outputs(self, rows: Callable[[Tensor, Tensor], Tensor]) -> Function:
        """`softmax_cross_entropy_from_outputs_backward`, by hand: autodiff has no way back from outputs alone.

        `rows` gives labels (N,) or (N, C) as rows (N, C) of the scores' dtype.
        """

        def backward(dL_dloss: Array, outputs: Array, labels: Array, *, reduction: str) -> object:
            if dL_dloss.shape not in ((), outputs.shape[:1]):
                raise ValueError(f"a gradient of shape {dL_dloss.shape} does not fit outputs {outputs.shape}")
            upstream, probabilities = self.tensor(dL_dloss.reshape(-1, 1)), self.tensor(outputs)
            if reduction == "mean":
                upstream = upstream / len(outputs)
            return self.array((probabilities - rows(self.tensor(labels), probabilities)) * upstream)

        return backward

    def _forward(self, function: Function) -> Function:
        def forward(*arguments: Array, **parameters: str) -> object:
            return self.array(self.value(_with(function, **parameters), *map(self.tensor, arguments)))

        return forward

    def _backward(self, function: Function, constants: int) -> Function:
        def backward(upstream: Array, *arguments: Array, **parameters: str) -> tuple[object, ...]:
            tensors = [self.tensor(argument) for argument in arguments]
            count = len(tensors) - constants
            called = _with(function, **parameters)
            found = self.gradients(called, tensors[:count], tensors[count:], self.tensor(upstream))
            return tuple(map(self.array, found))

        return backward


def network(dense: Function, relu: Function, loss: Function) -> Function:
    """Dense, ReLU, dense, and the loss of the logits."""

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


def are_indices(labels: Tensor, scores: Tensor) -> bool:
    """Whether labels for scores (N, C) are class indices (N,), not rows (N, C).

    Raises ValueError for any other shape: a framework would broadcast some of them.
    """
    given, due = tuple(labels.shape), tuple(scores.shape)
    if given not in (due, due[:1]):
        raise ValueError(f"labels {given} do not fit scores of shape {due}")
    return len(given) == 1


def wanted(word: str) -> bool:
    """What an option says that is either on or off. Raises ValueError."""
    if word not in ("true", "false"):
        raise ValueError(f"{word!r} is neither true nor false")
    return word == "true"


@cache
def _with(function: Function, **parameters: str) -> Function:
    """The function with its parameters: the same object each time, which is what compilers remember theirs by."""
    return partial(function, **parameters) if parameters else function
