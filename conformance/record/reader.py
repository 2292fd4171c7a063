"""Read the record of a run from its file."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ...vectors.files import bytes_of, one_line
from ...vectors.parse_json import json_object
from ...vectors.records import VectorError
from ..check.verdict import Outcome
from ..implementation.errors import CommandError
from .contents import NOT_ASKED, NOT_RUN, RECORD_VERSION, STANDINGS, RunRecord
from .document import record_of
from .results import Ending

SCHEMA = Path(__file__).with_name("run.schema.json")
_CURE = "name a file that pytest --impl-report=FILE wrote"


def read_record(path: Path) -> RunRecord:
    """The record in a file, validated by the schema, its counts held against its families. Raises CommandError."""
    try:
        text = bytes_of(path, _CURE).decode()
    except VectorError as error:
        raise CommandError(str(error)) from None
    except UnicodeDecodeError:
        raise CommandError(f"{path}: is not UTF-8 text; {_CURE}") from None
    try:
        document = json_object(text, f"{path}:")
    except VectorError as error:
        raise CommandError(f"{error}; {_CURE}") from None
    version = document.get("backproof_run")
    if type(version) is not int or version < 1:
        raise CommandError(f"{path}: is no record of a run; {_CURE}")
    if version != RECORD_VERSION:
        newer = "a newer backproof", "install a newer one"
        older = "an older backproof", "run pytest --impl-report=FILE again"
        writer, cure = newer if version > RECORD_VERSION else older
        raise CommandError(
            f"{path}: was written by {writer} (record version {version}, and this one reads {RECORD_VERSION}); {cure}"
        )
    _validate(path, document)
    record = record_of(document)
    if wrong := _contradiction(record):
        raise CommandError(f"{path}: contradicts itself: {one_line(wrong)}; run pytest --impl-report=FILE again")
    return record


def _contradiction(record: RunRecord) -> str:
    """What the families of a record and its numbers do not agree in; empty where they agree."""
    ran = Counter((f.result.verdict.op, f.result.verdict.dtype, f.result.verdict.direction) for f in record.families)
    for planned in record.planned:
        there = ran.pop((planned.op, planned.dtype, planned.direction), 0)
        if not there <= planned.asked <= planned.families:
            what = f"{planned.function} in {planned.dtype}"
            return f"of {planned.families} families of {what}, {planned.asked} were asked for and {there} ran"
    for op, dtype, direction in ran:
        return f"families of {op}_{direction} in {dtype} ran that were not planned"
    if twice := [nodeid for nodeid, n in Counter(f.result.nodeid for f in record.families).items() if n > 1]:
        return f"{twice[0]} is there twice"
    asked = sum(planned.asked for planned in record.planned)
    counts = Counter(family.standing for family in record.families)
    counts[NOT_RUN] = asked - len(record.families)
    counts[NOT_ASKED] = sum(planned.families for planned in record.planned) - asked
    for word in STANDINGS:
        if record.counts[word] != counts[word]:
            return f"it counts {record.counts[word]} families as {word}, and has {counts[word]}"
    for result in (family.result for family in record.families):
        fails = any(not miss.robust for miss in result.verdict.misses)
        if fails != (result.verdict.outcome is Outcome.FAILED) or (fails and result.ending is Ending.PASSED):
            return f"{result.nodeid} {result.ending} and its misses say otherwise"
    return ""


def _validate(path: Path, document: dict[str, Any]) -> None:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ModuleNotFoundError as error:
        needed = f"reading a record needs {error.name}, which is not installed: pip install jinja2 jsonschema"
        raise CommandError(needed) from None
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    wrong = best_match(Draft202012Validator(schema).iter_errors(document))
    if wrong is not None:
        words = wrong.message if len(wrong.message) <= 160 else f"{wrong.message[:157]}..."
        raise CommandError(f"{path}: does not hold to the schema of records, at {wrong.json_path}: {words}")
