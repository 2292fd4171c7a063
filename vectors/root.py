"""What a golden file says of its operation: the attributes of the root."""

from collections.abc import Mapping
from dataclasses import dataclass

from .dtypes import ALL_PRECISIONS
from .layout import ATTRIBUTES, IDENTIFIER, LARGEST_RANK
from .manifest import check_schema_version
from .parse_json import json_object
from .records import DIRECTIONS, VectorError


@dataclass(frozen=True)
class Operation:
    """What the root attributes say."""

    op: str
    vectors_version: str
    generator: str
    arguments: Mapping[str, tuple[str, ...]]
    results: Mapping[str, tuple[str, ...]]
    batch_axis: Mapping[str, int | None]
    aliases: Mapping[str, str]


def read_root(attributes: Mapping[str, str | int]) -> Operation:
    """What the attributes of a file's root say. Raises VectorError where they are not those of the layout."""
    check_schema_version(attributes.get("schema_version"))
    if sorted(attributes) != sorted(ATTRIBUTES):
        raise VectorError(f"the root has the attributes {', '.join(sorted(attributes))}, not {', '.join(ATTRIBUTES)}")
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    if len(texts) != len(ATTRIBUTES) - 1:
        raise VectorError("an attribute of the root is a number, where a string is due")
    if not IDENTIFIER.fullmatch(texts["operation"]):
        raise VectorError(f"operation is {texts['operation']!r}, which is no identifier")
    batch_axis = json_object(texts["batch_axis"], "attribute batch_axis")
    aliases = json_object(texts["aliases"], "attribute aliases")
    for name, axis in batch_axis.items():
        if not IDENTIFIER.fullmatch(name) or not (axis is None or (type(axis) is int and abs(axis) <= LARGEST_RANK)):
            raise VectorError(f"attribute batch_axis says {axis!r} of {name!r}, which is no axis of a tensor")
    for alias, precision in aliases.items():
        if alias not in ALL_PRECISIONS or not isinstance(precision, str) or precision not in ALL_PRECISIONS:
            raise VectorError(f"attribute aliases says {precision!r} of {alias!r}, which are no two known precisions")
    return Operation(
        texts["operation"],
        texts["vectors_version"],
        texts["generator"],
        _signature(texts["arguments"], "attribute arguments"),
        _signature(texts["results"], "attribute results"),
        batch_axis,
        aliases,
    )


def _signature(text: str, where: str) -> dict[str, tuple[str, ...]]:
    signature = {}
    for direction, names in json_object(text, where).items():
        if direction not in DIRECTIONS:
            raise VectorError(f"{where} has the direction {direction!r}, which is none of {', '.join(DIRECTIONS)}")
        if not isinstance(names, list) or not all(
            isinstance(name, str) and IDENTIFIER.fullmatch(name) for name in names
        ):
            raise VectorError(f"{where} does not list names for {direction}")
        if len(set(names)) != len(names):
            raise VectorError(f"{where} lists a name twice for {direction}")
        signature[direction] = tuple(names)
    return signature
