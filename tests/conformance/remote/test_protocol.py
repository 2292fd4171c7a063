"""Both sides of the protocol of --impl-cmd, held to its schema; the document, held to both."""

import base64
import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import python_harness
import small_harness
from backproof.conformance.check.family import check
from backproof.conformance.implementation.declarations import precision_of
from backproof.conformance.implementation.errors import AdapterError
from backproof.conformance.implementation.timeouts import Lost
from backproof.conformance.remote import command, process, wire
from backproof.conformance.remote.process import Broken
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, numpy_dtype
from protocol_schema import FOLDER, SCHEMA, Conversation, faults, validator

DOCUMENT = (FOLDER / "PROTOCOL.md").read_text(encoding="utf-8")
WORDS = " ".join(DOCUMENT.split())
"""The same on one line."""
TENSOR = {"dtype": "float32", "shape": [2], "data": base64.b64encode(bytes(8)).decode()}
STARTED = {"id": 3, "protocol": 1, "name": "n", "language": "l", "operations": {"dense": ["forward"]}}


def line(message: Any) -> bytes:
    return json.dumps(message).encode()


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


# What passes

NUMPY = [str(python_harness.__file__), "backproof.conformance.adapters.numpy"]


@pytest.mark.parametrize(
    ("words", "many"),
    [
        pytest.param([str(small_harness.__file__)], 1, id="small"),
        pytest.param(NUMPY, 600, id="numpy"),
        pytest.param(NUMPY, 150, id="numpy, more", marks=pytest.mark.catalogue),
    ],
)
def test_every_line_of_a_run_is_as_the_schema_says(
    words: list[str],
    many: int,
    tmp_path: Path,
    golden: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    conversation = Conversation(monkeypatch)
    real = "adapters.numpy" in words[-1]
    if real:
        monkeypatch.undo()  # of the small golden files
        conversation = Conversation(monkeypatch)
    else:
        words = [*words, str(tmp_path)]
    operations = store.golden_operations()
    words = shlex.join([sys.executable, *words])
    implementation = command.load_command(words, operations, 30, tmp_path, {"device": "cpu"})
    for op in operations:
        vectors = store.read_golden(op)
        for family in [family for family in vectors.families if family.count <= 40][::many]:
            check(family, implementation, vectors)
    implementation.teardown()
    assert conversation.faults() == []
    assert len(conversation.requests) == len(conversation.answers) + 1 > 20
    assert {json.loads(line)["command"] for line in conversation.requests} == {"start", "call", "stop"}


@pytest.mark.parametrize("dtype", [*DTYPES, "int64"])
def test_a_tensor_comes_back_as_it_was_bit_for_bit(dtype: str) -> None:
    kind = numpy_dtype(dtype)
    raw = np.random.default_rng(1).integers(0, 256, 48 * kind.itemsize, dtype=np.uint8).view(kind)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5] if kind.kind != "i" else [0, -1, 2**63 - 1]).astype(
        kind
    )
    tensors = [
        raw.reshape(2, 3, 8),
        raw[:1].reshape(()),
        raw[:0].reshape(3, 0),
        special,
        raw.reshape(6, 8).T,
        raw[::-2],
    ]
    request = wire.numbered(5, wire.call("dense", "forward", tensors, {"reduction": "mean"}))
    assert faults("call", [request]) == []
    answer = {"id": 5, "results": json.loads(request)["arguments"]}
    results = wire.answered(line(answer), 5)()
    for tensor, result in zip(tensors, results, strict=True):
        assert (result.dtype, result.shape) == (tensor.dtype, tensor.shape)
        assert result.tobytes() == tensor.tobytes()


def test_the_bytes_are_little_endian_whatever_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    request = json.loads(wire.numbered(1, wire.call("relu", "forward", [np.array([1.0], ">f4").astype("f4")], {})))
    assert base64.b64decode(request["arguments"][0]["data"]) == b"\x00\x00\x80\x3f"


@pytest.mark.parametrize(
    ("declared", "is_known"),
    [
        ({"float32": "tf32", "bfloat16": "stepwise", "bfloat16:dense": "native"}, True),
        ({"float16": "float16-native"}, True),
        ({"float16": "bfloat16-native"}, False),
        ({"float32:dense": "fused"}, False),
        ({"float32:": "tf32"}, False),
        ({"int64": "native"}, False),
    ],
)
def test_the_schema_has_the_precisions_that_an_adapter_may_declare(declared: dict[str, str], is_known: bool) -> None:
    assert validator("started").is_valid({**STARTED, "precision": declared}) == is_known
    if is_known:
        assert precision_of("harness", declared, ["dense"])
    else:
        with pytest.raises(AdapterError):
            precision_of("harness", declared, ["dense"])


