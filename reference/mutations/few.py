"""Changes of a formula's text that serve the diagnosis alone, are few, and are tried before constants are fitted."""

# ruff: noqa: ARG001 (every row is given the context)

import ast
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..arithmetic.protocol import Constant
from ..model.convolution import Windows, cropped
from .blocks import axes_of
from .rows import Context, Replacement, Rows, attribute, called, from_numpy, method, name, number, replaced

Array = Any


def slopes(node: ast.Name, context: Context) -> Iterator[Replacement]:
    """A slope that is another function of what stands beside it, the value of the function whose slope it is."""
    value = node.id.removeprefix("slope_")
    if isinstance(node.ctx, ast.Load) and value != node.id and value in context.variables:
        yield "the_value", name(value)
        yield "one_less_the_value", ast.BinOp(number(1), ast.Sub(), name(value))
        for of in ("sigmoid", "tanh"):
            yield f"{of}_of_the_value", called(name(f"{of}_of"), name(value))
            yield f"slope_of_{of}_at_the_value", called(name(f"slope_of_{of}"), name(value))


def shifted_bounds(node: ast.Compare, context: Context) -> Iterator[Replacement]:
    """A bound of places, as that of a causal mask or a window, that is one more, or one less."""
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.LtE) and not isinstance(node.left, ast.Constant):
        for said, moved in (("one_more", ast.Add()), ("one_less", ast.Sub())):
            bound = ast.BinOp(node.comparators[0], moved, number(1))
            yield f"{said}_in_the_bound", ast.Compare(node.left, node.ops, [bound])


