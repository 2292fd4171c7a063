"""A record as JSON. Numbers that are not finite are the strings "inf", "-inf" and "nan" there."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...vectors.records import Answer, Flag
from ..check.conventions import Followed
from ..diagnosis.findings import Diagnosis, Finding
from .contents import RECORD_VERSION, Asked, FamilyRecord, Machine, Planned, Progress, RunRecord, Tested, Versions
from .results import pack, unpack

_MEASURES = ("fraction", "ulps")
_ABSENT = {"case": None, "heatmap": None, "result": None, "reason": None}
"""Fields of a miss that are left out of the file where they are None."""


def text_of(record: RunRecord) -> str:
    """The record as JSON text, one line for each family."""
    return "{\n" + ",\n".join(_members(record)) + "\n}\n"


def _members(record: RunRecord) -> Iterator[str]:
    yield f'"backproof_run": {RECORD_VERSION}'
    for key, value in vars(record).items():
        if key == "families":
            yield f'"{key}": [\n' + ",\n".join(_json(_family(family)) for family in value) + "\n]"
        else:
            yield f'"{key}": {_json(value)}'


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, default=_plain)


def _plain(value: Any) -> object:
    """A dataclass or a mapping as a dict."""
    return dict(value) if isinstance(value, Mapping) else vars(value)


def _family(family: FamilyRecord) -> dict[str, object]:
    packed = pack(family.result)
    verdict = packed.pop("verdict")
    measures = {key: _written(verdict[key]) for key in _MEASURES}
    misses = [{key: value for key, value in miss.items() if value is not None} for miss in verdict["misses"]]
    more = {key: value for key, value in vars(family).items() if key != "result"}
    return {**packed, **verdict, **measures, "misses": misses, **more}


def record_of(document: Mapping[str, Any]) -> RunRecord:
    """The record of a JSON document that fits the schema."""
    implementation = document["implementation"]
    fields = {key: document[key] for key in RunRecord.__dataclass_fields__}
    fields |= {
        "state": Progress(document["state"]),
        "implementation": Tested(**_tuples(implementation)),
        "versions": Versions(**document["versions"]),
        "machine": Machine(**document["machine"]),
        "asked": Asked(**_tuples(document["asked"])),
        "problems": tuple(document["problems"]),
        "planned": tuple(Planned(**planned) for planned in document["planned"]),
        "conventions": tuple(Followed(**_tuples(followed)) for followed in document["conventions"]),
        "diagnoses": tuple(_diagnosis(diagnosis) for diagnosis in document["diagnoses"]),
        "flags": tuple(Flag(**flag) for flag in document["flags"]),
        "answers": tuple(Answer(**answer) for answer in document["answers"]),
        "families": tuple(_family_record(family) for family in document["families"]),
    }
    return RunRecord(**fields)


def _diagnosis(document: Mapping[str, Any]) -> Diagnosis:
    return Diagnosis(**{**document, "findings": tuple(Finding(**finding) for finding in document["findings"])})


def _family_record(document: Mapping[str, Any]) -> FamilyRecord:
    packed = dict(document)
    own = {key: packed.pop(key) for key in ("flags", "kind", "parameters", "comment")}
    outer = {key: packed.pop(key) for key in ("nodeid", "ending", "note")}
    measures = {key: _number(packed[key]) for key in _MEASURES}
    misses = [_ABSENT | miss for miss in packed["misses"]]
    result = unpack({**outer, "verdict": {**packed, **measures, "misses": misses}})
    return FamilyRecord(result, **_tuples(own))


def _tuples(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}


def _written(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else repr(value)


def _number(value: float | str | None) -> float | None:
    return None if value is None else float(value)
