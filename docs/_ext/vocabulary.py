"""Lists of the flags, the conventions, the working precisions and the elementary functions."""

from backproof.conformance.pages.markdown import code, paragraphs, safe, table
from backproof.conformance.pages.operation import meaning
from backproof.reference.arithmetic.elementary import ELEMENTARY, Elementary
from backproof.reference.arithmetic.precision import precision_model
from backproof.reference.model.vocabulary import ANSWERS, FLAGS
from backproof.vectors import store
from backproof.vectors.dtypes import FORMATS, PRECISIONS_OF, TF32

MOST_NAMED = 12
"""Operations that are named one by one."""


def flags() -> str:
    """Every flag: the kind of bug, its effect, where it was seen, and the operations whose families carry it."""
    carried = {
        op: {flag for family in store.read_golden(op).families for flag in family.flags}
        for op in store.golden_operations()
    }
    entries = []
    for flag in FLAGS.values():
        ops = [f"[{safe(op)}](operations/{op}.md)" for op in carried if flag.name in carried[op]]
        where = ", ".join(ops) if len(ops) <= MOST_NAMED else f"{len(ops)} operations"
        effect = f"*{flag.kind}.* {safe(flag.effect)}. [Source]({flag.link})."
        entries.append(f"## {flag.name}\n\n{effect} Carried by {where}.")
    return paragraphs(*entries)


def conventions() -> str:
    """Every point with several right answers, and the operations whose families test it."""
    met = {
        op: {family.point for family in store.read_golden(op).families if family.point}
        for op in store.golden_operations()
    }
    parts = []
    for point in dict.fromkeys(answer.point for answer in ANSWERS):
        ops = ", ".join(f"[{safe(op)}](operations/{op}.md)" for op in met if point in met[op])
        answers = "\n".join(f"- {code(a.answer)}: {meaning(a)}" for a in ANSWERS if a.point == point)
        parts.append(f"## {point}\n\nMet by {ops}.\n\n{answers}")
    return paragraphs(*parts)


def precisions() -> str:
    """The working precisions: what results, sums and operands are rounded to, and the longest sum."""
    names = {id(fmt): name for name, fmt in FORMATS.items()} | {id(TF32): "tf32 (11 bits)"}

    def row(dtype: str, name: str) -> list[str]:
        model = precision_model(dtype, name)
        formats = model.format, model.accumulator, model.operand, model.result
        rounded = [names[id(fmt)] for fmt in formats]
        size = [f"2^-{model.format.significand}", f"2^{model.format.threshold}"]
        return [dtype, code(name), *rounded, str(model.longest or ""), *size]

    return table(
        ["dtype", "precision", "steps in", "sums in", "operands in", "stored in", "longest sum", "u", "eta"],
        [row(dtype, name) for dtype, names in PRECISIONS_OF.items() for name in names],
    )


def elementary() -> str:
    """The elementary functions: what each may cost."""

    def row(name: str, function: Elementary) -> list[str]:
        relative = f"{function.cost} u" + (f" + {function.argument} \\|x\\| u" if function.argument else "")
        relative += f", {function.cost + function.near_zero} u where \\|x\\| <= 1/2" if function.near_zero else ""
        absolute = [f"{function.coarse} u of 1"] * bool(function.coarse) + ["eta"] * function.underflows
        return [code(name), relative, ", ".join(absolute)]

    return table(["function", "of the result", "besides"], [row(*entry) for entry in ELEMENTARY.items()])
