"""A record as JSON. Numbers that are not finite are the strings "inf", "-inf" and "nan" there."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from .contents import RECORD_VERSION, FamilyRecord, RunRecord
from .plain import pack, unpack

_MEASURES = ("fraction", "ulps")
"""Fields of a verdict that may be infinite or NaN."""


def text_of(record: RunRecord) -> str:
    """The record as JSON text, one line for each family."""
    return "{\n" + ",\n".join(_members(record)) + "\n}\n"


def _members(record: RunRecord) -> Iterator[str]:
    yield f'"backproof_run": {RECORD_VERSION}'
    for key, value in vars(record).items():
        if key == "families":
            yield f'"{key}": [\n' + ",\n".join(_json(_family(family)) for family in value) + "\n]"
        else:
            yield f'"{key}": {_json(pack(value))}'


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _family(family: FamilyRecord) -> dict[str, object]:
    """A family's fields in one dict: those of the result, of its verdict, and the others."""
    others = pack(family)
    result = others.pop("result")
    verdict = result.pop("verdict")
    for key in _MEASURES:
        if verdict[key] is not None and not math.isfinite(verdict[key]):
            verdict[key] = repr(verdict[key])
    misses = [{key: value for key, value in miss.items() if value is not None} for miss in verdict["misses"]]
    return {**result, **verdict, "misses": misses, **others}


def record_of(document: Mapping[str, Any]) -> RunRecord:
    """The record of a JSON document that fits the schema."""
    families = [_nested(family) for family in document["families"]]
    fields = {key: document[key] for key in RunRecord.__dataclass_fields__}
    record: RunRecord = unpack(RunRecord, fields | {"families": families})
    return record


def _nested(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a family, nested again as `pack` does."""
    verdict = dict(document)
    others = {key: verdict.pop(key) for key in ("flags", "kind", "parameters", "comment")}
    result = {key: verdict.pop(key) for key in ("nodeid", "ending", "note")}
    verdict |= {key: None if verdict[key] is None else float(verdict[key]) for key in _MEASURES}
    verdict["misses"] = [{"case": None} | miss for miss in verdict["misses"]]
    return {"result": {**result, "verdict": verdict}, **others}
