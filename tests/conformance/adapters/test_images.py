"""What adapters of frameworks share of convolutions, pools and normalisations by channel, on NumPy."""

import numpy as np
import pytest
from backproof.conformance.adapters.images import (
    by_channel,
    channels_last,
    per_axis,
    require_several,
    require_windows,
    with_bias,
)

IMAGES = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)


def test_one_size_is_that_of_every_axis_and_several_stay():
    assert per_axis(2, 3) == (2, 2, 2)
    assert per_axis((2, 1), 2) == (2, 1)


@pytest.mark.parametrize("rank", [2, 3, 4])
def test_a_function_of_channels_last_takes_and_gives_channels_second(rank):
    images = IMAGES[(slice(None), slice(None), *[0] * (4 - rank))]
    seen = []

    @channels_last(np.transpose)
    def scaled(inputs, weight, *, by):
        seen.append(inputs.shape)
        return inputs * weight * by

    weight = np.array([1.0, 10.0, 100.0])
    assert np.array_equal(scaled(images, weight, by=2), 2 * images * weight.reshape(3, *[1] * (rank - 2)))
    assert seen == [(2, *images.shape[2:], 3)]


def test_a_bias_and_a_weight_are_those_of_channels():
    numbers = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(with_bias(IMAGES, numbers)[:, 1], IMAGES[:, 1] + 2)
    assert np.array_equal(by_channel(IMAGES, numbers, -numbers)[:, 2], 3 * IMAGES[:, 2] - 3)


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 1), ()])
def test_what_would_be_broadcast_otherwise_is_refused(shape):
    with pytest.raises(ValueError, match="a bias of shape"):
        with_bias(IMAGES, np.ones(shape))
    with pytest.raises(ValueError, match="channels"):
        by_channel(IMAGES, np.ones(3), np.ones(shape))


def test_a_single_value_a_channel_and_too_much_padding_are_refused():
    require_several(np.ones((1, 3, 2)))
    with pytest.raises(ValueError, match="a single value a channel"):
        require_several(np.ones((1, 3, 1)))
    require_windows((2, 3), 1)
    with pytest.raises(ValueError, match="more than half a window"):
        require_windows((2, 3), (0, 2))
