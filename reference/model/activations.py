"""What activations share: the chain rule element by element, and the limits of products at infinity."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .formulations import Alternatives, Formulation, Function
from .shapes import require_same_shape

Array = Any


def chain(slope: Function, dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
    """Compute backward from the derivative at each element."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs, **parameters)


def limits_at_infinity(functions: Mapping[str, Function]) -> Alternatives:
    """Give the limit as the answer at the point `activation_at_infinity`, for x times a share of it that tends to 0.

    functions: `forward` and `backward` of an activation that tends to x on the right and to 0 on the left.
    """
    forward, backward = functions["forward"], functions["backward"]

    def outputs(inputs: Array, **parameters: Any) -> Array:
        return np.where(inputs == -np.inf, 0, forward(inputs, **parameters))

    def gradients(dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
        limit = np.where(inputs > 0, dL_doutputs, 0)
        return np.where(np.absolute(inputs) == np.inf, limit, backward(dL_doutputs, inputs, **parameters))

    return {
        ("activation_at_infinity", "limit"): {
            "forward": (Formulation(outputs, "0 at -inf"),),
            "backward": (Formulation(gradients, "0 at -inf, g at inf"),),
        }
    }
