"""Wrong implementations with a constant that is open, to be fitted to what an implementation returned: an epsilon, a
leak, a learning rate, a clip, the coefficient of a term.

In the text of a formula such a constant stands as `fitted(START)`.
"""

# ruff: noqa: ARG001 (every row is given the context)

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from ..arithmetic.protocol import Constant
from ..model.fault import widened
from ..model.formulations import Function
from ..model.operation import operation
from . import blocks
from .formula import Mutation, alike, assembled, mutations
from .further import written_otherwise
from .labels import rows_of
from .related import of_elements
from .rows import Context, Replacement, attribute, called, from_numpy, name, number, replaced
from .wrong_calls import on_argument, on_result, updated_first

Array = Any
_FITTED = re.compile(r"fitted\(([^()]*)\)")
CLIPS = (
    *map(
        float, (20, 10, 30, 50, 88, 80, 100, 15, 1, 5, 6, 2, 3, 4, 40, 8, 12, 16, 18, 22, 25, 60, 87, 64, 500, 700, 709)
    ),
)
"""Clips and thresholds, the most usual first: of some that fit, the first is told."""
STARTS = (0.0, -1.0, -10.0, -100.0, -1e3, -1e4, -65504.0, -1e5, -1e9, -1e30)
"""Of a running maximum."""
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
    of_result: int | None = None
    """The position of the one result that is changed, as it is returned; None where it is something on the way."""
    threshold: bool = False
    """Whether it is one on an argument, which holds whatever the dtype and the parameters."""
    sizes: bool = False
    """Whether it is the size of a block, of which several may fit, and none that is larger than all lengths."""


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
    parent = context.parent
    if isinstance(parent, ast.keyword | ast.Slice | ast.Subscript | ast.UnaryOp):
        return
    if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.Eq | ast.NotEq):
        return
    said = "threshold" if isinstance(parent, ast.Compare) else "constant"
    yield said, _fitted(float(node.value))


def open_names(node: ast.Name, context: Context) -> Iterator[Replacement]:
    """A constant of the module, which is written in capitals; a parameter that is handed on, or compared with."""
    known = context.constants.get(node.id)
    if isinstance(node.ctx, ast.Load) and node.id.isupper() and isinstance(known, float | Constant):
        yield "constant", _fitted(float(known))
    if node.id in context.parameters and isinstance(context.parent, ast.keyword | ast.Compare):
        yield "parameter", called(name("fitted"), name("nan"))


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


def open_comparisons(node: ast.Compare, context: Context) -> Iterator[Replacement]:
    """A threshold, on another variable than is due; a distance within which two values are taken as equal."""
    right = node.comparators[0]
    if isinstance(node.ops[0], ast.Eq) and not isinstance(right, ast.Constant):
        apart = called(attribute(name("np"), "absolute"), ast.BinOp(node.left, ast.Sub(), right))
        yield "equal_threshold", ast.Compare(apart, [ast.LtE()], [_fitted(0.0)])
    if isinstance(node.left, ast.Name) and isinstance(right, ast.Constant) and isinstance(right.value, int | float):
        if isinstance(node.ops[0], ast.Eq | ast.NotEq):
            return  # it tells things apart, and is no threshold
        for other in (*context.arguments, *context.variables):
            if other != node.left.id and right.value:
                yield "threshold", ast.Compare(name(other), node.ops, [_fitted(float(right.value))])


