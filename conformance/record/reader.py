"""Read the record of a run from its file."""

import json
from pathlib import Path
from typing import Any

from ...vectors.parse_json import json_object
from ...vectors.records import VectorError
from ..implementation.errors import CommandError
from .contents import RECORD_VERSION, RunRecord
from .document import record_of

SCHEMA = Path(__file__).with_name("run.schema.json")


def read_record(path: Path) -> RunRecord:
    """The record in a file, validated by the schema. Raises CommandError."""
    try:
        document = json_object(path.read_text(encoding="utf-8"), f"{path}:")
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path}: is not UTF-8 text; name a file that pytest --impl-report=FILE wrote") from None
    except VectorError as error:
        raise CommandError(f"{error}; name a file that pytest --impl-report=FILE wrote") from None
    version = document.get("backproof_run")
    if type(version) is not int or version < 1:
        raise CommandError(f"{path}: is no record of a run; name a file that pytest --impl-report=FILE wrote")
    if version != RECORD_VERSION:
        newer = "a newer backproof", "upgrade: pip install --upgrade backproof"
        older = "an older backproof", "run pytest --impl-report=FILE again"
        writer, cure = newer if version > RECORD_VERSION else older
        raise CommandError(
            f"{path}: was written by {writer} (record version {version}, and this one reads {RECORD_VERSION}); {cure}"
        )
    _validate(path, document)
    return record_of(document)


def _validate(path: Path, document: dict[str, Any]) -> None:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ModuleNotFoundError as error:
        needed = f"reading a record needs {error.name}, which is not installed: pip install 'backproof[report]'"
        raise CommandError(needed) from None
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    wrong = best_match(Draft202012Validator(schema).iter_errors(document))
    if wrong is not None:
        words = wrong.message if len(wrong.message) <= 160 else f"{wrong.message[:157]}..."
        raise CommandError(f"{path}: does not hold to the schema of records, at {wrong.json_path}: {words}")
