"""Gated operations, an activation of a gate times another tensor, from the formulations of the activation."""

from types import ModuleType
from typing import Any

from .formulations import Alternatives, Formulation, Function, as_written, replacing, through
from .shapes import require_same_shape

Array = Any
Formulations = dict[str, tuple[Formulation, ...]]


def _times_up_last(
    slope: Function, value: Function, dL_doutputs: Array, gate: Array, up: Array, **parameters: Any
) -> tuple[Array, Array]:
    require_same_shape(dL_doutputs=dL_doutputs, gate=gate, up=up)
    return slope(dL_doutputs, gate, **parameters) * up, dL_doutputs * value(gate, **parameters)


def gated(forward: Function, backward: Function, activation: ModuleType) -> Formulations:
    """Give the formulations of both directions by those of an activation, one of its passes other than as written."""
    value, slope = as_written(activation.forward), as_written(activation.backward)
    values, slopes = (activation.FORMULATIONS[direction] for direction in ("forward", "backward"))
    gradients = replacing(backward, activation.backward, activation.forward)
    return {
        "forward": through(replacing(forward, activation.forward), values),
        "backward": (
            *through(gradients, [slope], values),
            *through(gradients, slopes, [value]),
            *through(_times_up_last, [slope], [value], name="times up last"),
        ),
    }


def gated_alternatives(forward: Function, backward: Function, activation: ModuleType) -> Alternatives:
    """Give the other answers of an activation at its own points."""
    gradients = replacing(backward, activation.backward, activation.forward)
    return {
        key: {
            "forward": through(replacing(forward, activation.forward), answers["forward"]),
            "backward": through(gradients, answers["backward"], answers["forward"]),
        }
        for key, answers in activation.ALTERNATIVES.items()
    }
