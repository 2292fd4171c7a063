"""A long short-term memory (LSTM) over time, and the gradient of its last output with respect to its first state."""

from typing import Any

import numpy as np

BATCH, INPUTS, HIDDEN = 2, 3, 4


def tensors(steps: int) -> list[np.ndarray]:
    """Draw the upstream, the inputs (steps, N, I), both first states, the weights and the biases, held by bfloat16."""
    random = np.random.Generator(np.random.Philox(steps))
    shapes = [(BATCH, HIDDEN), (steps, BATCH, INPUTS), (BATCH, HIDDEN), (BATCH, HIDDEN)]
    shapes += [(INPUTS, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)]
    return [np.rint(random.normal(size=shape) * 64) / 128 for shape in shapes]


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def final_gradient(dL_doutputs: Any, inputs: Any, state: Any, memory: Any, wx: Any, wh: Any, biases: Any) -> Any:
    """dL_doutputs (N, H) of the last step, inputs (steps, N, I) -> dL_dstate (N, H) of the first."""
    n, kept = HIDDEN, []
    for x in inputs:
        z = (x @ wx + biases) + state @ wh
        i, f, g, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), np.tanh(z[:, 2 * n : 3 * n]), sigmoid(z[:, 3 * n :])
        before, memory = memory, f * memory + i * g
        t = np.tanh(memory)
        kept.append((before, i, f, g, o, t))
        state = o * t
    dL_dstate, dL_dmemory = dL_doutputs, np.zeros_like(dL_doutputs)
    for before, i, f, g, o, t in reversed(kept):
        d = dL_dmemory + dL_dstate * (o * (1 - t * t))
        dL_dz = [(d * g) * (i * (1 - i)), (d * before) * (f * (1 - f)), (d * i) * (1 - g * g)]
        dL_dz.append((dL_dstate * t) * (o * (1 - o)))
        dL_dstate, dL_dmemory = np.concatenate(dL_dz, axis=1) @ wh.T, d * f
    return dL_dstate
