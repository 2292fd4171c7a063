"""A block of a transformer as a layer in plain NumPy, made of the adapter's own layers."""

# ruff: noqa: D102 - the class says its mathematics

from typing import Any

from .attention import Attention
from .indexing import Rotary
from .layers import MatMul, RMSNorm
from .two_tensors import swiglu

Array = Any
"""np.ndarray, as Any for the type checker."""


class TransformerBlock:
    """x + attention(norm(x)), then y + network(norm(y)): causal attention with rotary embedding, and SwiGLU."""

    def __init__(
        self,
        norm1: Array,
        wq: Array,
        wk: Array,
        wv: Array,
        wo: Array,
        norm2: Array,
        w_gate: Array,
        w_up: Array,
        w_down: Array,
        cos: Array,
        sin: Array,
        *,
        heads: int,
        eps: float,
    ) -> None:
        if wq.shape[1] % heads:
            raise ValueError(f"{wq.shape[1]} columns of queries for {heads} heads")
        self.size = wq.shape[1] // heads
        self.norm1, self.norm2 = RMSNorm(norm1, eps), RMSNorm(norm2, eps)
        self.into_heads = [MatMul(weights) for weights in (wq, wk, wv)]
        self.into_network = [MatMul(weights) for weights in (w_gate, w_up)]
        self.out, self.down = MatMul(wo), MatMul(w_down)
        self.turns = Rotary(cos, sin), Rotary(cos, sin)

    def forward(self, inputs: Array) -> Array:
        normal = self.norm1.forward(inputs)
        query, key, value = (self._by_head(layer.forward(normal)) for layer in self.into_heads)
        query, key = (turn.forward(x) for turn, x in zip(self.turns, (query, key), strict=True))
        self.attention = Attention(key, value, scale=self.size**-0.5, is_causal=True)
        middle = _residual(inputs, self.out.forward(_side_by_side(self.attention.forward(query))))
        normal = self.norm2.forward(middle)
        gate, up = (layer.forward(normal) for layer in self.into_network)
        self.gated = swiglu(up)
        return _residual(middle, self.down.forward(self.gated.forward(gate)))

    def backward(self, doutputs: Array) -> Array:
        self.gated.backward(self.down.backward(doutputs))
        of_gate_and_up = zip(self.into_network, (self.gated.dinputs, self.gated.dweights), strict=True)
        dnormal = sum(layer.backward(d) for layer, d in of_gate_and_up)
        dmiddle = _residual(doutputs, self.norm2.backward(dnormal))
        dquery = self.attention.backward(self._by_head(self.out.backward(dmiddle)))
        for turn, d in zip(self.turns, (dquery, self.attention.dkey), strict=True):
            turn.backward(d)
        of_heads = zip(self.into_heads, (*(turn.dinputs for turn in self.turns), self.attention.dvalue), strict=True)
        dnormal = sum(layer.backward(_side_by_side(d)) for layer, d in of_heads)
        self.dinputs = dmiddle + self.norm1.backward(dnormal)
        return self.dinputs

    @property
    def dlayers(self) -> tuple[Array, ...]:
        """The gradients of the arguments that it was made of, in their order."""
        layers: tuple[Any, ...] = (self.norm1, *self.into_heads, self.out, self.norm2, *self.into_network, self.down)
        return tuple(layer.dweights for layer in layers)

    def _by_head(self, x: Array) -> Array:
        rows, steps, columns = x.shape
        return x.reshape(rows, steps, columns // self.size, self.size).transpose(0, 2, 1, 3)


def _side_by_side(heads: Array) -> Array:
    rows, count, steps, size = heads.shape
    return heads.transpose(0, 2, 1, 3).reshape(rows, steps, count * size)


def _residual(x: Array, branch: Array) -> Array:
    if x.shape != branch.shape:
        raise ValueError(f"a branch of shape {branch.shape} for {x.shape}")
    return x + branch
