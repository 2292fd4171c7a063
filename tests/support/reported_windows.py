"""Reported faults of convolutions and of pools, each beside its cure."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.convolution import (
    Windows,
    added_up,
    columns_of,
    cropped,
    in_groups,
    laid,
    pair,
    pooled,
    spread,
)
from backproof.reference.ops import avg_pool2d, conv1d, conv2d, conv_transpose2d, max_pool2d
from public_reports import Array, Function, Report, at, reported

Row = tuple[Any, ...]
"""Direction, where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small
call, what is due there, and what is given."""
Many = Callable[[Function], Any]

# Convolution -----------------------------------------------------------------------------------------------------


def with_weights(of_weight: Function) -> Function:
    """A backward whose gradient of the weight is made of what is due and the arguments."""

    def call(g: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
        due = conv2d.backward(g, inputs, weight, bias, **parameters)
        return due[0], of_weight(due[1], g, inputs, **parameters), due[2]

    return call


def by_every_image_and_place(due: Array, g: Array, _: Array, **__: Any) -> Array:
    n, _, h, w = g.shape
    return due / max(n * h * w, 1)


def channels_dealt_out(due: Array, g: Array, inputs: Array, *, groups: int = 1, **parameters: Any) -> Array:
    """Channels belong to the groups in turn, instead of the first to the first group."""
    n, c, h, w = inputs.shape
    dealt = np.swapaxes(inputs.reshape(n, c // groups, groups, h, w), 1, 2).reshape(n, c, h, w)
    bias, weight = np.zeros(g.shape[1]), np.zeros_like(due)
    return conv2d.backward(g, dealt, weight, bias, groups=groups, **parameters)[1]


def steps_exchanged(due: Array, g: Array, inputs: Array, *, groups: int = 1, **steps: Any) -> Array:
    """The gradient of the weight with the stride for the dilation."""
    stride, dilation = steps.get("dilation", 1), steps.get("stride", 1)
    padding = pair(steps.get("padding", 0))
    taps, count = due.shape[2:], g.shape[2:]
    windows = laid(count, inputs.shape[2:], taps, stride, padding, dilation)
    reach = [
        max(size + 2 * p, d * (k - 1) + s * (m - 1) + 1)
        for size, p, d, k, s, m in zip(
            inputs.shape[2:], padding, pair(dilation), taps, pair(stride), count, strict=True
        )
    ]
    (top, left), (height, width) = padding, inputs.shape[2:]
    room = np.zeros((*inputs.shape[:2], *reach))
    room[:, :, top : top + height, left : left + width] = inputs
    windows = laid(count, reach, taps, stride, 0, dilation)
    columns = columns_of(room, windows, groups)
    found = np.einsum("ngoq,ngckq->gock", in_groups(g, groups), columns)
    return found.reshape(due.shape)


def as_if_nothing_remained(g: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
    """The gradient of the inputs has the size that the windows cover, and its rows are laid end to end."""
    due = conv2d.backward(g, inputs, weight, bias, **parameters)
    windows = conv2d.windows_of(
        inputs, weight, bias, *(parameters.get(name, default) for name, default in WINDOWS), parameters.get("groups", 1)
    )
    (top, left), (height, width) = windows.padding, windows.image
    bottom, right = (int(n) + 1 for n in np.divmod(windows.places.max(), windows.padded[1]))
    kept = due[0][:, :, : max(bottom - top, 0), : max(right - left, 0)]
    flat = np.zeros((*inputs.shape[:2], height * width))
    flat[..., : kept.shape[2] * kept.shape[3]] = kept.reshape(*kept.shape[:2], -1)
    return flat.reshape(inputs.shape), *due[1:]


WINDOWS = (("stride", 1), ("padding", 0), ("dilation", 1))


def without_stride(g: Array, inputs: Array, weight: Array, bias: Array, *, stride: Any = 1, **parameters: Any) -> Any:
    """Windows of the gradients lie side by side, whatever the stride of the outputs."""
    padding, dilation = parameters.get("padding", 0), parameters.get("dilation", 1)
    groups = parameters.get("groups", 1)
    due = conv2d.backward(g, inputs, weight, bias, stride=stride, **parameters)
    windows = laid(g.shape[2:], inputs.shape[2:], weight.shape[2:], 1, padding, dilation)
    columns = columns_of(inputs, windows, groups)
    of_weight = np.einsum("ngoq,ngckq->gock", in_groups(g, groups), columns).reshape(weight.shape)
    return spread(g, weight, windows, groups), of_weight, due[2]


def one_step_late(g: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
    """With padding, the gradient of the inputs stands one place too far left."""
    due = conv1d.backward(g, inputs, weight, bias, **parameters)
    padded = parameters.get("padding", 0) not in (0, (0,))
    return (np.pad(due[0], ((0, 0), (0, 0), (0, 1)))[..., 1:] if padded else due[0]), *due[1:]


def of_convolution() -> Iterator[Row]:
    """Gradients of convolutions of images and of signals."""
    line, bias = [[[[1.0, 2.0, 4.0, 8.0]]]], [0.0]
    two = [[[[1.0, 1.0]]]]
    yield ("backward", "sebgao/cTensor#3", "weight gradient averaged", "conv2d", with_weights(by_every_image_and_place),
           conv2d.backward, at([[[[1.0, 1.0, 1.0]]]], line, two, bias, result=1), [[[[7, 14]]]],
           [[[[7 / 3, 14 / 3]]]])  # fmt: skip
    channels = [[[[1.0]], [[2.0]], [[4.0]], [[8.0]]]]
    weight = np.ones((2, 2, 1, 1))
    yield ("backward", "pytorch/pytorch#51430", "channels dealt out to the groups", "conv2d",
           with_weights(channels_dealt_out), conv2d.backward,
           at([[[[1.0]], [[1.0]]]], channels, weight, [0.0, 0.0], groups=2, result=1, of=np.ravel),
           [1, 2, 4, 8], [1, 4, 2, 8])  # fmt: skip
    yield ("backward", "iree-org/iree-turbine PR 1223", "stride for dilation", "conv2d",
           with_weights(steps_exchanged), conv2d.backward,
           at([[[[1.0, 1.0]]]], line, two, bias, stride=(1, 2), result=1), [[[[5, 10]]]], [[[[3, 12]]]])  # fmt: skip
    images = np.arange(16.0).reshape(1, 1, 4, 4)
    yield ("backward", "flagos-ai/FlagGems PR 1576", "remainder left out", "conv2d", as_if_nothing_remained,
           conv2d.backward, at([[[[1.0]]]], images, np.ones((1, 1, 3, 3)), bias, stride=2, of=np.ravel),
           [1, 1, 1, 0] * 3 + [0] * 4, [1] * 9 + [0] * 7)  # fmt: skip
    yield ("backward", "Kulbear/deep-learning-coursera PR 34", "stride left out", "conv2d", without_stride,
           conv2d.backward, at([[[[1.0, 1.0]]]], line, two, bias, stride=(1, 2)), [[[[1, 1, 1, 1]]]],
           [[[[1, 2, 1, 0]]]])  # fmt: skip
    yield ("backward", "KonduitAI/deeplearning4j PR 90", "off by one", "conv1d", one_step_late, conv1d.backward,
           at([[[1.0, 2.0, 4.0]]], [[[0.0, 0.0]]], [[[1.0, 8.0]]], bias, padding=1), [[[10, 20]]],
           [[[20, 0]]])  # fmt: skip


# Transposed convolution ------------------------------------------------------------------------------------------


def zeros_beyond_the_windows(inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Array:
    """What output_padding adds is 0, of windows that reach it, too."""
    outputs = conv_transpose2d.forward(inputs, weight, bias, **parameters)
    height, width = (
        size - n for size, n in zip(outputs.shape[2:], pair(parameters.get("output_padding", 0)), strict=True)
    )
    outputs[:, :, height:], outputs[:, :, :, width:] = 0, 0
    return outputs


def padded_inputs(inputs: Array, weight: Array, bias: Array, *, padding: Any = 0, **parameters: Any) -> Array:
    """Zeros are laid around the inputs, where outputs are to be cut off."""
    due = conv_transpose2d.forward(inputs, weight, bias, padding=padding, **parameters)
    around = [(0, 0), (0, 0), *((n, n) for n in pair(padding))]
    outputs = conv_transpose2d.forward(np.pad(inputs, around), weight, bias, **parameters)
    return outputs[:, :, : due.shape[2], : due.shape[3]]


def next_to_it(g: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
    """With a kernel of size 1, the gradient of the inputs takes the upstream as if there were no stride."""
    due = conv_transpose2d.backward(g, inputs, weight, bias, **parameters)
    if weight.shape[2:] != (1, 1) or parameters.get("padding", 0) not in (0, (0, 0)):
        return due
    near = g[:, :, : inputs.shape[2], : inputs.shape[3]]
    groups = parameters.get("groups", 1)
    return conv_transpose2d.backward(near, inputs, weight, bias, groups=groups)[0], *due[1:]


def with_steps_exchanged(g: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
    """The gradient of the weight takes the stride for the dilation; refused where its shape does not fit then."""
    due = conv_transpose2d.backward(g, inputs, weight, bias, **parameters)
    found = steps_exchanged(due[1], inputs, g, **parameters)
    return due[0], found, due[2]


def of_transposed_convolution() -> Iterator[Row]:
    """What output_padding and padding are, and gradients."""
    one, bias = [[[[1.0]]]], [0.0]
    yield ("forward", "apache/tvm PR 5758", "zeros for output_padding", "conv_transpose2d", zeros_beyond_the_windows,
           conv_transpose2d.forward,
           at([[[[1.0, 2.0]]]], [[[[1.0, 4.0, 8.0]]]], bias, stride=(1, 2), padding=(0, 1), output_padding=(0, 1)),
           [[[[4, 10, 8, 16]]]], [[[[4, 10, 8, 0]]]])  # fmt: skip
    yield ("forward", "Samsung/TICO#420", "zeros around the inputs", "conv_transpose2d", padded_inputs,
           conv_transpose2d.forward, at([[[[1.0, 2.0, 4.0]]]], [[[[1.0, 8.0]]]], bias, padding=(0, 1)),
           [[[[10, 20]]]], [[[[0, 1]]]])  # fmt: skip
    yield ("backward", "pytorch/pytorch#63314", "the upstream beside it", "conv_transpose2d", next_to_it,
           conv_transpose2d.backward, at([[[[1.5, 0.0, 0.75]]]], [[[[1.0, 1.0]]]], one, bias, stride=(1, 2)),
           [[[[1.5, 0.75]]]], [[[[1.5, 0]]]])  # fmt: skip
    yield ("backward", "huggingface/candle PR 2337", "stride for dilation", "conv_transpose2d", with_steps_exchanged,
           conv_transpose2d.backward,
           at([[[[1.0, 2.0, 4.0, 8.0]]]], [[[[1.0, 1.0]]]], [[[[1.0, 1.0]]]], bias, stride=(1, 2), result=1),
           [[[[5, 10]]]], [[[[3, 12]]]])  # fmt: skip


# Pools -----------------------------------------------------------------------------------------------------------


def gradient_of_max(send: Callable[[Array, Array, Windows], Array]) -> Function:
    """A backward of max_pool2d, which sends upstreams (N, 1, C, OH OW) to the winners of windows."""

    def call(g: Array, inputs: Array, *, kernel_size: Any, stride: Any, padding: Any = 0, dilation: Any = 1) -> Array:
        windows = pooled(inputs, kernel_size, stride, padding, dilation)
        winners = max_pool2d.largest(inputs, windows)
        return send(winners & (np.cumsum(winners, axis=3) == 1), in_groups(g, 1), windows)

    return call


def written(first: Array, upstream: Array, windows: Windows) -> Array:
    """Of several windows with the same winner, the last alone counts."""
    n, groups, c, taps, count = first.shape
    found = np.zeros((n, groups, c, windows.padded[0] * windows.padded[1]))
    for window in range(count):
        for tap in range(taps):
            place = found[..., windows.places[tap, window]]
            place[...] = np.where(first[..., tap, window], upstream[..., window], place)
    return cropped(found, windows)


def gated_by_the_last(first: Array, upstream: Array, windows: Windows) -> Array:
    """An element gets the gradients of all its windows, or of none: whether it won the last of them decides."""
    n, groups, c, taps, count = first.shape
    gate = np.zeros((n, groups, c, windows.padded[0] * windows.padded[1]), bool)
    for window in range(count):
        for tap in range(taps):
            gate[..., windows.places[tap, window]] = first[..., tap, window]
    return added_up(np.where(gate[..., windows.places], np.expand_dims(upstream, 3), 0), windows)


def first_window_alone(first: Array, upstream: Array, windows: Windows) -> Array:
    """It returns within the loop over windows."""
    only = np.arange(first.shape[4]) == 0
    return added_up(np.where(first & only, np.expand_dims(upstream, 3), 0), windows)


def height_for_width(first: Array, upstream: Array, windows: Windows) -> Array:
    """Places are counted with the height of images for their width."""
    height, width = windows.padded
    rows, columns = np.divmod(windows.places, width)
    turned = Windows(
        windows.image, windows.padding, windows.padded, windows.count, (rows * height + columns) % (height * width)
    )
    return added_up(np.where(first, np.expand_dims(upstream, 3), 0), turned)


def counting(**always: bool) -> Function:
    """A mean over windows whose padding always counts, or never does."""

    def call(inputs: Array, *, count_include_pad: bool = True, **parameters: Any) -> Array:
        counted = always.get("always", not count_include_pad)
        return avg_pool2d.forward(inputs, count_include_pad=counted, **parameters)

    return call


def whole_windows(g: Array, inputs: Array, *, count_include_pad: bool = True, **parameters: Any) -> Array:
    """The gradient divides by the size of a window in any case."""
    return avg_pool2d.backward(g, inputs, **parameters)


def divisors_kept() -> Function:
    """What the padding counts for is kept by the shape of the call, without the flag that it hangs on."""
    kept: dict[Any, bool] = {}

    def call(inputs: Array, *, count_include_pad: bool = True, **parameters: Any) -> Array:
        key = inputs.shape, *sorted(parameters.items())
        counted = kept.setdefault(key, count_include_pad)
        return avg_pool2d.forward(inputs, count_include_pad=counted, **parameters)

    return call


def of_pools() -> Iterator[Row]:
    """Overlap, the border, and what is kept."""
    slide = {"kernel_size": (1, 2), "stride": 1}
    for seen, kind, send, given in (
        ("ahrefs/ocannl#512", "the last window decides", gated_by_the_last, [[[[1, 2, 0, 0, 1]]]]),
        ("riccardoandreoni0/CNN-from-scratch#1", "one window alone", first_window_alone, [[[[1, 0, 0, 0, 0]]]]),
    ):
        yield ("backward", seen, kind, "max_pool2d", gradient_of_max(send), max_pool2d.backward,
               at([[[[1.0] * 4]]], [[[[5.0, 3.0, 1.0, 2.0, 5.0]]]], **slide), [[[[1, 1, 0, 1, 1]]]], given)  # fmt: skip
    yield ("backward", "jmschrei/tangermeme PR 95", "written for added", "max_pool2d", gradient_of_max(written),
           max_pool2d.backward, at([[[[1.0, 2.0]]]], [[[[0.0, 1.0, 0.0]]]], **slide), [[[[0, 3, 0]]]],
           [[[[0, 2, 0]]]])  # fmt: skip
    yield ("backward", "deeplearning4j/deeplearning4j PR 964", "height for width", "max_pool2d",
           gradient_of_max(height_for_width), max_pool2d.backward,
           at([[[[3.0]]]], [[[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]]], kernel_size=(2, 2), stride=2),
           [[[[0, 0, 0], [0, 3, 0]]]], [[[[0, 0, 0], [3, 0, 0]]]])  # fmt: skip
    border = {"kernel_size": (1, 2), "stride": (1, 2), "padding": (0, 1)}
    line = [[[[2.0, 4.0]]]]
    yield ("forward", "torch/cunn PR 134", "condition inverted", "avg_pool2d", counting(), avg_pool2d.forward,
           at(line, **border), [[[[1, 2]]]], [[[[2, 4]]]])  # fmt: skip
    left_out = border | {"count_include_pad": False}
    yield ("forward", "apache/tvm#1144", "padding counted", "avg_pool2d", counting(always=True), avg_pool2d.forward,
           at(line, **left_out), [[[[2, 4]]]], [[[[1, 2]]]])  # fmt: skip
    yield ("backward", "tracel-ai/burn#5604", "divided by whole windows", "avg_pool2d", whole_windows,
           avg_pool2d.backward, at(line, line, **left_out), [[[[2, 4]]]], [[[[1, 2]]]])  # fmt: skip
    yield ("forward", "kulinseth/pytorch PR 273", "divisor of the call before", "avg_pool2d", divisors_kept(),
           avg_pool2d.forward, one_after_the_other(line, border, left_out), [[[[2, 4]]]], [[[[1, 2]]]])  # fmt: skip


def one_after_the_other(inputs: Any, *calls: dict[str, Any]) -> Many:
    """Call a function with these parameters, one after the other, and give the last result."""
    return lambda function: [at(inputs, **parameters)(function) for parameters in calls][-1]


REPORTS: tuple[Report, ...] = tuple(
    reported(*row) for row in chain(of_convolution(), of_transposed_convolution(), of_pools())
)