def open_calls(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """What is added inside a logarithm or a root, or softens a sign, what an argument is multiplied by, what leaks
    through a branch."""
    function = from_numpy(node)
    plain = node.args
    if function in ("log", "sqrt"):
        yield str(function), replaced(node, args=[_plus(plain[0])])
    if function == "log":
        floor = ast.Call(attribute(name("np"), "maximum"), [plain[0], _fitted(0.0)], [])
        yield "log_floor", replaced(node, args=[floor])
        clipped = ast.Call(attribute(name("np"), "minimum"), [floor, ast.BinOp(number(1), ast.Sub(), _fitted(0.0))], [])
        yield "log_clip_floor", replaced(node, args=[clipped])
    if function in ("exp", "log", "tanh") or _is_of_elements(node, context):
        above, below = _fitted(inf), ast.UnaryOp(ast.USub(), _fitted(inf))
        for bound, limits in (("clip", (below, above)), ("minimum", (above,)), ("maximum", (below,))):
            yield "clip", replaced(node, args=[called(attribute(name("np"), bound), plain[0], *limits)])
    if function == "sign":
        size = ast.BinOp(called(attribute(name("np"), "absolute"), plain[0]), ast.Add(), _fitted(0.0))
        yield "softened_sign", ast.BinOp(plain[0], ast.Div(), size)
    if function in ("exp", "tanh"):
        yield str(function), replaced(node, args=[_times(plain[0])])
    if function == "where" and len(plain) == 3 and isinstance(plain[2], ast.Constant) and not plain[2].value:
        leak = ast.BinOp(plain[1], ast.Mult(), _fitted(0.0))
        yield "leak", replaced(node, args=[plain[0], plain[1], leak])
    if function == "maximum" and isinstance(plain[1], ast.Constant) and not plain[1].value:
        yield "leak", replaced(node, args=[plain[0], ast.BinOp(plain[0], ast.Mult(), _fitted(0.0))])


def _is_of_elements(node: ast.Call, context: Context) -> bool:
    """Whether it is a call of another operation's formula, of one tensor."""
    return len(node.args) == 1 and not node.keywords and ast.unparse(node.func) in context.formulas


OPEN = (
    (ast.Constant, open_constants),
    (ast.Name, open_names),
    (ast.BinOp, open_terms),
    (ast.Compare, open_comparisons),
    (ast.Call, open_calls),
)
BLOCKS = (((ast.Call, ast.BinOp), blocks.open_blocks),)
EVERYWHERE = ("log", "log_floor", "log_clip_floor", "sqrt", "leak")
"""What is done to several calls of a function alike."""
EXPONENTIALS = ((ast.Call, blocks.open_exponentials),)


@cache
def fitted_of(op: str, direction: str) -> tuple[Fitted, ...]:
    """What may be wrong with an operation's function but for a constant: in its formula, plain constants first, in its
    arguments, and clips on the way."""
    own = operation(op).functions[direction]
    every = own, *written_otherwise(op, direction)
    texts = [each for function in every for each in mutations(op, direction, function, OPEN)]
    texts += alike(each for each in texts if each.what in EVERYWHERE)
    texts.sort(key=lambda each: "constant" not in each.name)
    for function in every:
        of_blocks = [*mutations(op, direction, function, BLOCKS)]
        texts += (each for each in of_blocks if function is own)
        texts += alike(each for each in of_blocks if function is own or "mean_of_" in each.what)
    texts += [each for function in every for each in mutations(op, direction, function, EXPONENTIALS)]
    texts = [each for each in texts if _FITTED.search(each.after)]  # not of a text that is told in part
    others = (_of_parameters, _of_arguments, _of_branches, _of_steps, _of_batches, _of_differences)
    found = [*map(_of_text, texts), *(each for of in others for each in of(op, direction))]
    return tuple(sorted(found, key=lambda each: each.name == "clipped"))


PARAMETER_IGNORED = "a parameter ignored"
_TAKEN = (np.nan, 0.0, 1e-5, 1e-6, 1e-8, 1e-12, 1e-7, 1e-10, 1e-4, 1e-3, 0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 20.0)
_KINDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "blocks": ("a size of blocks", blocks.SIZES),
    "padding": ("padding counted", (*blocks.SIZES, 0)),
    "clip": ("clipped", CLIPS),
    "start": ("a start", STARTS),
    "parameter": (PARAMETER_IGNORED, _TAKEN[1:]),
}
"""Of constants that are one of some: what sort of thing is wrong, and which they may be."""


