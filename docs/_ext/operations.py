"""What the pages of operations share: the tables of all of them, and the formulas of labels and reductions."""

import inspect
import re
from importlib import import_module

from backproof.conformance.pages.markdown import code, codes, fenced, prose, table
from backproof.conformance.pages.operation import docstring
from backproof.reference import cases
from backproof.reference.model import losses
from backproof.reference.model.operation import operation, operation_names

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


def overview() -> str:
    """A table of all operations: what they take, and the gradients that backward returns."""
    rows = []
    for op in operation_names():
        described, (title, _, _) = operation(op), docstring(operation(op))
        direction = "forward" if "forward" in described.functions else "backward"
        call = ", ".join([*described.arguments[direction], *described.keywords(direction)])
        returned = described.results.get("backward", described.results[direction])
        rows.append([f"[{prose(op)}]({op}.md)", prose(title), code(f"{op}_{direction}({call})"), codes(returned)])
    return table(["operation", "what it is", "call", "`<op>_backward` returns; of a step: next"], rows)


def by_kind() -> str:
    """A table of the names of all operations by kind, as README has it."""
    rows = [
        [title, ", ".join(f"[`{op}`](docs/operations/{op}.md)" for op in names)] for title, names in kinds().items()
    ]
    return table(["kind", "operations"], rows)


def kinds() -> dict[str, list[str]]:
    """The names of all operations by kind."""
    found: dict[str, list[str]] = {title: [] for title in (*KINDS, OTHERS)}
    for op in operation_names():
        found[_kind(op)].append(op)
    return {title: names for title, names in found.items() if names}


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
