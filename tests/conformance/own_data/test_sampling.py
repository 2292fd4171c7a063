"""`sample=`: large results judged at some of their elements; and calls without a batch in chunks along another axis."""

from typing import Any

import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs
from backproof.conformance.own_data.call import OwnCall, operation_of, read_call
from backproof.conformance.own_data.evaluation import fast_parts, whole
from backproof.conformance.own_data.reading import readings
from backproof.conformance.own_data.sampling import _chosen, grids_of, sampled
from backproof.reference.ops import dense, softmax

RANDOM = np.random.default_rng(0)
SHAPES = (44, 36), (44, 40), (40, 36), (1, 36)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape, dtype=np.float32)


def layer() -> tuple[dict[str, Any], list[np.ndarray]]:
    """The call of a dense layer's backward, and its gradients."""
    g, *inputs = (normal(*shape) for shape in SHAPES)
    return {"inputs": tuple(inputs), "upstream": g}, list(dense.backward(g, *inputs))


def read(came: Any, sample: int | None, **named: Any) -> OwnCall:
    return read_call(operation_of("dense", "backward"), "backward", came=came, sample=sample, **named)


def test_right_gradients_pass_at_a_sample() -> None:
    call, gradients = layer()
    assert_gradients("dense", gradients, sample=100, **call)


def test_an_error_at_the_last_element_is_found_and_the_message_says_what_was_judged() -> None:
    call, gradients = layer()
    gradients[0][-1, -1] += 1
    with pytest.raises(AssertionError) as raised:
        assert_gradients("dense", gradients, sample=100, **call)
    message = str(raised.value)
    assert "dL_dinputs is wrong in 1 of 100 elements" in message
    assert "worst at [43, 39]: got " in message
    assert "of dL_dinputs 100 elements of 1,760 were judged (0.057)" in message


def test_an_error_elsewhere_is_not() -> None:
    call, gradients = layer()
    (grid, *_) = grids_of(read(gradients, 100, named={}, **call)).values()
    row = next(i for i in range(44) if i not in grid.indices[0])
    gradients[0][row] += 1
    assert_gradients("dense", gradients, sample=100, **call)
    with pytest.raises(AssertionError):
        assert_gradients("dense", gradients, **call)


def test_the_sample_is_the_same_each_time_and_has_tiles_edges() -> None:
    call, gradients = layer()
    one, other = (grids_of(read(gradients, 100, named={}, **call)) for _ in range(2))
    for name, grid in one.items():
        assert all(np.array_equal(a, b) for a, b in zip(grid.indices, other[name].indices, strict=True))
    assert {0, 15, 16, 31, 32, 39} <= set(one["dL_dinputs"].indices[1].tolist())


def test_axes_that_a_small_result_does_not_depend_on_are_cut_for_it_too() -> None:
    call, gradients = layer()
    grid = grids_of(read(gradients, 100, named={}, **call))["dL_dbiases"]
    assert not grid.is_part
    assert [(cut.axes, len(indices)) for cut, indices in grid.cuts] == [((None, 1, 0, None), 2)]
    gradients[2][0, -1] += 1
    with pytest.raises(AssertionError, match="dL_dbiases is wrong in 1 of 36 elements"):
        assert_gradients("dense", gradients, sample=100, **call)


@pytest.mark.parametrize(("length", "count"), [(8192, 128), (8192, 2000), (1024, 20), (50257, 600), (130, 10)])
def test_some_of_each_128_indices_are_taken_where_so_many_are_asked_for(length: int, count: int) -> None:
    taken = _chosen(length, count, 0)
    assert len(taken) == len(set(taken)) == count
    assert {0, length - 1} <= set(taken)
    assert np.diff(taken).max() < 128


def test_where_a_result_cannot_be_cut_all_are_judged() -> None:
    x = normal(200, 100)
    dx = np.broadcast_to(2 * np.float32(1), x.shape).copy()
    call = read_call(operation_of("sum", "forward"), "forward", inputs=x, named={"axis": None}, came=x.sum(), sample=10)
    assert sampled(call) == []
    assert_outputs("sum", x.sum(), inputs=x, axis=None, sample=10)
    with pytest.raises(AssertionError):
        assert_gradients("sum", dx, inputs=x, upstream=np.float32(1), axis=None, sample=10)


@pytest.mark.parametrize("sample", [0, -1, 1.5, True])
def test_a_sample_of_another_sort_is_refused(sample: Any) -> None:
    call, gradients = layer()
    with pytest.raises(ValueError, match="give a number of elements"):
        assert_gradients("dense", gradients, sample=sample, **call)


def test_a_call_without_a_batch_is_evaluated_in_chunks_along_another_axis() -> None:
    logits = normal(300, 3000)
    call = read_call(operation_of("softmax", "forward"), "forward", inputs=logits, named={"axis": -2})
    ticks: list[float] = []
    formulations = call.operation.formulations["forward"][:1]
    expected, tolerance = whole(fast_parts(call, formulations, "float32", "float32", ticks.append))
    assert len(ticks) > 3
    due = softmax.forward(logits.astype(np.float64), axis=-2)
    assert (abs(expected["outputs"] - due) <= 1e-12).all()
    assert (tolerance["outputs"] < np.inf).all()


def test_rounding_towards_zero_shows_in_the_mean_square_and_an_ordinary_product_does_not() -> None:
    x, weights, biases = abs(normal(64, 400)), abs(normal(400, 64)), np.zeros((1, 64), np.float32)

    def reading(outputs: np.ndarray) -> Any:
        call = read_call(
            operation_of("dense", "forward"), "forward", inputs=(x, weights, biases), named={}, came=outputs
        )
        (found,) = readings(call, call.operation.formulations["forward"][:1], "float32", "float32")
        return found

    total = np.zeros((64, 64), np.float32)
    for k in range(400):
        exact = total + np.outer(x[:, k].astype(np.float64), weights[k])
        nearest = exact.astype(np.float32)
        total = np.where(nearest > exact, np.nextafter(nearest, np.float32(0)), nearest)
    assert_outputs("dense", total, inputs=(x, weights, biases))
    assert reading(total).mean_square > 4
    assert reading(total).bias < -20
    assert reading(x @ weights).mean_square < 0.4
