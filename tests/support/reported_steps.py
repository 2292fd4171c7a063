"""Reported faults of steps of optimizers, of dropout, and of losses of class indices, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from backproof.reference.faults import linear_cross_entropy as chunked
from backproof.reference.model.fault import Fault
from backproof.reference.ops import linear_cross_entropy, nll
from public_reports import Array, Function, Report, at, reported

NAN = np.nan
Row = tuple[Any, ...]
"""Where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small call, what is
due there, what is given, and True where robust inputs alone show it."""
RATES = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.0}


def of_fault(fault: Fault) -> Function:
    """The faulty function."""
    return fault.functions[fault.direction]


# Steps ---------------------------------------------------------------------------------------------------------------


def sgd(decayed: Function, moved: Function, p: Array, g: Array, buffer: Array, **rates: Any) -> tuple[Array, Array]:
    """A step from the gradient with weight decay, and from what becomes of the buffer and of the parameters."""
    lr, momentum, nesterov = rates["lr"], rates["momentum"], rates.get("nesterov", False)
    g = decayed(g, p, momentum, rates.get("weight_decay", 0.0))
    direction, buffer = moved(g, buffer, momentum, nesterov)
    return p - lr * direction, buffer


def with_decay(g: Array, p: Array, _: float, decay: float) -> Array:
    return g + decay * p if decay else g


def with_decay_if_momentum(g: Array, p: Array, momentum: float, decay: float) -> Array:
    return with_decay(g, p, momentum, decay) if momentum > 0 else g


def by_buffer(g: Array, buffer: Array, momentum: float, nesterov: bool) -> tuple[Array, Array]:
    buffer = momentum * buffer + g
    return (g + momentum * buffer if nesterov else buffer), buffer


def by_former_buffer(g: Array, buffer: Array, momentum: float, nesterov: bool) -> tuple[Array, Array]:
    """The gradient is moved by the buffer before this step, and then goes into the buffer."""
    return (buffer := momentum * buffer + (g + momentum * buffer if nesterov else g)), buffer


def by_damped_buffer(g: Array, buffer: Array, momentum: float, nesterov: bool) -> tuple[Array, Array]:
    """A running mean for the buffer."""
    buffer = momentum * buffer + (1 - momentum) * g
    return (g + momentum * buffer if nesterov else buffer), buffer


def by_buffer_twice(g: Array, buffer: Array, momentum: float, nesterov: bool) -> tuple[Array, Array]:
    """The move ahead stays, and the whole buffer is added to it."""
    ahead = momentum * buffer if nesterov else 0
    return ahead + (buffer := momentum * buffer + g), buffer


def rmsprop(squared: Function, p: Array, g: Array, v: Array, *, lr: float, alpha: float, eps: float) -> Any:
    v = alpha * v + (1 - alpha) * squared(p, g)
    return p - lr * (g / (np.sqrt(v) + eps)), v


def adam(lost: Function, p: Array, g: Array, m: Array, v: Array, **rates: Any) -> tuple[Array, Array, Array]:
    """A step from what the parameters lose by both moments and their corrections."""
    beta1, beta2, step = rates["beta1"], rates["beta2"], rates["step"]
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return p - lost(rates["lr"], m, v, 1 - beta1**step, 1 - beta2**step, rates["eps"]), m, v


def corrected(lr: float, m: Array, v: Array, c1: float, c2: float, eps: float) -> Array:
    return lr * (m / c1) / (np.sqrt(v / c2) + eps)


def betas_exchanged(*tensors: Array, beta1: float, beta2: float, **rates: Any) -> tuple[Array, Array, Array]:
    return adam(corrected, *tensors, beta1=beta2, beta2=beta1, **rates)


def one_step_later(*tensors: Array, step: int, **rates: Any) -> tuple[Array, Array, Array]:
    return adam(corrected, *tensors, step=step + 1, **rates)


def always_the_first_step(*tensors: Array, step: int, **rates: Any) -> tuple[Array, Array, Array]:
    """Corrects by 1 - beta, not by its power."""
    _, m, v = adam(corrected, *tensors, step=step, **rates)
    return tensors[0] - corrected(rates["lr"], m, v, 1 - rates["beta1"], 1 - rates["beta2"], rates["eps"]), m, v


def adamw(decayed: Function, *tensors: Array, weight_decay: float, **rates: Any) -> tuple[Array, Array, Array]:
    """A step from the decay of the parameters by a function of them before and after Adam's step."""
    moved, m, v = adam(corrected, *tensors, **rates)
    return decayed(tensors[0], moved, rates["lr"] * weight_decay), m, v


# Dropout -------------------------------------------------------------------------------------------------------------


