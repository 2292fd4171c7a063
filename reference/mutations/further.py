"""Mutants that serve the diagnosis alone and are no part of the catalogue: of formulas as they are usually written, and
changes that need a second look at the text, such as a sum that is added up in a half precision."""

# ruff: noqa: ARG001 (every row is given the context)

import ast
import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import operation
from . import few, usual
from .blocks import axes_of, flattened, restored
from .formula import Definition, Mutation, Site, alike, fault_of, mutants, mutations
from .lazily import made_once, remembered
from .rows import (
    REFUSAL_ROWS,
    ROWS,
    Context,
    Replacement,
    Rows,
    attribute,
    called,
    from_numpy,
    is_operand,
    method,
    name,
    number,
    on_the_way,
    replaced,
)

Array = Any


class _Half:
    """The half precision of a call's arguments, by which steps of its formula are rounded; none of other dtypes."""

    def __init__(self) -> None:
        self.dtype: np.dtype[Any] | None = None

    def noting(self, function: Function) -> Function:
        """A function that takes note of the dtype first."""

        def call(*tensors: Array, **parameters: Any) -> Any:
            dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
            self.dtype = dtype if dtype.itemsize == 2 else None
            return function(*tensors, **parameters)

        return call

    def rounded(self, x: Array) -> Array:
        """A value that is rounded."""
        return x if self.dtype is None else x.astype(self.dtype).astype(np.float32)

    def added_up(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        """A sum whose terms are added one by one, each sum rounded."""
        if self.dtype is None:
            return x.sum(axis=axis, keepdims=keepdims)
        flat, kept = flattened(x, axis)
        total = np.zeros(flat.shape[:-1], np.float32)
        for term in np.moveaxis(flat, -1, 0):
            total = self.rounded(total + term)
        return restored(total, x, kept, keepdims)

    def multiplied(self, a: Array, b: Array) -> Array:
        """A product of matrices, added up so."""
        if self.dtype is None:
            return a @ b
        rows, columns = np.atleast_2d(a), b if b.ndim > 1 else b[:, None]
        found = self.added_up(rows[..., :, :, None] * columns[..., None, :, :], axis=-2)
        return np.squeeze(found, (-2,) * (a.ndim == 1) + (-1,) * (b.ndim == 1))


def erf_of_polynomial(x: Array) -> Array:
    """The error function by a polynomial, right to 1.5e-7: Abramowitz and Stegun, 7.1.26."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - series * np.exp(-x * x))


def other_statistics(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """A mean over one element less, or over more axes; a term moved out of a root; a sum added up in a half precision,
    or of which some axes are averaged."""
    if from_numpy(node) == "sqrt" and isinstance(node.args[0], ast.BinOp) and isinstance(node.args[0].op, ast.Add):
        inside, outside = node.args[0].left, node.args[0].right
        yield "added_outside_the_root", ast.BinOp(replaced(node, args=[inside]), ast.Add(), outside)
    if (found := method(node)) is None:
        return
    value, text = found
    axis = next((keyword.value for keyword in node.keywords if keyword.arg == "axis"), None)
    if text == "mean" and axis is not None:
        size = ast.Subscript(attribute(value, "shape"), axis, ast.Load())
        total = replaced(node, func=attribute(value, "sum"))
        yield "mean_over_one_less", ast.BinOp(total, ast.Div(), ast.BinOp(size, ast.Sub(), number(1)))
    if text in ("sum", "mean") and axis is not None and ast.unparse(axis) == "-1":
        others = [
            k if k.arg != "axis" else ast.keyword("axis", called(name("axes_after_the_first"), copy(value)))
            for k in node.keywords
        ]
        yield f"{text}_over_axes_after_the_first", replaced(node, keywords=others)
    if text == "sum" and isinstance(axis, ast.Name | ast.Call | ast.Tuple):
        for one in _MIXED:
            yield one, ast.Call(name(one), [value], node.keywords)
    if text in ("sum", "mean"):
        total = ast.Call(name("added_up_in_half"), [value], node.keywords)
        if text == "sum":
            yield "added_up_in_half", total
            if axis is not None:
                for one in ("first", "last"):
                    yield f"{one}_alone", ast.Call(name(f"{one}_along"), [value], node.keywords)
                for part in ("all_but_first", "all_but_last"):
                    yield part, ast.Call(name(f"sum_of_{part}"), [value], node.keywords)
        elif axis is not None:
            size = ast.Subscript(attribute(value, "shape"), axis, ast.Load())
            yield "added_up_in_half", ast.BinOp(total, ast.Div(), size)


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))


ACTIVATIONS = {
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "softplus": (lambda x: np.logaddexp(0, x), _sigmoid),
    "absolute": (np.abs, np.sign),
    "square": (lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0)),
}
"""Functions that stand for the ReLU, and their slopes."""


def other_functions(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """Another activation for the ReLU; an approximation for the error function."""
    match from_numpy(node), node.args:
        case "maximum", [x, ast.Constant(value=0)]:
            for other in ACTIVATIONS:
                yield f"{other}_for_relu", called(name(f"{other}_of"), x)
        case "where", [ast.Compare(left=x, comparators=[ast.Constant(value=0)]), g, ast.Constant(value=0)]:
            for other in ACTIVATIONS:
                yield f"{other}_for_relu", ast.BinOp(g, ast.Mult(), called(name(f"slope_of_{other}"), x))
            values = called(attribute(name("np"), "maximum"), x, number(0))
            yield "values_for_mask", ast.BinOp(g, ast.Mult(), values)
        case "tanh", [x]:
            yield "tanh_of_exponentials", called(name("tanh_of_exponentials"), x)
            yield "sigmoid_for_tanh", called(name("sigmoid_of"), x)
        case "absolute", [x]:
            yield "absolute_left_out", x
    match node.func:
        case ast.Name(id="erf"):
            yield "of_polynomial", called(name("erf_of_polynomial"), *node.args)
        case ast.Name(id="erfc"):
            of = called(name("erf_of_polynomial"), *node.args)
            yield "of_polynomial", ast.BinOp(number(1), ast.Sub(), of)


def other_variables(node: ast.Name, context: Context) -> Iterator[Replacement]:
    """Another variable of the function for the one that is due."""
    if isinstance(node.ctx, ast.Load) and is_operand(node, context) and node.id not in context.scalars:
        for other in (*context.arguments, *context.variables):
            if other != node.id and not {node.id, other} <= {*context.arguments}:
                yield f"{node.id}_for_{other}", name(other)


def in_every_place(node: ast.Assign | ast.Return, context: Context) -> Iterator[Replacement]:
    """A variable for another wherever a statement names it, or wherever but in the first place; two exchanged."""
    known = dict.fromkeys([*context.arguments, *context.variables])
    named = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in known]
    direct = not any(each.startswith("dL_d") for each in named)
    for one, count in Counter(named).items():
        for other in (other for other in known if other != one):
            if count > 1 and not {one, other} <= {*context.arguments}:
                yield f"{one}_for_{other}_everywhere", _renamed(node, {one: other})
            if count > 2:
                yield f"{one}_for_{other}_but_in_the_first_place", _renamed(node, {one: other}, 1)
            if other in named and one < other and (len(named) > 2 or direct):
                yield f"{one}_and_{other}_exchanged", _renamed(node, {one: other, other: one})


def _renamed(statement: ast.stmt, names: Mapping[str, str], first: int = 0) -> ast.stmt:
    """A statement that reads other variables, from a place on: 0 is the first."""
    copy = deepcopy(statement)
    nodes = [n for n in ast.walk(copy) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset))[first:]:
        node.id = names[node.id]
    return copy


def default_axes(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """Another axis for the last one of a function that takes that where none is given."""
    if ast.unparse(node.func) in context.formulas and all(keyword.arg != "axis" for keyword in node.keywords):
        owner, _, text = ast.unparse(node.func).rpartition(".")
        function = getattr(context.constants[owner], text) if owner else context.constants[text]
        axis = inspect.signature(function).parameters.get("axis")
        if axis is not None and axis.default == -1:
            yield "axis_0_for_the_last", replaced(node, keywords=[*node.keywords, ast.keyword("axis", number(0))])


def exponentials(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """A sum of exponentials to which that of 0 is added, less what is taken off the others."""
    match node.func:
        case ast.Attribute(value=ast.Call(args=[ast.BinOp(op=ast.Sub(), right=largest)]) as inner, attr="sum"):
            if from_numpy(inner) == "exp":
                more = replaced(inner, args=[ast.UnaryOp(ast.USub(), copy(largest))])
                yield "one_more_of_0", ast.BinOp(node, ast.Add(), more)


def parentheses(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """A sum in parentheses that are left out, or put around one that has none: `g * 1 - t * t`, `(1 + x) * t`."""
    for side in ("left", "right"):
        inner = getattr(node, side)
        match node.op, inner:
            case ast.Mult() | ast.Div(), ast.BinOp(op=ast.Add() | ast.Sub()):
                how = "left_out"
            case ast.Add() | ast.Sub(), ast.BinOp(op=ast.Mult() | ast.Div()):
                how = "misplaced"
            case _:
                continue
        if side == "right":
            other = ast.BinOp(ast.BinOp(node.left, node.op, inner.left), inner.op, inner.right)
        else:
            other = ast.BinOp(inner.left, inner.op, ast.BinOp(inner.right, node.op, node.right))
        yield f"{side}_parentheses_{how}", other


def sums_of_a_parameter(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """An epsilon that is a floor, or under the root beside which it stands; a root that is not taken, or of which the
    inverse is taken for what is under it."""
    if isinstance(node.op, ast.Div) and isinstance(node.right, ast.Call) and from_numpy(node.right) == "sqrt":
        (under,) = node.right.args
        if isinstance(under, ast.BinOp) and {*_names(under.right)} & context.parameters:
            itself = ast.BinOp(node, under.op, under.right)
            yield "what_is_under_the_root", under
            yield "what_is_under_the_root_alone", under.left
            yield (
                "root_of_itself",
                ast.BinOp(node.left, node.op, replaced(node.right, args=[itself])),
            )
    if not isinstance(node.op, ast.Add) or not ({*_names(node.right)} & context.parameters):
        return
    yield "maximum_for_plus", called(attribute(name("np"), "maximum"), node.left, node.right)
    if isinstance(node.left, ast.Call) and from_numpy(node.left) == "sqrt":
        yield "added_inside_the_root", replaced(node.left, args=[ast.BinOp(node.left.args[0], ast.Add(), node.right)])


def _names(node: ast.expr) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def floors_of_a_parameter(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """A floor that is added, or stands under a root."""
    if from_numpy(node) != "maximum" or not ({*_names(node.args[1])} & context.parameters):
        return
    floored, floor = node.args
    squares = called(attribute(name("np"), "square"), floored)
    yield "plus_for_maximum", ast.BinOp(floored, ast.Add(), floor)
    root = attribute(name("np"), "sqrt")
    yield "maximum_of_the_square", called(root, replaced(node, args=[squares, floor]))
    for what, more in (("", floor), ("_squared", called(attribute(name("np"), "square"), floor))):
        yield f"plus{what}_in_a_root", called(root, ast.BinOp(squares, ast.Add(), more))


def other_counts(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """What is counted for a mean, or a mean over several axes, by other lengths than all of them."""
    if isinstance(node.func, ast.Name) and node.func.id in ("terms", "mean") and len(node.args) == 2:
        for which in COUNTS:
            yield f"mean_{which}", called(name(f"{node.func.id}_{which}"), *node.args)


def _terms(which: str, x: Any, axis: Any) -> int:
    shape = x if isinstance(x, tuple) else x.shape
    lengths = shape if axis is None else [shape[k] for k in np.atleast_1d(axis)]
    return max(COUNTS[which](list(lengths)), 1)


def _mean(which: str, x: Array, axis: Any) -> Array:
    return x.sum(axis=axis, keepdims=True) / _terms(which, x, axis)


def terms_times_an_argument(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """A term of a sum that an argument multiplies besides."""
    if isinstance(node.op, ast.Add | ast.Sub):
        for other in context.arguments:
            for side, term in (("left", node.left), ("right", node.right)):
                if not isinstance(term, ast.Constant):
                    more = ast.BinOp(name(other), ast.Mult(), term)
                    pair = (more, node.right) if side == "left" else (node.left, more)
                    yield f"{side}_term_times_{other}", ast.BinOp(pair[0], node.op, pair[1])


def infinities(node: ast.UnaryOp, context: Context) -> Iterator[Replacement]:
    """0 where what is least begins, as in padding before a maximum."""
    if ast.unparse(node) == "-np.inf":
        yield "0_for_the_least", number(0.0)


def axes(node: ast.keyword, context: Context) -> Iterator[Replacement]:
    """An axis that is not handed on."""
    if node.arg == "axis" and isinstance(node.value, ast.Name) and node.value.id in context.parameters:
        for axis in (-1, 0, 1):
            yield f"axis_always_{axis}".replace("-", "m"), ast.keyword("axis", number(axis))


def powers(node: ast.expr, context: Context) -> Iterator[Replacement]:
    """The square or the root of a value; 0, where it is handed on, so that no mutant leaves it out."""
    if is_operand(node, context) and isinstance(context.parent, ast.Call):
        yield "taken_as_0", called(attribute(name("np"), "zeros_like"), node)
    if is_operand(node, context) and not (isinstance(node, ast.Name) and node.id in context.scalars):
        yield "squared", called(attribute(name("np"), "square"), node)
        yield "root", called(attribute(name("np"), "sqrt"), node)


def in_half(node: ast.expr, context: Context) -> Iterator[Replacement]:
    """A value that is rounded to the half precision of the arguments; a product of matrices that is added up in it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "product_of_bfloat16", called(name("product_of_bfloat16"), node.left, node.right)
        yield "product_added_up_in_half", called(name("multiplied_in_half"), node.left, node.right)
    if is_operand(node, context) and not (isinstance(node, ast.Name) and node.id in context.scalars):
        yield "rounded_to_half", called(name("rounded_to_half"), node)


def _product_of_bfloat16(a: Array, b: Array) -> Array:
    """A product of operands of float32 that are rounded to bfloat16 first."""
    some = [x.astype(numpy_dtype("bfloat16")).astype(x.dtype) if x.dtype == np.float32 else x for x in (a, b)]
    return some[0] @ some[1]


def _sum_of(part: slice, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """The sum of a part of an axis that is longer than 1."""
    axes = axes_of(x, axis)
    some = x[tuple(part if k in axes and n > 1 else slice(None) for k, n in enumerate(x.shape))]
    return some.sum(axis=axis, keepdims=keepdims)


def _mixed(which: tuple[str, str], x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """One reduction along the first of several axes, and another along the others."""
    first, *others = axes_of(x, axis) or (None,)
    if first is None:
        return x
    found = getattr(getattr(x, which[1])(axis=tuple(others), keepdims=True), which[0])(axis=first, keepdims=True)
    return found if keepdims else np.squeeze(found, (first, *others))


def _tanh_of_exponentials(x: Array) -> Array:
    powers = np.exp(2 * x)
    return (powers - 1) / (powers + 1)


def _axes_after_the_first(x: Array) -> tuple[int, ...]:
    return tuple(range(1, x.ndim)) or (-1,)


_MIXED = {
    "sum_along_the_first_mean_along_others": ("sum", "mean"),
    "mean_along_the_first_sum_along_others": ("mean", "sum"),
}
COUNTS: Mapping[str, Callable[[list[int]], int]] = {
    "over_one_less": lambda lengths: math.prod(lengths) - 1,
    "over_the_first_axis_alone": lambda lengths: lengths[0] if lengths else 1,
    "over_the_last_axis_alone": lambda lengths: lengths[-1] if lengths else 1,
    "over_all_but_the_first_axis": lambda lengths: math.prod(lengths[1:]),
    "over_all_but_the_last_axis": lambda lengths: math.prod(lengths[:-1]),
}
"""What a mean over axes of some lengths may be divided by instead of their product."""
OTHER = (
    (ast.Name, other_variables),
    ((ast.Assign, ast.Return), in_every_place),
    ((ast.Name, ast.Call, ast.BinOp), powers),
    (ast.BinOp, sums_of_a_parameter),
    (ast.BinOp, parentheses),
    (ast.BinOp, terms_times_an_argument),
    (ast.UnaryOp, infinities),
    (ast.keyword, axes),
    (ast.Call, other_statistics),
    (ast.Call, other_functions),
    (ast.Call, other_counts),
    (ast.Call, default_axes),
    (ast.Call, exponentials),
    (ast.Call, floors_of_a_parameter),
    ((ast.Name, ast.Call, ast.BinOp), in_half),
)
OF_TEXT = tuple(row for row in ROWS if row[1] is not on_the_way)
"""What is changed on the way from step to step is changed in the own formula alone."""
ALIKE = (
    *("sum_", "mean_", "max_", "added_up", "all_but", "not_transposed", "plus_", "minus_", "operands_", "axis_"),
    *("1e_7", "1e_12", "0_for_the_least", "rounded_", *(f"{other}_for_relu" for other in ACTIVATIONS)),
)
"""How changes begin that a function may have in all places."""
NAMED = {
    **{f"{name}_of": function for name, (function, _) in ACTIVATIONS.items()},
    **{f"slope_of_{name}": slope for name, (_, slope) in ACTIVATIONS.items()},
    "erf_of_polynomial": erf_of_polynomial,
    "product_of_bfloat16": _product_of_bfloat16,
    **{f"terms_{which}": partial(_terms, which) for which in COUNTS},
    **{f"mean_{which}": partial(_mean, which) for which in COUNTS},
    **{one: partial(_mixed, which) for one, which in _MIXED.items()},
    "axes_after_the_first": _axes_after_the_first,
    "tanh_of_exponentials": _tanh_of_exponentials,
    **few.NAMED,
    "first_along": partial(_sum_of, slice(0, 1)),
    "last_along": partial(_sum_of, slice(-1, None)),
    "sum_of_all_but_first": partial(_sum_of, slice(1, None)),
    "sum_of_all_but_last": partial(_sum_of, slice(-1)),
}


@cache
def written_otherwise(op: str, direction: str) -> tuple[Function, ...]:
    """Other right formulas for the same, of which there is a text."""
    subject = operation(op)
    others = [each.function for each in subject.formulations[direction][1:]]
    signature = inspect.signature(subject.functions[direction]).parameters.keys()
    found = [f for f in others if inspect.isfunction(f) and inspect.signature(f).parameters.keys() == signature]
    own = f"{op}_{direction}"
    return (*(f for name, f in vars(usual).items() if name == own or name.startswith(f"{own}_apart")), *found)


def further_of(op: str, direction: str) -> Iterator[Fault]:
    """Mutants that are no part of the catalogue: of the formula, and of the same formula written otherwise."""
    yield from few_of(op, direction)
    yield from _by((*OF_TEXT, *OTHER), op, direction)


def few_of(op: str, direction: str) -> Iterator[Fault]:
    """Those of them that are tried before constants are fitted."""
    return _by(few.FEW, op, direction)


@made_once
def _by(rows: Rows, op: str, direction: str) -> Iterator[Fault]:
    half = _Half()
    in_half = {
        "rounded_to_half": half.rounded,
        "added_up_in_half": half.added_up,
        "multiplied_in_half": half.multiplied,
    }
    named = {fault.name for fault in mutants(op)}
    sound, parameters = widened(operation(op).functions[direction]), {*operation(op).parameters[direction]}
    own = (operation(op).functions[direction].__module__, direction)
    seen: set[object] = set()
    for base, each in _mutations(rows, op, direction):
        shared = each.definition[0].endswith(f".{op}")  # what other formulations use as this one does
        key = shared or each.entry, *map(_change, each.changes)
        if key in seen:
            continue
        seen.add(key)
        if _remembers(each) or (each.entry == own and each.name in named):
            continue
        fault, known = fault_of(op, direction, each, {**NAMED, **in_half}), _parameters(each.entry)
        if each.entry != own:
            mutant = partial(_or_sound, sound, _kept(base), fault.functions[direction])
            fault = replace(fault, functions={direction: mutant})
        if not parameters <= known:
            fault = _where_known(direction, known, sound, fault)
        if "half" in fault.name:
            fault = replace(fault, functions={direction: half.noting(fault.functions[direction])}, formula=None)
        yield fault


def _mutations(rows: Rows, op: str, direction: str) -> Iterator[tuple[Function, Mutation]]:
    """Of each formula, each change by itself, and then those that are alike together."""
    for function in (operation(op).functions[direction], *written_otherwise(op, direction)):
        single: list[Mutation] = []
        for each in mutations(op, direction, function, rows, REFUSAL_ROWS if rows is not few.FEW else ()):
            single.append(each)
            yield function, each
        yield from ((function, each) for each in alike(each for each in single if each.what.startswith(ALIKE)))


def _or_sound(sound: Function, base: Function, mutant: Function, *tensors: Array, **parameters: Any) -> Any:
    """A mutant of a formula that is written otherwise; what is sound, where that is the same without the change: what
    the formula itself loses is not the change's."""
    results = mutant(*tensors, **parameters)
    with suppress(Exception):
        pair = (found if isinstance(found, tuple) else (found,) for found in (results, base(*tensors, **parameters)))
        if all(one.tobytes() == other.tobytes() for one, other in zip(*pair, strict=True)):
            return sound(*tensors, **parameters)
    return results


@cache
def _kept(function: Function) -> Function:
    return remembered(widened(function))


@cache
def _parameters(entry: Definition) -> frozenset[str]:
    """What a function takes by itself, whatever a decorator adds."""
    return frozenset(inspect.signature(inspect.unwrap(vars(import_module(entry[0]))[entry[1]])).parameters)


def _where_known(direction: str, known: frozenset[str], sound: Function, fault: Fault) -> Fault:
    """A mutant of a formula that knows some parameters alone, as the fault of a function that has another one for
    others."""
    mutant = fault.functions[direction]

    def call(*tensors: Array, **parameters: Any) -> Any:
        return (mutant if parameters.keys() <= known else sound)(*tensors, **parameters)

    return replace(fault, functions={direction: call})


def _change(change: tuple[Site, ast.AST]) -> tuple[object, ...]:
    """What makes a change the same as another: trees are read once."""
    site, node = change
    return id(site.parent), site.field, site.index, ast.unparse(node)


def losing_digits(op: str, direction: str) -> Iterator[Fault]:
    """The formulas that are right but for digits, which they lose on the way, or range."""
    for each in operation(op).formulations[direction]:
        if not each.stable:
            said = f"Computed as {each.name}, which loses digits, or leaves the range of the dtype on the way."
            cure = "take a formula that does not, as that of the reference."
            yield faulty(op, "a formula that loses digits", direction, widened(each.function), wrong=said, cure=cure)


def _remembers(mutation: Mutation) -> bool:
    """Whether it keeps a state, which mutants of the own formula do as well."""
    return "_of_first_call" in mutation.name or "_of_call_before" in mutation.name