# What does not


BAD_ANSWERS: list[Any] = [
    None,
    [],
    "results",
    {},
    {"results": [TENSOR]},
    {"id": "3", "results": [TENSOR]},
    {"id": True, "results": [TENSOR]},
    {"id": 3},
    {"id": 3, "result": [TENSOR]},
    {"id": 3, "results": [TENSOR], "error": "both"},
    {"id": 3, "results": [TENSOR], "time": 1.5},
    {"id": 3, "results": TENSOR},
    {"id": 3, "error": 5},
    {"id": 3, "error": None},
    {"id": 3, "unsupported": True},
    {"id": 3, "results": [[1.0, 2.0]]},
    {"id": 3, "results": [{**TENSOR, "dtype": "float31"}]},
    {"id": 3, "results": [{**TENSOR, "dtype": ["float32"]}]},
    {"id": 3, "results": [{**TENSOR, "name": "outputs"}]},
    {"id": 3, "results": [{"dtype": "float32", "shape": [2]}]},
    {"id": 3, "results": [{**TENSOR, "shape": 2}]},
    {"id": 3, "results": [{**TENSOR, "shape": [-2]}]},
    {"id": 3, "results": [{**TENSOR, "shape": [2.5]}]},
    {"id": 3, "results": [{**TENSOR, "shape": [True, 2]}]},
    {"id": 3, "results": [{**TENSOR, "shape": [2] + [1] * 8}]},
    {"id": 3, "results": [{**TENSOR, "data": [0] * 8}]},
    {"id": 3, "results": [{**TENSOR, "data": "no base64!"}]},
    {"id": 3, "results": [{**TENSOR, "data": TENSOR["data"].rstrip("=")}]},
    {"id": 3, "results": [{**TENSOR, "data": TENSOR["data"][:4] + "\n" + TENSOR["data"][4:]}]},
]


@pytest.mark.parametrize("answer", BAD_ANSWERS, ids=lambda answer: json.dumps(answer)[:60])
def test_an_answer_that_the_schema_forbids_is_refused_in_one_line(answer: Any) -> None:
    assert not validator("answer").is_valid(answer)
    with pytest.raises((Broken, Lost)) as refused:
        wire.answered(line(answer), 3)()
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


SOUND = b'{"id": 3, "error": "refused"}'
MISCODED = [
    SOUND.decode().encode("utf-16"),
    b"\xef\xbb\xbf" + SOUND,
    b'{"id": 3, "error": "one", "error": "two"}',
    b'{"id": 3, "error": "\\ud800"}',
    b'{"id": 3, "error": 1e400}',
]
"""Lines that many parsers take for an answer."""


def test_a_sound_line_is_an_answer() -> None:
    with pytest.raises(wire.ImplementationError, match="refused"):
        wire.answered(SOUND, 3)()


def test_what_would_steer_a_terminal_is_escaped() -> None:
    with pytest.raises(wire.ImplementationError, match=re.escape(r"\x1b[2Jred")):
        wire.answered(line({"id": 3, "error": "\x1b[2Jred"}), 3)()
    assert wire.started(line({**STARTED, "name": "\x1b[2J\u202e"}), 3)["name"] == r"\x1b[2J\u202e"


def test_what_comes_after_the_request_to_stop_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.5)
    words = [sys.executable, "-c", "import os\nwhile True: os.write(1, b'and more\\n' * 10_000)"]
    child = process.Process(words, None)
    assert child.stop(b"\n") == "the process did not end within 0.5 s of being told to stop, and was killed"
    assert not child._lines


def test_a_line_without_end_is_read_in_linear_time() -> None:
    words = [sys.executable, "-c", "import os\nwhile True: os.write(1, b'x' * 65536)"]
    child = process.Process(words, None)
    began = time.process_time()
    with pytest.raises(Broken, match="64 MiB of an answer came, and no end of the line"):
        next(child.converse([b"\n"], 60))
    child.kill()
    assert time.process_time() - began < 2  # 12 s where each chunk was copied into a new line


def test_the_answer_to_a_long_request_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE", 1 << 10)
    words = [sys.executable, "-uc", "while True: n = len(input()); print('x' * 12 * n); print('x' * 200 * n)"]
    child = process.Process(words, None)
    request = b"y" * (1 << 18) + b"\n"
    assert next(child.converse([request], 60)).rstrip() == b"x" * (12 << 18)
    with pytest.raises(Broken, match="4 MiB of an answer came"):
        next(child.converse([request], 60))
    child.kill()


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"{", b'{"id": 3, "results": [}', b"\xff\xfe", b"NaN", b"[" * 100_000, *MISCODED]
)
def test_a_line_that_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(Broken, match=r"the process printed .*, which is no answer"):
        wire.answered(text, 3)