def masked(g: Array, _: Array, mask: Array, *, p: float) -> Array:
    return g * mask / (1 - p)


def read_off_outputs(g: Array, x: Array, mask: Array, *, p: float) -> Array:
    """The mask is outputs over inputs, and 1 where that is 0 over 0."""
    scale = 1 / (1 - p)
    return g * np.where(x == 0, scale, mask * scale)


# The loss of class indices -------------------------------------------------------------------------------------------


def written_past_row(g: Array, scores: Array, labels: Array, *, ignore_index: int | None = None, **given: Any) -> Array:
    """A row that is ignored writes its 0 where its label would be, though no row has so many classes."""
    found = nll.backward(g, scores, labels, ignore_index=ignore_index, **given)
    places = np.arange(len(labels)) * scores.shape[1] + labels
    hit = places[(labels == ignore_index) & (places >= 0) & (places < scores.size)] if ignore_index is not None else []
    found.reshape(-1)[hit] = 0
    return found


def mean_over_all(where: Function, scores: Array, labels: Array, *, reduction: str, **given: Any) -> Array:
    """The mean over all rows where a function of the index to ignore says so."""
    index, mean = given.get("ignore_index"), reduction == "mean"
    loss = nll.forward(scores, labels, reduction="sum" if mean else reduction, **given)
    return loss / (len(labels) if where(index) else (labels != index).sum()) if mean else loss


# The reports ---------------------------------------------------------------------------------------------------------


def of_steps() -> tuple[Row, ...]:
    """Steps of optimizers that are wrong."""
    slow, scores = {"lr": 1.0, "momentum": 0.5}, [[-1.0, -2.0]] * 2
    first, second = (at([1.0], [1.0], [0.0], [0.0], **RATES, step=step) for step in (1, 2))
    sound = partial(sgd, with_decay, by_buffer)
    return (
        ("ml-explore/mlx PR 473", "no weight decay without momentum", "sgd_step",
         partial(sgd, with_decay_if_momentum, by_buffer), sound,
         at([1.0], [1.0], [0.0], lr=1.0, momentum=0.0, weight_decay=0.5), [-0.5], [0]),
        ("ml-explore/mlx PR 87", "the buffer of the step before in Nesterov's gradient", "sgd_step",
         partial(sgd, with_decay, by_former_buffer), sound, at([0.0], [1.0], [2.0], nesterov=True, **slow), [-2], [-3]),
        ("ml-explore/mlx#440", "a damped buffer", "sgd_step",
         partial(sgd, with_decay, by_damped_buffer), sound, at([0.0], [1.0], [2.0], **slow), [-2], [-1.5]),
        ("oysteijo/simd_neuralnet#17", "the move ahead counted twice", "sgd_step",
         partial(sgd, with_decay, by_buffer_twice), sound,
         at([0.0], [1.0], [4.0], nesterov=True, **slow), [-2.5], [-5]),
        ("yizt/numpy_neural_network#6", "the squares of the parameters", "rmsprop_step",
         partial(rmsprop, lambda p, _: p * p), partial(rmsprop, lambda _, g: g * g),
         at([2.0], [1.0], [0.0], lr=0.1, alpha=0.75, eps=0.0), [1.8], [1.9]),
        ("mila-iqia/blocks#1175", "betas exchanged", "adam_step",
         betas_exchanged, partial(adam, corrected),
         at([1.0], [1.0], [0.0], [0.0], **RATES, step=1, result=1), [0.1], [0.01]),
        ("d2l-ai/d2l-en PR 2691", "eps beside the quotient", "adam_step",
         partial(adam, lambda lr, m, v, c1, c2, eps: lr * (m / c1) / np.sqrt(v / c2) + eps), partial(adam, corrected),
         at([1.0], [1.0], [0.0], [0.0], **{**RATES, "eps": 1.0}, step=1), [0.95], [-0.1]),
        ("microsoft/DeepSpeed#1945", "the step counted twice", "adam_step",
         one_step_later, partial(adam, corrected), first, [0.9], [0.92576]),
        ("eriklindernoren/ML-From-Scratch#35", "corrected as in the first step", "adam_step",
         always_the_first_step, partial(adam, corrected),
         second, [0.92575], [0.9]),
        ("karpathy/convnetjs PR 107", "corrected by a product", "adam_step",
         partial(adam, lambda lr, m, v, c1, c2, eps: lr * (m * c1) / (np.sqrt(v * c2) + eps)), partial(adam, corrected),
         second, [0.92575], [0.86531]),
        ("tensorflow/tensorflow PR 61411", "eps subtracted", "adam_step",
         partial(adam, lambda lr, m, v, c1, c2, eps: lr * (m / c1) / (np.sqrt(v / c2) - eps)), partial(adam, corrected),
         at([1.0], [1.0], [0.0], [0.0], **{**RATES, "eps": 0.5}, step=1), [0.93333], [0.8]),
        ("bitsandbytes-foundation/bitsandbytes#2010", "the step decays with the parameters", "adamw_step",
         partial(adamw, lambda _, moved, decay: moved * (1 - decay)),
         partial(adamw, lambda p, moved, decay: moved - decay * p),
         at([0.0], [1.0], [0.0], [0.0], **RATES, step=1, weight_decay=5.0), [-0.1], [-0.05]),
        ("PaddlePaddle/PaddleCustomDevice PR 1202", "no step without decay", "adamw_step",
         partial(adamw, lambda p, moved, decay: moved - decay * p if decay else p),
         partial(adamw, lambda p, moved, decay: moved - decay * p),
         at([1.0], [1.0], [0.0], [0.0], **RATES, step=1, weight_decay=0.0), [0.9], [1]),
        ("lmjohns3/theanets PR 123", "divided by what is dropped", "dropout",
         lambda x, mask, p: x * mask / p, lambda x, mask, p: x * mask / (1 - p), at([3.0], [1.0], p=0.25), [4], [12]),
        ("flagos-ai/FlagGems PR 73", "the usual index of rows to ignore counts in the mean", "nll",
         partial(mean_over_all, lambda index: index in (None, -100)),
         partial(mean_over_all, lambda index: index is None),
         at(scores, [0, -100], reduction="mean", ignore_index=-100), 1, 0.5),
        ("pytorch/xla PR 896", "rows that are ignored count in the mean", "nll",
         partial(mean_over_all, lambda _: True), partial(mean_over_all, lambda index: index is None),
         at(scores, [0, 1], reduction="mean", ignore_index=1), 1, 0.5),
        ("NVIDIA-NeMo/Automodel#3803", "means of chunks added", "linear_cross_entropy",
         of_fault(chunked.means_of_chunks_added), linear_cross_entropy.forward,
         at([[0.0]] * 4, [[1.0], [2.0]], [0, 1, 0, 1], reduction="mean"), 0.693147, 1.386294),
        ("apple/ml-cross-entropy#48", "no softcap", "linear_cross_entropy",
         of_fault(chunked.uncapped), linear_cross_entropy.forward,
         at([[2.0]], [[1.0], [-1.0]], [0], reduction="sum", softcap=1.0), 0.135781, 0.01815),
    )  # fmt: skip


