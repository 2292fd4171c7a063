"""The example harnesses in JavaScript and C: they pass, and with a fault put into their text they do not."""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from backproof.conformance import adapters, command
from backproof.conformance.adapter import Implementation
from backproof.conformance.check import check
from backproof.conformance.verdict import Outcome, Verdict
from backproof.vectors import store
from protocol_schema import Conversation

EXAMPLES = Path(adapters.__path__[0])
OPERATIONS = ("dense", "relu", "softmax_cross_entropy")
LANGUAGES = {"javascript": "JavaScript", "c": "C"}
DENSE, RELU, LOSS = ((f"{op}_forward", f"{op}_backward") for op in OPERATIONS)

GRAVITY = [Outcome.PASSED, Outcome.ROBUST_MISS, Outcome.FAILED]

Loader = Callable[[str, Path], Implementation]


@dataclass(frozen=True)
class Fault:
    """A slip: what stands in a file of an example, and what stands there instead."""

    file: str
    right: str
    wrong: str
    functions: tuple[str, ...]
    """The functions that it shows in; it shows in no others."""
    outcome: Outcome = Outcome.FAILED


FAULTS = {
    "the bias gradient is the last row's": Fault(
        "javascript/harness.mjs", "dBiases.data[o] += upstream", "dBiases.data[o] = upstream", DENSE[1:]
    ),
    "the upstream is ignored": Fault(
        "javascript/harness.mjs", "x > 0 ? dOutputs.data[k] : 0", "x > 0 ? 1 : 0", RELU[1:]
    ),
    "sums are made in float32": Fault(
        "javascript/harness.mjs", "float64: (x) => x,", "float64: Math.fround,", (*DENSE, *LOSS)
    ),
    "a label out of range is taken": Fault(
        "javascript/harness.mjs", "label < 0n || label >= BigInt(C)", "false", LOSS, Outcome.ROBUST_MISS
    ),
    "the weights are not transposed": Fault(
        "c/layers.h", "upstream * weights[i * O + o]", "upstream * weights[o * I + i]", DENSE[1:]
    ),
    "the largest logit stays": Fault("c/layers.h", "logits[c] - largest", "logits[c]", LOSS),
    "the mean is a sum": Fault("c/layers.h", "how == MEAN ? dloss[0] / (REAL)N : dloss[0]", "dloss[0]", LOSS[1:]),
    "a dead unit ends the process": Fault(
        "c/layers.h", "inputs[k] > 0 ? doutputs[k] : 0", "inputs[k] > 0 ? doutputs[k] : (abort(), 0)", RELU[1:]
    ),
}


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Loader]:
    """Load the example in a language from a folder of its texts; skips where what it needs is missing."""
    loaded: list[Implementation] = []

    def load(language: str, texts: Path) -> Implementation:
        loaded.append(
            command.load(command_line(language, texts, tmp_path), store.golden_operations(), 30, tmp_path, {})
        )
        return loaded[-1]

    yield load
    for implementation in loaded:
        implementation.teardown()


def command_line(language: str, texts: Path, room: Path) -> str:
    """How the example is run; compiled into `room` first, where it has to be."""
    if language == "javascript":
        if shutil.which("node") is None:
            pytest.skip("needs Node: there is no program node on PATH")
        return shlex.join(["node", str(texts / "harness.mjs")])
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler: there is no program cc on PATH")
    harness = room / "harness"
    arguments = [
        "-std=c11",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-o",
        str(harness),
        str(texts / "harness.c"),
        "-lm",
    ]
    done = subprocess.run([compiler, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return shlex.quote(str(harness))


def verdicts(implementation: Implementation, op: str, dtypes: tuple[str, ...]) -> Iterator[Verdict]:
    vectors = store.read_golden(op)
    return (check(family, implementation, vectors) for family in vectors.families if family.dtype in dtypes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_misses_nothing_not_even_what_is_robust(
    language: str, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = Conversation(monkeypatch)
    implementation = load(language, EXAMPLES / language)
    assert implementation.language == LANGUAGES[language]
    assert set(implementation.functions) == {(op, way) for op in OPERATIONS for way in ("forward", "backward")}
    for op in OPERATIONS:
        seen = list(verdicts(implementation, op, implementation.dtypes))
        assert [f"{verdict.id}: {miss.summary}" for verdict in seen for miss in verdict.misses] == []
        assert {verdict.outcome for verdict in seen} == {Outcome.PASSED}
    del conversation.requests[50:], conversation.answers[:-50]
    assert conversation.faults() == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_example_is_caught_where_it_is(name: str, load: Loader, tmp_path: Path) -> None:
    fault = FAULTS[name]
    language, _, file = fault.file.partition("/")
    texts = tmp_path / language
    shutil.copytree(EXAMPLES / language, texts)
    text = (texts / file).read_text()
    assert text.count(fault.right) == 1
    (texts / file).write_text(text.replace(fault.right, fault.wrong))
    implementation = load(language, texts)
    shown: dict[str, Outcome] = {}
    for op in OPERATIONS:
        for verdict in verdicts(implementation, op, ("float64",)):
            function = f"{verdict.op}_{verdict.direction}"
            if verdict.misses:
                shown[function] = max(shown.get(function, verdict.outcome), verdict.outcome, key=GRAVITY.index)
    assert shown == dict.fromkeys(fault.functions, fault.outcome)


def test_an_example_runs_as_it_is_documented(pytester: pytest.Pytester) -> None:
    line = command_line("javascript", EXAMPLES / "javascript", pytester.path)
    result = pytester.runpytest(f"--impl-cmd={line}", "--impl-op=relu", "--impl-dtype=float32", "--impl-strict")
    result.stdout.fnmatch_lines(["backproof: layers by hand 1.0 (node *harness.mjs) against vectors *"])
    result.stdout.fnmatch_lines(["backproof: written in JavaScript", "relu  *float32  *"])
    assert result.ret == 0
