"""Gated operations, an activation of a gate times another tensor, from the formulations of the activation."""

from types import ModuleType
from typing import Any

from .formulations import Alternatives, Formulation, Function, as_written, through
from .shapes import require_same_shape

Array = Any
Formulations = dict[str, tuple[Formulation, ...]]


def _outputs(value: Function, gate: Array, up: Array, **parameters: Any) -> Array:
    require_same_shape(up=up, gate=gate)
    return value(gate, **parameters) * up


def _gradients(
    slope: Function, value: Function, dL_doutputs: Array, gate: Array, up: Array, **parameters: Any
) -> tuple[Array, Array]:
    require_same_shape(dL_doutputs=dL_doutputs, gate=gate, up=up)
    return slope(dL_doutputs * up, gate, **parameters), dL_doutputs * value(gate, **parameters)


def _times_up_last(
    slope: Function, value: Function, dL_doutputs: Array, gate: Array, up: Array, **parameters: Any
) -> tuple[Array, Array]:
    require_same_shape(dL_doutputs=dL_doutputs, gate=gate, up=up)
    return slope(dL_doutputs, gate, **parameters) * up, dL_doutputs * value(gate, **parameters)


def gated(activation: ModuleType) -> Formulations:
    """Give the formulations of both directions by those of an activation, one of its passes other than as written."""
    value, slope = as_written(activation.forward), as_written(activation.backward)
    values, slopes = (activation.FORMULATIONS[direction] for direction in ("forward", "backward"))
    return {
        "forward": through(_outputs, values),
        "backward": (
            *through(_gradients, [slope], values),
            *through(_gradients, slopes, [value]),
            *through(_times_up_last, [slope], [value], name="times up last"),
        ),
    }


def gated_alternatives(activation: ModuleType) -> Alternatives:
    """Give the other answers of an activation at its own points."""
    return {
        key: {
            "forward": through(_outputs, answers["forward"]),
            "backward": through(_gradients, answers["backward"], answers["forward"]),
        }
        for key, answers in activation.ALTERNATIVES.items()
    }
