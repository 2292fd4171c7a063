"""A tree into records: every family's tensors are slices of the columns. The tree may come from anybody's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .columns import Column, Row, group_of, read_column, read_table
from .dtypes import DTYPES, PRECISIONS
from .layout import (
    ANSWER_KEY,
    CONVENTIONS_TABLE,
    FAMILIES_TABLE,
    FAMILY_NAME,
    FLAGS_TABLE,
    IDENTIFIER,
    LABEL_SUFFIX,
    MOST_CASES,
    WORD,
    answer_key_of,
    link_of,
)
from .parse_json import json_object
from .records import (
    LEVELS,
    RESULTS,
    Answer,
    Expectation,
    Family,
    Flag,
    OperationVectors,
    VectorError,
)
from .root import Operation, read_root
from .tree import Group

NO_EXPECTATION = Expectation({}, {})


@dataclass(frozen=True)
class _Expectations:
    """The columns of one right answer: by result, and by precision and result."""

    expected: Mapping[str, Column]
    tolerance: Mapping[str, Mapping[str, Column]]


def unpack(root: Group) -> OperationVectors:
    """The records that a golden file's tree holds, families by dtype and in the file's order.

    Tensors are read-only views. Raises VectorError where the tree is not of the layout, with the place and what is
    wrong there; what it accepts can be walked without further checks.
    """
    about = read_root(root.attributes)
    known = {"flags", "conventions", *DTYPES}
    for name in root.children:
        if name not in known:
            raise VectorError(f"/{name} is none of {', '.join(('flags', 'conventions', *DTYPES))}")
    flags = tuple(Flag(*row) for row in read_table(root, "flags", FLAGS_TABLE, "/"))  # type: ignore[arg-type]  # all strings
    answers = tuple(_answer(row) for row in read_table(root, "conventions", CONVENTIONS_TABLE, "/"))
    answer_keys = [answer.key for answer in answers]
    families: list[Family] = []
    for dtype in DTYPES:
        if dtype in root.children:
            families += _unpack_dtype(group_of(root, dtype, "/"), dtype, about, answer_keys)
    return OperationVectors(
        about.op,
        about.vectors_version,
        about.generator,
        about.arguments,
        about.results,
        about.batch_axis,
        about.aliases,
        flags,
        answers,
        tuple(families),
    )


def _answer(row: Row) -> Answer:
    point, answer, canonical, meaning = row
    if not ANSWER_KEY.fullmatch(f"{point}={answer}") or canonical not in (0, 1):
        raise VectorError(f"/conventions: {point!r}, {answer!r}, {canonical!r} names no answer at a point")
    return Answer(str(point), str(answer), canonical == 1, str(meaning))


def _unpack_dtype(group: Group, dtype: str, about: Operation, answer_keys: Sequence[str]) -> list[Family]:
    at = f"/{dtype}"
    for name in group.children:
        if name not in ("families", "inputs", "expected", "tolerance", "alternatives"):
            raise VectorError(f"{at}/{name} is no part of the layout")
    rows = read_table(group, "families", FAMILIES_TABLE, at)
    directions, counts = _check_rows(rows, dtype, about)
    inputs = _inputs(group, dtype, about, counts)
    canonical = _expectations(group, dtype, about, counts, at)
    alternatives = _alternatives(group, dtype, about, counts, answer_keys)

    present = {key: _present(columns) for key, columns in alternatives.items()}
    _refuse_strays(inputs, about.arguments, directions, f"{at}/inputs")
    families = []
    names: set[str] = set()
    for index, row in enumerate(rows):
        id_, direction, _, count, level, result, words, parameters, seed, comment, source = row
        where = f"{at}/families: {id_}"
        name = str(id_).removeprefix(f"{about.op}/{dtype}/")
        if name == id_ or not FAMILY_NAME.fullmatch(name):
            raise VectorError(f"{where} is no id of {about.op}/{dtype}")
        if name in names:
            raise VectorError(f"{where} appears twice")
        names.add(name)
        results = about.results[str(direction)]
        answer = _expectation(canonical, index, results, where)
        if (answer is NO_EXPECTATION) != (result == "invalid"):
            raise VectorError(
                f"{where}: a call that is {result} {'lacks' if answer is NO_EXPECTATION else 'has'} an expected result"
            )
        others = {}
        for key, columns in alternatives.items():
            if index not in present[key]:
                continue
            other = _expectation(columns, index, results, where)
            if other is NO_EXPECTATION:
                raise VectorError(f"{where}: {key} has a tolerance and no expected result")
            if [a.shape for a in other.expected.values()] != [a.shape for a in answer.expected.values()]:
                raise VectorError(f"{where}: {key} has other shapes than the canonical answer")
            others[key] = other
        families.append(
            Family(
                about.op,
                dtype,
                name,
                str(direction),
                int(count),
                str(level),
                str(result),
                tuple(str(words).split()),
                dict(_parameters(str(parameters), f"{at}/families")),
                str(seed),
                str(comment),
                str(source),
                _call(inputs, about.arguments[str(direction)], index, where),
                answer,
                others,
            )
        )
    return families


def _check_rows(rows: Sequence[Row], dtype: str, about: Operation) -> tuple[list[str], list[int]]:
    """The direction and the count of each family."""
    at = f"/{dtype}/families"
    first = 0
    directions, counts = [], []
    for id_, direction, begin, count, level, result, words, *_ in rows:
        if direction not in about.arguments or direction not in about.results:
            raise VectorError(f"{at}: {id_} has the direction {direction!r}, of which the attributes say nothing")
        if level not in LEVELS:
            raise VectorError(f"{at}: {id_} has the level {level!r}, which is none of {', '.join(LEVELS)}")
        if result not in RESULTS:
            raise VectorError(f"{at}: {id_} has the result {result!r}, which is none of {', '.join(RESULTS)}")
        if not _are_words(str(words)):
            raise VectorError(f"{at}: {id_} has the flags {words!r}, which are no words with a space between them")
        if not isinstance(count, int) or not 0 < count <= MOST_CASES - first:
            raise VectorError(f"{at}: {id_} counts {count} cases, where 1 to {MOST_CASES - first} may be")
        if begin != first:
            raise VectorError(f"{at}: {id_} begins at case {begin}, where the counts before it come to {first}")
        first += count
        directions.append(str(direction))
        counts.append(count)
    return directions, counts


def _inputs(group: Group, dtype: str, about: Operation, counts: Sequence[int]) -> dict[str, Column]:
    """The columns of each argument: an index column and one in the case's dtype become one, each family in either."""
    at = f"/{dtype}/inputs"
    known = {name for names in about.arguments.values() for name in names}
    columns: dict[str, Column] = {}
    children = group_of(group, "inputs", f"/{dtype}").children
    for link in sorted(children):
        name = link.removesuffix(LABEL_SUFFIX)
        if name not in known:
            raise VectorError(f"{at}/{link} is no argument of {about.op}")
        column = read_column(children[link], "int64" if link != name else dtype, counts, f"{at}/{link}")
        other = columns.get(name)
        if other is None:
            columns[name] = column
            continue
        for index, tensor in enumerate(column):
            if tensor is not None:
                if other[index] is not None:
                    raise VectorError(f"{at}/{link} and {at}/{name} both have family {index}, where one may")
                other[index] = tensor
    return columns


