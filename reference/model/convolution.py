"""Windows that slide over images (N, C, H, W): what each sees, and what goes back to the places that it was seen at.

Channels are in groups, each of which sees no other. A weight is (O, C / groups, KH, KW).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .formulations import Formulation
from .functions import over_batch, scatter_add, stored

Array = Any
Shape = tuple[int, ...]
Sizes = int | tuple[int, ...]
"""One size for both axes of an image, or one for each."""


@dataclass(frozen=True)
class Windows:
    """Where the windows of images lie."""

    image: Shape
    """(H, W), without padding."""
    padding: Shape
    padded: Shape
    count: Shape
    """(OH, OW): how many windows there are along each axis."""
    places: np.ndarray
    """(KH KW, OH OW): the place in the padded image, counted row by row, of each element of each window."""


def pair(sizes: Sizes) -> Shape:
    """Give a size for each axis of an image. Raises ValueError for more than two."""
    height, width = (sizes, sizes) if isinstance(sizes, int) else sizes
    return height, width


def sliding(image: Sequence[int], kernel: Sequence[int], stride: Sizes, padding: Sizes, dilation: Sizes) -> Windows:
    """Lay as many windows as fit over images with zeros around. Raises ValueError where none does."""
    axes = zip(image, kernel, pair(stride), pair(padding), pair(dilation), strict=True)
    if any(step < 1 or gap < 1 or around < 0 or not size for _, size, step, around, gap in axes):
        raise ValueError(f"kernel {tuple(kernel)}, stride {stride}, padding {padding}, dilation {dilation}")
    axes = zip(image, kernel, pair(stride), pair(padding), pair(dilation), strict=True)
    count = tuple((size + 2 * around - gap * (k - 1) - 1) // step + 1 for size, k, step, around, gap in axes)
    if min(count) < 1:
        raise ValueError(f"images of size {tuple(image)} are smaller than a window")
    return laid(count, image, kernel, stride, padding, dilation)


def pooled(images: Array, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1) -> Windows:
    """Lay windows to be reduced over images (N, C, H, W). Raises ValueError where one may lie outside altogether."""
    if images.ndim != 4 or any(2 * around > k for k, around in zip(pair(kernel), pair(padding), strict=True)):
        raise ValueError(f"windows of size {kernel} with padding {padding} over inputs of shape {images.shape}")
    return sliding(images.shape[2:], pair(kernel), stride, padding, dilation)


def laid(
    count: Shape, image: Sequence[int], kernel: Sequence[int], stride: Sizes, padding: Sizes, dilation: Sizes
) -> Windows:
    """Lay so many windows over images with zeros around."""
    height, width = (size + 2 * around for size, around in zip(image, pair(padding), strict=True))
    rows, columns = (
        gap * np.arange(k)[:, None] + step * np.arange(n)
        for k, n, step, gap in zip(kernel, count, pair(stride), pair(dilation), strict=True)
    )
    places = rows[:, None, :, None] * width + columns[None, :, None, :]
    places = places.reshape(kernel[0] * kernel[1], count[0] * count[1])
    return Windows(tuple(image), pair(padding), (height, width), count, places)


def columns_of(images: Array, windows: Windows, groups: int, around: float = 0) -> Array:
    """What each window sees of images (N, C, H, W) in each group: (N, groups, C / groups, KH KW, OH OW)."""
    n, c = images.shape[:2]
    (top, left), (height, width) = windows.padding, windows.padded
    padded = np.pad(images, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=around)
    return padded.reshape(n, groups, c // groups, height * width)[..., windows.places]


def cropped(padded: Array, windows: Windows) -> Array:
    """Padded images (..., C, height width) without their padding: (N, C, H, W)."""
    (top, left), (h, w) = windows.padding, windows.image
    n, c = padded.shape[0], padded.shape[1] * padded.shape[2]
    return padded.reshape(n, c, *windows.padded)[:, :, top : top + h, left : left + w]


def added_up(columns: Array, windows: Windows) -> Array:
    """The sum at each place of images of all that belongs there of columns, as `columns_of` gives them."""
    n, groups, channels, taps, count = columns.shape
    rows = columns.reshape(n * groups * channels, taps * count).T
    places = scatter_add(rows, windows.places.reshape(taps * count), windows.padded[0] * windows.padded[1])
    return cropped(places.T.reshape(n, groups, channels, len(places)), windows)


def in_groups(images: Array, groups: int) -> Array:
    """Images (N, C, H, W) as (N, groups, C / groups, H W)."""
    n, c, h, w = images.shape
    return images.reshape(n, groups, c // groups, h * w)


def by_group(weight: Array, groups: int) -> Array:
    """A weight (O, C / groups, KH, KW) as (groups, O / groups, C / groups, KH KW)."""
    o, c, kh, kw = weight.shape
    return weight.reshape(groups, o // groups, c, kh * kw)


# From the channels of images to those of the weight, and back --------------------------------------------------------


def correlated(images: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """Each window (N, C, ...) times the weight (O, C / groups, ...), summed: (N, O, OH, OW)."""
    columns = columns_of(images, windows, groups)
    n, _, channels, taps, count = columns.shape
    o = weight.shape[0]
    matrix = weight.reshape(groups, o // groups, channels * taps)
    return (matrix @ columns.reshape(n, groups, channels * taps, count)).reshape(n, o, *windows.count)


def _tap_by_tap(images: Array, weight: Array, windows: Windows, groups: int) -> Array:
    columns, taps = columns_of(images, windows, groups), by_group(weight, groups)
    outputs = taps[..., 0] @ columns[..., 0, :]
    for k in range(1, len(windows.places)):
        outputs = outputs + taps[..., k] @ columns[..., k, :]
    return outputs.reshape(images.shape[0], weight.shape[0], *windows.count)


def spread(outputs: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """The transpose of `correlated`: outputs (N, O, OH, OW) times the weight, added up at the places they came from."""
    return added_up(_columns(outputs, weight, groups), windows)


def _columns(outputs: Array, weight: Array, groups: int) -> Array:
    taps, given = by_group(weight, groups), in_groups(outputs, groups)
    _, _, channels, kernel = taps.shape
    matrix = np.swapaxes(taps.reshape(groups, given.shape[2], channels * kernel), -1, -2)
    return (matrix @ given).reshape(given.shape[0], groups, channels, kernel, given.shape[3])


def _stored_columns(outputs: Array, weight: Array, windows: Windows, groups: int) -> Array:
    return added_up(stored(_columns(outputs, weight, groups)), windows)


def _gathered(outputs: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """Each place as one sum, over the windows that it is in."""
    kernel, count = windows.places.shape
    size = windows.padded[0] * windows.padded[1]
    window = np.full((kernel, size), count)
    window[np.arange(kernel)[:, None], windows.places] = np.arange(count)
    given, taps = np.pad(in_groups(outputs, groups), ((0, 0), (0, 0), (0, 0), (0, 1))), by_group(weight, groups)
    n, _, o, _ = given.shape
    matrix = np.swapaxes(taps, 1, 2).reshape(groups, taps.shape[2], o * kernel)
    return cropped(matrix @ given[..., window].reshape(n, groups, o * kernel, size), windows)


def weight_gradient(outputs: Array, images: Array, windows: Windows, groups: int) -> Array:
    """The gradient of the weight: outputs (N, O, OH, OW) times what each window sees, summed over windows and images.

    It is (groups, O / groups, C / groups KH KW), to be given the weight's shape.
    """
    left, right = _factors(outputs, images, windows, groups)
    n, _, o, count = left.shape
    left = np.moveaxis(left, 0, 2).reshape(groups, o, n * count)
    right = np.moveaxis(right, 0, 2).reshape(groups, right.shape[2], n * count)
    return left @ np.swapaxes(right, -1, -2)


def _factors(outputs: Array, images: Array, windows: Windows, groups: int) -> tuple[Array, Array]:
    columns = columns_of(images, windows, groups)
    n, _, channels, taps, count = columns.shape
    return in_groups(outputs, groups), columns.reshape(n, groups, channels * taps, count)


def _image_by_image(outputs: Array, images: Array, windows: Windows, groups: int) -> Array:
    left, right = _factors(outputs, images, windows, groups)
    return over_batch(left @ np.swapaxes(right, -1, -2), 0)


CORRELATED = (Formulation(correlated, "as written"), Formulation(_tap_by_tap, "tap by tap"))
SPREAD = (
    Formulation(spread, "as written"),
    Formulation(_stored_columns, "columns stored"),
    Formulation(_gathered, "a sum for each place"),
)
WEIGHT_GRADIENT = (Formulation(weight_gradient, "as written"), Formulation(_image_by_image, "image by image"))
"""Right ways to compute each part, the one that formulas use first."""


def require_images(images: Array, channels: int, weight: Array, bias: Array, biases: int, groups: int) -> None:
    """Raise ValueError unless images (N, channels, H, W), a weight of rank 4 and a bias (biases,) fit together."""
    if images.ndim != 4 or weight.ndim != 4 or groups < 1 or weight.shape[0] % groups:
        raise ValueError(f"{groups} groups of inputs of shape {images.shape} and of weight of shape {weight.shape}")
    if images.shape[1] != channels or bias.shape != (biases,):
        raise ValueError(
            f"weight of shape {weight.shape} and bias of shape {bias.shape} for inputs of shape {images.shape}"
        )


def require_outputs(dL_doutputs: Array, due: Sequence[int]) -> None:
    """Raise ValueError where the upstream has another shape than the outputs."""
    if dL_doutputs.shape != tuple(due):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} where {tuple(due)} is due")
