"""Evaluation in chunks along the batch comes to what evaluation of the whole comes to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from backproof.reference.arithmetic.chunks import ChunkError, batch_length, evaluate_fast, pieces, rows_that_fit
from backproof.reference.arithmetic.rounding import LengthError
from backproof.reference.generation.draws import Words
from backproof.reference.model.functions import over_batch, scatter_add
from backproof.reference.model.operation import operation
from backproof.reference.ops import dense, gelu, layer_norm, mlp, softmax, softmax_cross_entropy
from backproof.vectors.dtypes import numpy_dtype
from calls import Form, directions, forms
from numpy.random import default_rng
from shares import one_in

ROWS = 23
Tensors = list[np.ndarray]
LOOSER = ("hinge", "lstm")
"""Operations of which a chunk does not know how many terms of the others' sums are 0, or adds up the sums of steps."""


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def compare(
    function: Any,
    tensors: Tensors,
    axes: tuple[int | None, ...],
    parameters: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    precision: str = "float32",
    looser: float = 1e-4,
) -> None:
    """Assert that chunks come to the same values and tolerances as the whole, or to tolerances that are looser."""
    given = function, tensors, parameters or {}, dtype, precision
    whole, chunked = evaluate_fast(*given), evaluate_fast(*given, batch_axes=axes, rows=5)
    for value, due, tolerance, least in zip(chunked[0], whole[0], chunked[1], whole[1], strict=True):
        assert value.shape == tolerance.shape == due.shape
        assert (abs(value - due) <= 2 * least).all()
        assert (least * (1 - 1e-4) <= tolerance).all()
        assert (tolerance <= least * (1 + looser)).all()


def larger(op: str, direction: str, form: Form, dtype: str) -> tuple[Tensors, tuple[int | None, ...]]:
    """Draw a call of an operation and repeat its rows, so that there are enough; scaled, so that none are the same."""
    drawn = form.drawn(Words(f"{op}/{direction}", dtype))
    axes = [operation(op).batch_axis[name] for name in drawn]
    axes = [None if a is None or not -x.ndim <= a < x.ndim else a for x, a in zip(drawn.values(), axes, strict=True)]
    tensors = [
        x if a is None else np.take(x, np.arange(ROWS) % x.shape[a], axis=a)
        for x, a in zip(drawn.values(), axes, strict=True)
    ]
    return tensors, tuple(axes)


@pytest.mark.parametrize(("op", "direction"), one_in(6, directions()))
def test_every_operation_can_be_evaluated_in_chunks(op: str, direction: str) -> None:
    chunked = 0
    for form in forms(op, direction):
        tensors, axes = larger(op, direction, form, "float32")
        if batch_length(tensors, axes) != ROWS or any(0 in x.shape for x in tensors):
            continue
        try:
            looser = 1 if op in LOOSER else 1e-4
            compare(operation(op).functions[direction], tensors, axes, form.parameters, looser=looser)
            chunked += 1
        except ChunkError:
            assert "axis" in form.parameters  # it is that of the batch
        if chunked == 2:
            break
    assert chunked or not any(axis is not None for axis in operation(op).batch_axis.values())


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [
        ("float64", "float64"),
        ("float32", "tf32"),
        ("bfloat16", "fused"),
        ("bfloat16", "stepwise"),
        ("float16", "fused"),
    ],
)
def test_sums_over_the_batch_are_counted_and_rounded_once(dtype: str, precision: str) -> None:
    shapes = (ROWS, 4), (ROWS, 3), (3, 4), (1, 4)
    tensors = [(normal(*s) * np.exp2(4 * normal(*s, seed=1))).astype(numpy_dtype(dtype)) for s in shapes]
    compare(dense.backward, tensors, (0, 0, None, None), {}, dtype, precision)


def test_a_mean_divides_by_the_whole_batch() -> None:
    labels = default_rng(0).integers(0, 4, ROWS)
    one = np.float32(1.5).reshape(())
    parameters = {"reduction": "mean"}
    compare(softmax_cross_entropy.backward, [one, normal(ROWS, 4), labels], (None, 0, 0), parameters)
    compare(softmax_cross_entropy.forward, [normal(ROWS, 4), labels], (0, 0), parameters)
    compare(lambda x: x.mean(axis=0), [normal(ROWS, 4)], (0,), looser=0.5)


def test_a_network_in_chunks() -> None:
    network = [normal(3, 6), normal(1, 6), normal(6, 4), normal(1, 4), default_rng(0).integers(0, 4, ROWS)]
    tensors = [np.float32(0.5).reshape(()), normal(ROWS, 3), *network]
    compare(mlp.backward, tensors, (None, 0, None, None, None, None, 0), {"reduction": "sum"})


def test_sums_of_whole_numbers_are_exact_only_if_the_whole_sum_fits() -> None:
    small = np.ones((ROWS, 2), dtype=np.float32)
    large = np.full((ROWS, 2), 2**20 + 1, dtype=np.float32)
    for numbers, is_exact in ((small, True), (large, False)):
        _, (tolerance,) = evaluate_fast(
            lambda x: over_batch(x, 0), [numbers], {}, "float32", "float32", batch_axes=(0,), rows=5
        )
        assert (tolerance == 0).all() == is_exact


