"""Wrong implementations that small and ordinary cases let pass are rejected by a required family of their kind."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from backproof.conformance.check.values import agrees
from backproof.reference.generation.build import build, drafts
from backproof.reference.generation.profiles import ladder
from backproof.reference.kinds.contraction import contraction
from backproof.reference.kinds.operands import Contraction
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, FORMATS, numpy_dtype
from backproof.vectors.records import Family

Array = Any
family = cache(build)


def passes(asked: Family, function: Callable[..., Any]) -> bool:
    """Say whether a function, called with float64 copies of the arguments, is right in all cases once rounded."""
    assert asked.level == "required"
    strictest = next(iter(asked.answer.tolerance.values()))
    for case in range(asked.count):
        arguments = (x[case] if x.dtype == np.int64 else x[case].astype(np.float64) for x in asked.inputs.values())
        with np.errstate(all="ignore"):
            results = function(*arguments, **asked.parameters)
        for got, (name, expected) in zip(
            results if isinstance(results, tuple) else (results,), asked.answer.expected.items(), strict=True
        ):
            rounded = np.asarray(got).astype(numpy_dtype(asked.dtype))
            if not agrees(rounded, expected[case], strictest[name][case]).all():
                return False
    return True


def by_tiles(a: Array, b: Array, tile: int = 32, *, swapped: bool = False, edge: bool = True) -> Array:
    """a @ b tile by tile. swapped: the grid's width is taken for its height. edge: whether the rest is computed."""
    out = np.zeros((len(a), b.shape[1]))
    high, wide = (-(-size // tile) if edge else max(size // tile, 1) for size in out.shape)
    for block in range(high * wide):
        row, column = divmod(block, high if swapped else wide)
        rows, columns = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
        out[rows, columns] = a[rows] @ b[:, columns]
    return out


def dense_by(product: Callable[[Array, Array], Array]) -> dict[str, Callable[..., Any]]:
    """Both directions of a dense layer by a matrix product."""

    def backward(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
        return product(g, w.T), product(x.T, g), g.sum(axis=0, keepdims=True)

    return {"forward": lambda x, w, b: product(x, w) + b, "backward": backward}


def short_of(lost: int, a: Array, b: Array) -> Array:
    """a @ b without the last terms of its sums beyond a tile."""
    kept = a.shape[1] - (lost if a.shape[1] > 256 else 0)
    return a[:, :kept] @ b[:kept]


def in_tf32(a: Array, b: Array) -> Array:
    """a @ b of operands that are rounded to TF32's 11 bits."""
    return np.matmul(*((np.ldexp(np.rint(np.ldexp(m, 11)), e)) for m, e in map(np.frexp, (a, b))))


def in_float32(a: Array, b: Array) -> Array:
    """a @ b in float32."""
    return (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float64)


LARGE = [
    ("float16", "forward-integers-n64-i48-o96"),
    ("float32", "forward-integers-n65-i97-o129"),
    ("float32", "backward-integers-n64-i48-o96"),
]


@pytest.mark.parametrize(("dtype", "name"), LARGE)
def test_a_grid_of_tiles_of_another_width(dtype: str, name: str) -> None:
    asked = family("dense", dtype, name)
    assert passes(asked, dense_by(by_tiles)[asked.direction])
    assert not passes(asked, dense_by(partial(by_tiles, swapped=True))[asked.direction])


@pytest.mark.parametrize(
    ("dtype", "name"), [("float32", "forward-integers-n65-i97-o129"), ("float64", "backward-sparse-n3-i33-o35")]
)
def test_a_last_tile_that_is_not_computed(dtype: str, name: str) -> None:
    asked = family("dense", dtype, name)
    assert passes(asked, dense_by(by_tiles)[asked.direction])
    assert not passes(asked, dense_by(partial(by_tiles, edge=False))[asked.direction])


LONG = [
    (dtype, f"{direction}-{profile}-n{n}-i{i}-o{o}")
    for (direction, dtype, profile), group in Contraction(("a", "b")).large.items()
    for n, i, o in group
    if max(n, i, o) > 256
]


@pytest.mark.parametrize(("dtype", "name"), LONG)
@pytest.mark.parametrize("lost", [1, 16])
def test_the_last_terms_of_a_long_sum(dtype: str, name: str, lost: int) -> None:
    asked = family("dense", dtype, name)
    assert passes(asked, dense_by(np.matmul)[asked.direction])
    assert not passes(asked, dense_by(partial(short_of, lost))[asked.direction])


@pytest.mark.parametrize(("dtype", "name"), [case for case in [*LONG, *LARGE] if case[0] == "float32"])
def test_operands_of_float32_in_tf32(dtype: str, name: str) -> None:
    asked = family("dense", dtype, name)
    assert not passes(asked, dense_by(in_tf32)[asked.direction])


@pytest.mark.parametrize(("dtype", "name"), [case for case in LONG if case[0] == "float64"])
def test_float32_inside_float64(dtype: str, name: str) -> None:
    asked = family("dense", dtype, name)
    assert not passes(asked, dense_by(in_float32)[asked.direction])


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_numbers_have_a_tolerance_of_0(dtype: str) -> None:
    names = [d.name for d in contraction(Contraction(("inputs", "weights", "biases")), dtype) if "-integers-" in d.name]
    for name in names:
        strictest = next(iter(family("dense", dtype, name).answer.tolerance.values()))
        assert not any(tolerance.any() for tolerance in strictest.values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_result_remembered_for_inputs_that_are_nearly_the_same(dtype: str) -> None:
    first: dict[str, Any] = {}

    def remembered(direction: str, op: str, *arguments: Array) -> Any:
        key = str([np.round(x, 1 if dtype in ("float16", "bfloat16") else 5).tolist() for x in arguments])
        return first.setdefault(f"{direction} {key}", operation(op).functions[direction](*arguments))

    for op in ("dense", "relu", "square"):
        for direction in ("forward", "backward"):
            if (op, direction) == ("relu", "backward"):
                continue  # the same result is right
            first.clear()
            assert not passes(family(op, dtype, f"{direction}-last-digits"), partial(remembered, direction, op))


ACTIVATIONS = ("sigmoid", "tanh", "silu", "gelu", "softplus")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tanh_that_is_nan_where_its_exponentials_overflow(dtype: str) -> None:
    wide = np.float64 if dtype == "float64" else np.float32

    def by_exponentials(x: Array) -> Array:
        up, down = np.exp(x.astype(wide)), np.exp(-x.astype(wide))
        return (up - down) / (up + down)

    assert passes(family("tanh", dtype, "forward-saturated-beyond"), np.tanh)
    assert not passes(family("tanh", dtype, "forward-saturated-beyond"), by_exponentials)
    assert not passes(
        family("tanh", dtype, "backward-saturated-beyond"), lambda g, x: g * (1 - by_exponentials(x) ** 2)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ACTIVATIONS)
def test_far_out_no_result_of_an_activation_is_subnormal(op: str, dtype: str) -> None:
    fmt = FORMATS[dtype]
    names = [name for name in drafts(op, dtype) if "saturated-beyond" in name]
    assert {name.partition("-")[0] for name in names} == {"forward", "backward"}
    for name in names:
        [expected] = family(op, dtype, name).answer.expected.values()
        inputs = abs(family(op, dtype, name).inputs["inputs"].astype(np.float64))
        assert inputs.max() >= 0.99 * max(ladder(dtype))
        rounded = expected.astype(numpy_dtype(dtype)).astype(np.float64)
        assert ((rounded == 0) | (abs(rounded) >= 2.0**fmt.smallest_normal)).all()
