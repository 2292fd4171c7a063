"""The sizes that convolutions are tried with: those of `conv2d`, from which other convolutions have theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..generation.draws import Shape
from ..model.convolution import Sizes, pair

SHORT = {"stride": "s", "padding": "p", "dilation": "d", "groups": "g", "output_padding": "op"}
"""The parameters as names of families have them."""
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@dataclass(frozen=True)
class Setting:
    """The sizes of a call of `conv2d`, and its parameters; other convolutions have theirs from it."""

    inputs: Shape
    """(N, C, H, W)."""
    outputs: int
    """Output channels."""
    kernel: Shape
    parameters: Mapping[str, Sizes] = field(default_factory=dict)
    flag: str = "distinct-sizes"
    comment: str = ""

    @property
    def name(self) -> str:
        """As a name of families has it: "2x3x5x4-o2-k3x2-s2-p0x1"."""
        given = ("-" + SHORT[name] + crossed(value) for name, value in self.parameters.items())
        return f"{crossed(self.inputs)}-o{self.outputs}-k{crossed(self.kernel)}{''.join(given)}"


def crossed(sizes: Any) -> str:
    """Sizes as words have them: "2x3"."""
    return "x".join(map(str, sizes)) if isinstance(sizes, tuple) else str(sizes)


def _setting(
    inputs: Shape, outputs: int, kernel: Shape, comment: str = "", flag: str = "strides", **sizes: Any
) -> Setting:
    return Setting(inputs, outputs, kernel, sizes, flag, comment)


LONGER = "Longer rows than a vector has elements, under all parameters."
EVERY_PAIR = (
    _setting((2, 3, 5, 4), 2, (3, 2)),
    _setting((2, 4, 4, 5), 2, (2, 3), padding=1, dilation=2, groups=2),
    _setting((2, 3, 3, 4), 3, (2, 2), padding=2, dilation=3, groups=3),
    _setting((2, 3, 6, 5), 6, (2, 2), stride=2, dilation=2, groups=3),
    _setting((1, 2, 5, 6), 3, (2, 3), stride=2, padding=1, dilation=3),
    _setting((2, 4, 4, 5), 4, (3, 4), stride=2, padding=2, groups=2),
    _setting((2, 4, 7, 5), 2, (2, 1), stride=3, dilation=3, groups=2),
    _setting((2, 3, 5, 6), 3, (2, 3), stride=3, padding=1, groups=3),
    _setting((2, 2, 4, 3), 3, (3, 2), stride=3, padding=2, dilation=2),
)
"""Of strides, paddings, dilations and groups (1, 2 and all channels), every value beside every value of another."""
FURTHER = (
    _setting((2, 2, 4, 5), 3, (1, 1), "Windows of one element.", "smallest"),
    _setting((2, 2, 5, 4), 3, (1, 1), "Windows of one element, most places in none.", stride=2),
    _setting((2, 2, 4, 3), 3, (1, 1), "Windows of one element, some of them in the padding.", padding=1),
    _setting((2, 2, 3, 6), 3, (1, 1), "Windows of one element, some of them in the padding.", stride=2, padding=1),
    _setting((2, 2, 5, 7), 2, (2, 2), "Windows that do not overlap, and what is between them.", stride=3),
    _setting((2, 2, 4, 6), 3, (2, 3), "Windows side by side.", stride=(2, 3)),
    _setting((1, 2, 4, 5), 2, (4, 4), "Windows as high as the images."),
    _setting((3, 2, 4, 3), 5, (4, 3), "One window, as large as the images.", "smallest"),
    _setting((2, 2, 5, 6), 3, (3, 2), "A size for each axis.", stride=(2, 1), padding=(0, 1), dilation=(1, 3)),
    _setting((2, 2, 4, 5), 3, (2, 3), "A size for each axis.", stride=(1, 3), padding=(2, 0), dilation=(2, 1)),
    _setting((3, 3, 3, 3), 3, (3, 3), "All sizes equal.", "square", padding=1),
    _setting((2, 2, 4, 4), 2, (2, 2), "Many sizes equal.", "square", stride=2),
    _setting((1, 1, 4, 5), 1, (2, 3), "One image, of one channel.", "batch-of-one"),
    _setting((1, 3, 3, 4), 1, (2, 2), "One channel of outputs.", "smallest"),
    _setting((3, 1, 4, 3), 3, (2, 2), "One channel of inputs.", "smallest"),
    _setting((1, 4, 3, 4), 8, (2, 2), "Each channel for itself, and two of outputs for each.", "groups", groups=4),
    _setting((1, 6, 3, 3), 9, (2, 2), "Three groups.", "groups", groups=3),
    _setting((1, 9, 2, 3), 5, (2, 2), "More channels than a vector has elements.", "odd-sizes"),
    _setting((1, 3, 3, 2), 17, (2, 1), "More channels than a vector has elements.", "odd-sizes"),
    _setting((9, 1, 2, 3), 2, (2, 2), "More images than a vector has elements.", "odd-sizes"),
    _setting((1, 1, 2, 33), 2, (2, 2), "Longer rows than a vector has elements.", "odd-sizes", padding=1),
    _setting((1, 1, 17, 3), 2, (3, 1), "More rows than a vector has elements.", "odd-sizes", stride=2),
    _setting((1, 2, 3, 36), 2, (2, 3), LONGER, "odd-sizes", stride=2, padding=1, dilation=2, groups=2),
    _setting((1, 18, 2, 3), 18, (2, 2), "More groups than a vector has elements.", "groups", groups=18),
    _setting((1, 18, 3, 4), 18, (2, 3), "The same with strides and padding.", "groups", stride=2, padding=1, groups=18),
)
LARGE: Mapping[str, tuple[Setting, ...]] = {
    "float64": (_setting((1, 513, 1, 1), 2, (1, 1)), _setting((257, 1, 1, 2), 1, (1, 2))),
    "float32": (
        _setting((1, 129, 2, 1), 2, (2, 1)),
        _setting((33, 1, 5, 7), 1, (2, 2)),
        _setting((1, 2, 1, 1), 257, (1, 1)),
    ),
    "float16": (_setting((1, 1, 9, 31), 1, (9, 4)),),
    "bfloat16": (_setting((2, 65, 1, 2), 2, (1, 2), padding=1),),
}
"""By dtype, longer sums than blocks have places: over channels, images and windows. They are of whole numbers."""
PLAIN = _setting((1, 2, 3, 3), 2, (2, 2))
SMALLEST = _setting((1, 1, 1, 1), 1, (1, 1))
ORDINARY = _setting((2, 2, 4, 5), 3, (2, 3))


def as_written(setting: Setting) -> Setting:
    """A setting of `conv2d`."""
    return setting


def along_the_last_axis(setting: Setting) -> Setting:
    """A setting of `conv1d`: signals and windows along the last axis of images."""
    along = {name: value[-1] if isinstance(value, tuple) else value for name, value in setting.parameters.items()}
    sizes = {name: value for name, value in along.items() if value != DEFAULTS[name]}
    inputs = (*setting.inputs[:2], setting.inputs[-1])
    return replace(setting, inputs=inputs, kernel=setting.kernel[-1:], parameters=sizes)


def turned_round(setting: Setting) -> Setting:
    """A setting of `conv_transpose2d`: from the outputs of a convolution to its inputs, of just their size."""
    given = setting.parameters
    steps, around, gaps, _ = (pair(given.get(name, own)) for name, own in DEFAULTS.items())
    axes = zip(setting.inputs[2:], setting.kernel, steps, around, gaps, strict=True)
    count, left = zip(*(divmod(h + 2 * p - d * (k - 1) - 1, s) for h, k, s, p, d in axes), strict=True)
    more = {"output_padding": left[0] if left[0] == left[1] else left} if any(left) else {}
    inputs = (setting.inputs[0], setting.outputs, *(n + 1 for n in count))
    return replace(setting, inputs=inputs, outputs=setting.inputs[1], parameters={**given, **more})
