"""The logarithm of a sum of exponentials, as operations compute it on the way."""

from typing import Any

import numpy as np

Array = Any


def logsumexp(s: Array) -> Array:
    """log sum_k exp(s[..., k]), of shape (..., 1)."""
    largest = s.max(axis=-1, keepdims=True)
    return largest + np.log(np.exp(s - largest).sum(axis=-1, keepdims=True))


def running_logsumexp(logits: Array) -> Array:
    """The same, which takes in one class after the other, as `np.logaddexp.reduce` does."""
    running = logits[..., :1]
    for k in range(1, logits.shape[-1]):
        one = logits[..., k : k + 1]
        larger, smaller = np.maximum(running, one), np.minimum(running, one)
        running = np.where(smaller == -np.inf, larger, larger + np.log(1 + np.exp(smaller - larger)))
    return running
