"""The text of a skeleton: templates, filled in for each operation."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from string import Template
from textwrap import indent, wrap

from .. import adapters
from .operation_text import OperationText, operation_text
from .target import Commands

TEMPLATES = Path(__file__).parent / "templates"
PROTOCOL_OF_C = Path(adapters.__path__[0]) / "c" / "protocol.h"
LONGEST = 120
"""Characters of a line."""

Part = Callable[[OperationText], str]


def skeleton(style: str, ops: Iterable[str], commands: Commands) -> str:
    """The text of an adapter in a style for some operations."""
    described = [operation_text(op) for op in ops]
    python = style not in FOREIGN
    text = _filled(
        style,
        **vars(commands),
        protocol=PROTOCOL_OF_C.read_text(encoding="utf-8") if style == "c" else "",
        operations="\n\n".join(_operation(style, one) for one in described),
        table="\n".join(_row(style, one) for one in described),
    )
    lines = text.rstrip("\n").splitlines()
    return "\n".join(map(_wrapped, lines) if python else lines) + "\n"


def _operation(style: str, described: OperationText) -> str:
    """The functions of an operation: an example where there is one in this style, or else what is to be filled in."""
    example = TEMPLATES / f"{described.op}.{style}.txt"
    if not example.exists():
        return _BY_STYLE[style](described)
    text = example.read_text(encoding="utf-8")
    return text.rstrip("\n") if style in FOREIGN else text


def _wrapped(line: str) -> str:
    """Break a line of code that is too long: a string into several, all else such that what its first brackets hold has
    lines of its own."""
    if len(line) <= LONGEST:
        return line
    margin, code = line[: len(line) - len(line.lstrip())], line.lstrip()
    if code.startswith('"'):
        parts = wrap(code[1:-1], LONGEST - len(margin) - 3, drop_whitespace=False, break_on_hyphens=False)
        return "\n".join(f'{margin}"{part}"' for part in parts)
    if "(" not in code:
        line = line.replace("return ", "return (", 1) + ")"
    start, end = line.index("(") + 1, line.index(")")
    held = wrap(line[start:end], LONGEST - len(margin) - 4, break_on_hyphens=False)
    return f"{line[:start]}\n{indent(chr(10).join(held), margin + '    ')}\n{margin}{line[end:]}"


def _functions(described: OperationText) -> str:
    return "\n\n".join(_function(described, direction) for direction in described.operation.functions)


def _function(described: OperationText, direction: str) -> str:
    return _filled(
        "function",
        name=f"{described.op}_{direction}",
        signature=described.signature(direction),
        comment=described.comment(direction),
        unfilled=described.unfilled(f"{described.op}_{direction}", "return", direction),
    )


def _foreign(described: OperationText, style: str) -> str:
    """The functions of an operation in another language than Python."""
    return "\n\n".join(FOREIGN[style](described, direction) for direction in described.operation.functions)


def _comment(described: OperationText, direction: str, mark: str, indent: str) -> str:
    return described.comment(direction, indent).replace(f"{indent}# ", f"{indent}{mark} ")


def _javascript(described: OperationText, direction: str) -> str:
    options = ["options"] if described.operation.parameters[direction] else []
    taken = ", ".join([*described.operation.arguments[direction], *options])
    unfilled = f'  throw new Unsupported("{described.to_fill_in(direction)}");'
    return (
        f"function {described.op}_{direction}({taken}) {{\n{_comment(described, direction, '//', '  ')}\n{unfilled}\n}}"
    )


def _c(described: OperationText, direction: str) -> str:
    tensors = (described.operation.arguments[direction], described.operation.results[direction])
    lines = [
        f"static int {described.op}_{direction}(struct call *call)",
        "{",
        _comment(described, direction, "/*", "    ").replace("\n", " */\n") + " */",
        *(f"    enum {{ {', '.join(names)} }};" for names in tensors),
        "    (void)call;",
        f'    unsupported("{described.to_fill_in(direction)}");',
        "}",
    ]
    return "\n".join(lines)


def _rust(described: OperationText, direction: str) -> str:
    arguments = described.operation.arguments[direction]
    wrong = f"{len(arguments)} argument{'s are' if len(arguments) > 1 else ' is'} expected"
    lines = [
        f"fn {described.op}_{direction}(arguments: &[Tensor], options: &Json) -> Answer {{",
        _comment(described, direction, "//", "    "),
        f'    let [{", ".join(arguments)}] = arguments else {{ return refuse("{wrong}") }};',
        f'    unsupported("{described.to_fill_in(direction)}")',
        "}",
    ]
    return "\n".join(lines)


def _julia(described: OperationText, direction: str) -> str:
    lines = [
        f"function {described.op}_{direction}({', '.join(['options', *described.operation.arguments[direction]])})",
        described.comment(direction),
        f'    throw(Unsupported("{described.to_fill_in(direction)}"))',
        "end",
    ]
    return "\n".join(lines)


FOREIGN: dict[str, Callable[[OperationText, str], str]] = {
    "javascript": _javascript,
    "c": _c,
    "rust": _rust,
    "julia": _julia,
}
"""The function that writes a function in another language than Python, by style."""


def _layer(described: OperationText) -> str:
    """A class as lessons write it, and functions that make one for each call; a forward alone is a function."""
    if "backward" not in described.operation.functions:
        return _functions(described)
    op, own, handed = described.op, described.own(), described.handed()
    name, parameters = _class_name(op), described.operation.parameters["backward"]
    gradients = [f"d{result.removeprefix('dL_d')}" for result in described.operation.results["backward"]]
    outputs = described.operation.results.get("forward", ())
    outputs = ("output",) if len(outputs) == 1 else outputs
    made = ", ".join([*(f"*{first}.shape" for first in own[:1]), *(f"{name}={name}" for name in parameters)])
    fields = [f"        self.{name} = {name}" for name in parameters] or ["        pass"]
    keywords = described.operation.keywords("backward")
    keywords = keywords[1:] if own else keywords  # after *sizes
    parts = [
        _filled(
            "layer",
            layer=name,
            init=", ".join(["self", *(["*sizes"] if own else []), *keywords]),
            fields="\n".join(fields),
        )
    ]
    labels = [name for name in handed if name in described.operation.labels]
    back = [*described.upstreams(), *(labels if outputs else handed)]
    signatures = {"forward": handed, "backward": back} if outputs else {"backward": back}
    for method, taken in signatures.items():
        set_here = [f"self.{attribute}" for attribute in (outputs if method == "forward" else gradients)]
        unfilled = described.unfilled(f"{name}.{method}", "set", method, " " * 8, set_here)
        comment = described.comment(method, " " * 8)
        signature = ", ".join(["self", *taken])
        parts.append(_filled("layer-method", method=method, signature=signature, comment=comment, unfilled=unfilled))
    if outputs:
        arguments = described.operation.arguments["forward"]
        call = f"{op}_layer({', '.join([*arguments, *(f'{p}={p}' for p in parameters)])})"
        parts.append(
            _filled(
                "layer-calls",
                op=op,
                layer=name,
                made=made,
                signature=described.signature("forward"),
                set="".join(f"    layer.{tensor} = {tensor}\n" for tensor in own),
                handed=", ".join(handed),
                call=call,
                outputs=", ".join(f"layer.{output}" for output in outputs),
            )
        )
    parts.append(
        _filled(
            "layer-backward",
            op=op,
            layer=call if outputs else f"{name}({made})",
            signature=described.signature("backward"),
            handed=", ".join(back),
            results=", ".join(f"layer.{gradient}" for gradient in gradients),
        )
    )
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _autodiff(described: OperationText) -> str:
    """A forward function and the framework's gradient; by hand what is forward or backward alone."""
    if len(described.operation.functions) == 1:
        return _functions(described)
    return _filled(
        "autodiff-operation",
        op=described.op,
        signature=described.signature("forward"),
        comment=described.comment("forward"),
        unfilled=described.unfilled(described.op, "return", "forward"),
        both=_both(described),
    )


