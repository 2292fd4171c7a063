"""A golden case as text: `backproof show` and `backproof list`."""

import math
from collections.abc import Iterator

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.files import one_line
from ...vectors.records import Expectation, Family, Flag, OperationVectors, Tensors
from ..check.wording import WIDTH, wrapped

DIGITS = {dtype: math.ceil(1 + fmt.significand * math.log10(2)) for dtype, fmt in FORMATS.items()}
"""Significant digits that distinguish any two values of a dtype."""
MOST_ELEMENTS = 200


def show_case(vectors: OperationVectors, family: Family, case: int) -> str:
    """One case of a family: what it is for, its arguments, and each right answer with its tolerance."""
    lines = [*_heading(vectors, family, case), *_arguments(family, case), *_answers(vectors, family, case)]
    return "\n".join(map(one_line, lines))


def list_families(vectors: OperationVectors) -> list[str]:
    """One line a family: id, count of cases, level, result, flags."""
    return [
        f"{family.id:<60} {family.count:>5}  {family.level:<8}  {family.result:<10}  {','.join(family.flags)}".rstrip()
        for family in vectors.families
    ]


def _heading(vectors: OperationVectors, family: Family, case: int) -> Iterator[str]:
    yield f"{family.id}#{case}"
    yield from _wrap(family.comment, "  ")
    yield ""
    arguments = [*vectors.arguments[family.direction], *(f"{k}={v!r}" for k, v in family.parameters.items())]
    call = f"{family.op}_{family.direction}({', '.join(arguments)})"
    yield from _wrap(call, "call:    ")
    results = ", ".join(vectors.results[family.direction])
    yield from _wrap(results if family.result != "invalid" else "must raise", "returns: ")
    yield f"case:    {case} of {family.count} (#0 to #{family.count - 1})"
    yield f"level:   {family.level}"
    yield f"result:  {family.result}" + (f" ({family.point})" if family.point else "")
    if family.source:
        yield from _wrap(family.source, "source:  ")
    if family.seed:
        yield from _wrap(family.seed, "seed:    ")
    known = {flag.name: flag for flag in vectors.flags}
    for name in family.flags:
        flag = known.get(name, Flag(name, "of unknown kind", "the file does not say what it means", ""))
        yield from _wrap(f"{name}: {flag.kind}; {flag.effect}" + (f" ({flag.link})" if flag.link else ""), "flag:    ")


def _arguments(family: Family, case: int) -> Iterator[str]:
    yield ""
    yield "arguments"
    for name, values in family.inputs.items():
        yield from _tensor(name, values[case], DIGITS[family.dtype])
    for name, value in family.parameters.items():
        yield f"  {name} = {value!r}"


def _answers(vectors: OperationVectors, family: Family, case: int) -> Iterator[str]:
    if family.result == "invalid":
        yield ""
        yield "expected: the call raises"
        return
    meanings = {answer.key: answer for answer in vectors.answers}
    canonical = next((a for a in vectors.answers if a.point == family.point and a.canonical), None)
    title = f"expected, where {canonical.key} ({canonical.meaning})" if canonical and family.point else "expected"
    yield from _expectation(title, vectors, family, family.answer, case)
    for key, expectation in family.alternatives.items():
        meaning = f" ({meanings[key].meaning})" if key in meanings else ""
        yield from _expectation(f"as right, where {key}{meaning}", vectors, family, expectation, case)


def _expectation(
    title: str, vectors: OperationVectors, family: Family, expectation: Expectation, case: int
) -> Iterator[str]:
    yield ""
    yield from _wrap(title, "")
    yield from _tensors(expectation.expected, case, DIGITS[family.dtype])
    for precision, tolerance in expectation.tolerance.items():
        aliases = [alias for alias, of in vectors.aliases.items() if of == precision]
        yield f"tolerance at {' and '.join([precision, *aliases])}"
        yield from _tensors(tolerance, case, 3)


def _tensors(tensors: Tensors, case: int, digits: int) -> Iterator[str]:
    for name, values in tensors.items():
        yield from _tensor(name, values[case], digits)


def _tensor(name: str, value: np.ndarray, digits: int) -> Iterator[str]:
    """Name, shape and elements of a tensor; of a large one the corners."""
    shape = "scalar" if value.ndim == 0 else " x ".join(map(str, value.shape))
    yield f"  {name}: {shape}"
    if not value.size:
        return
    words = [_word(element, digits) for element in value.ravel().tolist()]
    width = max(map(len, words))
    columns = np.array([f"{word:>{width}}" for word in words]).reshape(value.shape)
    text = np.array2string(
        columns, max_line_width=WIDTH - 4, threshold=MOST_ELEMENTS, edgeitems=3, formatter={"all": str}
    )
    yield from (f"    {line}" for line in text.splitlines())


def _word(element: float, digits: int) -> str:
    """The shortest decimal number, of up to `digits` digits, that is read back as the element."""
    if isinstance(element, int):
        return str(element)
    words = [f"{element:.{n}g}" for n in range(1, digits + 1)]
    return min((word for word in words if float(word) == element), key=len, default=words[-1])


def _wrap(text: str, indent: str) -> list[str]:
    return wrapped(text, indent, " " * len(indent))