def test_rows_added_up_by_index() -> None:
    index = default_rng(0).integers(0, 5, ROWS)
    compare(lambda rows, index: scatter_add(rows, index, 6), [normal(ROWS, 4), index], (0, 0))


def test_a_sum_over_the_batch_may_be_reshaped_and_scaled() -> None:
    compare(lambda x: (x.T @ x).reshape(2, 8).T, [normal(ROWS, 4)], (0,))
    compare(lambda x: np.expand_dims(x.sum(axis=0), 0) * 0.1, [normal(ROWS, 4)], (0,), looser=0.5)


def test_evaluations_that_take_turns_leave_numpys_warnings_as_they_were() -> None:
    before = np.geterr()
    turns = [pieces(softmax.forward, [normal(ROWS, 4)], {}, "float32", "float32", batch_axes=(0,)) for _ in range(2)]
    for _ in zip(*turns, strict=True):
        assert np.geterr() == before
    assert np.geterr() == before


def test_what_does_not_depend_on_the_batch_is_taken_once() -> None:
    compare(lambda x, w: (x @ w, w.sum()), [normal(ROWS, 4), normal(4, 3)], (0, None))


def test_a_batch_on_another_axis() -> None:
    compare(softmax.forward, [normal(2, ROWS, 4)], (-2,))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(axis=0),
        lambda x: x / x.sum(axis=0),
        lambda x: np.exp(x.sum(axis=0)),
        lambda x: x.max(axis=0),
        lambda x: x @ x.T,
    ],
)
def test_what_mixes_rows_is_refused(function: Any) -> None:
    with pytest.raises(ChunkError, match="chunks of the batch"):
        evaluate_fast(function, [normal(ROWS, 4)], {}, "float32", "float32", batch_axes=(0,), rows=5)


def test_what_mixes_rows_is_refused_where_zeros_hide_it() -> None:
    arguments, axes = [np.zeros((ROWS, 4), np.float32), normal(ROWS, 4)], (0, 0)
    with pytest.raises(ChunkError, match="chunks of the batch"):
        evaluate_fast(softmax.backward, arguments, {"axis": 0}, "float32", "float32", batch_axes=axes, rows=5)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_largest_of_all_rows_is_refused_though_many_numbers_of_a_half_precision_are_alike(dtype: str) -> None:
    x = default_rng(0).standard_normal((20, 4096)).astype(numpy_dtype(dtype))
    with pytest.raises(ChunkError):
        evaluate_fast(lambda x: x.max(), [x], {}, dtype, "fused" if "16" in dtype else dtype, batch_axes=[0], rows=5)


def test_batches_of_two_lengths_are_refused() -> None:
    with pytest.raises(ChunkError, match="the batch has 3 and 4 rows"):
        evaluate_fast(np.add, [normal(3), normal(4)], {}, "float32", "float32", batch_axes=(0, 0))


def test_a_long_native_sum_has_no_tolerance() -> None:
    with pytest.raises(LengthError, match="23 terms"):
        evaluate_fast(
            lambda x: over_batch(x, 0),
            [normal(ROWS, 4).astype(np.float16)],
            {},
            "float16",
            "native",
            batch_axes=(0,),
            rows=5,
        )


def test_pieces_say_where_they_belong() -> None:
    tensors = [normal(ROWS, 4), normal(ROWS, 3), normal(3, 4), normal(1, 4)]
    found = list(pieces(dense.backward, tensors, {}, "float32", "float32", batch_axes=(0, 0, None, None), rows=10))
    assert [(p.result, p.shape, p.where[0]) for p in found] == [
        *((0, (ROWS, 3), slice(start, min(start + 10, ROWS))) for start in (0, 10, 20)),
        (1, (3, 4), slice(None)),
        (2, (1, 4), slice(None)),
    ]


def test_more_rows_are_taken_where_fixed_tensors_are_large() -> None:
    batch, weights = np.empty((4096, 1024)), np.empty((4096, 4096))
    assert rows_that_fit([batch], (0,)) == 256
    assert rows_that_fit([batch, weights], (0, None)) == 2048


AT_SIZE = {
    "dense": (dense.backward, [(300, 40), (300, 520), (520, 40), (1, 40)], (0, 0, None, None), {}),
    "softmax": (softmax.backward, [(300, 781), (300, 781)], (0, 0), {}),
    "layer_norm": (layer_norm.backward, [(300, 513), (300, 513), (513,), (513,)], (0, 0, None, None), {"eps": 1e-5}),
    "gelu": (gelu.backward, [(300, 65), (300, 65)], (0, 0), {"approximate": "tanh"}),
}


@pytest.mark.parametrize("op", AT_SIZE)
def test_float32_is_within_the_tolerance_and_the_tolerance_is_sharp(op: str) -> None:
    function, shapes, axes, parameters = AT_SIZE[op]
    tensors = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    due = evaluate_fast(function, tensors, parameters, "float32", "float32", batch_axes=axes)
    results = function(*tensors, **parameters)
    for got, expected, tolerance in zip(results if isinstance(results, tuple) else (results,), *due, strict=True):
        assert got.dtype == np.float32
        assert (abs(got - expected) <= tolerance).all()
        assert np.median(tolerance / abs(expected)) < 0.01
