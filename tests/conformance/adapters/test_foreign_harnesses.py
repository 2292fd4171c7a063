"""The example harnesses in JavaScript and C: they pass, and with a fault put into their text they do not."""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from backproof.conformance import adapters
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome, Verdict
from backproof.conformance.diagnosis.findings import diagnose
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.remote import command
from backproof.vectors import store
from backproof.vectors.records import OperationVectors
from diagnosed import ran, thinned, whole
from protocol_schema import Conversation
from shares import one_in

EXAMPLES = Path(adapters.__path__[0])
OPERATIONS = (
    "dense",
    "relu",
    "softmax_cross_entropy",
    "layer_norm",
    "conv2d",
    "scaled_dot_product_attention",
)
LANGUAGES = {"javascript": "JavaScript", "c": "C"}
DENSE, RELU, LOSS, NORM, CONV, ATTENTION = ((f"{op}_forward", f"{op}_backward") for op in OPERATIONS)

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
    looks_like: tuple[str, ...] = ()
    """The names that the diagnosis gives it; none where it keeps silent."""


FAULTS = {
    "the bias gradient is the last row's": Fault(
        "javascript/harness.mjs",
        "dBiases.data[o] += upstream",
        "dBiases.data[o] = upstream",
        DENSE[1:],
        looks_like=("dense.dbiases_doutputs_here_last_row_alone",),
    ),
    "the bias gradient is a mean": Fault(
        "javascript/harness.mjs",
        "return [dInputs, dWeights, dBiases];",
        "return [dInputs, dWeights, { ...dBiases, data: dBiases.data.map((sum) => sum / N) }];",
        DENSE[1:],
        looks_like=("dense.dbiases_sum_to_mean",),
    ),
    "the weight gradient is laid out as its transpose": Fault(
        "javascript/harness.mjs",
        "dWeights.data[i * O + o] +=",
        "dWeights.data[o * I + i] +=",
        DENSE[1:],
        looks_like=("dense.dL_dweights_reshaped_for_transposed",),
    ),
    "the upstream is ignored": Fault(
        "javascript/harness.mjs",
        "x > 0 ? dOutputs.data[k] : 0",
        "x > 0 ? 1 : 0",
        RELU[1:],
        looks_like=("relu.backward_doutputs_taken_as_1",),
    ),
    "the batch is not divided by": Fault(
        "javascript/harness.mjs",
        'reduction === "mean" ? round(upstream / N) : upstream',
        "upstream",
        LOSS[1:],
        looks_like=("softmax_cross_entropy.backward_row_upstream_if_reduction_sum_or_rows_0_always",),
    ),
    "sums are made in float32": Fault(
        "javascript/harness.mjs",
        "float64: (x) => x,",
        "float64: Math.fround,",
        (*DENSE, *LOSS),
        looks_like=("a lower precision",) * 4,
    ),
    "the gradient is not made orthogonal to the row": Fault(
        "javascript/harness.mjs",
        "g - sum / D - (normal[k] * along) / D",
        "g - sum / D",
        NORM[1:],
        looks_like=("layer_norm.backward_gradients_rest_right_of_minus_left_out",),
    ),
    "columns are not spread by the dilation": Fault(
        "c/layers.h",
        "x * w->stride[1] + tap % w->KW * w->dilation[1] - w->padding[1]",
        "x * w->stride[1] + tap % w->KW - w->padding[1]",
        CONV,
    ),
    "the scale is left out of the gradient of the scores": Fault(
        "javascript/harness.mjs",
        "parameters.scale * slope * p",
        "slope * p",
        ATTENTION[1:],
        looks_like=("scaled_dot_product_attention.backward_differentiate_dscores_right_of_times_left_out_3",),
    ),
    "every head has keys of its own": Fault(
        "c/layers.h",
        "head = row / h->S / (h->H / h->G);",
        "head = row / h->S / h->H * h->G + row / h->S % h->G;",
        ATTENTION,
    ),
    "a label out of range is taken": Fault(
        "javascript/harness.mjs", "label < 0n || label >= BigInt(C)", "false", LOSS, Outcome.ROBUST_MISS
    ),
    "the weights are not transposed": Fault(
        "c/layers.h",
        "upstream * weights[i * O + o]",
        "upstream * weights[o * I + i]",
        DENSE[1:],
        looks_like=("dense.backward_weights_loaded_by_reshape",),
    ),
    "the weights of a square layer are not transposed": Fault(
        "c/layers.h",
        "upstream * weights[i * O + o]",
        "upstream * weights[I == O ? o * I + i : i * O + o]",
        DENSE[1:],
        looks_like=("dense.backward_weights_transposed_where_square",),
    ),
    "the largest logit stays": Fault(
        "c/layers.h",
        "logits[c] - largest",
        "logits[c]",
        LOSS,
        looks_like=(
            "softmax_cross_entropy.forward_softmax_log_softmax_shifted_right_of_minus_left_out",
            "softmax_cross_entropy.backward_softmax_forward_exponentials_right_of_minus_left_out",
        ),
    ),
    "the mean is a sum": Fault(
        "c/layers.h",
        "how == MEAN ? dloss[0] / (REAL)N : dloss[0]",
        "dloss[0]",
        LOSS[1:],
        looks_like=("softmax_cross_entropy.backward_row_upstream_if_reduction_sum_or_rows_0_always",),
    ),
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
            command.load_command(command_line(language, texts, tmp_path), store.golden_operations(), 30, tmp_path, {})
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


def verdicts(implementation: Implementation, op: str, many: int) -> Iterator[Verdict]:
    """The verdicts on one family in so many."""
    vectors = store.read_golden(op)
    families = [family for family in vectors.families if family.dtype in implementation.dtypes]
    return (check(family, implementation, vectors) for family in families[::many])


def in_float64(vectors: OperationVectors) -> OperationVectors:
    return replace(vectors, families=tuple(family for family in vectors.families if family.dtype == "float64"))


@pytest.mark.parametrize("many", [pytest.param(3, id="some"), pytest.param(1, id="all", marks=pytest.mark.catalogue)])
@pytest.mark.parametrize("language", one_in(2, LANGUAGES))
def test_the_example_misses_nothing_not_even_what_is_robust(
    language: str, many: int, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = Conversation(monkeypatch)
    implementation = load(language, EXAMPLES / language)
    assert implementation.language == LANGUAGES[language]
    assert set(implementation.functions) == {(op, way) for op in OPERATIONS for way in ("forward", "backward")}
    for op in OPERATIONS:
        seen = list(verdicts(implementation, op, many))
        assert [f"{verdict.id}: {miss.summary}" for verdict in seen for miss in verdict.misses] == []
        further = {family.id for family in store.read_golden(op).families if "further-form" in family.flags}
        assert {v.outcome for v in seen if v.id not in further} == {Outcome.PASSED}
    del conversation.requests[50:], conversation.answers[:-50]
    assert conversation.faults() == []


def with_fault(fault: Fault, room: Path) -> tuple[str, Path]:
    """The language of an example, and a folder of its texts with the fault in one of them."""
    language, _, file = fault.file.partition("/")
    texts = room / language
    shutil.copytree(EXAMPLES / language, texts)
    text = (texts / file).read_text()
    assert text.count(fault.right) == 1
    (texts / file).write_text(text.replace(fault.right, fault.wrong))
    return language, texts


@pytest.mark.parametrize("name", one_in(12, FAULTS))
def test_a_fault_in_the_example_is_caught_where_it_is_and_named(name: str, load: Loader, tmp_path: Path) -> None:
    fault = FAULTS[name]
    implementation = load(*with_fault(fault, tmp_path))
    shown: dict[str, Outcome] = {}
    told: list[str] = []
    for op in OPERATIONS:
        vectors = in_float64(whole(op) if any(name.startswith(f"{op}_") for name in fault.functions) else thinned(op))
        families = ran(implementation, vectors)
        for verdict in (item.verdict for item in families):
            function = f"{verdict.op}_{verdict.direction}"
            if verdict.misses:
                shown[function] = max(shown.get(function, verdict.outcome), verdict.outcome, key=GRAVITY.index)
        for diagnosis in diagnose(families, implementation, vectors):
            told += [finding.name for finding in diagnosis.findings]
    assert shown == dict.fromkeys(fault.functions, fault.outcome)
    assert told == list(fault.looks_like)


@pytest.mark.catalogue
@pytest.mark.parametrize("name", ["the bias gradient is a mean"])
def test_the_report_of_a_run_names_a_fault_in_another_language(name: str, pytester: pytest.Pytester) -> None:
    fault = FAULTS[name]
    language, texts = with_fault(fault, pytester.path)
    (named,) = fault.looks_like
    line = command_line(language, texts, pytester.path)
    result = pytester.runpytest(f"--impl-cmd={line}", f"--impl-op={named.partition('.')[0]}", "--impl-dtype=float64")
    result.stdout.fnmatch_lines([f"*looks like: {named}*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_example_runs_as_it_is_documented(pytester: pytest.Pytester) -> None:
    line = command_line("javascript", EXAMPLES / "javascript", pytester.path)
    result = pytester.runpytest(f"--impl-cmd={line}", "--impl-op=relu", "--impl-dtype=float32", "--impl-strict")
    result.stdout.fnmatch_lines(["backproof: layers by hand 1.0 (node *harness.mjs) against vectors *"])
    result.stdout.fnmatch_lines(["backproof: written in JavaScript", "relu  *float32  *"])
    assert result.ret == 0
