"""Shared by the adapters of autodiff frameworks: the shapes of convolutions, pools and normalisations by channel."""

from collections.abc import Sequence
from functools import wraps

from .autodiff import Function, Sizes, Tensor


def per_axis(sizes: Sizes, axes: int) -> tuple[int, ...]:
    """A size for each of so many axes, of one for all or of as many."""
    return (sizes,) * axes if isinstance(sizes, int) else tuple(sizes)


def channels_last(transpose: Function) -> Function:
    """Make a decorator of a function of channels-last images that takes and gives (N, C, ...), by `transpose`.

    `transpose` takes a tensor and its axes in a new order.
    """

    def of(function: Function) -> Function:
        @wraps(function)  # whose keywords say what is unsupported
        def channels_first(inputs: Tensor, *layer: Tensor, **options: object) -> Tensor:
            rank = len(inputs.shape)
            outputs = function(transpose(inputs, (0, *range(2, rank), 1)), *layer, **options)
            return transpose(outputs, (0, rank - 1, *range(1, rank - 1)))

        return channels_first

    return of


def with_bias(outputs: Tensor, bias: Tensor) -> Tensor:
    """Outputs (N, O, ...) plus a bias (O,). Raises ValueError for any other bias."""
    if tuple(bias.shape) != tuple(outputs.shape[1:2]):
        raise ValueError(f"a bias of shape {tuple(bias.shape)} for outputs of shape {tuple(outputs.shape)}")
    return outputs + along_channels(bias, outputs)


def by_channel(normal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What is normalised (N, C, ...) times a weight (C,) plus a bias (C,). Raises ValueError for other shapes."""
    require_channels(normal, weight, bias)
    return normal * along_channels(weight, normal) + along_channels(bias, normal)


def along_channels(vector: Tensor, images: Tensor) -> Tensor:
    """A vector (C,) in a shape that is broadcast over images (N, C, ...)."""
    return vector.reshape(-1, *[1] * (len(images.shape) - 2))


def require_channels(images: Tensor, weight: Tensor, bias: Tensor) -> None:
    """Raise ValueError where a weight or a bias is not one number for each channel of images (N, C, ...)."""
    due = tuple(images.shape[1:2])
    if not tuple(weight.shape) == tuple(bias.shape) == due:
        raise ValueError(f"weight {tuple(weight.shape)} and bias {tuple(bias.shape)} for {due} channels")


def require_several(inputs: Tensor) -> None:
    """Raise ValueError where inputs (N, C, ...) have a single value a channel, which has no variance."""
    if all(size == 1 for size in (inputs.shape[0], *inputs.shape[2:])):
        raise ValueError(f"inputs of shape {tuple(inputs.shape)} have a single value a channel")


def require_windows(kernel: Sequence[int], padding: Sizes) -> None:
    """Raise ValueError where pools are padded by more than half a window."""
    if any(2 * around > size for around, size in zip(per_axis(padding, len(kernel)), kernel, strict=True)):
        raise ValueError(f"padding {padding} of more than half a window of {kernel}")
