"""Attention as a layer in plain NumPy: it keeps the probabilities of its forward pass."""

# ruff: noqa: D102 - the class says its mathematics

from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


class Attention:
    """softmax(scale query key^T) value over the keys that a query sees, H heads of queries sharing G heads of keys.

    query (B, H, S, D), key (B, G, T, D), value (B, G, T, E); mask (B or 1, H or 1, S, T), not 0 where a key is seen.
    A query that sees none has outputs of 0.
    """

    def __init__(
        self,
        key: Array,
        value: Array,
        mask: Array = None,
        *,
        scale: float,
        is_causal: bool = False,
        softcap: float | None = None,
        window: int | None = None,
    ) -> None:
        if key.ndim != 4 or value.ndim != 4 or key.shape[:3] != value.shape[:3]:
            raise ValueError(f"keys {key.shape} and values {value.shape} do not belong together")
        self.key, self.value, self.mask = key, value, mask
        self.scale, self.is_causal, self.softcap, self.window = scale, is_causal, softcap, window

    def forward(self, query: Array) -> Array:
        if query.ndim != 4 or query.shape[1] % self.key.shape[1] or query.shape[0] != self.key.shape[0]:
            raise ValueError(f"queries {query.shape} do not fit keys {self.key.shape}")
        self.query, sharing = query, query.shape[1] // self.key.shape[1]
        self.keys, self.values = (np.repeat(x, sharing, axis=1) for x in (self.key, self.value))
        scores = np.einsum("bhsd,bhtd->bhst", query, self.keys) * self.scale
        self.slope = self.scale * np.ones_like(scores)
        if self.softcap is not None:
            capped = np.tanh(scores / self.softcap)
            scores, self.slope = self.softcap * capped, self.slope * (1 - capped**2)
        scores = np.where(self._seen(*scores.shape), scores, -np.inf)
        largest = scores.max(axis=-1, keepdims=True)
        exponentials = np.exp(scores - np.where(np.isinf(largest), 0, largest))
        total = exponentials.sum(axis=-1, keepdims=True)
        self.probabilities = exponentials / np.where(total == 0, 1, total)
        return self.probabilities @ self.values

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != (*self.query.shape[:3], self.value.shape[3]):
            raise ValueError(f"gradient {doutputs.shape} does not fit queries of shape {self.query.shape}")
        p, dp = self.probabilities, doutputs @ np.swapaxes(self.values, -1, -2)
        dscores = p * (dp - (p * dp).sum(axis=-1, keepdims=True)) * self.slope
        self.dinputs = dscores @ self.keys
        self.dkey = self._of_shared(np.swapaxes(dscores, -1, -2) @ self.query, self.key)
        self.dvalue = self._of_shared(np.swapaxes(p, -1, -2) @ doutputs, self.value)
        return self.dinputs

    def _seen(self, batch: int, heads: int, queries: int, keys: int) -> Array:
        if self.mask is not None:
            due = {(b, h, queries, keys) for b in (1, batch) for h in (1, heads)}
            if self.mask.shape not in due:
                raise ValueError(f"a mask {self.mask.shape} for scores {batch, heads, queries, keys}")
            return self.mask != 0
        ahead = np.arange(keys) - np.arange(queries)[:, None]
        seen = np.ones((queries, keys), dtype=bool)
        if self.is_causal:
            seen &= ahead <= 0
        if self.window is not None:
            seen &= abs(ahead) <= self.window
        return seen

    @staticmethod
    def _of_shared(gradients: Array, shared: Array) -> Array:
        """The sum over the heads that share a head of keys."""
        return gradients.reshape(*shared.shape[:2], -1, *shared.shape[2:]).sum(axis=2) if gradients.size else shared * 0
