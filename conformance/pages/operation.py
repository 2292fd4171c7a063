"""The page of an operation as Markdown, from its module and its vectors."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from textwrap import dedent

import numpy as np

from ...reference.faults import every_fault_of
from ...reference.model.formulations import Formulation
from ...reference.model.operation import Operation, operation
from ...vectors.dtypes import DTYPES, FORMATS, PRECISIONS_OF
from ...vectors.records import LEVELS, Answer, Family, Flag, OperationVectors
from .helpers import helpers
from .markdown import code, codes, fenced, paragraphs, prose, safe, table

FORMULA = re.compile(r" *\w+(\[[\w,]+\])? +=")
"""How a block of formulas begins: "outputs[n,o] = "."""

_LINK = re.compile(r"(?::? *\[\]|\[([^\]]+)\])\((?!http)[^)]*\)()")

COMMANDS = """
$ pytest --impl=mypkg.adapter --impl-op{which}
$ backproof list {own}{op}
$ backproof faults {own}{op}
"""

PRECISIONS_TEXT = """
[How tolerances come about](../tolerances.md). Each element has one of its own, 0 where the result is exact. Of the rest
of required families, half are at most the first figure, nine of ten at most the second, as multiples of the
dtype's u times the exact value.
"""


def page_apart(vectors: OperationVectors) -> str:
    """The page of an operation by itself: with a heading, and without the links to other pages."""
    return f"# {vectors.op}\n\n{_LINK.sub(lambda link: link[1] or link[2], page(vectors))}"


def page(vectors: OperationVectors) -> str:
    """The page of an operation, below its heading."""
    op = vectors.op
    described = operation(op)
    families = tuple(vectors.families)
    title, table_of_formulas, rest = docstring(described)
    return paragraphs(
        prose(title),
        "## Formula" if rest or table_of_formulas else "",
        fenced(table_of_formulas) if table_of_formulas else "",
        prose(rest),
        "## Call",
        fenced("\n".join(map(_signature, [described] * len(described.functions), described.functions)), "python"),
        _shapes(described),
        _parameters(described, families),
        "## The formula as code",
        "What the golden values and the tolerances are evaluated from: plain NumPy, over several arithmetics.",
        fenced("\n\n".join(dedent(inspect.getsource(function)) for function in described.functions.values()), "python"),
        helpers(described.functions.values()).strip(),
        "## Conventions",
        _conventions(vectors, families),
        "## Formulations",
        _formulations(described),
        "## Precisions and tolerances",
        PRECISIONS_TEXT.strip(),
        _precisions(vectors, families),
        "## Families",
        _counts(families),
        "## Flags",
        "What the families are there to catch. [All flags](../flags.md).",
        flag_table(families, vectors.flags),
        "## Faults",
        _faults(op),
        fenced(_commands(described), "console"),
    )


def docstring(described: Operation) -> tuple[str, str, str]:
    """Split an operation's docstring into its title, its table of formulas, and the rest."""
    module = import_module(next(iter(described.functions.values())).__module__)
    title, *rest = inspect.cleandoc(module.__doc__ or "").split("\n\n")
    formulas = [block for block in rest if FORMULA.match(block)]  # Python 3.13 strips their indentation
    said = [block for block in rest if block not in formulas]
    return title.replace("\n", " "), dedent("\n\n".join(formulas)), "\n\n".join(said)


def _signature(described: Operation, direction: str) -> str:
    call = ", ".join([*described.arguments[direction], *described.keywords(direction)])
    return f"{described.name}_{direction}({call})\n# returns {', '.join(described.results[direction])}"


def _shapes(described: Operation) -> str:
    """The shapes, from the docstrings of forward and backward, and the axis along which rows are independent."""
    said = [f"- *{direction}:* {prose(_said(function))}" for direction, function in described.functions.items()]
    if described.shapes:
        said = [f"- {code(name)}: {code(text)}" for name, text in described.shapes.items()]
    batched = [tensor for tensor, axis in described.batch_axis.items() if axis is not None]
    axes = sorted({axis for axis in described.batch_axis.values() if axis is not None})
    independent = f"Rows are independent along axis {', '.join(map(str, axes))} of {codes(batched)}."
    return "\n".join([*said, *(["", independent] if batched else [])])


def _commands(described: Operation) -> str:
    module = described.functions[next(iter(described.functions))].__module__ if described.shapes else ""
    which = f"s={module}" if module else f"={described.name}"
    return COMMANDS.format(op=described.name, which=which, own=f"--ops {module} " if module else "")


def _parameters(described: Operation, families: Iterable[Family]) -> str:
    values: dict[str, set[str]] = {}
    for family in (family for family in families if family.result != "invalid"):
        for name, value in family.parameters.items():
            values.setdefault(name, set()).add(json.dumps(value))
    told = [
        f"`{name}` is {'one of ' if len(found) > 1 else ''}{codes(sorted(found))}{_default(described, name)}."
        for name, found in values.items()
    ]
    see = ["See [labels and reductions](index.md#labels-and-reductions)."] if "reduction" in values else []
    return " ".join([*told, *see])


