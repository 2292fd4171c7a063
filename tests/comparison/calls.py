"""Ordinary calls: what a careful user hands a checker, and what PyTorch's autograd makes of it.

Five random inputs an operation: two of the same small sizes, one larger, a batch of one, and a typical batch; no two
sizes of an input coincide. A loss comes in each reduction and with each kind of labels; what takes any rank comes at
ranks 2 and 3.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from backproof.reference.model.losses import REDUCTIONS
from backproof.reference.ops import softmax
from backproof.vectors.dtypes import numpy_dtype

Array = Any

SMALL, LARGER, SINGLE, TYPICAL = (4, 5, 6, 3), (9, 7, 10, 11), (1, 5, 6, 3), (64, 50, 30, 10)
"""Rows, inputs, hidden units, outputs. The typical batch is too large for differences by each element of the inputs."""
DRAWS = ((SMALL, 0), (SMALL, 1), (LARGER, 2), (SINGLE, 3), (TYPICAL, 4))
"""Sizes and seed of each input."""
KINDS_OF_LABELS = ("indices", "one-hot", "soft")
TENSORS = {
    "dense": ("N I", "I O", "1 O"),
    "relu": ("N O",),
    "softmax": ("N O",),
    "cross_entropy": ("N O",),
    "softmax_cross_entropy": ("N O",),
    "softmax_cross_entropy_from_outputs": ("N O",),
    "mlp": ("N I", "I H", "1 H", "H O", "1 O"),
}
OPERATIONS = tuple(sorted(TENSORS))
"""Those that are compared."""
OF_PROBABILITIES = ("cross_entropy", "softmax_cross_entropy_from_outputs")
LOSSES = (*OF_PROBABILITIES, "softmax_cross_entropy", "mlp")
SETTINGS = {
    "relu": ((None, "of rank 2"), (None, "of rank 3")),
    "softmax": ((None, "of rank 2"), (None, "of rank 3")),
    **{op: tuple(product(REDUCTIONS, KINDS_OF_LABELS)) for op in LOSSES},
}
"""The reduction and the kind of labels, or of input."""


@dataclass(frozen=True, eq=False)
class Call:
    """One input of one operation."""

    op: str
    dtype: str
    sizes: tuple[int, ...]
    """One of those that DRAWS names."""
    tensors: tuple[np.ndarray, ...]
    """What is differentiated, in the order of forward's arguments."""
    upstream: np.ndarray
    labels: np.ndarray | None = None
    reduction: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The keywords of forward and backward."""
        return {} if self.reduction is None else {"reduction": self.reduction}

    def fresh(self) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        """Copies, as a user would draw them: tensors, labels, upstream."""
        return [tensor.copy() for tensor in self.tensors], self.fresh_labels(), self.upstream.copy()

    def fresh_labels(self) -> list[np.ndarray]:
        """A copy of the labels, none or one."""
        return [] if self.labels is None else [self.labels.copy()]


@cache
def calls(op: str, dtype: str) -> tuple[Call, ...]:
    """All ordinary calls of an operation."""
    return tuple(_calls(op, dtype))


def _calls(op: str, dtype: str) -> Iterator[Call]:
    to = numpy_dtype(dtype)
    for (reduction, kind), (sizes, seed) in product(SETTINGS.get(op, [(None, None)]), DRAWS):
        random = np.random.default_rng([zlib.crc32(f"{op} {reduction} {kind}".encode()), seed])
        length = dict(zip("NIHO", sizes, strict=True)) | {"1": 1}
        rows, classes = length["N"], length["O"]
        shapes = [tuple(length[axis] for axis in axes.split()) for axes in TENSORS[op]]
        if kind == "of rank 3":
            shapes = [(2, *shape) for shape in shapes]
        tensors = [random.standard_normal(shape) for shape in shapes]
        if op in OF_PROBABILITIES:
            tensors = [softmax.forward(logits) for logits in tensors]
        labels = draw_labels(random, kind, rows, classes) if op in LOSSES else None
        whole = (rows, classes) if op == "dense" else shapes[0]
        upstream = random.standard_normal({"none": (rows,), None: whole}.get(reduction, ()))
        yield Call(
            op,
            dtype,
            sizes,
            tuple(tensor.astype(to) for tensor in tensors),
            np.asarray(upstream, to),
            labels if labels is None or labels.ndim == 1 else labels.astype(to),
            reduction,
        )


def draw_labels(random: np.random.Generator, kind: str, rows: int, classes: int) -> np.ndarray:
    """Class indices, or rows of them, or rows of 3/4 for one class and 1/4 for another."""
    indices = random.integers(0, classes, rows)
    if kind == "indices":
        return indices
    others = (indices + random.integers(1, classes, rows)) % classes
    share = 1.0 if kind == "one-hot" else 0.75
    return share * np.eye(classes)[indices] + (1 - share) * np.eye(classes)[others]


@dataclass(frozen=True)
class Trusted:
    """What PyTorch makes of a call, computed in float64 and rounded to the call's dtype."""

    output: np.ndarray | None
    """None where the operation has no forward."""
    gradients: tuple[np.ndarray, ...]


@cache
def trusted(call: Call) -> Trusted:
    """PyTorch's answer to a call."""
    import torch

    tensors = [torch.tensor(t.astype(np.float64), requires_grad=True) for t in call.tensors]
    upstream = torch.tensor(call.upstream.astype(np.float64))
    labels = None
    if call.labels is not None:
        labels = torch.tensor(call.labels if call.labels.ndim == 1 else call.labels.astype(np.float64))
    to = numpy_dtype(call.dtype)
    output = _TORCH[call.op](*tensors, *([] if labels is None else [labels]), **call.parameters)
    gradients = torch.autograd.grad(output, tensors, upstream)
    if call.op == "softmax_cross_entropy_from_outputs":
        saved = tensors[0].detach()
        gradients = (torch.ops.aten._softmax_backward_data(gradients[0], saved, -1, saved.dtype),)
        return Trusted(None, tuple(g.numpy().astype(to) for g in gradients))
    return Trusted(np.asarray(output.detach().numpy().astype(to)), tuple(g.numpy().astype(to) for g in gradients))


def _torch_cross_entropy(probabilities: Any, labels: Any, *, reduction: str) -> Any:
    import torch

    if labels.dim() == 1:
        return torch.nn.functional.nll_loss(probabilities.log(), labels, reduction=reduction)
    losses = -(labels * probabilities.log()).sum(dim=-1)
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


def _torch_softmax_cross_entropy(logits: Any, labels: Any, *, reduction: str) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits, labels, reduction=reduction)


def _torch_mlp(x: Any, w1: Any, b1: Any, w2: Any, b2: Any, labels: Any, *, reduction: str) -> Any:
    return _torch_softmax_cross_entropy((x @ w1 + b1).relu() @ w2 + b2, labels, reduction=reduction)


_TORCH: dict[str, Callable[..., Any]] = {
    "dense": lambda inputs, weights, biases: inputs @ weights + biases,
    "relu": lambda inputs: inputs.relu(),
    "softmax": lambda logits: logits.softmax(dim=-1),
    "cross_entropy": _torch_cross_entropy,
    "softmax_cross_entropy": _torch_softmax_cross_entropy,
    "softmax_cross_entropy_from_outputs": _torch_cross_entropy,
    "mlp": _torch_mlp,
}
