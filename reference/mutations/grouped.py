"""Wrong functions that serve the diagnosis alone: gates, channels and heads that are taken for those of other groups,
and keys that other queries see."""

# ruff: noqa: ARG001, ARG005 (what counts something is given all that may tell)

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ..model import attention
from ..model.formulations import Function
from ..model.operation import Operation
from ..model.recurrence import block
from ..ops import sigmoid
from .formula import reached
from .wrong_calls import on_argument, on_results

Array = Any


def _has_gates(sound: Function) -> bool:
    return any(name == block.__name__ for _, name in reached((sound.__module__, sound.__name__)))


def of_gates(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """The gates of a recurrent cell in another order."""
    sound, arguments = subject.functions[direction], subject.arguments[direction]
    if not _has_gates(sound):
        return
    places = [place for place, name in enumerate(arguments) if name.startswith(("weight_", "bias_"))]
    results = subject.results[direction]
    of_them = [place for place, name in enumerate(results) if name.startswith(("dL_dweight_", "dL_dbias_"))]
    for count in (3, 4):
        for order in list(permutations(range(count)))[1:]:
            said = ", ".join(str(gate + 1) for gate in order)
            there, back = (partial(_reordered, tuple(each)) for each in (order, np.argsort(order)))
            changed = on_results(dict.fromkeys(of_them, back), sound)
            if of_them:
                yield f"gradients are in the order {said}", changed
            for place in places:
                changed = on_argument(place, there, changed)
            yield f"weights and biases are read in the order {said}", changed


def of_packed_gates(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """The gradients of a cell's gates, put together in another order than that of the weights they go through."""
    if direction == "forward" or subject.batch_axis.get("inputs") != 0 or not _has_gates(subject.functions[direction]):
        return
    for count in (3, 4):
        for order in list(permutations(range(count)))[1:]:
            said = ", ".join(str(gate + 1) for gate in order)
            function = partial(_packed, subject, order, subject.functions[direction])
            yield f"the gradients of the gates are put together in the order {said}", function


def _packed(subject: Operation, order: tuple[int, ...], function: Function, *tensors: Array, **parameters: Any) -> Any:
    given = dict(zip(subject.arguments["backward"], tensors, strict=True))
    results = dict(zip(subject.results["backward"], function(*tensors, **parameters), strict=True))
    x, h, w, u = (given[name] for name in ("inputs", "hidden", "weight_ih", "weight_hh"))
    one = {**given, "inputs": x @ w.T, "weight_ih": np.eye(len(w), dtype=w.dtype)}
    gates = function(*one.values(), **parameters)[subject.results["backward"].index("dL_dinputs")]
    others = gates
    if len(order) == 3:  # of a GRU the reset gate stands before the candidate's sums of hidden states
        reset, *_ = np.split(x @ w.T + h @ u.T + given["bias_ih"] + given["bias_hh"], 3, axis=1)
        others = gates * np.concatenate([np.ones((len(x), 2 * h.shape[1])), sigmoid.forward(reset)], axis=1)
    for side, of, each in (("ih", "inputs", gates), ("hh", "hidden", others)):
        moved = _reordered(order, each.T).T
        results[f"dL_d{of}"] = results[f"dL_d{of}"] + (moved - each) @ given[f"weight_{side}"]
        for name in (f"dL_dweight_{side}", f"dL_dbias_{side}"):
            results[name] = _reordered(order, results[name])
    return tuple(results.values())


def of_gates_for_others(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """The gradients of biases, with one gate's in place of some others'."""
    results = subject.results[direction]
    biases = [place for place, name in enumerate(results) if name.startswith("dL_dbias_")]
    for count in (3, 4) if biases and _has_gates(subject.functions[direction]) else ():
        for one in range(count):
            others = [gate for gate in range(count) if gate != one]
            for some in (some for k in range(1, count) for some in combinations(others, k)):
                order = tuple(one if gate in some else gate for gate in range(count))
                taken = on_results(dict.fromkeys(biases, partial(_reordered, order)), subject.functions[direction])
                yield f"of the gradients of biases, {_listed(some)} are those of gate {one + 1}", taken


def _listed(gates: Collection[int]) -> str:
    return " and ".join(f"those of gate {gate + 1}" for gate in gates)


def _reordered(order: tuple[int, ...], x: Array) -> Array:
    return x.reshape(len(order), -1, *x.shape[1:])[order, :].reshape(x.shape)


def of_groups(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """Channels, or heads, that take turns in belonging to a group."""
    sound, arguments = subject.functions[direction], subject.arguments[direction]
    for name in {"groups", "num_groups"} & {*subject.parameters[direction]}:
        count = partial(_parameter, name)
        yield f"channel c belongs to group c % {name}", partial(_in_turn, arguments.index("inputs"), count, sound)
        if name == "groups" and direction == "backward":
            said = "channel i of group g is read from channel i * groups + g of the inputs"
            yield said, partial(_read_in_turn, sound)
            said = "every group writes its dL_dinputs to the channels of the first"
            yield said, partial(_to_first_group, sound)
            said = "channel o of dL_dweight is that of group o % groups, and not those of one group after the other"
            yield said, partial(_weights_in_turn, sound)
        if name == "num_groups" and direction == "backward":
            yield "channel c has the mean and variance of group c % num_groups", partial(_statistics_in_turn, sound)
    if arguments == ("inputs", "weight", "bias") and "groups" in subject.parameters[direction]:
        yield "output channel o belongs to group o % groups", partial(_outputs_in_turn, sound)
    if {"query", "key"} <= {*arguments}:
        count = partial(_heads, arguments.index("key"))
        said = "head h of the query belongs to head h % G of G of the key"
        yield said, partial(_in_turn, arguments.index("query"), count, sound)
        shared = [
            subject.results[direction].index(name) for name in ("dL_dkey", "dL_dvalue") if direction == "backward"
        ]
        for which, head in (("first", 0), ("last", -1)) if shared else ():
            said = (
                f"a head that several of the query share has the gradient of the {which} of these alone, not their sum"
            )
            of_one = partial(_of_one_head, head)
            yield said, partial(_of_shared_heads, arguments.index("key"), shared, of_one, sound)
        for by, added in (("G", _of_heads_in_turn), ("(H / G)", _of_heads_by_place)) if shared else ():
            said = f"the gradient of head h of H of the query is added to that of head h % {by} of G of the key"
            yield said, partial(_of_shared_heads, arguments.index("key"), shared, added, sound)


_SHIFTS: tuple[tuple[str, Callable[[int, int], int]], ...] = (
    ("query s sees keys up to s + 1", lambda queries, keys: 1),
    ("query s sees keys up to s - 1", lambda queries, keys: -1),
    ("the last query sees all keys, and each one before one fewer", lambda queries, keys: keys - queries),
    ("query s of S sees one key more than s + T - S of T", lambda queries, keys: keys - queries + 1),
    ("query s of S sees one key fewer than s + T - S of T", lambda queries, keys: keys - queries - 1),
)
"""Which keys are seen under a causal mask, and the place of the key that stands beside the first query."""


def _no_shift(queries: int, keys: int) -> int:
    return 0


def of_masks(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """Causal masks and windows that are off by one, or are counted from the other end."""
    if "is_causal" not in subject.parameters[direction]:
        return
    for words, first in _SHIFTS:
        yield f"with is_causal, {words}", partial(_attended, direction, first, 0, 0)
    for words, more in (("one place wider", 1), ("one place narrower", -1)):
        yield f"the window is {words}, on both sides", partial(_attended, direction, _no_shift, more, 0)
    for words, side in (("before", -1), ("after", 1)):
        said = f"with a window, each query sees keys {words} it alone, and the one beside it"
        yield said, partial(_attended, direction, _no_shift, 0, side)
    for left_out, other in (("is_causal", "window"), ("window", "is_causal")):
        said = f"{left_out} has no part where there is {'a window' if other == 'window' else 'is_causal'}"
        yield said, partial(_alone, left_out, other, subject.functions[direction])


def _alone(left_out: str, other: str, function: Function, *tensors: Array, **parameters: Any) -> Any:
    if parameters.get(other) not in (None, False):
        parameters.pop(left_out, None)
    return function(*tensors, **parameters)


def _attended(
    direction: str,
    first: Callable[[int, int], int],
    more: int,
    side: int,
    *tensors: Array,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> Any:
    """Attention by a mask that is shifted where it is causal, or has a wider window, or a window on one side."""
    lengths = tensors[-3].shape[2], tensors[-2].shape[2]
    wide = None if window is None else window + more
    mask = attention.visible(*lengths, is_causal, wide, first(*lengths) if is_causal else 0)
    if side and window is not None:
        ahead = np.arange(lengths[1]) - np.arange(lengths[0])[:, None]
        mask = mask & (side * ahead >= 0)
    arguments: Any = (*tensors, mask, scale, softcap)
    if direction == "forward":
        return attention.attend(attention.averaged, *arguments)
    return attention.differentiate(attention.probabilities, attention.sum_of_p_dp, *arguments)


def _of_shared_heads(
    place: int,
    shared: Collection[int],
    of: Callable[[Array, int], Array],
    function: Function,
    *tensors: Array,
    **more: Any,
) -> Any:
    """Keys and values are repeated, head by head, and the gradients of these are made those of the heads shared."""
    heads, groups = tensors[place - 1].shape[1], tensors[place].shape[1]
    repeated = [np.repeat(x, heads // groups, 1) if at in (place, place + 1) else x for at, x in enumerate(tensors)]
    results = function(*repeated, **more)
    return tuple(of(r, groups) if at in shared else r for at, r in enumerate(results))


def _of_one_head(head: int, x: Array, groups: int) -> Array:
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:])[:, :, head]


def _of_heads_in_turn(x: Array, groups: int) -> Array:
    return x.reshape(x.shape[0], -1, groups, *x.shape[2:]).sum(axis=1)


def _of_heads_by_place(x: Array, groups: int) -> Array:
    """What belongs to no head, by its place among those that share one, is lost; one head, or none shared, is right."""
    places = x.shape[1] // groups
    if 1 in (groups, places):
        return _of_heads_in_turn(x, groups)
    found = np.zeros((x.shape[0], groups, *x.shape[2:]), x.dtype)
    found[:, :places] = x.reshape(x.shape[0], groups, places, *x.shape[2:])[:, :places, :groups].sum(axis=1)
    return found


def _read_in_turn(function: Function, g: Array, inputs: Array, *tensors: Array, **parameters: Any) -> Any:
    """The gradients with the channels of the inputs in another order; that of the inputs as it is due."""
    right = function(g, inputs, *tensors, **parameters)
    groups = parameters.get("groups", 1)
    order = np.arange(inputs.shape[1]).reshape(-1, groups).T.ravel()
    return right[0], *function(g, inputs[:, order], *tensors, **parameters)[1:]


def _to_first_group(function: Function, *tensors: Array, **parameters: Any) -> Any:
    dL_dinputs, *others = function(*tensors, **parameters)
    groups = parameters.get("groups", 1)
    found, first = np.zeros_like(dL_dinputs), dL_dinputs.shape[1] // groups
    found[:, :first] = dL_dinputs.reshape(len(found), groups, first, *found.shape[2:]).sum(axis=1)
    return found, *others


def _weights_in_turn(function: Function, *tensors: Array, **parameters: Any) -> Any:
    dL_dinputs, dL_dweight, *others = function(*tensors, **parameters)
    groups = parameters.get("groups", 1)
    moved = dL_dweight.reshape(groups, -1, *dL_dweight.shape[1:]).swapaxes(0, 1).reshape(dL_dweight.shape)
    return dL_dinputs, moved, *others


def _statistics_in_turn(
    function: Function, g: Array, inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float
) -> Any:
    """The gradient of the weight alone with the statistics of other groups."""
    dL_dinputs, _, dL_dbias = function(g, inputs, weight, bias, num_groups=num_groups, eps=eps)
    n, channels = inputs.shape[:2]
    groups, turn = inputs.reshape(n, num_groups, -1), np.arange(channels) % num_groups
    mean, variance = (x[:, turn, None] for x in (groups.mean(axis=2), groups.var(axis=2)))
    normal = (inputs.reshape(n, channels, -1) - mean) / np.sqrt(variance + eps)
    return dL_dinputs, (g.reshape(normal.shape) * normal).sum(axis=(0, 2)), dL_dbias


def _outputs_in_turn(
    function: Function, inputs: Array, weight: Array, bias: Array, *, groups: int = 1, **parameters: Any
) -> Array:
    order = np.argsort(np.arange(len(weight)) % groups, kind="stable")
    results = function(inputs, weight[order], bias[order], groups=groups, **parameters)
    return results[:, np.argsort(order)] if len(weight) == results.shape[1] else results


def _parameter(name: str, tensors: tuple[Array, ...], parameters: Mapping[str, Any]) -> int:
    return int(parameters[name])


def _heads(place: int, tensors: tuple[Array, ...], parameters: Mapping[str, Any]) -> int:
    return int(tensors[place].shape[1])


def _in_turn(
    place: int,
    count: Callable[[tuple[Array, ...], Mapping[str, Any]], int],
    function: Function,
    *tensors: Array,
    **parameters: Any,
) -> Any:
    channels, groups = tensors[place].shape[1], count(tensors, parameters)
    order = np.arange(channels).reshape(-1, groups).T.ravel()

    def taken(x: Array, places: Array) -> Array:
        axis = min(x.ndim - 1, 1)
        return x.take(places, axis) if x.ndim and x.shape[axis] == channels else x

    results = function(*(taken(x, order) for x in tensors), **parameters)
    back = np.argsort(order)
    return tuple(taken(r, back) for r in results) if isinstance(results, tuple) else taken(results, back)
