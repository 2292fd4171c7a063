"""Reported faults of recurrent cells, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from public_reports import Array, Function, Report, at, reported
from reported_steps import Row


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def gates(inputs: Array, hidden: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> list[Array]:
    """The four gates of an LSTM, i, f, g, o."""
    i, f, g, o = np.split(inputs @ w_ih.T + b_ih + hidden @ w_hh.T + b_hh, 4, axis=1)
    return [sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)]


def lstm(into: Function, bend: Function, inputs: Array, hidden: Array, cell: Array, *layer: Array) -> Any:
    """An LSTM's step, by what goes into the cell and how the cell is bent."""
    i, f, g, o = gates(inputs, hidden, *layer)
    next_cell = f * cell + into(i, g)
    return o * bend(next_cell), next_cell


def biases_of_o(inputs: Array, hidden: Array, cell: Array, w_ih: Array, w_hh: Array, *biases: Array) -> Any:
    """Gates i and f have the biases of o."""
    shared = [b.copy() for b in biases]
    for b in shared:
        i, f, _, o = np.split(b, 4)
        i[:] = f[:] = o
    return lstm(np.multiply, np.tanh, inputs, hidden, cell, w_ih, w_hh, *shared)


def lstm_gradients(
    dh: Array,
    dc: Array,
    inputs: Array,
    hidden: Array,
    cell: Array,
    *layer: Array,
    bent: Function = lambda c: 1 - np.tanh(c) ** 2,
    add: Function = np.add,
    slope_of_f: Function = lambda f: f * (1 - f),
) -> Any:
    """The gradients of an LSTM's step."""
    i, f, g, o = gates(inputs, hidden, *layer)
    next_cell = f * cell + i * g
    d = add(dc, dh * o * bent(next_cell))
    raw = [d * g, d * cell, d * i, dh * np.tanh(next_cell)]
    slopes = [i * (1 - i), slope_of_f(f), 1 - g**2, o * (1 - o)]
    sums = np.concatenate([x * slope for x, slope in zip(raw, slopes, strict=True)], axis=1)
    into_weights = [sums.T @ inputs, sums.T @ hidden, sums.sum(axis=0), sums.sum(axis=0)]
    return sums @ layer[0], sums @ layer[1], d * f, *into_weights


def without_slopes(dh: Array, dc: Array, inputs: Array, hidden: Array, cell: Array, *layer: Array) -> Any:
    """The gradient of the state from those of the gates before their slopes are multiplied in."""
    due = lstm_gradients(dh, dc, inputs, hidden, cell, *layer)
    i, f, g, o = gates(inputs, hidden, *layer)
    next_cell = f * cell + i * g
    d = dc + dh * o * (1 - np.tanh(next_cell) ** 2)
    raw = np.concatenate([d * g, d * cell, d * i, dh * np.tanh(next_cell)], axis=1)
    return due[0], raw @ layer[1], *due[2:]


def biases_from_f(*arguments: Array) -> Any:
    """The gradients of the biases of i and o are those of f."""
    *due, of_bias, _ = lstm_gradients(*arguments)
    _, f, g, _ = np.split(of_bias, 4)
    wrong = np.concatenate([f, f, g, f])
    return *due, wrong, wrong


def gru(reset: Function, bias: Function, inputs: Array, hidden: Array, w_ih: Array, w_hh: Array, *biases: Array) -> Any:
    """A GRU's step, by what becomes of the reset gate and of the bias of the state in gate n."""
    x_r, x_z, x_n = np.split(inputs @ w_ih.T + biases[0], 3, axis=1)
    h_r, h_z, h_n = np.split(hidden @ w_hh.T, 3, axis=1)
    b_r, b_z, b_n = np.split(biases[1], 3)
    r, z = sigmoid(x_r + h_r + b_r), sigmoid(x_z + h_z + b_z)
    n = np.tanh(x_n + reset(r) * (h_n + bias(b_n, hidden)))
    return (1 - z) * n + z * hidden


ZERO, ONE = [[0.0]], [[1.0]]
LSTM_LAYER = ([[0.0]] * 4, [[1.0]] * 4, [0.0] * 4, [0.0] * 4)
BACK = (ONE, ONE, ZERO, ZERO, ONE, *LSTM_LAYER)
GRU_LAYER = ([[0.0]] * 3, [[0.0]] * 3, [0.0] * 3, [0.0, 0.0, 1.0])
right_lstm, right_gru = partial(lstm, np.multiply, np.tanh), partial(gru, lambda r: r, lambda b, _: b)


def forward() -> tuple[Row, ...]:
    """Wrong steps."""
    biased = (ZERO, ZERO, ONE, *LSTM_LAYER[:2], [0.0, 0.0, 0.0, 1.0], [0.0] * 4)
    return (
        ("nicodjimenez/lstm#47", "the cell not bent", "lstm_cell",
         partial(lstm, np.multiply, lambda c: c), right_lstm, at(ZERO, ZERO, ONE, *LSTM_LAYER), [[0.23106]], [[0.25]]),
        ("MartinuzziFrancesco/torchrecurrent#22", "a sum of gates for their product", "lstm_cell",
         partial(lstm, np.add, np.tanh), right_lstm, at(ZERO, ZERO, ONE, *LSTM_LAYER, result=1), [[0.5]], [[1]]),
        ("ddbourgin/numpy-ml#42", "the biases of another gate", "lstm_cell",
         biases_of_o, right_lstm, at(*biased, result=1), [[0.5]], [[0.73106]]),
        ("ml-explore/mlx PR 3252", "a bias left out at the first step", "gru_cell",
         partial(gru, lambda r: r, lambda b, hidden: b * hidden.any()), right_gru,
         at(ZERO, ZERO, *GRU_LAYER), [[0.23106]], [[0]]),
        ("zhiyongc/GRU-D#2", "no reset", "gru_cell",
         partial(gru, np.ones_like, lambda b, _: b), right_gru, at(ZERO, ZERO, *GRU_LAYER), [[0.23106]], [[0.3808]]),
    )  # fmt: skip


def backward() -> tuple[Row, ...]:
    """Wrong gradients."""
    return (
        ("apache/mxnet#4057", "the upstream of the cell replaced", "lstm_cell",
         partial(lstm_gradients, add=lambda _, through: through), lstm_gradients,
         at(*BACK, result=2), [[0.69661]], [[0.19661]]),
        ("CaptainE/RNN-LSTM-in-numpy#1", "a sigmoid for its slope", "lstm_cell",
         partial(lstm_gradients, slope_of_f=sigmoid), lstm_gradients,
         at(*BACK, result=5, of=lambda x: x[1]), 0.3483, 0.86722),
        ("nicklashansen/rnn_lstm_from_scratch#1", "the slope of tanh at tanh", "lstm_cell",
         partial(lstm_gradients, bent=lambda c: 1 - np.tanh(np.tanh(c)) ** 2), lstm_gradients,
         at(*BACK, result=2), [[0.69661]], [[0.70340]]),
        ("llSourcell/LSTM_Networks#4", "no slopes for the state", "lstm_cell",
         without_slopes, lstm_gradients, at(*BACK, result=1), [[1.16044]], [[2.55195]]),
        ("hanbt/learn_dl#53", "biases of another gate", "lstm_cell",
         biases_from_f, lstm_gradients, at(*BACK, result=5, of=lambda x: x[3]), 0.11553, 0.3483),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = (
    *(reported("forward", *row) for row in forward()),
    *(reported("backward", *row) for row in backward()),
)
