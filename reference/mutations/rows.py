"""The mutations of a formula's text: a row says which node of the syntax tree it takes and what the node becomes.

A row yields pairs: what happens, in words that make an identifier ("sum_to_mean"), and the node that takes the place of
the one given. Names of functions are read as NumPy's; everything else is read off the tree alone, so that the rows
hold for the formula of any operation.
"""

# ruff: noqa: ARG001 (every row is given the context)

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .approximations import APPROXIMATIONS
from .changes import INTERMEDIATE

Replacement = tuple[str, ast.AST]
Row = Callable[[Any, "Context"], Iterator[Replacement]]
Rows = tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], Row], ...]
"""Which nodes each row takes, in the order in which mutants are listed."""


@dataclass(frozen=True)
class Context:
    """What a row may know of the surroundings of a node."""

    parent: ast.AST
    strings: tuple[str, ...] = ()
    """The strings that the formula compares its parameters with: ("none", "sum", "mean")."""
    formulas: frozenset[str] = frozenset()
    """The functions of the formula that compute tensors and that the text names, as it names them ("relu.forward")."""
    own: bool = True
    """Whether the function is the operation's own or a helper of several: another operation's tensors are changed on
    their way in its own mutants."""
    results: frozenset[str] = frozenset()
    """The names that the function returns, which wrappers change."""
    arguments: tuple[str, ...] = ()
    """The tensors that the function takes."""
    wrapped: Mapping[str, int] = field(default_factory=dict)
    """How often the operation's function uses each of its arguments, which wrappers change for all uses together."""
    variables: tuple[str, ...] = ()
    """The names that the function gives to what it computes."""
    scalars: frozenset[str] = frozenset()
    """What the function takes beside tensors."""
    parameters: frozenset[str] = frozenset()
    """What the operation takes beside tensors."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """What the function's module has, by name."""