def _of_text(mutation: Mutation) -> Fitted:
    value: dict[str, float] = {}
    start = float(_FITTED.findall(mutation.after)[0])
    what = mutation.what.rpartition("_")[2]

    @cache
    def made() -> Function:
        return widened(assembled(mutation, {**blocks.NAMED, "nan": nan, "fitted": lambda start: value.get("", start)}))

    def function(constant: float) -> Function:
        value[""] = constant
        return made()

    def says(constant: str) -> str:
        size = "2**k" if what == "padding" and constant == "0" else constant
        after = _FITTED.sub(size, mutation.after).replace("+ -", "- ")
        said = f"`{after}` where `{mutation.before}` is due"
        return f"{said}; of the sizes that fit, the largest is told" if what == "blocks" else said

    cure = f"write `{mutation.before}`."
    if not isfinite(start):
        sizes = what in ("blocks", "padding")
        kind, more = _KINDS[what]
        return Fitted(kind, says, cure, function, (start, *more), grid=True, sizes=sizes)
    grid = what in ("floor", "threshold")
    more = (CLIPS if start else FLOORS) if grid else () if start else (1e-7, 1e-3)
    positive = not start and "leak" not in mutation.name
    return Fitted("a constant", says, cure, function, (start, *more), positive, grid)


def _smoothed(value: float, labels: Array, scores: Array) -> Array:
    rows = rows_of(labels, scores.shape[-1])
    return ((1 - value) * rows + value / max(scores.shape[-1], 1)).astype(scores.dtype)


def _smoothed_others(value: float, labels: Array, scores: Array) -> Array:
    rows = rows_of(labels, scores.shape[-1])
    return ((1 - value) * rows + value * (1 - rows) / max(scores.shape[-1] - 1, 1)).astype(scores.dtype)


_LABELS = (
    ("(1 - {value}) * {} + {value} / C", _smoothed, (0.0,), False),
    ("(1 - {value}) * {} + {value} * (1 - {}) / (C - 1)", _smoothed_others, (0.0,), False),
)
_STEPS_OF_A_TABLE = (*(2.0**-k for k in range(17)), *(10.0**-k for k in range(1, 9)))
_TENSORS: tuple[tuple[str, Callable[[float, Array, Array], Array], tuple[float, ...], bool], ...] = (
    ("{value} * {}", lambda v, x, _: x * v, (1.0,), False),
    ("{} + {value}", lambda v, x, _: x + v, (0.0, 1e-7), False),
    ("np.clip({}, -{value}, {value})", lambda v, x, _: np.clip(x, -v, v), (np.inf, *CLIPS), True),
    ("np.clip({}, {value}, 1 - {value})", lambda v, x, _: np.clip(x, v, 1 - v), (0.0, *FLOORS), True),
    ("np.maximum({}, {value})", lambda v, x, _: np.maximum(x, v), (-np.inf, *FLOORS), True),
    (
        "np.round({} / {value}) * {value}",
        lambda v, x, _: np.round(x / v) * v if v else x,
        (0.0, *_STEPS_OF_A_TABLE),
        True,
    ),
)
"""What an argument may be taken as: in words, as a function of the constant, the argument and the one before it; where
to start, and whether those are all there is to try."""


def _of_arguments(op: str, direction: str) -> Iterator[Fitted]:
    sound = operation(op).functions[direction]
    results = operation(op).results[direction]
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
            positive = not starts[0]
            function = _widened(with_constant)
            yield Fitted("an argument changed", says, f"take {argument} as it is.", function, starts, positive, grid)
        gradient = f"dL_d{argument}"
        if gradient in results:
            place = results.index(gradient)

            def scaled(value: float, *tensors: Array, position: int = position, place: int = place, **more: Any) -> Any:
                changed = on_argument(position, lambda x: (x * value).astype(x.dtype), sound)
                return on_result(place, lambda r: r * value, changed)(*tensors, **more)

            says = partial(_said, f"the gradient of a function of `{{value}} * {argument}`")
            yield Fitted("an argument changed", says, f"take {argument} as it is.", _widened(scaled), (1.0,))


def _widened(function: Callable[..., Any]) -> Callable[[float], Function]:
    """Widened once, for the constant that was asked for last."""
    constant: dict[str, float] = {}
    wide = widened(lambda *tensors, **parameters: function(constant[""], *tensors, **parameters))

    def of(value: float) -> Function:
        constant[""] = value
        return wide

    return of


