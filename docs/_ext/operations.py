"""The page of an operation, from its module and its golden file."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from textwrap import dedent

import numpy as np
from backproof.reference import cases
from backproof.reference.faults import every_fault_of
from backproof.reference.model import losses
from backproof.reference.model.formulations import Formulation
from backproof.reference.model.operation import Operation, operation, operation_names
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, FORMATS, PRECISIONS_OF
from backproof.vectors.records import LEVELS, Family, OperationVectors

from .markdown import code, codes, fenced, paragraphs, safe, table
from .vocabulary import flag_table, meaning

FORMULA = re.compile(r" *\w+(\[[\w,]+\])? +=")
"""How a block of formulas begins: "outputs[n,o] = "."""

ELEMENTWISE, OTHERS = "one tensor, element by element", "others"
KINDS = {
    "products of matrices": {"contraction", "network"},
    "convolutions, pools": {"convolution", "pooling"},
    "attention": {"attention"},
    "recurrence": {"recurrence"},
    "softmax": {"logits"},
    "normalisation": {"normalization", "channels"},
    "losses of classes": {"labelled", "labelled_logits"},
    "other losses": {"binary", "targets"},
    "two tensors": {"two_operands"},
    ELEMENTWISE: {"activation", "elementwise"},
    "reductions": {"reductions"},
    "indices": {"indexing"},
    "optimizers": {"optimizer"},
}
"""The modules of `reference/kinds` by what README calls them; the first that an operation's cases use is its kind."""

COMMANDS = """
$ pytest --impl=mypkg.adapter --impl-op={op}
$ backproof list {op}
$ backproof faults {op}
"""

PRECISIONS_TEXT = """
[How tolerances come about](../tolerances.md). Each element has one of its own, 0 where the result is exact. Of the rest
of required families, half are at most the first figure, nine of ten at most the second, as multiples of the
dtype's u times the exact value.
"""


def page(op: str) -> str:
    """The page of an operation, below its heading."""
    described, vectors = operation(op), store.read_golden(op)
    families = tuple(vectors.families)
    title, table_of_formulas, rest = _docstring(described)
    return paragraphs(
        safe(title),
        "## Formula",
        fenced(table_of_formulas),
        safe(rest),
        "## Call",
        fenced("\n".join(map(_signature, [described] * len(described.functions), described.functions)), "python"),
        _shapes(described),
        _parameters(described, families),
        "## The formula as code",
        "What the golden values and the tolerances are evaluated from: plain NumPy, over several arithmetics.",
        fenced("\n\n".join(dedent(inspect.getsource(function)) for function in described.functions.values()), "python"),
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
        fenced(COMMANDS.format(op=op), "console"),
    )


def overview() -> str:
    """A table of all operations: what they take, and the gradients that backward returns."""
    rows = []
    for op in operation_names():
        described, (title, _, _) = operation(op), _docstring(operation(op))
        direction = "forward" if "forward" in described.functions else "backward"
        call = ", ".join([*described.arguments[direction], *described.keywords(direction)])
        returned = described.results.get("backward", described.results[direction])
        rows.append([f"[{safe(op)}]({op}.md)", safe(title), code(f"{op}_{direction}({call})"), codes(returned)])
    return table(["operation", "what it is", "call", "`<op>_backward` returns; of a step: next"], rows)


def by_kind() -> str:
    """A table of the names of all operations by kind, as README has it."""
    kinds: dict[str, list[str]] = {}
    for op in operation_names():
        kinds.setdefault(_kind(op), []).append(f"[`{op}`](docs/operations/{op}.md)")
    rows = [[title, ", ".join(kinds[title])] for title in dict.fromkeys([*KINDS, OTHERS]) if title in kinds]
    return table(["kind", "operations"], rows)


def _kind(op: str) -> str:
    """The first of KINDS whose families an operation's cases are made of; its arguments tell where there is none."""
    text = inspect.getsource(import_module(f"{cases.__name__}.{op}"))
    used = set(re.findall(r"^from \.\.kinds\.(\w+) import", text, re.MULTILINE))
    used |= {
        name for line in re.findall(r"^from \.\.kinds import (.+)", text, re.MULTILINE) for name in line.split(", ")
    }
    of_kinds = (title for title, modules in KINDS.items() if used & modules)
    return next(of_kinds, ELEMENTWISE if operation(op).arguments.get("forward") == ("inputs",) else OTHERS)


def shared_formulas() -> str:
    """How labels are read, and how a loss is reduced, as code."""
    shared = (losses.one_hot, losses.weighted, losses.reduced, losses.row_upstream)
    return fenced("\n\n".join(inspect.getsource(function) for function in shared), "python")


def _docstring(described: Operation) -> tuple[str, str, str]:
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
    said = [f"- *{direction}:* {safe(_said(function))}" for direction, function in described.functions.items()]
    batched = [tensor for tensor, axis in described.batch_axis.items() if axis is not None]
    axes = sorted({axis for axis in described.batch_axis.values() if axis is not None})
    independent = f"Rows are independent along axis {', '.join(map(str, axes))} of {codes(batched)}."
    return "\n".join([*said, *(["", independent] if batched else [])])


def _parameters(described: Operation, families: Iterable[Family]) -> str:
    values: dict[str, set[str]] = {}
    for family in families:
        for name, value in family.parameters.items():
            values.setdefault(name, set()).add(json.dumps(value))
    told = [f"`{name}` is one of {codes(sorted(found))}{_default(described, name)}." for name, found in values.items()]
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
