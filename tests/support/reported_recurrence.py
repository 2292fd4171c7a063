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
    read: Array | None = None,
) -> Any:
    """The gradients of an LSTM's step; `read` is what that of weight_hh takes for the hidden state."""
    i, f, g, o = gates(inputs, hidden, *layer)
    next_cell = f * cell + i * g
    d = add(dc, dh * o * bent(next_cell))
    raw = [d * g, d * cell, d * i, dh * np.tanh(next_cell)]
    slopes = [i * (1 - i), slope_of_f(f), 1 - g**2, o * (1 - o)]
    sums = np.concatenate([x * slope for x, slope in zip(raw, slopes, strict=True)], axis=1)
    into_weights = [sums.T @ inputs, sums.T @ (hidden if read is None else read), sums.sum(axis=0), sums.sum(axis=0)]
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


def through_time(inputs: Array, hidden: Array, cell: Array, *layer: Array) -> list[tuple[Array, Array]]:
    """The states before the first step of an LSTM and after each."""
    states = [(hidden, cell)]
    for x in inputs:
        states.append(right_lstm(x, *states[-1], *layer))
    return states


def sequence(inputs: Array, hidden: Array, cell: Array, *layer: Array, kept: int = 1) -> Any:
    """The results of an LSTM over time, of first states times `kept`."""
    _, *states = through_time(inputs, kept * hidden, kept * cell, *layer)
    return np.stack([h for h, _ in states]), *states[-1]


def sequence_gradients(
    dy: Array,
    dh: Array,
    dc: Array,
    inputs: Array,
    *tensors: Array,
    last: tuple[int, int] = (1, 1),
    passed: tuple[int, int] = (1, 1),
    state_read: Function = lambda t: t,
    steps_of_inputs: int | None = None,
) -> Any:
    """The gradients of an LSTM over time.

    last, passed: factors of the upstreams of the last states, and of what a step passes to the step before it.
    state_read: which state step t takes for its hidden state in the gradient of weight_hh. steps_of_inputs: over how
    many steps, counted from the last, that of weight_ih is summed.
    """
    states, steps = through_time(inputs, *tensors), []
    dh, dc = last[0] * dh, last[1] * dc
    for t in reversed(range(len(inputs))):
        read = states[state_read(t)][0]
        found = lstm_gradients(dy[t] + dh, dc, inputs[t], *states[t], *tensors[2:], read=read)
        dh, dc = (factor * d for factor, d in zip(passed if t else (1, 1), found[1:3], strict=True))
        steps.append(found)
    of_inputs, _, _, of_ih, *of_others = zip(*steps, strict=True)
    return np.stack(of_inputs[::-1]), dh, dc, sum(of_ih[:steps_of_inputs]), *map(sum, of_others)


ZERO, ONE = [[0.0]], [[1.0]]
LSTM_LAYER = ([[0.0]] * 4, [[1.0]] * 4, [0.0] * 4, [0.0] * 4)
BACK = (ONE, ONE, ZERO, ZERO, ONE, *LSTM_LAYER)
GRU_LAYER = ([[0.0]] * 3, [[0.0]] * 3, [0.0] * 3, [0.0, 0.0, 1.0])
SEQUENCE = ([ONE, ONE], ONE, ONE, [[0.5]] * 4, [[1.0]] * 4, [0.0] * 4, [0.0] * 4)
BACK_IN_TIME = ([ONE, ONE], ONE, ONE, *SEQUENCE)
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
        ("spdin/time-series-prediction-lstm-pytorch#1", "first states of 0 for those given", "lstm",
         partial(sequence, kept=0), sequence, at(*SEQUENCE, result=1), [[0.74084]], [[0.34621]]),
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
        ("ooples/AiDotNet PR 722", "nothing passes through hidden states", "lstm",
         partial(sequence_gradients, passed=(0, 1)), sequence_gradients,
         at(*BACK_IN_TIME, result=1), [[0.78157]], [[0.57687]]),
        ("d2l-ai/d2l-en#2616", "nothing passes through states", "lstm",
         partial(sequence_gradients, passed=(0, 0)), sequence_gradients,
         at(*BACK_IN_TIME, result=1), [[0.78157]], [[0.19393]]),
        ("deeplearning4j/deeplearning4j#8838", "the upstream of the last cell left out", "lstm",
         partial(sequence_gradients, last=(1, 0)), sequence_gradients,
         at(*BACK_IN_TIME, result=2), [[0.94848]], [[0.24414]]),
        ("Element-Research/rnn#231", "the upstreams of the last states left out", "lstm",
         partial(sequence_gradients, last=(0, 0)), sequence_gradients,
         at(*BACK_IN_TIME, result=2), [[0.94848]], [[0.17645]]),
        ("VikParuchuri/zero_to_gpt#9", "the first state after its step for that before", "lstm",
         partial(sequence_gradients, state_read=lambda t: max(t, 1)), sequence_gradients,
         at(*BACK_IN_TIME, result=4, of=lambda x: x[1, 0]), 0.40346, 0.35987),
        ("hanbt/learn_dl#30", "weights of the inputs by the last step alone", "lstm",
         partial(sequence_gradients, steps_of_inputs=1), sequence_gradients,
         at(*BACK_IN_TIME, result=3, of=lambda x: x[1, 0]), 0.48104, 0.30802),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = (
    *(reported("forward", *row) for row in forward()),
    *(reported("backward", *row) for row in backward()),
)
