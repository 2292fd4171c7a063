"""The text of a skeleton: templates, filled in for each operation."""

from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template
from textwrap import indent, wrap

from .operation_text import OperationText, operation_text

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 120
"""Characters of a line."""

Part = Callable[[OperationText], str]


def skeleton(style: str, ops: Iterable[str], invocation: str, doctor: str) -> str:
    """The text of an adapter in a style for some operations. `invocation` and `doctor` are the commands that run it."""
    described = [operation_text(op) for op in ops]
    text = _filled(
        style,
        run=invocation,
        doctor=doctor,
        operations="\n\n".join(map(_BY_STYLE[style], described)),
        table="\n".join(map(_row, described)),
    )
    return "\n".join(map(_wrapped, text.rstrip("\n").splitlines())) + "\n"


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


def _layer(described: OperationText) -> str:
    """A class, and functions that make an object of it for each call; a forward alone is a function."""
    if "backward" not in described.operation.functions:
        return _functions(described)
    own, parameters = described.own(), list(described.operation.parameters["backward"])
    kept, made = [*own, *parameters], ", ".join([*own, *(f"{name}={name}" for name in parameters)])
    of_class = ", ".join(["self", *own, *described.operation.keywords("backward")])
    name, handed = _class_name(described.op), described.handed()
    has_forward = "forward" in described.operation.functions
    layer = {"layer": name, "made": made}
    parts = [f"class {name}:"]
    if kept:
        fields = "\n".join(f"        self.{field} = {field}" for field in kept)
        parts.append(f"    def __init__({of_class}):\n{fields}\n")
    if has_forward:
        parts.append(
            _filled(
                "layer-forward",
                **layer,
                signature=", ".join(["self", *handed]),
                comment=described.comment("forward", " " * 8),
                unfilled=described.unfilled(f"{name}.forward", "return", "forward", " " * 8),
            )
        )
    parts.append(
        _filled(
            "layer-backward",
            **layer,
            signature=", ".join(["self", *described.upstreams(), *([] if has_forward else handed)]),
            comment=described.comment("backward", " " * 8),
            unfilled=described.unfilled(f"{name}.backward", "set self's", "backward", " " * 8),
        )
    )
    if has_forward:
        parts.append(
            _filled(
                "layer-forward-call",
                **layer,
                op=described.op,
                signature=described.signature("forward"),
                handed=", ".join(handed),
            )
        )
    parts.append(
        _filled(
            "layer-backward-call",
            **layer,
            op=described.op,
            signature=described.signature("backward"),
            forward=f"    layer.forward({', '.join(handed)})\n" if has_forward else "",
            handed=", ".join([*described.upstreams(), *([] if has_forward else handed)]),
            results=", ".join(f"layer.{result}" for result in described.operation.results["backward"]),
        )
    )
    return "\n".join(parts)


def _autodiff(described: OperationText) -> str:
    """A forward function and the framework's gradient; by hand what is forward or backward alone."""
    if len(described.operation.functions) == 1:
        return _functions(described)
    op, labels = described.op, len(described.operation.labels.intersection(described.operation.arguments["forward"]))
    arguments = described.operation.arguments["forward"]
    made = f"framework.{'both_of_loss' if labels else 'both'}({op}{f', constants={labels}' if labels > 1 else ''})"
    if labels == 1 and arguments[-1] not in described.operation.labels:
        (at,) = (k for k, argument in enumerate(arguments) if argument in described.operation.labels)
        made = f"framework.both_with_indices({op}, {at})"
    both = f"{op}_forward, {op}_backward = {made}"
    return _filled(
        "autodiff-operation",
        op=op,
        signature=described.signature("forward"),
        comment=described.comment("forward"),
        unfilled=described.unfilled(op, "return", "forward"),
        both=both if len(both) <= LONGEST else f"_both = {made}\n{op}_forward, {op}_backward = _both",
    )


_BY_STYLE: dict[str, Part] = {
    "functions": _functions,
    "layers": _layer,
    "autodiff": _autodiff,
    "command": _functions,
}
"""The function that writes an operation, by style."""


def _row(described: OperationText) -> str:
    """An operation's entry in a harness's table of functions."""
    directions = described.operation.functions
    return "\n".join(
        [
            f'    "{described.op}": {{',
            *(f'        "{direction}": {described.op}_{direction},' for direction in directions),
            "    },",
        ]
    )


def _class_name(op: str) -> str:
    return "".join(map(str.capitalize, op.split("_")))


def _filled(template: str, **words: str) -> str:
    return Template((TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)