OPERATORS: dict[type[ast.operator], tuple[str, type[ast.operator], str]] = {
    ast.Add: ("plus", ast.Sub, "minus"),
    ast.Sub: ("minus", ast.Add, "plus"),
    ast.Mult: ("times", ast.Div, "over"),
    ast.Div: ("over", ast.Mult, "times"),
    ast.BitOr: ("or", ast.BitAnd, "and"),
    ast.BitAnd: ("and", ast.BitOr, "or"),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, dict[str, type[ast.cmpop]]]] = {
    ast.Gt: ("gt", {"ge": ast.GtE, "lt": ast.Lt, "ne": ast.NotEq}),
    ast.GtE: ("ge", {"gt": ast.Gt, "lt": ast.Lt}),
    ast.Lt: ("lt", {"le": ast.LtE, "gt": ast.Gt}),
    ast.LtE: ("le", {"lt": ast.Lt, "gt": ast.Gt}),
    ast.Eq: ("eq", {"ne": ast.NotEq, "ge": ast.GtE, "le": ast.LtE}),
    ast.NotEq: ("ne", {"eq": ast.Eq}),
}
LIKE = {
    "exp": ("exp2", "expm1", *APPROXIMATIONS),
    "log": ("log2", "log1p"),
    "log1p": ("log",),
    "expm1": ("exp",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "sqrt": ("abs",),
    "square": ("abs",),
    "abs": ("positive",),
    "sign": ("positive",),
    "tanh": ("sin", "arctan"),
    "sin": ("cos",),
    "cos": ("sin",),
}
"""NumPy's functions that are taken one for another."""
ARRAYS = (*LIKE, "where", "divide", "multiply")
MOST_ARGUMENTS = 4
"""So many arguments or fewer are exchanged one for another; of more, only those whose names differ by a number."""
REDUCTIONS = {"sum": ("mean", "max"), "mean": ("sum",), "max": ("min", "mean"), "min": ("max",)}
EPSILONS = {"1e_7": 1e-7, "1e_12": 1e-12}


def name(text: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(text, ast.Load())


def attribute(value: ast.expr, text: str) -> ast.Attribute:
    """An attribute that is read."""
    return ast.Attribute(value, text, ast.Load())


def called(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """A call."""
    return ast.Call(function, list(arguments), [])


def number(value: complex) -> ast.expr:
    """A literal number."""
    return ast.Constant(value)


def from_numpy(node: ast.Call) -> str | None:
    """The name of the NumPy function that is called, None for another."""
    match node.func:
        case ast.Attribute(value=ast.Name(id="np"), attr=called_name):
            return called_name
    return None


def method(node: ast.Call) -> tuple[ast.expr, str] | None:
    """The object and the name of a method that is called; None for a function of a module or for a plain name."""
    match node.func:
        case ast.Attribute(value=ast.Name(id="np")):
            return None
        case ast.Attribute(value=value, attr=text) if text in REDUCTIONS:
            return value, text
    return None


def replaced(node: ast.Call, **fields: Any) -> ast.Call:
    """The same call with other fields."""
    return ast.Call(**{"func": node.func, "args": node.args, "keywords": node.keywords, **fields})


def arithmetic(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """An operator for another, its operands exchanged, one of them left out."""
    left, right, operator = node.left, node.right, type(node.op)
    if operator in OPERATORS:
        said, other, by = OPERATORS[operator]
        yield f"{said}_to_{by}", ast.BinOp(left, other(), right)
    if operator in (ast.Sub, ast.Div):
        yield "operands_exchanged", ast.BinOp(right, node.op, left)
    if operator is ast.MatMult:
        yield "factors_exchanged", ast.BinOp(right, node.op, left)
        for side, operand in (("left", left), ("right", right)):
            if not isinstance(operand, ast.Attribute):
                turned = attribute(operand, "T")
                yield (
                    f"{side}_transposed",
                    ast.BinOp(turned, node.op, right) if side == "left" else ast.BinOp(left, node.op, turned),
                )
    else:
        for side, kept in (("right", left), ("left", right)):
            if not isinstance(kept, ast.Constant):
                yield f"{side}_of_{OPERATORS.get(operator, ('operator',))[0]}_left_out", kept
    if operator is ast.Div and not isinstance(right, ast.Constant):
        yield from _epsilons(right, lambda denominator: ast.BinOp(left, node.op, denominator), "denominator")
        yield "over_twice", ast.BinOp(node, ast.Div(), right)


def _epsilons(value: ast.expr, around: Callable[[ast.expr], ast.AST], place: str) -> Iterator[Replacement]:
    for said, epsilon in EPSILONS.items():
        yield f"{said}_in_the_{place}", around(ast.BinOp(value, ast.Add(), number(epsilon)))


def signs(node: ast.UnaryOp, context: Context) -> Iterator[Replacement]:
    """A sign or a negation left out."""
    if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "minus_left_out", node.operand
    if isinstance(node.op, ast.Not | ast.Invert):
        yield "not_left_out", node.operand


def transposes(node: ast.Attribute, context: Context) -> Iterator[Replacement]:
    """A transpose left out."""
    if node.attr == "T":
        yield "not_transposed", node.value


def comparisons(node: ast.Compare, context: Context) -> Iterator[Replacement]:
    """A comparison for another; a threshold moved."""
    if len(node.ops) > 1 or type(node.ops[0]) not in COMPARISONS:
        return
    said, others = COMPARISONS[type(node.ops[0])]
    texts = isinstance(node.comparators[0], ast.Constant) and isinstance(node.comparators[0].value, str)
    for by, operator in others.items():
        if not texts or by == "ne":
            yield f"{said}_to_{by}", ast.Compare(node.left, [operator()], node.comparators)
    right = node.comparators[0]
    if isinstance(right, ast.Constant) and right.value == 0 and isinstance(context.parent, ast.Call):
        for said, threshold in (("a_millionth", 1e-6), ("minus_a_millionth", -1e-6)):
            yield f"threshold_{said}", ast.Compare(node.left, node.ops, [number(threshold)])


def constants(node: ast.Constant, context: Context) -> Iterator[Replacement]:
    """A number moved: by 1, doubled, halved, its sign lost."""
    inside = context.parent
    if type(node.value) not in (int, float) or isinstance(
        inside, ast.keyword | ast.Slice | ast.Subscript | ast.UnaryOp
    ):
        return
    if isinstance(inside, ast.Compare) and isinstance(node.value, int):
        return
    value: Any = node.value
    said = str(value).replace("-", "m").replace(".", "_").replace("+", "")
    if value == 0:
        yield "0_to_1", number(1)
        yield "0_to_minus_1", number(-1)
        return
    yield f"{said}_doubled", number(2 * value)
    yield f"{said}_halved", number(value / 2)
    yield f"{said}_to_0", number(0)
    if isinstance(value, int):
        yield f"{said}_plus_1", number(value + 1)


def calls(node: ast.Call, context: Context) -> Iterator[Replacement]:
    """A function for its like, arguments exchanged, a step left out or taken twice; branches of `where`."""
    function = from_numpy(node)
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    if function in LIKE:
        for other in LIKE[function]:
            like = name(other) if other in APPROXIMATIONS else attribute(name("np"), other)
            yield f"{function}_to_{other}", replaced(node, func=like)
    if function == "where" and len(plain) == 3:
        condition, yes, no = plain
        yield "branches_exchanged", replaced(node, args=[condition, no, yes])
        yield "always_first_branch", yes if not isinstance(yes, ast.Constant) else _filled(no, yes)
        yield "always_second_branch", no if not isinstance(no, ast.Constant) else _filled(yes, no)
        if isinstance(no, ast.Constant) and not isinstance(yes, ast.Constant):
            leak = ast.BinOp(yes, ast.Mult(), number(0.01))
            yield "a_hundredth_leaks", replaced(node, args=[condition, yes, leak])
            yield "times_mask", ast.BinOp(yes, ast.Mult(), condition)
    elif function in ("maximum", "minimum") and isinstance(plain[1], ast.Constant):
        yield "left_out", plain[0]
        leak = ast.BinOp(plain[0], ast.Mult(), number(0.01))
        yield "a_hundredth_leaks", replaced(node, args=[plain[0], leak])
    elif function == "log":
        yield from _epsilons(plain[0], lambda inside: replaced(node, args=[inside]), "logarithm")
        yield "left_out", plain[0]
    elif function in LIKE and len(plain) == 1:
        yield "left_out", plain[0]
    elif ast.unparse(node.func) in context.formulas and isinstance(context.parent, ast.expr | ast.Assign | ast.Return):
        yield from _of_formula(node, plain, context)
    if (found := method(node)) is not None:
        yield from _of_reduction(node, *found)
    if ast.unparse(node.func) == "len" and len(plain) == 1:
        yield "len_to_size", attribute(plain[0], "size")
        yield "len_to_last_axis", ast.Subscript(attribute(plain[0], "shape"), number(-1), ast.Load())
        yield "len_of_first_call", called(name("of_first_call"), node)


def _filled(like: ast.expr, value: ast.expr) -> ast.expr:
    return ast.BinOp(ast.BinOp(like, ast.Mult(), number(0)), ast.Add(), value)


def _of_formula(node: ast.Call, plain: list[ast.expr], context: Context) -> Iterator[Replacement]:
    """Of a call of one of the formula's own functions."""
    for i in range(len(plain) - 1):
        one, other = plain[i], plain[i + 1]
        if all(
            isinstance(x, ast.Name | ast.Call) and _last(x) not in {*context.parameters, "len"} for x in (one, other)
        ):
            said = "_".join(_last(argument) for argument in (one, other))
            yield f"{said}_exchanged", replaced(node, args=[*plain[:i], other, one, *plain[i + 2 :]])
    if plain:
        yield "left_out", plain[0]
        if len(plain) == 1 and {keyword.arg for keyword in node.keywords} <= {"axis"}:
            yield "taken_twice", replaced(node, args=[node])


def _last(node: ast.expr) -> str:
    """A short word for an argument: its name without `dL_`, or the name of the function that it comes from."""
    if isinstance(node, ast.Call):
        return _last(node.func)
    text = ast.unparse(node).rpartition(".")[2].removeprefix("dL_")
    return text if text.isidentifier() else "value"


def _of_reduction(node: ast.Call, value: ast.expr, text: str) -> Iterator[Replacement]:
    """Of a sum, mean or maximum: another, another axis, kept dimensions, left out."""
    for other in REDUCTIONS[text]:
        yield f"{text}_to_{other}", replaced(node, func=attribute(value, other))
    if text in ("sum", "max"):
        yield f"{text}_without_nan", ast.Call(attribute(name("np"), f"nan{text}"), [value], node.keywords)
    yield f"{text}_left_out", value
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    axis = keywords.get("axis")
    if axis is not None:
        written = ast.unparse(axis)
        for said, along in (("0", number(0)), ("1", number(1)), ("last", number(-1)), ("none", ast.Constant(None))):
            if ast.unparse(along) != written:
                yield f"{text}_over_axis_{said}", _with(node, axis=along)
    kept = "keepdims" in keywords
    yield f"{text}_{'flat' if kept else 'keeps_its_axis'}", _with(node, keepdims=ast.Constant(not kept))


def _with(node: ast.Call, **changed: ast.expr) -> ast.Call:
    kept = [keyword for keyword in node.keywords if keyword.arg not in changed]
    return replaced(node, keywords=[*kept, *(ast.keyword(arg, value) for arg, value in changed.items())])


def parameters(node: ast.keyword, context: Context) -> Iterator[Replacement]:
    """A parameter that is not handed on."""
    if isinstance(node.value, ast.Name) and node.arg == node.value.id and node.arg in context.parameters:
        for text in context.strings:
            yield f"{node.arg}_always_{text}", ast.keyword(node.arg, ast.Constant(text))


def conditions(node: ast.If | ast.IfExp, context: Context) -> Iterator[Replacement]:
    """A condition that always or never holds."""
    refuses = isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise)
    fields: dict[str, Any] = {"test": node.test, "body": node.body, "orelse": node.orelse}
    if refuses:
        yield "not_refused", type(node)(**{**fields, "test": ast.Constant(False)})
        return
    for said, value in (("always", True), ("never", False)):
        yield f"{_condition(node.test)}_{said}", type(node)(**{**fields, "test": ast.Constant(value)})


def _condition(test: ast.expr) -> str:
    words = "".join(c if c.isalnum() else " " for c in ast.unparse(test)).split()
    return "if_" + "_".join(words[:6])


def bounds(node: ast.BinOp, context: Context) -> Iterator[Replacement]:
    """One of two bounds left out."""
    if isinstance(node.op, ast.BitOr):
        yield "first_bound_left_out", node.right
        yield "second_bound_left_out", node.left


def alternatives(node: ast.BoolOp, context: Context) -> Iterator[Replacement]:
    """One of several conditions left out, all for any."""
    for i, value in enumerate(node.values):
        others = [*node.values[:i], *node.values[i + 1 :]]
        rest = others[0] if len(others) == 1 else ast.BoolOp(node.op, others)
        yield f"{_condition(value)}_left_out", rest
    yield "and_or_exchanged", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def results(node: ast.Return, context: Context) -> Iterator[Replacement]:
    """Results in another order."""
    if isinstance(node.value, ast.Tuple):
        elements = node.value.elts
        for i in range(len(elements) - 1):
            order = [*elements[:i], elements[i + 1], elements[i], *elements[i + 2 :]]
            said = "_".join(_last(element) for element in elements[i : i + 2])
            yield f"{said}_in_another_order", ast.Return(ast.Tuple(order, ast.Load()))


def names(node: ast.Name, context: Context) -> Iterator[Replacement]:
    """The upstream left out, an argument for another, a parameter that is not handed on."""
    if not isinstance(node.ctx, ast.Load):
        return
    if node.id in context.parameters and isinstance(context.parent, ast.Call):
        for text in context.strings:
            yield f"{node.id}_always_{text}", ast.Constant(text)
    if not is_operand(node, context):
        return
    word = _last(node)
    if node.id.startswith("dL_d"):
        yield f"{word}_taken_as_1", called(attribute(name("np"), "ones_like"), node)
    for other in context.arguments if node.id in context.arguments else ():
        alike = other.rstrip("0123456789") == node.id.rstrip("0123456789")
        if other != node.id and (alike or len(context.arguments) <= MOST_ARGUMENTS):
            yield f"{word}_for_{_last(name(other))}".replace("_for_", "_replaced_by_"), name(other)


def is_operand(node: ast.expr, context: Context) -> bool:
    """Whether values are computed from an expression where it stands."""
    match context.parent:
        case ast.BinOp() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.Attribute(attr=attr):
            return attr == "T" or attr in REDUCTIONS
        case ast.Call() as call:
            return node in call.args and (from_numpy(call) in ARRAYS or ast.unparse(call.func) in context.formulas)
    return False


def axes(node: ast.Subscript, context: Context) -> Iterator[Replacement]:
    """A new axis on the other side, or none."""
    if isinstance(node.slice, ast.Tuple) and any(ast.unparse(index) == "None" for index in node.slice.elts):
        turned = ast.Tuple([*reversed(node.slice.elts)], ast.Load())
        yield "axis_on_the_other_side", ast.Subscript(node.value, turned, ast.Load())
        yield "axis_left_out", node.value


def on_the_way(node: ast.expr, context: Context) -> Iterator[Replacement]:
    """A tensor changed on its way from one step to the next: rounded, kept from an earlier call, the first row's."""
    if not context.own or not is_operand(node, context):
        return
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load) or node.id in context.parameters:
            return
        if node.id in context.scalars:
            if isinstance(context.parent, ast.BinOp):
                yield f"{node.id}_of_first_call", called(name("of_first_call"), node)
            return
    elif isinstance(node, ast.Call):
        if not (from_numpy(node) in ARRAYS or method(node) or ast.unparse(node.func) in context.formulas):
            return
    elif not isinstance(context.parent, ast.Call):
        return
    word = _last(node) if isinstance(node, ast.Name | ast.Call) else "operand"
    if isinstance(node, ast.Name) and node.id in context.wrapped:
        if context.wrapped[node.id] == 1:
            return
        word += "_here"
    for change in INTERMEDIATE:
        yield f"{word}_{change}", called(name(change), node)


ROWS: Rows = (
    (ast.BinOp, arithmetic),
    (ast.UnaryOp, signs),
    (ast.Attribute, transposes),
    (ast.Compare, comparisons),
    (ast.Constant, constants),
    (ast.Call, calls),
    (ast.keyword, parameters),
    ((ast.If, ast.IfExp), conditions),
    (ast.BoolOp, alternatives),
    (ast.Return, results),
    (ast.Name, names),
    (ast.Subscript, axes),
    ((ast.Name, ast.Call, ast.BinOp, ast.UnaryOp), on_the_way),
)
REFUSAL_ROWS: Rows = (
    (ast.If, conditions),
    (ast.BoolOp, alternatives),
    (ast.BinOp, bounds),
)
"""The same for an `if` that raises: a mutant refuses less. One that refused more would fail everywhere."""
