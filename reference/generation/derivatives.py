"""Whether a backward is the derivative of its forward: over balls, central differences agree with it to 30 digits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
from flint import arb

from ..arithmetic.ball import Ball
from ..arithmetic.exact import exact_array
from ..model.family import Inputs
from ..model.operation import Operation
from .draws import Words

BITS = 400
STEP = arb(2) ** -110
"""The error of a central difference is about its square: 66 digits away."""
DIGITS = arb(10) ** -30


@dataclass(frozen=True)
class Departure:
    """An element of a gradient that is not the slope of forward."""

    result: str
    index: tuple[int, ...]
    given: float
    slope: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        return f"{self.result}[{place}] is {self.given:.6g} where the slope of forward is {self.slope:.6g}"


def departures(operation: Operation, inputs: Inputs, parameters: Mapping[str, Any]) -> Iterator[Departure]:
    """Give the elements of an operation's gradients that are not the derivative of its forward.

    A gradient is asked first for the slope in a direction in which all elements move, each by another amount, and
    element by element where that is not the slope of forward.

    inputs: backward's arguments, off all kinks. Raises ValueError where a gradient has not its argument's shape.
    """
    with flint.ctx.workprec(BITS):
        given = {name: x if x.dtype.kind == "i" else exact_array(x) for name, x in inputs.items()}
        gradients = as_tuple(operation.functions["backward"](*lifted(given.values()), **parameters))
        arguments = [n for n in operation.arguments["forward"] if n not in operation.labels]
        for result, argument, gradient in zip(operation.results["backward"], arguments, gradients, strict=True):
            x = given[argument]
            balls = (gradient if isinstance(gradient, Ball) else Ball(np.asarray(gradient))).balls
            if balls.shape != x.shape:
                raise ValueError(f"{result} has shape {balls.shape} where {argument} has {x.shape}")

            def slope(direction: np.ndarray, x: np.ndarray = x, argument: str = argument) -> Any:
                moved = ({**given, argument: _moved(x, direction, h)} for h in (STEP, -STEP))
                ahead, behind = (_loss(operation, tensors, parameters) for tensors in moved)
                return (ahead - behind) / (2 * STEP)

            aslant = exact_array(Words(f"aslant/{argument}", "float64").uniform(x.shape, 0.5, 1))
            if _agree(sum(balls.ravel() * aslant.ravel(), arb(0)), slope(aslant)):
                continue  # differences would have to cancel to all digits of numbers that were drawn
            for index in np.ndindex(x.shape):
                found = slope(_unit(x.shape, index))
                ball: Any = balls[index]
                if not _agree(ball, found):
                    yield Departure(result, index, float(ball.mid()), float(found.mid()))


def lifted(tensors: Any) -> list[Any]:
    """Give tensors as balls; index labels stay what they are."""
    return [x if x.dtype.kind == "i" else Ball(x) for x in tensors]


def as_tuple(results: Any) -> tuple[Any, ...]:
    """Give results as a tuple, a single one too."""
    return results if isinstance(results, tuple) else (results,)


def _loss(operation: Operation, given: Mapping[str, np.ndarray], parameters: Mapping[str, Any]) -> Any:
    """Sum outputs times upstream: the scalar whose gradients backward gives."""
    outputs = as_tuple(
        operation.functions["forward"](*lifted(given[n] for n in operation.arguments["forward"]), **parameters)
    )
    pairs = zip(operation.upstreams, outputs, strict=True)
    total: Any = sum((np.sum(Ball(given[name]) * y) for name, y in pairs), Ball(np.zeros(())))
    return total.balls[()]


def _moved(x: np.ndarray, direction: np.ndarray, step: arb) -> np.ndarray:
    """Give a tensor of balls moved by a step in a direction."""
    moved: np.ndarray = (x.ravel() + direction.ravel() * step).reshape(x.shape)
    return moved


def _agree(given: Any, slope: Any) -> bool:
    return bool(abs(given - slope) < DIGITS * (1 + abs(slope)))


def _unit(shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    """The direction of one element."""
    direction = np.full(shape, arb(0), object)
    direction[index] = arb(1)
    return direction