def _torch(described: OperationText) -> str:
    """A class of torch.autograd.Function, and the function that applies it."""
    if len(described.operation.functions) == 1:
        return _functions(described)
    name = _class_name(described.op)
    taken = [*described.operation.arguments["forward"], *described.operation.parameters["forward"]]
    texts = {
        f"{direction}_{what}": text
        for direction in ("forward", "backward")
        for what, text in (
            ("comment", described.comment(direction, " " * 8)),
            ("unfilled", described.unfilled(f"{name}.{direction}", "return", direction, " " * 8)),
        )
    }
    return _filled(
        "torch-operation",
        op=described.op,
        layer=name,
        names=", ".join(taken),
        upstreams=", ".join(described.upstreams()),
        signature=described.signature("forward"),
        both=_both(described),
        **texts,
    )


def _both(described: OperationText) -> str:
    """The line that makes forward and backward of a function of the framework's tensors."""
    op, arguments = described.op, described.operation.arguments["forward"]
    labels = len(described.operation.labels.intersection(arguments))
    made = f"framework.{'both_of_loss' if labels else 'both'}({op}{f', constants={labels}' if labels > 1 else ''})"
    if labels == 1 and arguments[-1] not in described.operation.labels:
        (at,) = (k for k, argument in enumerate(arguments) if argument in described.operation.labels)
        made = f"framework.both_with_indices({op}, {at})"
    both = f"{op}_forward, {op}_backward = {made}"
    return both if len(both) <= LONGEST else f"_both = {made}\n{op}_forward, {op}_backward = _both"


_BY_STYLE: dict[str, Part] = {
    "functions": _functions,
    "layers": _layer,
    "torch": _torch,
    "autodiff": _autodiff,
    "command": _functions,
    **{style: partial(_foreign, style=style) for style in FOREIGN},
}
"""The function that writes an operation, by style."""


def _row(style: str, described: OperationText) -> str:
    """An operation's entry in a harness's table of functions."""
    functions = {direction: f"{described.op}_{direction}" for direction in described.operation.functions}
    match style:
        case "c":
            both = ", ".join(functions.get(direction, "NULL") for direction in ("forward", "backward"))
            taken = dict.fromkeys(name for names in described.operation.parameters.values() for name in names)
            parameters = ", ".join(f'"{name}"' for name in taken) or "0"
            return f'    {{"{described.op}", {both}, {{{parameters}}}}},'
        case "rust":
            pairs = ", ".join(f'("{direction}", {function})' for direction, function in functions.items())
            return f'    ("{described.op}", &[{pairs}]),'
        case "julia":
            pairs = ", ".join(f'"{direction}" => {function}' for direction, function in functions.items())
            return f'    "{described.op}" => Dict({pairs}),'
    quote, indent = ("", "  ") if style == "javascript" else ('"', "    ")
    lines = (f"{indent * 2}{quote}{direction}{quote}: {function}," for direction, function in functions.items())
    return "\n".join([f"{indent}{quote}{described.op}{quote}: {{", *lines, f"{indent}}},"])


def _class_name(op: str) -> str:
    return "".join(map(str.capitalize, op.split("_")))


def _filled(template: str, **words: str) -> str:
    return Template((TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)
