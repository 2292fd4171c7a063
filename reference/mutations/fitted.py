"""Wrong implementations with a constant that is open, to be fitted to what an implementation returned: an epsilon, a
leak, a learning rate, a clip, the coefficient of a term.

In the text of a formula such a constant stands as `fitted(START)`.
"""

# ruff: noqa: ARG001 (every row is given the context)

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from ..model.fault import widened
from ..model.formulations import Function
from ..model.operation import operation
from .formula import Mutation, assembled, mutations
from .further import written_otherwise
from .labels import rows_of
from .rows import Context, Replacement, attribute, called, from_numpy, name, number, replaced
from .wrong_calls import updated_first

Array = Any
_FITTED = re.compile(r"fitted\(([^()]*)\)")
CLIPS = (*map(float, (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 80, 88, 100, 500, 700)),)
FLOORS = tuple(float(f"{m}e-{k}") for k in range(2, 31) for m in (1, 5) if m == 1 or k < 10)


@dataclass(frozen=True)
class Fitted:
    """Something wrong with a constant that is open."""

    name: str
    says: Callable[[str], str]
    """What is wrong, given the constant as a number of the text."""
    cure: str
    function: Callable[[float], Function]
    """What is computed with a constant."""
    starts: tuple[float, ...]
    """From where to fit it; the first is where nothing is wrong."""
    positive: bool = False
    """Whether it is above 0."""
    grid: bool = False
    """Whether the starts are all that is tried."""


def _fitted(start: float) -> ast.expr:
    return called(name("fitted"), number(start))


def _times(value: ast.expr) -> ast.expr:
    return ast.BinOp(_fitted(1.0), ast.Mult(), value)


def _plus(value: ast.expr) -> ast.expr:
    return ast.BinOp(value, ast.Add(), _fitted(0.0))


def open_constants(node: ast.Constant, context: Context) -> Iterator[Replacement]:
    """A number of the text."""
    if not node.value or not isinstance(node.value, int | float) or isinstance(node.value, bool):
        return
    if isinstance(context.parent, ast.keyword | ast.Slice | ast.Subscript | ast.UnaryOp):
        return
    said = "threshold" if isinstance(context.parent, ast.Compare) else "constant"
    yield said, _fitted(float(node.value))


def open_terms(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """What a term of a sum is multiplied by; what is added to a denominator."""
    if isinstance(node.op, ast.Add | ast.Sub):
        for side, operand in (("left", node.left), ("right", node.right)):
            if not isinstance(operand, ast.Constant):
                scaled = _times(operand)
                pair = (scaled, node.right) if side == "left" else (node.left, scaled)
                yield f"{side}_term_scaled", ast.BinOp(pair[0], node.op, pair[1])
    if isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant):
        yield "denominator", ast.BinOp(node.left, node.op, _plus(node.right))
        floor = ast.Call(attribute(name("np"), "maximum"), [node.right, _fitted(0.0)], [])
        yield "denominator_floor", ast.BinOp(node.left, node.op, floor)


