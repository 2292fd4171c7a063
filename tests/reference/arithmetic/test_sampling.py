"""Axes that are cut together, and the results that stay valid: what a sample of a large tensor is made of."""

from typing import Any

import numpy as np
import pytest
from backproof.reference.arithmetic.chunks import evaluate_fast
from backproof.reference.arithmetic.sampling import cut, cuts_of
from backproof.reference.model.operation import operation
from backproof.reference.ops import conv1d, conv2d, dense, group_norm, rotary_embedding, softmax, softmax_cross_entropy

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape, dtype=np.float32)


def valid(function: Any, arguments: list[np.ndarray], **parameters: Any) -> dict[tuple[int | None, ...], Any]:
    """By axes that are cut together, the results that stay valid."""
    return {one.axes: dict(one.valid) for one in cuts_of(function, arguments, parameters)}


DENSE = [normal(40, 24), normal(40, 30), normal(30, 24), normal(1, 24)]


def test_which_results_of_a_dense_layer_stay_valid() -> None:
    assert valid(dense.backward, DENSE) == {
        (0, 0, None, None): {0: 0},
        (1, None, 1, 1): {1: 1, 2: 1},
        (None, 1, 0, None): {0: 1, 1: 0, 2: None},
    }


def test_axes_of_one_length_are_told_apart() -> None:
    square = [normal(8, 8), normal(8, 8), normal(8, 8), normal(1, 8)]
    assert set(valid(dense.backward, square)) == set(valid(dense.backward, DENSE))


def test_what_a_result_takes_its_largest_element_of_is_not_cut() -> None:
    assert valid(operation("max").functions["backward"], [normal(9), normal(9, 7)], axis=-1) == {
        (0, 0): {0: 0},
        (None, 1): {},
    }


def test_a_convolutions_batch_and_channels_are_cut_and_its_images_are_not() -> None:
    upstream, images, weight, bias = normal(7, 8, 10, 11), normal(7, 6, 12, 12), normal(8, 6, 3, 2), normal(8)
    found = cuts_of(conv2d.backward, [upstream, images, weight, bias], {}, conv2d.forward, 1)
    assert {one.axes: dict(one.valid) for one in found} == {
        (0, 0, None, None): {0: 0},
        (1, None, 0, 0): {1: 0, 2: 0},
        (None, 1, 1, None): {0: 1, 1: 1, 2: None},
    }


@pytest.mark.parametrize("layout", ["half", "interleaved"])
@pytest.mark.parametrize("positions", [40, 48, 96])
def test_positions_are_cut_where_tables_have_half_as_many_columns(layout: str, positions: int) -> None:
    arguments = [normal(3, positions, 48), normal(positions, 24), normal(positions, 24)]
    found = cuts_of(rotary_embedding.forward, arguments, {"layout": layout})
    assert [one.axes for one in found if one.length == positions] == [(1, 0, 0)]
    few, _ = cut(arguments, [(found[-1], np.array([3, 17]))])
    outputs = rotary_embedding.forward(*arguments, layout=layout)
    assert np.array_equal(rotary_embedding.forward(*few, layout=layout), outputs[:, [3, 17]])


def test_a_mean_is_divided_by_the_length_of_the_whole() -> None:
    arguments = [np.ones((), np.float32), normal(40, 7), RANDOM.integers(0, 7, 40)]
    (rows,) = cuts_of(softmax_cross_entropy.backward, arguments, {"reduction": "mean"})
    assert rows.counted
    few, batch = cut(arguments, [(rows, np.array([3, 17]))])
    assert len(few[1]) == 2
    assert batch is not None
    assert (batch.rows, batch.whole) == (2, 40)


def test_sampled_elements_are_those_of_the_whole() -> None:
    rows, columns = np.array([3, 17, 22]), np.array([0, 5])
    by_axes = {one.axes: one for one in cuts_of(dense.backward, DENSE, {})}
    few, _ = cut(DENSE, [(by_axes[None, 1, 0, None], rows), (by_axes[1, None, 1, 1], columns)])
    due, part = (evaluate_fast(dense.backward, x, {}, "float32", "float32") for x in (DENSE, few))
    for whole, sampled in zip(due, part, strict=True):
        assert sampled[1] == pytest.approx(whole[1][np.ix_(rows, columns)], rel=1e-5)


def test_an_axis_that_all_results_sum_over_leaves_none_valid() -> None:
    assert valid(softmax.forward, [normal(8, 9)]) == {(0,): {0: 0}, (1,): {}}


def test_what_refuses_corners_is_not_cut() -> None:
    def picky(x: Any) -> Any:
        if len(x) < 9:
            raise ValueError("too few")
        return x + x

    assert cuts_of(picky, [normal(9, 4)], {}) == []


def test_axes_are_cut_where_another_is_to_be_long() -> None:
    tensors = [normal(3, 16, 92), normal(3, 12, 100), normal(16, 12, 5), normal(16)]
    dilated = cuts_of(conv1d.backward, tensors, {"dilation": 2}, conv1d.forward, 1, above=4, patient=True)
    assert any(one.valid.get(1) == 1 for one in dilated)
    images, shared = (normal(10, 32, 7, 9) for _ in range(2)), (normal(32) for _ in range(2))
    given = {"num_groups": 8, "eps": 1e-5}
    (rows,) = (o for o in cuts_of(group_norm.backward, [*images, *shared], given, patient=True) if o.length == 10)
    assert rows.valid == {0: 0}
