"""What attention is made of: scores, the softmax over the keys that a query sees, and the gradients of both.

Heads that share keys are taken together: query (B, H, S, D) is read as (B, G, R, D), R = S H / G rows for each of the G
heads of keys, and so is what belongs to a query. A mask, of (S, T) or (B, H, S, T), says which keys a query sees.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from .formulations import Formulation, Function, as_written, through
from .functions import number, over_batch, stored
from .reductions import Shape

Array = Any
Gradients = tuple[Array, Array, Array]
BLOCK = 16
"""Keys that an online softmax takes in at a time."""


def require_heads(query: Array, key: Array, value: Array) -> None:
    """Raise ValueError unless query (B, H, S, D), key (B, G, T, D) and value (B, G, T, E) fit, H a multiple of G."""
    shapes = query.shape, key.shape, value.shape
    fit = all(len(shape) == 4 for shape in shapes) and key.shape[:3] == value.shape[:3]
    if not fit or query.shape[0] != key.shape[0] or query.shape[3] != key.shape[3] or query.shape[1] % key.shape[1]:
        raise ValueError(f"query, key and value of shapes {shapes}, which do not fit")


@cache
def visible(queries: int, keys: int, is_causal: bool, window: int | None, first: int = 0) -> np.ndarray:
    """Which keys (T) each query (S) sees, where key `first` stands beside the first query."""
    ahead = np.arange(keys) - np.arange(queries)[:, None] - first
    seen = np.ones(ahead.shape, dtype=bool) if window is None else abs(ahead) <= window
    return np.asarray(seen & (ahead <= 0) if is_causal else seen)


def by_groups(x: Array, groups: int) -> Array:
    """(B, H, S, K) as (B, G, S H / G, K)."""
    b, heads, queries, size = x.shape
    return x.reshape(b, groups, heads // groups * queries, size)


def seen_by_groups(mask: np.ndarray, query: Shape, key: Shape) -> np.ndarray:
    """A mask for scores (B, G, R, T), of the shapes of queries and keys."""
    return np.asarray(by_groups(np.broadcast_to(mask, (*query[:3], key[2])), key[1]))


def scores_of(query: Array, key: Array, scale: float) -> Array:
    """Queries times keys, scaled: (B, G, R, T)."""
    return by_groups(query, key.shape[1]) @ np.swapaxes(key, -1, -2) * number(scale)


def capped(scores: Array, softcap: float | None) -> Array:
    """Scores, pressed between -softcap and softcap."""
    return scores if softcap is None else number(softcap) * np.tanh(scores / number(softcap))


def exponentials(scores: Array, mask: np.ndarray) -> tuple[Array, Array, Array]:
    """exp(score - largest) where the mask holds, else 0; their sums over keys, 1 where none is seen; the largest."""
    some = mask.any(axis=-1, keepdims=True)
    largest = np.where(some, np.where(mask, scores, -np.inf).max(axis=-1, keepdims=True), 0)
    powers = np.where(mask, np.exp(np.where(mask, scores - largest, 0)), 0)
    return powers, np.where(some, powers.sum(axis=-1, keepdims=True), 1), largest


def probabilities(scores: Array, mask: np.ndarray) -> Array:
    """The softmax over the keys that are seen; 0 throughout a row that sees none."""
    powers, total, _ = exponentials(scores, mask)
    return powers / total


def by_logsumexp(scores: Array, mask: np.ndarray) -> Array:
    """The same from the logarithm of the sum, which fused kernels save for backward."""
    _, total, largest = exponentials(scores, mask)
    return np.where(mask, np.exp(np.where(mask, scores - (largest + np.log(total)), 0)), 0)


def averaged(scores: Array, mask: np.ndarray, value: Array) -> Array:
    """The average of values by the softmax."""
    return stored(probabilities(scores, mask)) @ value


def divided_last(scores: Array, mask: np.ndarray, value: Array) -> Array:
    """The same, divided by the sum after the product with the values."""
    powers, total, _ = exponentials(scores, mask)
    return (stored(powers) @ value) / total


def online(scores: Array, mask: np.ndarray, value: Array) -> Array:
    """The same in blocks of keys, what was added up being rescaled whenever a larger score comes."""
    largest: Array = -np.inf
    total: Array = 0
    added: Array = 0
    for start in range(0, scores.shape[-1], BLOCK):
        block, seen = scores[..., start : start + BLOCK], mask[..., start : start + BLOCK]
        before = mask[..., :start].any(axis=-1, keepdims=True)
        of_block = np.where(seen, block, -np.inf).max(axis=-1, keepdims=True)
        some = before | seen.any(axis=-1, keepdims=True)
        now = np.where(some, np.maximum(largest, of_block) if start else of_block, 0)
        powers = np.where(seen, np.exp(np.where(seen, block - now, 0)), 0)
        sums, products = powers.sum(axis=-1, keepdims=True), stored(powers) @ value[..., start : start + BLOCK, :]
        if start:
            shrunk = np.where(before, np.exp(np.where(before, largest - now, 0)), 0)
            sums, products = total * shrunk + sums, added * shrunk + products
        largest, total, added = now, sums, products
    return added / np.where(mask.any(axis=-1, keepdims=True), total, 1)


def sum_of_p_dp(p: Array, dp: Array, _: Array, __: Array) -> Array:
    """The sum of p dp over keys."""
    return (p * dp).sum(axis=-1, keepdims=True)


def sum_of_outputs(p: Array, _: Array, dL_doutputs: Array, value: Array) -> Array:
    """The same as the sum of outputs times their gradient."""
    return (dL_doutputs * stored(p @ value)).sum(axis=-1, keepdims=True)


def attend(
    average: Function,
    query: Array,
    key: Array,
    value: Array,
    mask: np.ndarray,
    scale: float,
    softcap: float | None = None,
) -> Array:
    """Compute attention from how values are averaged."""
    scores = capped(scores_of(query, key, scale), softcap)
    return average(scores, seen_by_groups(mask, query.shape, key.shape), value).reshape(
        *query.shape[:3], value.shape[3]
    )


def differentiate(
    softmax: Function,
    sum_over_keys: Function,
    dL_doutputs: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: np.ndarray,
    scale: float,
    softcap: float | None = None,
) -> Gradients:
    """Compute the gradients of query, key and value from a softmax and a way to add up p dp over keys."""
    if dL_doutputs.shape != (*query.shape[:3], value.shape[3]):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for queries of shape {query.shape}")
    upstream, rows = by_groups(dL_doutputs, key.shape[1]), by_groups(query, key.shape[1])
    scores = scores_of(query, key, scale)
    p = stored(softmax(capped(scores, softcap), seen_by_groups(mask, query.shape, key.shape)))
    dL_dvalue = np.swapaxes(p, -1, -2) @ upstream
    dp = upstream @ np.swapaxes(value, -1, -2)
    dscores = p * (dp - sum_over_keys(p, dp, upstream, value))
    if softcap is not None:
        dscores = dscores * (1 - np.square(np.tanh(scores / number(softcap))))
    dscores = stored(dscores * number(scale))
    dL_dquery = (dscores @ key).reshape(query.shape)
    return dL_dquery, np.swapaxes(dscores, -1, -2) @ rows, dL_dvalue


# Other right ways: functions of the arguments of `attend`, or of `differentiate`, all of them ------------------------


def _scaled_before(power: float, core: Function, *arguments: Any) -> Any:
    """Scale queries before their product with the keys, or queries and keys by the root of the scale."""
    *upstream, query, key, value, mask, scale, softcap = arguments
    factor = number(scale) ** power
    of_key = factor if power < 1 else number(1.0)
    results = core(*upstream, query * factor, key * of_key, value, mask, 1.0, softcap)
    return (results[0] * factor, results[1] * of_key, results[2]) if upstream else results


def _over_repeated_heads(core: Function, g: Array, query: Array, key: Array, value: Array, *more: Any) -> Any:
    """Repeat the heads that are shared, and sum their gradients."""
    times = query.shape[1] // key.shape[1]
    if times == 1:
        return core(g, query, key, value, *more)
    repeated = np.repeat(key, times, axis=1), np.repeat(value, times, axis=1)
    dL_dquery, *gradients = core(g, query, *repeated, *more)
    dL_dkey, dL_dvalue = (over_batch(d.reshape(*key.shape[:2], times, *d.shape[2:]), 2) for d in gradients)
    return dL_dquery, dL_dkey, dL_dvalue


def _shares_heads(arguments: Mapping[str, Any]) -> bool:
    """Whether an operation of attention has heads of queries that share keys."""
    query, key = arguments.get("query"), arguments.get("key")
    return query is None or key is None or query.shape[1] > key.shape[1]


def _also_scaled(cores: tuple[Formulation, ...]) -> tuple[Formulation, ...]:
    powers = {"queries scaled": 1.0, "queries and keys scaled": 0.5}
    return cores + tuple(
        f for name, power in powers.items() for f in through(partial(_scaled_before, power), cores[:1], name=name)
    )


FORWARD = _also_scaled(
    through(
        attend, [as_written(averaged), Formulation(divided_last, "divided last"), Formulation(online, "online softmax")]
    )
)
_OF_ONE = through(
    differentiate,
    [as_written(probabilities), Formulation(by_logsumexp, "saved logsumexp")],
    [as_written(sum_of_p_dp), Formulation(sum_of_outputs, "sum of outputs")],
)
_REPEATED = through(_over_repeated_heads, _OF_ONE[:1], name="keys repeated")
BACKWARD = _also_scaled((*_OF_ONE, *(replace(f, differs=_shares_heads) for f in _REPEATED)))

# Other answers to a query that sees no key ---------------------------------------------------------------------------


def _average_of_all(core: Function, *arguments: Any) -> Any:
    """The outputs of such a row are the plain average of all values, and its scores have no gradient."""
    *upstream, query, key, value, mask, scale, softcap = arguments
    some, plain = _sees_some(mask, query, key), (query * 0, key, value, np.ones(mask.shape, dtype=bool), scale, softcap)
    if not upstream:
        return np.where(some, core(*arguments), core(*plain))
    dL_dquery, dL_dkey, dL_dvalue = core(np.where(some, upstream[0], 0), *arguments[1:])
    return dL_dquery, dL_dkey, dL_dvalue + core(np.where(some, 0, upstream[0]), *plain)[2]


def _nan(core: Function, *arguments: Any) -> Any:
    """0 / 0: NaN for the query, and backward for all keys and values of its head."""
    *upstream, query, key, _, mask, _, _ = arguments
    some = _sees_some(mask, query, key)
    if not upstream:
        return np.where(some, core(*arguments), np.nan)
    heads = by_groups(some, key.shape[1]).all(axis=2, keepdims=True)
    seen = some, heads, heads
    return tuple(np.where(s, gradient, np.nan) for s, gradient in zip(seen, core(*arguments), strict=True))


def _sees_some(mask: np.ndarray, query: Array, key: Array) -> Array:
    return np.broadcast_to(mask, (*query.shape[:3], key.shape[2])).any(axis=-1, keepdims=True)


MASKED_ROWS = {
    answer: {"forward": through(rows, FORWARD), "backward": through(rows, BACKWARD)}
    for answer, rows in {"uniform": _average_of_all, "nan": _nan}.items()
}