def of_gradients() -> tuple[Row, ...]:
    """Gradients that are wrong."""
    dropped = at([3.0, 3.0], [1.0, 0.0], [1.0, 0.0], p=0.5)
    return (
        ("ddbourgin/numpy-ml#94", "no mask", "dropout",
         lambda g, *_, p: g / (1 - p), masked, dropped, [6, 0], [6, 6]),
        ("rohitg00/ai-engineering-from-scratch PR 17", "neither mask nor scale", "dropout",
         lambda g, *_, **__: g, masked, dropped, [6, 0], [3, 3]),
        ("kaldi-asr/kaldi#3890", "the mask read off the outputs", "dropout",
         read_off_outputs, masked, at([3.0], [0.0], [0.0], p=0.5), [0], [6]),
        ("flagos-ai/FlagGems#5025", "a row that is ignored writes into another", "nll",
         written_past_row, nll.backward,
         at([1.0, 1.0], [[-1.0, -2.0]] * 2, [2, 0], reduction="none", ignore_index=2),
         [[0, 0], [-1, 0]], [[0, 0], [0, 0]]),
        ("linkedin/Liger-Kernel#968", "rows by the first upstream", "linear_cross_entropy",
         of_fault(chunked.rows_scaled_by_the_first_upstream), linear_cross_entropy.backward,
         at([1.0, 3.0], [[0.0], [0.0]], [[1.0], [-1.0]], [0, 0], reduction="none", result=0),
         [[-1], [-3]], [[-1], [-1]]),
        ("linkedin/Liger-Kernel PR 1298", "rows added up before their upstreams", "linear_cross_entropy",
         of_fault(chunked.weight_gradient_scaled_by_the_first_upstream), linear_cross_entropy.backward,
         at([1.0, 3.0], [[1.0], [1.0]], [[0.0], [0.0]], [0, 0], reduction="none", result=1),
         [[-2], [2]], [[-1], [1]]),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = (
    *(reported("forward", *row) for row in of_steps()),
    *(reported("backward", *row) for row in of_gradients()),
)