def _call(inputs: Mapping[str, Column], arguments: Sequence[str], index: int, where: str) -> dict[str, np.ndarray]:
    call = {}
    for name in arguments:
        tensor = inputs[name][index] if name in inputs else None
        if tensor is None:
            raise VectorError(f"{where} lacks its argument {name}")
        call[name] = tensor
    return call


def _expectations(group: Group, dtype: str, about: Operation, counts: Sequence[int], at: str) -> _Expectations:
    def columns(holder: Group, where: str) -> dict[str, Column]:
        for name in holder.children:
            if name not in known:
                raise VectorError(f"{where}/{name} is no result of {about.op}")
        return {
            name: read_column(child, "float64", counts, f"{where}/{name}") for name, child in holder.children.items()
        }

    known = {name for names in about.results.values() for name in names}
    tolerance = {}
    tolerances = group_of(group, "tolerance", at)
    for precision in tolerances.children:
        if precision not in PRECISIONS[dtype]:
            raise VectorError(f"{at}/tolerance/{precision} is none of {', '.join(PRECISIONS[dtype])}")
        tolerance[precision] = columns(
            group_of(tolerances, precision, f"{at}/tolerance"), f"{at}/tolerance/{precision}"
        )
    order = [precision for precision in PRECISIONS[dtype] if precision in tolerance]
    return _Expectations(
        columns(group_of(group, "expected", at), f"{at}/expected"),
        {precision: tolerance[precision] for precision in order},
    )


