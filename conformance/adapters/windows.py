"""Convolutions and pools of the adapter in plain NumPy: windows as columns (im2col), and back (col2im)."""

# ruff: noqa: D102 - each class says its mathematics

from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""
Sizes = int | tuple[int, ...]


class Windows:
    """Windows that slide over images (N, C, H, W)."""

    def __init__(self, kernel: Sizes, stride: Sizes = 1, padding: Sizes = 0, dilation: Sizes = 1) -> None:
        self.kernel, self.stride, self.padding, self.dilation = map(_pair, (kernel, stride, padding, dilation))
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise ValueError(f"kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}")

    def count(self, image: tuple[int, ...]) -> tuple[int, int]:
        """How many windows fit along each axis."""
        sizes = zip(image, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        height, width = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in sizes)
        if height < 1 or width < 1:
            raise ValueError(f"images of size {image} are smaller than a window")
        return height, width

    def views(self, padded: Array, count: tuple[int, int]) -> Any:
        """What the windows have at each of their places, as views (N, C, OH, OW) of padded images."""
        (sy, sx), (dy, dx), (oh, ow) = self.stride, self.dilation, count
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                top, left = i * dy, j * dx
                yield padded[:, :, top : top + sy * (oh - 1) + 1 : sy, left : left + sx * (ow - 1) + 1 : sx]

    def columns(self, images: Array, around: float = 0) -> Array:
        """Images as columns (N, C, KH KW, OH, OW): im2col."""
        (py, px), count = self.padding, self.count(images.shape[2:])
        padded = np.pad(images, ((0, 0), (0, 0), (py, py), (px, px)), constant_values=around)
        return np.stack(list(self.views(padded, count)), axis=2)

    def images(self, columns: Array, shape: tuple[int, ...]) -> Array:
        """Columns added up in images of a shape: col2im."""
        (n, c, h, w), (py, px) = shape, self.padding
        padded = np.zeros((n, c, h + 2 * py, w + 2 * px), columns.dtype)
        for k, view in enumerate(self.views(padded, columns.shape[3:])):
            view += columns[:, :, k]
        return padded[:, :, py : py + h, px : px + w]


