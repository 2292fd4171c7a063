"""Gradients of what was broadcast have the operand's shape, and are sums over the repeated axes."""

import numpy as np
import pytest
from backproof.reference.model.broadcasting import contracted_at_once, undo_broadcast


@pytest.mark.parametrize("shape", [(3, 4), (4,), (1, 4), (3, 1), (2, 1, 1), (1, 3, 4), (), (2, 3, 4)])
def test_each_element_of_an_operand_gets_the_sum_of_the_gradients_of_its_copies(shape: tuple[int, ...]) -> None:
    gradient, copies = np.arange(24.0).reshape(2, 3, 4), np.zeros(shape)
    numbers = np.broadcast_to(np.arange(copies.size).reshape(shape), gradient.shape)
    due = np.bincount(numbers.ravel(), gradient.ravel(), copies.size).reshape(shape)
    assert np.array_equal(undo_broadcast(gradient, shape), due)


@pytest.mark.parametrize("stack", [(), (1,), (5,), (2, 1), (1, 5), (2, 5)])
def test_one_contraction_sums_over_the_stack_as_products_and_a_sum_do(stack: tuple[int, ...]) -> None:
    left, right = np.arange(120.0).reshape(2, 5, 3, 4), np.arange(40.0).reshape(5, 4, 2)
    shape = (*stack, 3, 2)
    assert np.array_equal(contracted_at_once(left, right, shape), undo_broadcast(left @ right, shape))