def _alternatives(
    group: Group, dtype: str, about: Operation, counts: Sequence[int], answer_keys: Sequence[str]
) -> dict[str, _Expectations]:
    """By "point=answer", in the order of the table of conventions."""
    if "alternatives" not in group.children:
        return {}
    at = f"/{dtype}/alternatives"
    holder = group_of(group, "alternatives", f"/{dtype}")
    found = {}
    for link in holder.children:
        key = answer_key_of(link)
        if key not in answer_keys or link_of(key) != link:
            raise VectorError(f"{at}/{link} is not in the table of conventions")
        branch = group_of(holder, link, at)
        if set(branch.children) != {"expected", "tolerance"}:
            raise VectorError(f"{at}/{link} is not made of expected and tolerance")
        found[key] = _expectations(branch, dtype, about, counts, f"{at}/{link}")
    return {key: found[key] for key in answer_keys if key in found}


def _present(columns: _Expectations) -> set[int]:
    """The families of which the columns hold anything."""
    everything = [columns.expected, *columns.tolerance.values()]
    return {
        index
        for part in everything
        for column in part.values()
        for index, tensor in enumerate(column)
        if tensor is not None
    }


def _expectation(columns: _Expectations, index: int, results: Sequence[str], where: str) -> Expectation:
    expected = {name: tensor for name, column in columns.expected.items() if (tensor := column[index]) is not None}
    tolerance = {}
    for precision, by_result in columns.tolerance.items():
        given = {name: tensor for name, column in by_result.items() if (tensor := column[index]) is not None}
        if given:
            if given.keys() != expected.keys() or any(given[name].shape != expected[name].shape for name in given):
                raise VectorError(
                    f"{where}: its tolerances for {precision} have other names or shapes than the results"
                )
            tolerance[precision] = {name: given[name] for name in results if name in given}
    if not expected:
        return NO_EXPECTATION
    if len(expected) != len(results) or not all(name in expected for name in results):
        raise VectorError(f"{where}: has results {', '.join(expected)}, where {', '.join(results)} are due")
    return Expectation({name: expected[name] for name in results}, tolerance)


def _refuse_strays(
    columns: Mapping[str, Column], names: Mapping[str, tuple[str, ...]], directions: Sequence[str], at: str
) -> None:
    for name, column in columns.items():
        for direction, tensor in zip(directions, column, strict=True):
            if tensor is not None and name not in names[direction]:
                raise VectorError(f"{at}/{name} has a family that is {direction} and takes no {name}")


@lru_cache(maxsize=1024)  # the same few sets of flags and of parameters stand in most rows
def _are_words(text: str) -> bool:
    return not text or all(WORD.fullmatch(word) for word in text.split(" "))


@lru_cache(maxsize=1024)
def _parameters(text: str, where: str) -> dict[str, str | int | float | bool]:
    parameters = {}
    for name, value in json_object(text, f"{where}: parameters").items():
        if not IDENTIFIER.fullmatch(name) or not isinstance(value, str | int | float):
            raise VectorError(
                f"{where}: parameter {name!r} is {value!r}, where a string, a number or a truth value is due"
            )
        parameters[name] = value
    return parameters