class Conv2D:
    """Each window times the weight (O, C / groups, KH, KW), plus a bias (O,)."""

    def __init__(self, weights: Array, biases: Array, groups: int = 1, **sizes: Any) -> None:
        if weights.ndim != 4 or biases.shape != weights.shape[:1] or len(weights) % groups:
            raise ValueError(f"weights {weights.shape} and biases {biases.shape} do not belong together")
        self.weights, self.biases, self.groups = weights, biases, groups
        self.windows = Windows(weights.shape[2:], **sizes)

    def forward(self, inputs: Array) -> Array:
        if inputs.ndim != 4 or inputs.shape[1] != self.weights.shape[1] * self.groups:
            raise ValueError(f"inputs {inputs.shape} do not fit weights {self.weights.shape}")
        self.shape, columns = inputs.shape, self.windows.columns(inputs)
        self.columns, self.due = self.by_group(columns), (len(inputs), len(self.biases), *columns.shape[3:])
        outputs = np.einsum("gok,ngkp->ngop", self.matrices, self.columns)
        return outputs.reshape(self.due) + self.biases[:, None, None]

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != self.due:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {self.due}")
        grouped = self.by_group(doutputs)
        self.dbiases = doutputs.sum(axis=(0, 2, 3))
        self.dweights = np.einsum("ngop,ngkp->gok", grouped, self.columns).reshape(self.weights.shape)
        dcolumns = np.einsum("gok,ngop->ngkp", self.matrices, grouped)
        taps = self.weights.shape[2] * self.weights.shape[3]
        self.dinputs = self.windows.images(dcolumns.reshape(*self.shape[:2], taps, *self.due[2:]), self.shape)
        return self.dinputs

    def by_group(self, x: Array) -> Array:
        """Images or columns as matrices of each group."""
        return x.reshape(len(x), self.groups, int(np.prod(x.shape[1:-2])) // self.groups, int(np.prod(x.shape[-2:])))

    @property
    def matrices(self) -> Array:
        """The weight as a matrix of each group."""
        o, c, kh, kw = self.weights.shape
        return self.weights.reshape(self.groups, o // self.groups, c * kh * kw)


class Conv1D(Conv2D):
    """The same of signals (N, C, L): images of one row."""

    def __init__(self, weights: Array, biases: Array, groups: int = 1, **sizes: Sizes) -> None:
        along = {name: size if isinstance(size, int) else size[0] for name, size in sizes.items()}
        rows = {name: (int(name != "padding"), size) for name, size in along.items()}
        super().__init__(np.expand_dims(weights, 2), biases, groups, **rows)

    def forward(self, inputs: Array) -> Array:
        return np.squeeze(super().forward(np.expand_dims(inputs, 2)), 2)

    def backward(self, doutputs: Array) -> Array:
        super().backward(np.expand_dims(doutputs, 2))
        self.dinputs, self.dweights = np.squeeze(self.dinputs, 2), np.squeeze(self.dweights, 2)
        return self.dinputs


class ConvTranspose2D:
    """What a convolution of the weight (C, O / groups, KH, KW) does to gradients, plus a bias (O,)."""

    def __init__(
        self, weights: Array, biases: Array, groups: int = 1, output_padding: Sizes = 0, **sizes: Sizes
    ) -> None:
        if biases.shape != (weights.shape[1] * groups,):
            raise ValueError(f"weights {weights.shape} and biases {biases.shape} do not belong together")
        self.convolution = Conv2D(weights, np.zeros(len(weights), weights.dtype), groups, **sizes)
        self.biases, self.more = biases, _pair(output_padding)
        allowed = map(max, self.convolution.windows.stride, self.convolution.windows.dilation)
        if any(more < 0 or more >= size for more, size in zip(self.more, allowed, strict=True)):
            raise ValueError(f"output_padding {output_padding} is as large as the stride and the dilation")

    def forward(self, inputs: Array) -> Array:
        layer, windows = self.convolution, self.convolution.windows
        if inputs.ndim != 4 or inputs.shape[1] != len(layer.weights):
            raise ValueError(f"inputs {inputs.shape} do not fit weights {layer.weights.shape}")
        self.inputs, (n, _, *count) = inputs, inputs.shape
        sizes = zip(count, windows.kernel, windows.stride, windows.padding, windows.dilation, self.more, strict=True)
        image = tuple(s * (size - 1) + d * (k - 1) + 1 - 2 * p + more for size, k, s, p, d, more in sizes)
        if min(image) < 1:
            raise ValueError(f"outputs of size {image}")
        columns = np.einsum("gok,ngop->ngkp", layer.matrices, layer.by_group(inputs))
        self.due = (n, len(self.biases), *image)
        columns = columns.reshape(*self.due[:2], windows.kernel[0] * windows.kernel[1], *count)
        return windows.images(columns, self.due) + self.biases[:, None, None]

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != self.due:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {self.due}")
        layer, (h, w) = self.convolution, self.inputs.shape[2:]
        columns = layer.by_group(layer.windows.columns(doutputs)[..., :h, :w])
        dinputs = np.einsum("gok,ngkp->ngop", layer.matrices, columns)
        dweights = np.einsum("ngop,ngkp->gok", layer.by_group(self.inputs), columns)
        self.dinputs, self.dweights = dinputs.reshape(self.inputs.shape), dweights.reshape(layer.weights.shape)
        self.dbiases = doutputs.sum(axis=(0, 2, 3))
        return self.dinputs


class MaxPool2D:
    """The largest element of each window; the first, where several are."""

    def __init__(self, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> None:
        self.windows = _pool(kernel_size, stride, padding, dilation)

    def forward(self, inputs: Array) -> Array:
        columns = self.windows.columns(inputs, -np.inf)
        self.shape, self.places = inputs.shape, columns.shape
        self.first = columns.argmax(axis=2)
        outputs: Array = columns.max(axis=2)
        return outputs

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != self.first.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {self.first.shape}")
        columns = np.zeros(self.places, doutputs.dtype)
        np.put_along_axis(columns, self.first[:, :, None], doutputs[:, :, None], axis=2)
        self.dinputs = self.windows.images(columns, self.shape)
        return self.dinputs


class AvgPool2D:
    """The sum of each window, over its size, or over how much of it lies inside the image."""

    def __init__(self, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True) -> None:
        self.windows = _pool(kernel_size, stride, padding)
        self.outside = 1.0 if count_include_pad else 0.0

    def forward(self, inputs: Array) -> Array:
        columns = self.windows.columns(inputs)
        self.shape, self.places = inputs.shape, columns.shape
        ones = np.ones((1, 1, *inputs.shape[2:]), inputs.dtype)
        self.divisor = self.windows.columns(ones, self.outside).sum(axis=2)
        outputs: Array = columns.sum(axis=2) / self.divisor
        return outputs

    def backward(self, doutputs: Array) -> Array:
        due = (*self.places[:2], *self.places[3:])
        if doutputs.shape != due:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {due}")
        shares = (doutputs / self.divisor)[:, :, None]
        self.dinputs = self.windows.images(np.broadcast_to(shares, self.places), self.shape)
        return self.dinputs


def _pool(kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1) -> Windows:
    windows = Windows(kernel, stride, padding, dilation)
    if any(2 * around > size for size, around in zip(windows.kernel, windows.padding, strict=True)):
        raise ValueError(f"padding {padding} of more than half a window of {kernel}")
    return windows


def _pair(sizes: Sizes) -> tuple[int, int]:
    height, width = (sizes, sizes) if isinstance(sizes, int) else sizes
    return height, width