def test_bytes_that_do_not_make_up_the_shape_are_refused() -> None:
    answer = {"id": 3, "results": [{**TENSOR, "shape": [3]}]}
    with pytest.raises(Lost, match=re.escape("results[0].data holds 8 bytes, where float32 of shape (3,) takes 12")):
        wire.answered(line(answer), 3)()


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ({"id": 3, "unsupported": "no float16 here"}, NotImplementedError),
        ({"id": 3, "error": "label 7 is out of range\n  at line 5"}, wire.ImplementationError),
    ],
)
def test_what_an_implementation_says_is_said_again(answer: Any, raised: type[Exception]) -> None:
    assert validator("answer").is_valid(answer)
    with pytest.raises(raised) as error:
        wire.answered(line(answer), 3)()
    assert str(error.value) == str(answer.get("error", answer.get("unsupported"))).splitlines()[0]


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": 2},
        {"protocol": "1"},
        {"name": 5},
        {"language": None},
        {"version": 1.0},
        {"operations": ["dense"]},
        {"operations": {"dense": "forward"}},
        {"operations": {"dense": ["forwards"]}},
        {"dtype": ["float32"]},
    ],
    ids=json.dumps,
)
def test_a_start_that_the_schema_forbids_is_refused(change: dict[str, Any]) -> None:
    assert validator("started").is_valid(STARTED)
    assert wire.started(line(STARTED), 3) == STARTED
    assert not validator("started").is_valid({**STARTED, **change})
    with pytest.raises(Broken):
        wire.started(line({**STARTED, **change}), 3)


@pytest.mark.parametrize("key", ["protocol", "name", "language", "operations"])
def test_a_start_that_lacks_something_is_refused(key: str) -> None:
    answer = {name: value for name, value in STARTED.items() if name != key}
    assert not validator("started").is_valid(answer)
    with pytest.raises(Broken, match=f"lacks {key!r}"):
        wire.started(line(answer), 3)


# The document


def test_the_documents_lines_are_as_the_schema_says() -> None:
    examples = re.findall(r"^```json\n(.*?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    lines = [text.replace("[...]", "[]").encode() for example in examples for text in example.splitlines()]
    requests = [text for text in lines if b'"command"' in text]
    answers = [text for text in lines if text.startswith(b'{"id"') and text not in requests]
    (tensor,) = [text for text in lines if text not in requests + answers]
    assert faults("request", requests) + faults("answer", answers) + faults("tensor", [tensor]) == []
    assert len(requests) == 3
    assert wire.answered(line({"id": 1, "results": [json.loads(tensor)]}), 1)()[0].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_the_documents_table_has_the_arguments_of_the_operations_that_it_names() -> None:
    rows = [row.split("|")[1:-1] for row in DOCUMENT.splitlines() if re.match(r"\| `\w+` \|.*\|.*\|.*\|$", row)]
    told = {words(name)[0]: (words(takes), words(parameters), words(gives)) for name, takes, parameters, gives in rows}
    assert len(told) >= 7
    for op, (takes, parameters, gives) in told.items():
        vectors = store.read_golden(op)
        backward = vectors.arguments["backward"]
        forward = vectors.arguments.get("forward", backward[1:])
        assert tuple(takes) == forward
        assert tuple(gives) == vectors.results.get("forward", ())
        assert set(parameters) == {name for family in vectors.families for name in family.parameters}


def words(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_the_documents_figures_are_those_of_the_code() -> None:
    assert f"protocol {wire.PROTOCOL} " in WORDS
    assert f"({command.SECONDS:g} seconds a call" in WORDS
    assert f"has {process.GRACE:g} seconds to end" in WORDS
    assert f"More than {process.MOST_ERRORS >> 20} MiB" in WORDS
    assert f"The rank is at most {wire.MOST_AXES}." in WORDS
    assert all(f"`{dtype}`" in WORDS for dtype in wire.TENSOR_DTYPES)


def test_options_reach_the_process(golden: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-I", "-S", str(small_harness.__file__), str(tmp_path), "options"]
    implementation = command.load_command(shlex.join(words), ["double"], None, tmp_path, {"device": "cpu"})
    implementation.teardown()
    assert implementation.name == '{"device": "cpu"}'
