"""Reported faults of memory: writes beside arguments, what is kept between calls, threads, shared results."""

import sys
from collections.abc import Iterator
from itertools import chain
from types import FrameType
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.ops import softmax
from public_reports import CALLS, EYE, Array, Function, Report, Small, sound

# What is written -------------------------------------------------------------------------------------------------


def writing(place: int, position: int, function: Function) -> Function:
    """Write one element before (-1) or after (0) an argument, where that lies in a larger buffer."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        tensor = tensors[position]
        whole: Any = tensor
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        low, high = np.lib.array_utils.byte_bounds(whole)
        start = tensor.__array_interface__["data"][0] + (tensor.nbytes if place == 0 else -tensor.itemsize)
        if tensor.flags.c_contiguous and low <= start and start + tensor.itemsize <= high and whole.flags.writeable:
            flat = whole.reshape(-1).view(np.uint8)
            flat[start - low : start - low + tensor.itemsize] = 0
        return results

    return call


def writes_beside() -> Iterator[Report]:
    """One element past the end of an argument, or before it, is written."""
    for op, direction, position in (("dense", "forward", 1), ("relu", "backward", 0), ("softmax", "forward", 0)):
        for place in (-1, 0):
            right = sound(op, direction)

            def small(function: Function, k: Any = (op, direction), p: int = position) -> Any:
                arrays = [np.array(t) for t in CALLS[k]]
                buffer = np.full(arrays[p].size + 2, 7.0)
                buffer[1:-1] = arrays[p].reshape(-1)
                arrays[p] = buffer[1:-1].reshape(arrays[p].shape)
                function(*arrays)
                return buffer[[0, -1]]

            given = [0, 7] if place else [7, 0]
            kind = f"writes {'before' if place else 'after'} argument {position}"
            yield Report(kind, op, direction, writing(place, position, right), right, small, [7, 7], given)


# What is kept ----------------------------------------------------------------------------------------------------


def kept_by_address(function: Function) -> Function:
    """Results are kept by where their arguments lie."""
    kept: dict[Any, Any] = {}

    def call(*tensors: Array, **parameters: Any) -> Any:
        places = [(t.__array_interface__["data"][0], t.shape, t.strides, t.dtype.name) for t in tensors]
        key = (*places, *parameters.items())
        if key not in kept:
            kept[key] = [*tensors], function(*tensors, **parameters)  # so that no other array comes to lie there
        return kept[key][1]

    return call


def in_ring(size: int, function: Function) -> Function:
    """Results of one shape take turns in so many buffers."""
    rings: dict[Any, list[Array]] = {}

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        several = isinstance(results, tuple)
        found = []
        for place, result in enumerate(results if several else (results,)):
            ring = rings.setdefault((place, result.shape, result.dtype.name), [])
            ring.append(np.empty_like(result) if len(ring) < size else ring.pop(0))
            ring[-1][...] = result
            found.append(ring[-1])
        return tuple(found) if several else found[0]

    return call


def kept() -> Iterator[Report]:
    """A cache by address, and a ring of buffers."""
    for op, direction in (("dense", "forward"), ("relu", "backward"), ("softmax_cross_entropy", "backward")):
        right = sound(op, direction)
        tensors = CALLS[op, direction]
        parameters = {"reduction": "none"} if "entropy" in op else {}

        def refilled(function: Function, t: Any = tensors, k: Any = parameters) -> Any:
            arrays = [np.array(x) for x in t]
            function(*arrays, **k)
            for x in arrays:
                x[...] = x[::-1]
            return function(*arrays, **k)

        def after_many(function: Function, t: Any = tensors, k: Any = parameters) -> Any:
            arrays = [np.array(x) for x in t]
            first = function(*arrays, **k)
            for number in range(40):
                function(*(x if x.dtype.kind == "i" else x + number for x in arrays), **k)
            return first

        plain = [np.array(x) for x in tensors]
        last = [x if x.dtype.kind == "i" else x + 31 for x in plain]
        yield Report("kept by address", op, direction, kept_by_address(right), right, refilled,
                     right(*(x[::-1] for x in plain), **parameters), right(*plain, **parameters))  # fmt: skip
        yield Report("ring of 32 buffers", op, direction, in_ring(32, right), right, after_many,
                     right(*plain, **parameters), right(*last, **parameters))  # fmt: skip


# Threads ---------------------------------------------------------------------------------------------------------


class Steps:
    """What a forward leaves for the rest of the call to read, on one tape for all threads or one for each call."""

    def __init__(self, shared: bool) -> None:
        self.shared, self.tape = shared, dict[str, Array]()

    def softmax(self, logits: Array) -> Array:
        tape = self.tape if self.shared else {}
        tape["exponentials"] = np.exp(logits - logits.max(axis=-1, keepdims=True))
        tape["sums"] = tape["exponentials"].sum(axis=-1, keepdims=True)
        return tape["exponentials"] / tape["sums"]

    def softmax_backward(self, dL_doutputs: Array, logits: Array) -> Array:
        tape = self.tape if self.shared else {}
        tape["outputs"] = softmax.forward(logits)
        tape["products"] = tape["outputs"] * dL_doutputs
        return tape["products"] - tape["outputs"] * tape["products"].sum(axis=-1, keepdims=True)

    def dense(self, inputs: Array, weights: Array, biases: Array) -> Array:
        tape = self.tape if self.shared else {}
        tape["products"] = inputs @ weights
        return tape["products"] + biases


def interrupted(function: Function, tensors: list[Array], others: list[Array]) -> Any:
    """The results of a call before each line of which, in this module, another call is made."""

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line" and frame.f_code.co_filename == __file__:
            sys.settrace(None)
            function(*others)
            sys.settrace(trace)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(*tensors)
    finally:
        sys.settrace(before)


def threads() -> Iterator[Report]:
    """Steps of a call that another thread's call replaces. The small input calls again from between two lines."""
    for op, direction, name in (
        ("softmax", "forward", "softmax"),
        ("softmax", "backward", "softmax_backward"),
        ("dense", "forward", "dense"),
    ):
        pair = [widened(getattr(Steps(shared), name)) for shared in (True, False)]
        tensors = CALLS[op, direction]

        def small(function: Function, t: Any = tensors) -> Any:
            arrays = [np.array(x) for x in t]
            return interrupted(function, arrays, [x[::-1] for x in arrays])

        right = sound(op, direction)
        plain, others = [np.array(x) for x in tensors], [np.array(x)[::-1] for x in tensors]
        yield Report("steps shared by threads", op, direction, *pair, small, right(*plain), right(*others))


