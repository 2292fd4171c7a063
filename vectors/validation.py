"""Check golden vectors for errors that their layout does not rule out."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from .dtypes import DTYPES, FORMATS, PRECISIONS_OF
from .records import DIRECTIONS, LEVELS, Answer, Expectation, Family, OperationVectors

_MARKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PYTEST = ("filterwarnings", "parametrize", "skip", "skipif", "tryfirst", "trylast", "usefixtures", "xfail")
_MISSPELT = ("parameterize", "parametrise", "parameterise")
_EXPRESSION = ("and", "or", "not", "True", "False", "None")
RESERVED = frozenset((*_PYTEST, *_MISSPELT, *_EXPRESSION, *DTYPES, *DIRECTIONS, *LEVELS))
"""What no flag or operation may be called, since each is a marker: names that pytest gives a meaning to, or that every
run has as markers of its own."""


def problems(vectors: OperationVectors) -> list[str]:
    """Return one line for each problem of an operation's vectors."""
    found = list(_operation_problems(vectors))
    flags = {flag.name for flag in vectors.flags}
    answers = {answer.key: answer for answer in vectors.answers}
    seen: set[str] = set()
    for family in vectors.families:
        if family.id in seen:
            found.append(f"{family.id}: the id appears twice")
        seen.add(family.id)
        found += [f"{family.id}: {problem}" for problem in _family_problems(family, flags, answers, vectors.aliases)]
        found += [f"{family.id}: {problem}" for problem in _batch_problems(family, vectors.batch_axis)]
    return found


def _operation_problems(vectors: OperationVectors) -> Iterator[str]:
    tensors = {name for side in (vectors.arguments, vectors.results) for names in side.values() for name in names}
    for name in sorted(tensors - set(vectors.batch_axis)):
        yield f"batch_axis does not say which axis of {name} is the batch"
    for name in sorted(set(vectors.batch_axis) - tensors):
        yield f"batch_axis speaks of {name}, which is no argument or result"
    for alias, precision in vectors.aliases.items():
        if precision in vectors.aliases:
            yield f"the alias {alias} for {precision} leads to another alias"
    names = [flag.name for flag in vectors.flags]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the flag {name} is explained twice"
    for flag in vectors.flags:
        if not (flag.kind and flag.effect):
            yield f"the flag {flag.name} says no kind of bug or no effect"
    for name in (vectors.op, *dict.fromkeys(names)):
        if name in RESERVED or not _MARKER.fullmatch(name):
            yield f"{name!r} cannot be the name of a flag or an operation, since it cannot be a marker of pytest's"
    keys = [answer.key for answer in vectors.answers]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"the answer {key} is listed twice"
    for point in sorted({answer.point for answer in vectors.answers}):
        canonical = [answer.answer for answer in vectors.answers if answer.point == point and answer.canonical]
        if len(canonical) != 1:
            yield f"the point {point} has {len(canonical)} canonical answers, where one is due"


def _family_problems(
    family: Family, flags: set[str], answers: Mapping[str, Answer], aliases: Mapping[str, str]
) -> Iterator[str]:
    for flag in family.flags:
        if flag not in flags:
            yield f"the flag {flag} is not in the vocabulary"
    if not family.flags:
        yield "carries no flag"
    if len(set(family.flags)) != len(family.flags):
        yield "carries a flag twice"
    if not family.comment:
        yield "has no comment"
    for name, tensor in family.inputs.items():
        if tensor.dtype.name not in (family.dtype, "int64"):
            yield f"the argument {name} has dtype {tensor.dtype.name}"
        if tensor.shape[:1] != (family.count,):
            yield f"the argument {name} has shape {tensor.shape}, where {family.count} cases are due"
    if family.result == "invalid":
        if family.answer.expected or family.answer.tolerance or family.alternatives:
            yield "must be refused, and has an expected result"
        return
    if (family.result == "convention") != bool(family.alternatives):
        yield f"is {family.result} with {len(family.alternatives)} alternatives"
    yield from _alternatives_problems(family, answers)
    for where, expectation in (("", family.answer), *((f"{key}: ", one) for key, one in family.alternatives.items())):
        for problem in _expectation_problems(family, expectation, aliases):
            yield where + problem


def _batch_problems(family: Family, batch_axis: Mapping[str, int | None]) -> Iterator[str]:
    def rows(name: str, tensor: np.ndarray) -> int | None:
        axis, shape = batch_axis.get(name), tensor.shape[1:]
        return None if axis is None or not -len(shape) <= axis < len(shape) else shape[axis]

    given = {rows(*item) for item in family.inputs.items()} - {None}
    for name, expected in family.answer.expected.items() if len(given) == 1 else ():
        if (found := rows(name, expected)) not in (None, *given):
            yield f"the result {name} has {found} rows along its batch axis, where the arguments have {given.pop()}"
            return


def _alternatives_problems(family: Family, answers: Mapping[str, Answer]) -> Iterator[str]:
    if len({key.partition("=")[0] for key in family.alternatives}) > 1:
        yield "has alternatives of more than one point"
    for key in family.alternatives:
        if key not in answers:
            yield f"the alternative {key} is not in the table of conventions"
        elif answers[key].canonical:
            yield f"the alternative {key} is the canonical answer"


def _expectation_problems(family: Family, expectation: Expectation, aliases: Mapping[str, str]) -> Iterator[str]:
    default = PRECISIONS_OF[family.dtype][0]
    if default not in expectation.tolerance:
        yield f"has no tolerance for {default}"
    for name, expected in expectation.expected.items():
        if expected.dtype != np.float64:
            yield f"the expected {name} has dtype {expected.dtype.name}, not float64"
    for precision, tolerances in expectation.tolerance.items():
        if precision not in PRECISIONS_OF[family.dtype]:
            yield f"has a tolerance for {precision}, which is no precision of {family.dtype}"
        if precision in aliases:
            yield f"has a tolerance for {precision}, which is an alias of {aliases[precision]}"
        if tolerances.keys() != expectation.expected.keys():
            yield f"has tolerances for {precision} of other results than it expects"
            continue
        for name, tolerance in tolerances.items():
            yield from _tolerance_problems(f"{precision} of {name}", expectation.expected[name], tolerance)
            largest = float(FORMATS[family.dtype].largest)
            if precision == default and np.any(tolerance[np.isfinite(tolerance)] > largest):
                yield f"a tolerance for {precision} of {name} allows whatever {family.dtype} has"


def _tolerance_problems(where: str, expected: np.ndarray, tolerance: np.ndarray) -> Iterator[str]:
    if tolerance.shape != expected.shape or tolerance.dtype != np.float64:
        yield f"the tolerance for {where} is {tolerance.dtype.name} of shape {tolerance.shape}"
        return
    if not np.all(np.isfinite(tolerance)):
        yield f"a tolerance for {where} is not finite"
    if np.any(tolerance < 0):
        yield f"a tolerance for {where} is negative"
    if np.any(tolerance[~np.isfinite(expected)] != 0):
        yield f"a tolerance for {where} is not 0 where the result is not finite"