def _of_parameters(op: str, direction: str) -> Iterator[Fitted]:
    """A number that is taken for a parameter, whatever is asked."""
    sound = widened(operation(op).functions[direction])
    annotations = inspect.signature(operation(op).functions[direction]).parameters
    for parameter in operation(op).parameters[direction]:

        def function(value: float, parameter: str = parameter) -> Function:
            return lambda *tensors, **parameters: sound(*tensors, **{**parameters, parameter: value})

        says = partial(_said, f"{parameter} is ignored: {{value}} is taken, whatever is asked")
        yield Fitted(PARAMETER_IGNORED, says, f"follow {parameter}.", function, _TAKEN, grid=True)

        def most(value: float, parameter: str = parameter) -> Function:
            return lambda *tensors, **parameters: sound(
                *tensors, **{**parameters, parameter: int(min(parameters[parameter], value))}
            )

        says = partial(_said, f"{parameter} is taken as min({parameter}, {{value}})")
        if annotations[parameter].annotation in (int, "int"):
            yield Fitted("a parameter misread", says, f"count {parameter} on.", most, _COUNTERS, grid=True)


_COUNTERS = (inf, *(float(2**k + less) for k in range(7, 33) for less in (-1, 0)), 1e2, 1e3, 1e4, 1e5)
"""Where a counter may stop."""
_BATCHES = (np.nan, 32.0, 64.0, 16.0, 128.0, 8.0, 10.0, 100.0, 256.0, 4.0, 2.0, 50.0, 20.0, 1000.0, 512.0, 1024.0)


def _of_batches(op: str, direction: str) -> Iterator[Fitted]:
    """A mean over a number of rows that is always the same."""
    sound = widened(operation(op).functions[direction])

    def function(value: float, *tensors: Array, reduction: str, **parameters: Any) -> Any:
        found = sound(*tensors, reduction="sum" if reduction == "mean" else reduction, **parameters)
        return (found / value).astype(found.dtype) if reduction == "mean" else found

    if "reduction" in operation(op).parameters[direction] and len(operation(op).results[direction]) == 1:
        says = partial(_said, "reduction='mean' divides by {value}, whatever the batch")
        yield Fitted(
            "a fixed batch", says, "divide by N, which is len(labels).", partial(partial, function), _BATCHES, grid=True
        )


_STEPS: tuple[tuple[str, Callable[[Function, float, Array], Array]], ...] = (
    ("(f({} + {value}) - f({})) / {value}", lambda f, h, x: (f(x + h) - f(x)) / h),
    ("(f({}) - f({} - {value})) / {value}", lambda f, h, x: (f(x) - f(x - h)) / h),
    ("(f({} + {value}) - f({} - {value})) / (2 * {value})", lambda f, h, x: (f(x + h) - f(x - h)) / (2 * h)),
)


def _by_steps(forward: Function, of: Any, step: float, g: Array, x: Array, **parameters: Any) -> Array:
    return np.asarray(g * of(partial(forward, **parameters), x.dtype.type(step), x))


def _of_differences(op: str, direction: str) -> Iterator[Fitted]:
    """A slope by differences of the function of elements."""
    forward = operation(op).functions.get("forward")
    if direction == "forward" or forward is None or not of_elements(op, direction):
        return
    upstream, argument = operation(op).arguments[direction]
    for said, of in _STEPS:

        def function(step: float, of: Any = of) -> Function:
            return widened(partial(_by_steps, forward, of, step))

        says = partial(_said, f"{upstream} * {said.replace('{}', argument)} by differences, where f is the function")
        yield Fitted("differences", says, "compute the derivative.", function, (0.0, *FLOORS), grid=True)


_WHERE: tuple[tuple[str, Callable[[Array, float], Array], tuple[float, ...]], ...] = (
    ("{} > {value}", lambda x, v: x > v, (np.inf, *CLIPS)),
    ("{} < -{value}", lambda x, v: x < -v, (np.inf, *CLIPS)),
    ("abs({}) > {value}", lambda x, v: abs(x) > v, (np.inf, *CLIPS)),
    ("abs({}) < {value}", lambda x, v: abs(x) < v, (0.0, *FLOORS)),
)
"""Where a simpler function may stand for one of elements: given an argument and a threshold, of which the first is
where it never does."""
_INSTEAD = {"forward": ("{}", "0", "1", "-1"), "backward": ("{upstream}", "0", "-{upstream}")}