def open_calls(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """What is added inside a logarithm or a root, what an argument is multiplied by, what leaks through a branch."""
    function = from_numpy(node)
    plain = node.args
    if function in ("log", "sqrt"):
        yield str(function), replaced(node, args=[_plus(plain[0])])
    if function == "log":
        floor = ast.Call(attribute(name("np"), "maximum"), [plain[0], _fitted(0.0)], [])
        yield "log_floor", replaced(node, args=[floor])
        clipped = ast.Call(attribute(name("np"), "minimum"), [floor, ast.BinOp(number(1), ast.Sub(), _fitted(0.0))], [])
        yield "log_clip_floor", replaced(node, args=[clipped])
    if function in ("exp", "tanh"):
        yield str(function), replaced(node, args=[_times(plain[0])])
    if function == "where" and len(plain) == 3 and isinstance(plain[2], ast.Constant) and not plain[2].value:
        leak = ast.BinOp(plain[1], ast.Mult(), _fitted(0.0))
        yield "leak", replaced(node, args=[plain[0], plain[1], leak])
    if function == "maximum" and isinstance(plain[1], ast.Constant) and not plain[1].value:
        yield "leak", replaced(node, args=[plain[0], ast.BinOp(plain[0], ast.Mult(), _fitted(0.0))])


OPEN = ((ast.Constant, open_constants), (ast.BinOp, open_terms), (ast.Call, open_calls))


@cache
def fitted_of(op: str, direction: str) -> tuple[Fitted, ...]:
    """What may be wrong with an operation's function but for a constant: in its formula, plain constants first, then in
    its arguments."""
    own = operation(op).functions[direction]
    texts = [each for f in (own, *written_otherwise(op, direction)) for each in mutations(op, direction, f, OPEN)]
    texts.sort(key=lambda each: "constant" not in each.name)
    return (*map(_of_text, texts), *_of_arguments(op, direction), *_of_steps(op, direction))


def _of_text(mutation: Mutation) -> Fitted:
    value: dict[str, float] = {}
    start = float(_FITTED.findall(mutation.after)[0])

    @cache
    def made() -> Function:
        return widened(assembled(mutation, {"fitted": lambda start: value.get("", start)}))

    def function(constant: float) -> Function:
        value[""] = constant
        return made()

    def says(constant: str) -> str:
        after = _FITTED.sub(constant, mutation.after).replace("+ -", "- ")
        return f"`{after}` where `{mutation.before}` is due"

    grid = mutation.name.endswith(("floor", "threshold"))
    more = (CLIPS if start else FLOORS) if grid else () if start else (1e-7, 1e-3)
    positive = not start and "leak" not in mutation.name
    return Fitted("a constant", says, f"write `{mutation.before}`.", function, (start, *more), positive, grid)


def _smoothed(value: float, labels: Array, scores: Array) -> Array:
    rows = rows_of(labels, scores.shape[-1])
    return ((1 - value) * rows + value / max(scores.shape[-1], 1)).astype(scores.dtype)


_LABELS = (("(1 - {value}) * {} + {value} / C", _smoothed, (0.0,), False),)
_TENSORS: tuple[tuple[str, Callable[[float, Array, Array], Array], tuple[float, ...], bool], ...] = (
    ("{value} * {}", lambda v, x, _: x * v, (1.0,), False),
    ("{} + {value}", lambda v, x, _: x + v, (0.0, 1e-7), False),
    ("np.clip({}, -{value}, {value})", lambda v, x, _: np.clip(x, -v, v), (np.inf, *CLIPS), True),
    ("np.clip({}, {value}, 1 - {value})", lambda v, x, _: np.clip(x, v, 1 - v), (0.0, *FLOORS), True),
    ("np.maximum({}, {value})", lambda v, x, _: np.maximum(x, v), (-np.inf, *FLOORS), True),
)
"""What an argument may be taken as: in words, as a function of the constant, the argument and the one before it; where
to start, and whether those are all there is to try."""


def _of_arguments(op: str, direction: str) -> Iterator[Fitted]:
    sound = widened(operation(op).functions[direction])
    for position, argument in enumerate(operation(op).arguments[direction]):
        for said, change, starts, grid in _LABELS if argument in operation(op).labels else _TENSORS:

            def with_constant(
                value: float, *tensors: Array, change: Any = change, position: int = position, **parameters: Any
            ) -> Any:
                tensor = tensors[position]
                changed = np.asarray(change(value, tensor, tensors[position - 1]))
                changed = changed if tensor.dtype.kind == "i" else changed.astype(tensor.dtype)
                return sound(*tensors[:position], changed, *tensors[position + 1 :], **parameters)

            says = partial(_said, f"{argument} is taken as `{said.replace('{}', argument)}`")
            function = partial(partial, with_constant)
            positive = not starts[0]
            yield Fitted("an argument changed", says, f"take {argument} as it is.", function, starts, positive, grid)


def _of_steps(op: str, direction: str) -> Iterator[Fitted]:
    """A step of the optimizer that is taken too early."""
    sound = widened(operation(op).functions[direction])
    arguments, results = operation(op).arguments[direction], operation(op).results[direction]
    for result, gradient in enumerate(results if len(results) > 1 else ()):
        argument = gradient.removeprefix("dL_d")
        if argument in arguments:
            said = (
                f"`{argument} -= {{value}} * {gradient}` comes before the other gradients, where it is due after them"
            )
            function = partial(updated_first, arguments.index(argument), result, sound)
            cure = "compute all gradients before any tensor is updated."
            yield Fitted("updated too early", partial(_said, said), cure, function, (0.0,))


def _said(said: str, value: str) -> str:
    return said.format(value=value)
