"""What activations share: the chain rule, and answers at kinks, at NaN, and at infinity."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from .formulations import Alternatives, Formulation, Function, as_written, through
from .shapes import require_same_shape

Array = Any


def chain(slope: Function, dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
    """Compute backward from the derivative at each element."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs, **parameters)


def limits_at_infinity(
    forward: Function, backward: Function, formulations: Mapping[str, Iterable[Formulation]]
) -> Alternatives:
    """Give the limit as the answer at the point `activation_at_infinity`, for x times a share of it that tends to 0.

    forward, backward, formulations: those of an activation that tends to x on the right and to 0 on the left.
    """

    def outputs(function: Function, inputs: Array, **parameters: Any) -> Array:
        return np.where(inputs == -np.inf, 0, function(inputs, **parameters))

    def gradients(function: Function, dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
        limit = np.where(inputs > 0, dL_doutputs, 0)
        return np.where(np.absolute(inputs) == np.inf, limit, function(dL_doutputs, inputs, **parameters))

    forwards, backwards = (
        (as_written(one), *formulations[way]) for way, one in (("forward", forward), ("backward", backward))
    )
    return {
        ("activation_at_infinity", "limit"): {
            "forward": through(outputs, forwards, name="0 at -inf"),
            "backward": through(gradients, backwards, name="0 at -inf, g at inf"),
        }
    }


def at_nan(backward: Function, answers: Mapping[str, Function]) -> Alternatives:
    """Give answers at the point `slope_at_nan`: NaN, and the gradient that each function of `answers` gives there."""

    def other(answer: Function, dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
        chosen = answer(dL_doutputs, inputs, **parameters)
        return np.where(inputs != inputs, chosen, backward(dL_doutputs, inputs, **parameters))

    every = {"nan": lambda _, inputs, **__: inputs, **answers}
    return {
        ("slope_at_nan", name): {"backward": (Formulation(partial(other, answer), f"{name} at NaN"),)}
        for name, answer in every.items()
    }


def unchanged(dL_doutputs: Array, *_: Array, **__: Any) -> Array:
    """The gradient where the slope is 1."""
    return dL_doutputs


SHARES = {"upper": (0.0, 1.0), "both": (1.0, 1.0), "upper-half": (0.0, 0.5), "halves": (0.5, 0.5)}
"""The answers at the edges of a clip but the first: what passes at the lower and at the upper edge."""


def at_edges(gradient: Callable[..., Array], edges: Callable[..., tuple[float, float]], *points: str) -> Alternatives:
    """Give the answers at `points` of an operation that clips its inputs.

    gradient: backward with `passes` before its arguments, a function of the inputs that is 1 where they are not
    clipped. edges: gives both from the parameters.
    """

    def other(shares: tuple[float, float], *tensors: Array, **parameters: Any) -> Array:
        def passes(inputs: Array) -> Array:
            low, high = edges(**parameters)
            within = np.where((inputs > low) & (inputs < high), 1, 0)
            return np.where(inputs == low, shares[0], np.where(inputs == high, shares[1], within))

        return gradient(passes, *tensors, **parameters)

    return {
        (point, name): {"backward": (Formulation(partial(other, shares), f"{name} at the edges"),)}
        for point in points
        for name, shares in SHARES.items()
    }
