"""Steps of recurrent networks, and an LSTM over time, in plain NumPy, each gate with weights of its own."""

from typing import Any

import numpy as np

from .activations import sigmoid

Array = Any
"""np.ndarray, as Any for the type checker."""


def _gates(count: int, inputs: Array, states: tuple[Array, ...], layer: tuple[Array, ...]) -> tuple[Array, Array]:
    """What the inputs give for each gate, and what the state gives, (count, N, H). Raises ValueError for misfits."""
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    (rows, features), units = inputs.shape, weight_hh.shape[1]
    if any(state.shape != (rows, units) for state in states):
        raise ValueError(f"a state is not of shape {(rows, units)}")
    of_inputs = weight_ih.reshape(count, units, features) @ inputs.T
    of_state = weight_hh.reshape(count, units, units) @ states[0].T
    of_inputs, of_state = of_inputs + bias_ih.reshape(count, units, 1), of_state + bias_hh.reshape(count, units, 1)
    return of_inputs.swapaxes(1, 2), of_state.swapaxes(1, 2)


def _into_weights(of_gates: list[Array], x: Array) -> tuple[Array, Array]:
    """The gradients of weights and biases, a gate after another."""
    return np.concatenate([d.T @ x for d in of_gates]), np.concatenate([d.sum(axis=0) for d in of_gates])


def _through(of_gates: list[Array], weights: Array) -> Array:
    """The gradient of what was multiplied by the weights, summed over the gates."""
    blocks = weights.reshape(len(of_gates), -1, weights.shape[1])
    return sum(d @ block for d, block in zip(of_gates, blocks, strict=True))


def _lstm(inputs: Array, hidden: Array, cell: Array, layer: tuple[Array, ...]) -> tuple[Array, ...]:
    of_inputs, of_state = _gates(4, inputs, (hidden, cell), layer)
    i, f, g, o = of_inputs + of_state
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    return i, f, g, o, i * g + f * cell


def lstm_cell(inputs: Array, hidden: Array, cell: Array, *layer: Array) -> tuple[Array, Array]:
    """The next hidden state and the next cell."""
    *_, o, c = _lstm(inputs, hidden, cell, layer)
    return o * np.tanh(c), c


def lstm_cell_gradients(
    dhidden: Array, dcell: Array, inputs: Array, hidden: Array, cell: Array, *layer: Array
) -> tuple[Array, ...]:
    """A gradient of each argument, from those of both results."""
    i, f, g, o, c = _lstm(inputs, hidden, cell, layer)
    if dhidden.shape != c.shape or dcell.shape != c.shape:
        raise ValueError(f"gradients {dhidden.shape} and {dcell.shape} for states {c.shape}")
    bent = np.tanh(c)
    dc = dcell + dhidden * o * (1 - bent**2)
    gates = [dc * g * i * (1 - i), dc * cell * f * (1 - f), dc * i * (1 - g**2), dhidden * bent * o * (1 - o)]
    (dw_ih, db), (dw_hh, _) = _into_weights(gates, inputs), _into_weights(gates, hidden)
    return _through(gates, layer[0]), _through(gates, layer[1]), dc * f, dw_ih, dw_hh, db, db.copy()


def _states(inputs: Array, hidden: Array, cell: Array, layer: tuple[Array, ...]) -> tuple[list[Array], list[Array]]:
    """The hidden states and the cells before the first step and after each."""
    hiddens, cells = [hidden], [cell]
    for x in inputs:
        hidden, cell = lstm_cell(x, hidden, cell, *layer)
        hiddens.append(hidden)
        cells.append(cell)
    return hiddens, cells


def lstm(inputs: Array, hidden: Array, cell: Array, *layer: Array) -> tuple[Array, Array, Array]:
    """The hidden state after each step, and the last two states."""
    hiddens, cells = _states(inputs, hidden, cell, layer)
    return np.stack(hiddens[1:]), hiddens[-1], cells[-1]


def lstm_gradients(
    doutputs: Array, dhidden: Array, dcell: Array, inputs: Array, hidden: Array, cell: Array, *layer: Array
) -> tuple[Array, ...]:
    """A gradient of each argument, from those of the three results."""
    hiddens, cells = _states(inputs, hidden, cell, layer)
    if dhidden.shape != hidden.shape or doutputs.shape != (len(inputs), *hidden.shape):
        raise ValueError(f"gradients {doutputs.shape} and {dhidden.shape} for {len(inputs)} states {hidden.shape}")
    dinputs, into_layer = np.empty_like(inputs), [np.zeros_like(x) for x in layer]
    for t in reversed(range(len(inputs))):
        found = lstm_cell_gradients(doutputs[t] + dhidden, dcell, inputs[t], hiddens[t], cells[t], *layer)
        dinputs[t], dhidden, dcell = found[:3]
        for total, part in zip(into_layer, found[3:], strict=True):
            total += part
    return dinputs, dhidden, dcell, *into_layer


def _gru(inputs: Array, hidden: Array, layer: tuple[Array, ...]) -> tuple[Array, ...]:
    of_inputs, of_state = _gates(3, inputs, (hidden,), layer)
    r, z = sigmoid(of_inputs[0] + of_state[0]), sigmoid(of_inputs[1] + of_state[1])
    return r, z, np.tanh(of_inputs[2] + r * of_state[2]), of_state[2]


def gru_cell(inputs: Array, hidden: Array, *layer: Array) -> Array:
    """The next hidden state."""
    _, z, n, _ = _gru(inputs, hidden, layer)
    return (1 - z) * n + z * hidden


def gru_cell_gradients(dhidden: Array, inputs: Array, hidden: Array, *layer: Array) -> tuple[Array, ...]:
    """A gradient of each argument."""
    r, z, n, of_state = _gru(inputs, hidden, layer)
    if dhidden.shape != n.shape:
        raise ValueError(f"a gradient {dhidden.shape} for a state {n.shape}")
    dn = dhidden * (1 - z) * (1 - n**2)
    dr, dz = dn * of_state * r * (1 - r), dhidden * (hidden - n) * z * (1 - z)
    gates, gates_of_state = [dr, dz, dn], [dr, dz, dn * r]
    (dw_ih, db_ih), (dw_hh, db_hh) = _into_weights(gates, inputs), _into_weights(gates_of_state, hidden)
    return _through(gates, layer[0]), dhidden * z + _through(gates_of_state, layer[1]), dw_ih, dw_hh, db_ih, db_hh