def _default(described: Operation, name: str) -> str:
    if name not in described.defaults:
        return ""
    return f", and is not passed where it is {code(json.dumps(described.defaults[name]))}"


def _conventions(vectors: OperationVectors, families: Iterable[Family]) -> str:
    met = Counter(family.point for family in families if family.point)
    rows = [[code(a.key), meaning(a), str(met[a.point])] for a in vectors.answers if a.point in met]
    if not rows:
        return "No family meets a point at which several answers are right."
    return table(["point=answer", "what it means", "families"], rows, numbers=[2])


def _formulations(described: Operation) -> str:
    rows = [
        [direction, safe(f.name), "stable" if f.stable else "loses digits", _limits(f)]
        for direction, (_, *others) in described.formulations.items()
        for f in others
    ]
    if not rows:
        return "There is one way to compute it, and it rounds as little as any other."
    return paragraphs(
        "Other right ways to compute the same, named for what differs from the code above. The tolerance of an element "
        "is the largest bound over all of them; one that loses digits counts in required families alone.",
        table(["direction", "formulation", "", "where"], rows),
    )


def _limits(formulation: Formulation) -> str:
    limits = [f"last axis of {code(name)} at most {longest}" for name, longest in formulation.longest.items()]
    if formulation.accumulates:
        limits.append("sums are accumulated in the dtype itself")
    return "; ".join(limits)


def _said(function: Callable[..., object]) -> str:
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def _precisions(vectors: OperationVectors, families: Iterable[Family]) -> str:
    rows = []
    for dtype in DTYPES:
        of_dtype = [family for family in families if family.dtype == dtype and family.result != "invalid"]
        for precision in PRECISIONS_OF[dtype]:
            stored = vectors.aliases.get(precision, precision)
            judged = [family for family in of_dtype if stored in family.answer.tolerance]
            note = f"as {stored}" if stored != precision else ""
            figures = _figures([f for f in judged if f.level == "required"], dtype, stored)
            rows.append([dtype, code(precision), f"{len(judged)} of {len(of_dtype)}", *figures, note])
    heading = ["dtype", "precision", "families", "exact", "half of the rest", "nine of ten", ""]
    return table(heading, rows, numbers=[2, 3, 4, 5])


def _figures(families: Iterable[Family], dtype: str, precision: str) -> list[str]:
    """The share of elements of tolerance 0, and two quantiles of the other tolerances, in u times the value."""
    unit = float(FORMATS[dtype].unit_roundoff)
    pairs = [
        (np.abs(values).ravel(), family.answer.tolerance[precision][name].ravel())
        for family in families
        for name, values in family.answer.expected.items()
    ]
    values, tolerances = (np.concatenate(part) for part in zip(*pairs, strict=True))
    rounded = (tolerances > 0) & (values > 0)
    exact = f"{100 * np.mean(tolerances == 0):.0f} %"
    if not rounded.any():
        return [exact, "", ""]
    with np.errstate(over="ignore", divide="ignore"):  # of subnormal values
        relative = tolerances[rounded] / (unit * values[rounded])
    return [exact, *(_short(np.quantile(relative, q)) for q in (0.5, 0.9))]


def _short(number: float) -> str:
    return f"{number:.2g}" if number < 100 else f"{number:,.0f}"


def _counts(families: Iterable[Family]) -> str:
    families = tuple(families)
    counts = Counter((family.level, family.dtype) for family in families)
    cases = Counter[tuple[str, str]]()
    for family in families:
        cases[family.level, family.dtype] += family.count
    rows = [[level, *(f"{counts[level, dtype]} ({cases[level, dtype]})" for dtype in DTYPES)] for level in LEVELS]
    return paragraphs(
        f"{len(families)} families of {sum(family.count for family in families)} cases. Of each level and dtype, the "
        "families and, in brackets, their cases:",
        table(["level", *DTYPES], rows, numbers=range(1, 1 + len(DTYPES))),
    )


def _faults(op: str) -> str:
    directions = Counter(fault.direction for fault in every_fault_of(op))
    told = ", ".join(f"{count} in {direction}" for direction, count in directions.items())
    total = sum(directions.values())
    return f"The [catalogue](../faults.md#{op}) has {total} wrong implementations of it, {told}."


def flag_table(families: Iterable[Family], known: Iterable[Flag]) -> str:
    """The flags that families carry: kind, effect, source, and how many names of families carry each."""
    names: dict[str, set[str]] = {}
    for family in families:
        for flag in family.flags:
            names.setdefault(flag, set()).add(family.name)
    rows = [
        [
            f"[`{flag.name}`](../flags.md#{flag.name})",
            f"{flag.kind}: {safe(flag.effect)} ([source]({flag.link}))",
            str(len(names[flag.name])),
        ]
        for flag in known
        if flag.name in names
    ]
    return table(["flag", "kind of bug, and its effect", "families"], rows, numbers=[2])


def meaning(answer: Answer) -> str:
    """What an answer means, and whether it is the canonical one."""
    return safe(answer.meaning) + (" (canonical)" if answer.canonical else "")