# Shared memory ---------------------------------------------------------------------------------------------------


def shared() -> Iterator[Report]:
    """Results that are an argument, or another result."""

    def biases_are_upstream(g: Array, *tensors: Array) -> Any:
        results = backward(g, *tensors)
        return (*results[:2], g if len(g) == 1 else results[2])

    def upstream_where_all_passes(g: Array, inputs: Array) -> Array:
        return g if g.shape == inputs.shape and (inputs > 0).all() else relu(g, inputs)

    def inputs_where_all_passes(inputs: Array) -> Array:
        return inputs if (inputs > 0).all() else relu_forward(inputs)

    backward, relu, relu_forward = sound("dense", "backward"), sound("relu", "backward"), sound("relu", "forward")

    def shares(*tensors: Any, result: int = 0, other: int = 0) -> Small:
        def call(function: Function) -> Any:
            arrays = [np.array(t) for t in tensors]
            results = function(*arrays)
            return np.shares_memory(results[result] if isinstance(results, tuple) else results, arrays[other])

        return call

    one = [[1.0, 2.0]]
    for op, direction, wrong, small in (
        ("dense", "backward", biases_are_upstream, shares(one, one, EYE, [[0.0, 0.0]], result=2)),
        ("relu", "backward", upstream_where_all_passes, shares(one, one)),
        ("relu", "forward", inputs_where_all_passes, shares(one)),
    ):
        right = sound(op, direction)
        yield Report("result is an argument", op, direction, wrong, right, small, False, True, robust=True)


REPORTS = tuple(chain(writes_beside(), kept(), threads(), shared()))
