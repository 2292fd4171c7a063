"""The text of a skeleton for one operation: signatures, comments and results, from the reference and the vectors."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from ...reference.model.operation import Operation, operation
from ...vectors import store
from ...vectors.records import Family
from ..check.wording import listed

COMMENT_WIDTH = 96


@dataclass(frozen=True)
class OperationText:
    """An operation, and the texts that fill in templates."""

    op: str
    operation: Operation
    values: Mapping[str, tuple[str, ...]]
    """The values of each parameter, as Python literals."""
    label_forms: tuple[str, ...]

    def signature(self, direction: str) -> str:
        """The parameters of a function's definition."""
        return ", ".join([*self.operation.arguments[direction], *self.operation.keywords(direction)])

    def upstreams(self) -> list[str]:
        """The upstream gradients of backward."""
        return [name for name in self.operation.arguments["backward"] if name.startswith("dL_d")]

    def own(self) -> list[str]:
        """The arguments that a layer keeps from call to call: those without a batch axis that are no upstream."""
        axes, upstreams = self.operation.batch_axis, self.upstreams()
        return [
            name
            for name in self.operation.arguments["backward"]
            if name not in upstreams and axes[name] is None and name not in self.operation.labels
        ]

    def handed(self) -> list[str]:
        """The arguments that a layer is given in each call, without upstreams."""
        outside = {*self.own(), *self.upstreams()}
        return [name for name in self.operation.arguments["backward"] if name not in outside]

    def comment(self, direction: str, indent: str = "    ") -> str:
        """Comment lines on the arguments and results."""
        first = (inspect.getdoc(self.operation.functions[direction]) or "").partition("\n\n")[0]
        said = [" ".join(first.split())]
        for name in self.operation.parameters[direction]:
            default = repr(self.operation.defaults.get(name))
            left_out = f", and {default} where it is left out" if name in self.operation.defaults else ""
            said.append(f"{name} is {listed(self.values[name], 'or')}{left_out}.")
        if self.label_forms:
            labels = listed(sorted(self.operation.labels & {*self.operation.arguments[direction]}))
            said.append(f"{labels} come as {listed(self.label_forms, 'or')}; they have no gradient.")
        return "\n".join(f"{indent}# {line}" for text in said for line in _comment_lines(text))

    def unfilled(
        self, function: str, verb: str, direction: str, indent: str = "    ", names: Sequence[str] = ()
    ) -> str:
        """The line that raises NotImplementedError until a function is filled in, and says what it has to return or
        set: `names`, or else the results."""
        message = f'"fill in {function}: {verb} {", ".join(names or self.operation.results[direction])}"'
        line = f"{indent}raise NotImplementedError({message})"
        if len(line) <= COMMENT_WIDTH + 24:
            return line
        return f"{indent}raise NotImplementedError(\n{indent}    {message}\n{indent})"

    def to_fill_in(self, direction: str) -> str:
        """What a function of another language says until it is filled in."""
        return f"fill in {self.op}_{direction}: return {', '.join(self.operation.results[direction])}"


def operation_text(op: str) -> OperationText:
    """Read an operation from the reference and its golden file."""
    described = operation(op)
    families = tuple(store.read_golden(op).families)
    names = dict.fromkeys(name for parameters in described.parameters.values() for name in parameters)
    given = [{**described.defaults, **family.parameters} for family in families if family.result != "invalid"]
    values = {name: tuple(dict.fromkeys(repr(parameters[name]) for parameters in given)) for name in names}
    forms = dict.fromkeys(form for family in families for form in _label_forms(family, described.labels))
    return OperationText(op, described, values, tuple(sorted(forms)))


def _label_forms(family: Family, labels: frozenset[str]) -> Iterator[str]:
    if family.result == "invalid":
        return
    for name in labels & family.inputs.keys():
        indices = family.inputs[name].dtype.kind == "i"
        if name == "labels":
            yield "int64 class indices (N,)" if indices else "rows (N, C) of the case's dtype, one-hot or soft"
        else:
            yield "int64" if indices else "numbers of the case's dtype"


def _comment_lines(text: str) -> list[str]:
    """A text wrapped into lines; a name and its shape, "weights (I, O)", stay together."""
    joined = re.sub(r" ?\([^)]*\)", lambda shape: shape[0].replace(" ", "\xa0"), text)
    return [line.replace("\xa0", " ") for line in wrap(joined, COMMENT_WIDTH, break_on_hyphens=False)]