def other_lengths(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """The product of all lengths but the last for the number of rows."""
    if ast.unparse(node.func) == "len" and len(node.args) == 1:
        shape = attribute(node.args[0], "shape")
        rows = ast.Subscript(shape, ast.Slice(upper=number(-1)), ast.Load())
        yield "len_of_all_axes_but_the_last", called(attribute(name("math"), "prod"), rows)


def other_factors(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """A product over the length of another argument; a division by the square of a sum, taken term by term; a power
    that is taken in float32; of two floors of factors, one of their product."""
    left, right = node.left, node.right
    if isinstance(node.op, ast.MatMult):
        for argument in context.arguments:
            length = ast.Subscript(attribute(name(argument), "shape"), number(-1), ast.Load())
            yield f"cut_to_the_columns_of_{argument}", called(name("product_of_the_first"), length, left, right)
    match node:
        case ast.BinOp(ast.BinOp(x, ast.Div(), one), ast.Div(), ast.BinOp(a, op, b) as other) if _same(one, other):
            yield "square_of_a_sum_by_terms", ast.BinOp(x, ast.Div(), ast.BinOp(_square(a), op, _square(b)))
        case ast.BinOp(ast.Constant(value=1), ast.Sub(), ast.BinOp(base, ast.Pow(), exponent)):
            yield "rounded_power", called(name("one_less_the_power_in_float32"), base, exponent)
        case ast.BinOp(ast.Call(args=[a, floor]) as one, ast.Mult(), ast.Call(args=[b, other]) as two):
            if from_numpy(one) == from_numpy(two) == "maximum" and _same(floor, other):
                yield "floor_of_the_product", replaced(one, args=[ast.BinOp(a, ast.Mult(), b), floor])


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.unparse(one) == ast.unparse(other)


def _square(x: ast.expr) -> ast.expr:
    return ast.BinOp(x, ast.Mult(), x)


def one_bound(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """One of two bounds of a value taken as that of its magnitude."""
    match node:
        case ast.BinOp(ast.Compare(one_of) as one, ast.BitAnd(), ast.Compare(of) as other) if _same(one_of, of):
            magnitude = called(attribute(name("np"), "absolute"), one.left)
            for said, compared in (("second", other), ("first", one)):
                bound = called(attribute(name("np"), "absolute"), compared.comparators[0])
                yield f"magnitude_below_the_{said}_bound", ast.Compare(magnitude, other.ops, [bound])


def steps_of_a_list(node: ast.Subscript, context: Context) -> Iterator[Replacement]:
    """What is before each step of a recurrence, taken as what is after it, or at the first step alone."""
    if isinstance(node.slice, ast.Slice) and ast.unparse(node.slice) == ":-1" and isinstance(node.ctx, ast.Load):
        after = ast.Subscript(node.value, ast.Slice(lower=number(1)), ast.Load())
        yield "of_the_step_after", after
        first = ast.Subscript(node.value, ast.Slice(number(1), number(2)), ast.Load())
        yield (
            "of_the_step_after_in_the_first",
            ast.BinOp(first, ast.Add(), ast.Subscript(node.value, ast.Slice(number(1), number(-1)), ast.Load())),
        )
        first = ast.Subscript(node.value, ast.Slice(upper=number(1)), ast.Load())
        yield (
            "of_the_step_before",
            ast.BinOp(first, ast.Add(), ast.Subscript(node.value, ast.Slice(upper=number(-2)), ast.Load())),
        )


def written(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """What overlapping windows give, written over instead of added up: the last stays."""
    if ast.unparse(node.func) == "added_up" and len(node.args) == 2:
        for how in WRITTEN:
            yield how, called(name(how), *node.args)


def _written(by_window: bool, zeros: bool, columns: Array, windows: Windows) -> Array:
    """The last that is written to each place: element by element of the kernel, or window by window."""
    n, groups, channels, taps, count = columns.shape
    values = np.swapaxes(columns, -1, -2) if by_window else columns
    places = (windows.places.T if by_window else windows.places).reshape(-1)
    found = np.zeros((n, groups, channels, windows.padded[0] * windows.padded[1]), columns.dtype)
    for place, value in zip(places, np.moveaxis(values.reshape(n, groups, channels, taps * count), -1, 0), strict=True):
        found[..., place] = value if zeros else np.where(value == 0, found[..., place], value)
    return cropped(found, windows)


WRITTEN = {
    "last_written": partial(_written, False, True),
    "last_written_of_those_not_0": partial(_written, False, False),
    "last_written_by_window": partial(_written, True, True),
    "last_written_by_window_of_those_not_0": partial(_written, True, False),
}
"""How windows are written over each other."""


def means_of_fewer(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """A mean over as many as a correction leaves, as the one that is taken off before a variance."""
    found = method(node)
    axis = next((keyword.value for keyword in node.keywords if keyword.arg == "axis"), None)
    if found and found[1] == "mean" and axis is not None and "correction" in context.parameters:
        less = ast.BinOp(called(name("length_along"), found[0], axis), ast.Sub(), name("correction"))
        yield "mean_over_correction_fewer", ast.BinOp(replaced(node, func=attribute(found[0], "sum")), ast.Div(), less)


def capped_twice(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """The slope of a cap, at what is capped already."""
    if from_numpy(node) == "square" and isinstance(node.args[0], ast.BinOp) and isinstance(node.args[0].op, ast.Div):
        yield "square_of_tanh", replaced(node, args=[called(attribute(name("np"), "tanh"), node.args[0])])


def rounded_constants(node: ast.Name, context: Context) -> Iterator[Replacement]:
    """A constant of the module, which is written in capitals, to some decimals."""
    known = context.constants.get(node.id)
    if isinstance(node.ctx, ast.Load) and node.id.isupper() and isinstance(known, float | Constant):
        for places in range(2, 9):
            yield f"rounded_constants_{places}", number(round(float(known), places))


def _one_less_the_power_in_float32(base: Any, exponent: float) -> np.float32:
    return np.float32(1) - np.float32(base) ** np.float32(exponent)


def _length_along(x: Array, axis: Any) -> np.float64:
    return np.float64(math.prod(x.shape[k] for k in axes_of(x, axis)))


def _product_of_the_first(n: int, a: Array, b: Array) -> Array:
    return a[..., :n] @ b[..., :n, :] if 0 < n < a.shape[-1] and b.ndim > 1 else a @ b


FEW: Rows = (
    (ast.Name, slopes),
    (ast.Compare, shifted_bounds),
    (ast.Call, other_lengths),
    (ast.BinOp, other_factors),
    (ast.BinOp, one_bound),
    (ast.Subscript, steps_of_a_list),
    (ast.Call, written),
    (ast.Call, means_of_fewer),
    (ast.Call, capped_twice),
    (ast.Name, rounded_constants),
)
"""Changes that are few, and come before constants and changes of every variable, which take time to be made."""


NAMED: Mapping[str, Any] = {
    "math": math,
    "one_less_the_power_in_float32": _one_less_the_power_in_float32,
    "length_along": _length_along,
    "product_of_the_first": _product_of_the_first,
    **WRITTEN,
}
"""What the texts name."""
