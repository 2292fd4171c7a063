"""`backproof doctor --impl-cmd`: the first line that is none of the protocol is named, with what to do."""

import sys
from pathlib import Path

import pytest
from backproof.conformance import cli
from backproof.conformance.remote import conversation, process
from backproof.conformance.remote.conversation import FLUSH, WrongLine, converse

RIGHT = """import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    number = request["id"]
    if request["command"] == "stop":
        break
    if request["command"] == "start":
        answer = {"id": number, "protocol": 1, "name": "x", "language": "y", "operations": {"relu": ["forward"]}}
    else:
        answer = {"id": number, "unsupported": "not yet"}
    print(json.dumps(answer), flush=True)
"""
HELLO, LATE = "print('hello', flush=True)\nfor line", "import atexit, json, time\natexit.register(time.sleep, 9)"
ID, WHY = '{"id": number, "unsupported"', '"unsupported": "not yet"'
WRONG = {
    "it does not flush": (", flush=True", "", 1, "it answers when its input ends, and not before", FLUSH),
    "it says hello": ("for line", HELLO, 1, "printed 'hello', which is no answer", "answer the first line"),
    "start lacks a key": ('"name": "x", ', "", 1, "the answer to start lacks 'name'", "answer the first line"),
    "ids never change": (ID, '{"id": 2, "unsupported"', 3, "answered request 2, where", "the id"),
    "ids are cut": (
        ID,
        '{"id": number % 1000, "unsupported"',
        4,
        "answered request 3, where an answer",
        "id",
    ),
    "results are numbers": (WHY, '"results": [1.0]', 2, "results[0] is to have dtype", '"results"'),
    "it fails": (WHY, '"unsupported": 1 / 0', 2, "ended with status 1, saying 'ZeroDiv", "find what ends it"),
    "stop is no end": ("        break", "        sys.exit(4)", 5, "ended with status 4", "end with status 0"),
    "it goes on after its input": ("import json", LATE, 5, "the process did not end", "end with status 0"),
}


@pytest.fixture(autouse=True)
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's standard output as it is where nobody has changed it."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def told(folder: Path, text: str, seconds: float = 2.0) -> WrongLine | int:
    (folder / "harness.py").write_text(text)
    return converse([sys.executable, "harness.py"], folder, {}, seconds)


def test_a_right_harness_gives_four_answers(tmp_path: Path) -> None:
    assert told(tmp_path, RIGHT) == 4


@pytest.mark.parametrize(("right", "wrong", "number", "words", "cure"), WRONG.values(), ids=WRONG)
def test_the_first_wrong_answer_is_named(
    tmp_path: Path, right: str, wrong: str, number: int, words: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert right in RIGHT
    if wrong == LATE:
        monkeypatch.setattr(process, "GRACE", 0.5)  # however long is waited, it does not end
    found = told(tmp_path, RIGHT.replace(right, wrong), 0.3 if cure == FLUSH else 2.0)
    assert isinstance(found, WrongLine)
    assert found.number == number
    assert words in found.words
    assert cure in found.cure


def test_the_doctor_says_it_in_a_few_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conversation, "SECONDS", 2.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.py").write_text(RIGHT.replace('"name": "x", ', ""))
    assert cli.main(["doctor", "--impl-cmd", f"{sys.executable} harness.py"]) == 1
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.startswith(
        "answer 1 is not as conformance/remote/PROTOCOL.md says\n        the answer to start lacks 'name'.\n"
    )
    assert '        asked: \'{"id":1,"command":"start",' in printed
