"""The JSON Schema of the protocol, and what passes between us and a process held to it."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from backproof.conformance import remote
from backproof.conformance.remote.process import Process

_ID = re.compile(rb'"id": ?\d+')
FOLDER = Path(remote.__path__[0])
SCHEMA = json.loads((FOLDER / "protocol.schema.json").read_text(encoding="utf-8"))


def validator(kind: str) -> jsonschema.Draft202012Validator:
    """A validator of one of the schema's definitions: "request", "answer", "call", ..."""
    return jsonschema.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})


def faults(kind: str, lines: Iterable[bytes]) -> list[str]:
    """What is wrong with lines that should each be of a kind."""
    of_that_kind = validator(kind)
    apart = {_ID.sub(b'"id":0', line): line for line in lines}  # the same call is made a dozen times
    return [
        f"{error.message[:200]} in {line[:200]!r}"
        for line in apart.values()
        for error in of_that_kind.iter_errors(parsed(line))
    ]


def parsed(line: bytes) -> Any:
    assert line.count(b"\n") <= 1
    return json.loads(line)


class Conversation:
    """All lines that pass between us and processes from here on, in order of their kind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[bytes] = []
        self.answers: list[bytes] = []
        converse, stop = Process.converse, Process.stop

        def recorded(process: Process, requests: Iterable[bytes], seconds: float) -> Iterator[bytes]:
            lines = list(requests)
            self.requests += lines
            for answer in converse(process, lines, seconds):
                self.answers.append(answer)
                yield answer

        def recorded_stop(process: Process, request: bytes) -> str:
            self.requests.append(request)
            return stop(process, request)

        monkeypatch.setattr(Process, "converse", recorded)
        monkeypatch.setattr(Process, "stop", recorded_stop)

    def faults(self) -> list[str]:
        """What the schema does not allow."""
        return [*faults("request", self.requests), *faults("answer", self.answers)]