def _of_branches(op: str, direction: str) -> Iterator[Fitted]:
    """A function of elements that is cut off beyond a threshold, or taken as a line about 0."""
    arguments, results = operation(op).arguments[direction], operation(op).results[direction]
    if not of_elements(op, direction):
        return
    sound, argument, result = widened(operation(op).functions[direction]), arguments[-1], results[0]
    for where, of, starts in _WHERE:
        for instead in _INSTEAD[direction]:

            def branched(value: float, *tensors: Array, of: Any = of, instead: str = instead, **parameters: Any) -> Any:
                right = sound(*tensors, **parameters)
                if tensors[-1].shape != right.shape:
                    return right
                other = tensors[0] if "{" in instead else np.array(int(instead), right.dtype)
                found = np.where(of(tensors[-1], value), -other if instead == "-{upstream}" else other, right)
                return found.astype(right.dtype)

            what = instead.format(argument, upstream=arguments[0])
            says = partial(_said, f"{result} is {what} where {where.replace('{}', argument)}")
            cure = "compute it as everywhere, or move the threshold to where it makes no difference in the dtype."
            yield Fitted("a branch", says, cure, partial(partial, branched), starts, grid=True, threshold=True)


def _norm_clipped(value: float, result: Array, *_: Array) -> Array:
    norm = float(np.sqrt(np.sum(np.square(result))))
    return result * (value / norm) if norm > max(value, 0) else result


_LEAVE = "return the gradient as it is; clipping is the optimizer's."
_RESULTS: tuple[tuple[str, str, Callable[..., Array], tuple[float, ...], str], ...] = (
    (
        "a factor",
        "{value} times what is due",
        lambda v, r, *_: r * v,
        (1.0,),
        "look where it is left out, or taken twice.",
    ),
    ("clipped", "np.clip({it}, -{value}, {value})", lambda v, r, *_: np.clip(r, -v, v), (np.inf, 1.0), _LEAVE),
    ("clipped", "{it} scaled down to a norm of {value}, if above", _norm_clipped, (np.inf, 1e-3), _LEAVE),
)
_IN_RESULTS: tuple[tuple[str, str, Callable[..., Array], str], ...] = (
    ("an argument returned", "{value} * {argument} where {it} is due", lambda _, v, a: v * a, "return"),
    (
        "a term too many",
        "{value} * {argument} is added to what is due",
        lambda r, v, a: r + v * a,
        "return nothing but",
    ),
)


@cache
def of_results(arguments: tuple[str, ...], results: tuple[str, ...]) -> tuple[Fitted, ...]:
    """A result changed as it is returned; an argument in it, or in its place. Their functions take a constant, then the
    result that is due and the arguments: of any operation."""
    found = []
    for position, result in enumerate(results):
        for kind, said, change, starts, cure in _RESULTS:
            says = partial(_said, said.replace("{it}", result))
            found.append(Fitted(kind, says, cure, partial(partial, change), starts, of_result=position))
        for place, argument in enumerate(arguments):
            for kind, said, change, cure in _IN_RESULTS:
                says = partial(_said, said.replace("{it}", result).replace("{argument}", argument))
                function = partial(partial, _with_argument, change, place)
                found.append(Fitted(kind, says, f"{cure} {result}.", function, (0.0,), of_result=position))
    return tuple(found)


def _with_argument(change: Any, place: int, value: float, result: Array, *tensors: Array) -> Array:
    tensor = tensors[place]
    fits = tensor.shape == result.shape and tensor.dtype.kind != "i"
    return change(result, value, tensor.astype(np.float64)) if fits else result


def _of_steps(op: str, direction: str) -> Iterator[Fitted]:
    """A step of the optimizer that is taken too early."""
    sound = operation(op).functions[direction]
    arguments, results = operation(op).arguments[direction], operation(op).results[direction]
    for result, gradient in enumerate(results if len(results) > 1 else ()):
        argument = gradient.removeprefix("dL_d")
        if argument in arguments:
            said = (
                f"`{argument} -= {{value}} * {gradient}` comes before the other gradients, where it is due after them"
            )
            step = partial(updated_first, arguments.index(argument), result, sound)
            cure = "compute all gradients before any tensor is updated."
            function = partial(_updated, step)
            yield Fitted("updated too early", partial(_said, said), cure, function, (0.0,))


def _updated(step: Callable[[float], Function], value: float) -> Function:
    return widened(step(value))


def _said(said: str, value: str) -> str:
    return said.format(value=value)
