"""Sums over blocks of an axis that go wrong, and tensors and labels that are misread."""

import numpy as np
import pytest
from backproof.reference.faults import fitted_of, ignored, misread
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.mutations import blocks
from backproof.reference.ops import softmax_cross_entropy
from shares import one_in

TEN = np.arange(10.0)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("whole_blocks", range(8)),
        ("first_block", range(4)),
        ("last_block", (8, 9)),
        ("last_repeated", (*range(10), 9, 9)),
        ("last_block_overlapping", (*range(8), 6, 7, 8, 9)),
        ("first_of_each_block_twice", (*range(10), 4, 8)),
        ("last_of_each_block_lost", (0, 1, 2, 4, 5, 6, 8, 9)),
    ],
)
def test_a_sum_over_blocks_of_4_takes_these_elements(name: str, kept: tuple[int, ...]) -> None:
    assert blocks.NAMED[f"sum_over_{name}"](TEN, 4, axis=0) == sum(kept)
    assert blocks.NAMED[f"sum_over_{name}"](TEN, np.inf, axis=0) == TEN.sum()
    product = blocks.NAMED[f"product_over_{name}"](TEN[None], 4, np.ones((10, 1)))
    assert product == sum(kept)


@pytest.mark.parametrize("op", one_in(5, operation_names()))
def test_blocks_that_are_larger_than_any_axis_change_nothing(op: str) -> None:
    for direction in operation(op).functions:
        for each in fitted_of(op, direction):
            assert not each.sizes or (each.starts[0] == np.inf and set(each.starts[1:]) - {0} == set(blocks.SIZES))


def test_exponentials_are_summed_by_the_maximum_so_far() -> None:
    logits = np.array([[0.0, 1.0, 3.0, 2.0, 5.0]])
    came = blocks.NAMED["exponentials_not_rescaled_after_blocks"](logits, 2, axis=-1, keepdims=True)
    np.testing.assert_allclose(came, [[np.exp([-1, 0, 0, -1, 0]).sum()]])
    came = blocks.NAMED["exponentials_not_rescaled_after_blocks"](logits, np.inf, axis=-1, keepdims=True)
    np.testing.assert_allclose(came, [[np.exp(logits - 5).sum()]])


@pytest.mark.parametrize(("size", "length"), [(4, 12), (0, 16), (5, 10), (np.inf, 10)])
def test_a_tensor_is_padded_to_a_multiple_or_a_power_of_two(size: float, length: int) -> None:
    assert blocks.padded(TEN, size).tolist() == [*TEN, *[0] * (length - 10)]


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_what_is_misread_says_so_in_a_sentence(op: str) -> None:
    for direction in operation(op).functions:
        for fault in (*misread(op, direction), *ignored(op, direction)):
            assert fault.wrong.endswith("."), fault
            assert fault.cure.endswith("."), fault


def test_a_mean_of_means_weighs_the_rows_of_a_last_block_more() -> None:
    logits, labels = np.zeros((5, 2)), np.zeros(5, int)
    said = "The mean is the mean of the means of 4 rows each: the last may be fewer."
    (fault,) = (each for each in misread("softmax_cross_entropy", "backward") if each.wrong == said)
    due = widened(softmax_cross_entropy.backward)(np.ones(()), logits, labels, reduction="mean")
    came = fault.functions["backward"](np.ones(()), logits, labels, reduction="mean")
    np.testing.assert_allclose(came / due, np.repeat([[5 / 8], [5 / 2]], [4, 1], axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(
    ("words", "weights"),
    [
        ("The mean is the mean of the means of 4 rows each: the last may be fewer", [1 / 6, 1 / 6, 0, 1 / 6, 1 / 2]),
        ("The mean divides by all rows, by those to be ignored as well", [1 / 5, 1 / 5, 0, 1 / 5, 1 / 5]),
    ],
)
def test_rows_to_be_ignored_have_no_part_in_a_mean(words: str, weights: list[float]) -> None:
    (fault,) = (each for each in misread("softmax_cross_entropy", "backward") if each.wrong == f"{words}.")
    logits, labels = np.zeros((5, 2)), np.array([0, 0, 1, 0, 0])
    found = fault.functions["backward"](np.array(1.0), logits, labels, reduction="mean", ignore_index=1)
    assert np.allclose(found[:, 1], np.array(weights) / 2)
