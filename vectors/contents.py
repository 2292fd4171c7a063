"""Read and check the JSON document of a golden file: the operation, and an entry for each family."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import Any

from .dtypes import ALL_PRECISIONS, DTYPES, share_a_dtype
from .layout import (
    ANSWER_KEY,
    FAMILY_NAME,
    IDENTIFIER,
    LABEL_SUFFIX,
    LARGEST_RANK,
    LARGEST_SIZE,
    MOST_CASES,
    WORD,
    Entry,
    Shape,
)
from .parse_json import json_object, shortened
from .records import DIRECTIONS, LEVELS, RESULTS, Answer, Flag, OperationVectors, Parameter, VectorError

FIELDS = (
    "operation",
    "vectors_version",
    "generator",
    "arguments",
    "results",
    "batch_axis",
    "aliases",
    "flags",
    "conventions",
    "families",
)
ENTRY_FIELDS = tuple(field.name for field in fields(Entry))
DEEPEST_PARAMETER = 8


def read_contents(text: str) -> tuple[OperationVectors, list[Entry]]:
    """Parse the document into the operation's vectors, still without families, and an entry for each family.

    Raises VectorError, with the place and what is wrong there, where the document does not follow the layout.
    """
    document = json_object(text, "the contents")
    if sorted(document) != sorted(FIELDS):
        raise VectorError(f"the contents have the fields {', '.join(sorted(document))}, not {', '.join(FIELDS)}")
    for field in ("operation", "vectors_version", "generator"):
        _demand(isinstance(document[field], str), field, document[field], "a string")
    op = document["operation"]
    _demand(IDENTIFIER.fullmatch(op) is not None, "operation", op, "an identifier")
    for field in ("batch_axis", "aliases"):
        _demand(isinstance(document[field], dict), field, document[field], "an object")
    for name, axis in document["batch_axis"].items():
        is_axis = axis is None or (type(axis) is int and abs(axis) <= LARGEST_RANK)
        _demand(IDENTIFIER.fullmatch(name) is not None and is_axis, f"batch_axis of {name!r}", axis, "an axis or null")
    for alias, precision in document["aliases"].items():
        known = isinstance(precision, str) and share_a_dtype(alias, precision)
        _demand(known, f"aliases of {alias!r}", precision, "a known precision of the same dtype")
    vectors = OperationVectors(
        op,
        document["vectors_version"],
        document["generator"],
        _signature(document["arguments"], "arguments"),
        _signature(document["results"], "results"),
        document["batch_axis"],
        document["aliases"],
        tuple(Flag(*row) for row in _rows(document["flags"], "flags", (str, str, str, str))),
        tuple(Answer(*row) for row in _rows(document["conventions"], "conventions", (str, str, bool, str))),
        (),
    )
    for flag in vectors.flags:
        _demand(WORD.fullmatch(flag.name) is not None, "flags", flag.name, "the name of a flag")
    for answer in vectors.answers:
        _demand(ANSWER_KEY.fullmatch(answer.key) is not None, "conventions", answer.key, "an answer at a point")
    _demand(isinstance(document["families"], list), "families", document["families"], "a list")
    entries = [_Reader(vectors, item, number).entry() for number, item in enumerate(document["families"])]
    for dtype in DTYPES:
        own = [entry for entry in entries if dtype in entry.dtypes]
        if len({entry.name for entry in own}) != len(own):
            names = [entry.name for entry in own]
            raise VectorError(f"{op}/{dtype}/{next(n for n in names if names.count(n) > 1)} appears twice")
        if sum(entry.count for entry in own) > MOST_CASES:
            raise VectorError(f"the families of {dtype} count more than {MOST_CASES} cases")
    return vectors, entries


@dataclass(frozen=True)
class _Reader:
    """Reads one entry of `families`."""

    vectors: OperationVectors
    item: Any
    number: int

    def entry(self) -> Entry:
        fits = isinstance(self.item, dict) and not set(self.item) - set(ENTRY_FIELDS)
        _demand(fits, f"family {self.number}", self.item, "an object of known fields")
        name, direction, count = (self.item.get(field) for field in ("name", "direction", "count"))
        self.demand(isinstance(name, str) and FAMILY_NAME.fullmatch(name) is not None, "name", name, "a family's name")
        known = direction in DIRECTIONS and direction in self.vectors.arguments and direction in self.vectors.results
        self.demand(known, "direction", direction, "one that the operation has")
        self.demand(type(count) is int and 0 < count <= MOST_CASES, "count", count, f"1 to {MOST_CASES}")
        result = self.text("result", "valid", RESULTS)
        inputs, results = self.shapes("inputs"), self.shapes("results")
        given = tuple(column.removesuffix(LABEL_SUFFIX) for column in inputs)
        self.demand(given == self.vectors.arguments[direction], "inputs", list(inputs), "the arguments in order")
        due = () if result == "invalid" else self.vectors.results[direction]
        self.demand(tuple(results) == due, "results", list(results), f"those of a call that is {result}")
        return Entry(
            name=name,
            dtypes=self.words("dtypes", DTYPES, "dtypes, one at least"),
            direction=direction,
            count=count,
            inputs=inputs,
            results=results,
            level=self.text("level", "required", LEVELS),
            result=result,
            flags=self.words("flags", None, "words"),
            parameters=self.parameters(),
            seed=self.text("seed"),
            comment=self.text("comment"),
            source=self.text("source"),
            alternatives=self.words("alternatives", [a.key for a in self.vectors.answers], "of the conventions"),
            without=self.words("without", ALL_PRECISIONS, "precisions"),
        )

    def demand(self, holds: bool, field: str, value: object, due: str) -> None:
        if not holds:
            name = self.item.get("name")
            family = name if isinstance(name, str) and FAMILY_NAME.fullmatch(name) else f"family {self.number}"
            _demand(False, f"{field} of {family}", value, due)

    def text(self, field: str, default: str = "", known: Sequence[str] = ()) -> str:
        value = self.item.get(field, default)
        self.demand(isinstance(value, str), field, value, "a string")
        self.demand(not known or value in known, field, value, f"one of {', '.join(known)}")
        return str(value)

    def words(self, field: str, known: Collection[str] | None, due: str) -> tuple[str, ...]:
        value = self.item.get(field, [])
        plain = isinstance(value, list) and all(isinstance(word, str) and WORD.fullmatch(word) for word in value)
        self.demand(plain and (known is None or all(word in known for word in value)), field, value, due)
        self.demand(field != "dtypes" or len(value) > 0, field, value, due)
        self.demand(field == "flags" or len(set(value)) == len(value), field, value, f"{due}, each once")
        return tuple(value)

    def shapes(self, field: str) -> dict[str, Shape]:
        value = self.item.get(field)
        self.demand(isinstance(value, dict), field, value, "an object of shapes")
        for shape in value.values():
            whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
            self.demand(whole and len(shape) <= LARGEST_RANK, field, shape, f"a shape of {LARGEST_RANK} sizes at most")
            self.demand(prod(size or 1 for size in shape) <= LARGEST_SIZE, field, shape, "the shape of a tensor")
        return {name: tuple(shape) for name, shape in value.items()}

    def parameters(self) -> dict[str, Parameter]:
        value = self.item.get("parameters", {})
        self.demand(isinstance(value, dict), "parameters", value, "an object")
        for name in value:
            self.demand(IDENTIFIER.fullmatch(name) is not None, "parameters", name, "an identifier")
        return {name: self.parameter(one, DEEPEST_PARAMETER) for name, one in value.items()}

    def parameter(self, value: Any, depth: int) -> Parameter:
        due = "a string, a number, a truth value, null or a list of such"
        self.demand(depth > 0 and not isinstance(value, dict), "parameters", value, due)
        return tuple(self.parameter(one, depth - 1) for one in value) if isinstance(value, list) else value


def _demand(holds: bool, field: str, value: object, due: str) -> None:
    if not holds:
        raise VectorError(f"the contents say {shortened(str(value))} for {field}, where {due} is due")


def _rows(value: Any, field: str, kinds: tuple[type, ...]) -> list[list[Any]]:
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        fits = isinstance(row, list) and [type(cell) for cell in row] == list(kinds)
        _demand(fits, field, row, f"a list of {', '.join(kind.__name__ for kind in kinds)}")
    return rows


def _signature(value: Any, field: str) -> dict[str, tuple[str, ...]]:
    _demand(isinstance(value, dict) and set(value) <= set(DIRECTIONS), field, value, "an object by direction")
    for names in value.values():
        plain = isinstance(names, list) and all(isinstance(n, str) and IDENTIFIER.fullmatch(n) for n in names)
        _demand(plain and len(set(names)) == len(names), field, names, "a list of distinct names")
    return {direction: tuple(names) for direction, names in value.items()}
