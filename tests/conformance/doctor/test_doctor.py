"""`backproof doctor`: right adapters draw nothing, wrong ones a plain sentence each."""

# ruff: noqa: ARG005 - functions have the signatures that are to be called, whatever they make of the arguments

import random
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from backproof.conformance import cli
from backproof.conformance.adapters import numpy as right
from backproof.conformance.doctor.examine import examine
from backproof.conformance.doctor.fit import Fit, FunctionFit
from backproof.conformance.doctor.probes import probes, small
from backproof.conformance.implementation import load as adapter
from backproof.reference.faults import every_fault_of
from backproof.reference.model.operation import operation_names
from backproof.vectors import store
from shares import one_in

OPERATIONS = ("dense", "relu", "softmax", "softmax_cross_entropy")
COST = "softmax_cross_entropy"


def examined(functions: Mapping[str, object] | ModuleType, *ops: str) -> list[FunctionFit]:
    """What is said of some functions."""
    return list(examine(adapter.present("mine", functions, OPERATIONS), map(store.read_golden, ops or OPERATIONS)))


def opinion(name: str, function: Callable[..., object]) -> FunctionFit:
    """What is said of one function."""
    found = examined({name: function}, name.rpartition("_")[0])
    return next(one for one in found if one.function == name)


def said(name: str, function: Callable[..., object]) -> str:
    """The sentence and the cure that a function gets."""
    told = opinion(name, function)
    assert told.state is Fit.MISFIT
    assert told.misfit is not None
    return f"{told.misfit.words}. Cure: {told.misfit.cure}"


# Right adapters


def test_the_ready_made_adapter_fits() -> None:
    found = examined(right)
    assert {one.state for one in found} == {Fit.OK}
    assert [one.notes for one in found if one.notes] == []


class Dense:
    """A layer that keeps what backward needs."""

    def __init__(self, weights: np.ndarray, biases: np.ndarray) -> None:
        self.weights, self.biases = weights, biases

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.inputs = inputs
        return inputs @ self.weights + self.biases

    def backward(self, dvalues: np.ndarray) -> None:
        self.dweights, self.dbiases = self.inputs.T @ dvalues, dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


def layer_backward(dL_doutputs: np.ndarray, inputs: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> object:
    layer = Dense(weights, biases)
    layer.forward(inputs)
    layer.backward(dL_doutputs)
    return [layer.dinputs, layer.dweights, layer.dbiases]


def from_the_left(inputs: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    total = np.broadcast_to(biases, (len(inputs), weights.shape[1])).copy()
    for index in range(inputs.shape[1]):
        total += inputs[:, index, None] * weights[index]
    return total


def only_indices(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
    if labels.ndim == 2:
        raise NotImplementedError("labels as rows")
    return right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("dense_backward", layer_backward),
        ("dense_forward", from_the_left),
        ("dense_forward", lambda *tensors, **_: right.dense_forward(*tensors)),
        ("relu_forward", lambda x: (np.where(np.isnan(x), x, np.maximum(x, 0)),)),
        ("relu_backward", lambda grad, x: grad * (x >= 0)),
        (f"{COST}_forward", only_indices),
    ],
    ids=["layers", "another sum", "star arguments", "a tuple of one", "another convention", "part of labels"],
)
def test_right_functions_draw_nothing(name: str, function: Callable[..., object]) -> None:
    assert (opinion(name, function).state, opinion(name, function).misfit) == (Fit.OK, None)


@pytest.mark.parametrize("wrong", ["none", "sum"])
def test_every_reduction_is_tried_at_every_dtype(wrong: str) -> None:
    def forward(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
        loss = right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)
        return loss * 2 if reduction == wrong and logits.dtype == np.float64 else loss

    told = opinion(f"{COST}_forward", forward)
    assert told.state is Fit.MISFIT
    assert re.match(rf"{COST}/float64/forward-.*-{wrong}(-|$)", told.family)


def test_a_form_that_is_not_supported_is_noted() -> None:
    notes = opinion(f"{COST}_forward", only_indices).notes
    assert "not supported: NotImplementedError: labels as rows" in notes
    assert all(note.startswith("not supported: ") for note in notes)


def test_the_reductions_that_are_not_supported_are_named() -> None:
    def forward(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
        if reduction != "mean":
            raise NotImplementedError("the mean alone")
        return right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)

    notes = opinion(f"{COST}_forward", forward).notes
    assert notes[0] == ("not supported: NotImplementedError: the mean alone, with reduction='none' or reduction='sum'")
    assert any(note.endswith("takes no z_loss, with z_loss=0.1") for note in notes), notes


def test_a_refused_layout_is_noted_and_no_misfit() -> None:
    def forward(inputs: np.ndarray) -> np.ndarray:
        if any(stride < 0 for stride in inputs.strides):
            raise ValueError("negative strides")
        return np.maximum(inputs, 0)

    told = opinion("relu_forward", forward)
    assert told.state is Fit.OK
    assert re.fullmatch("negatively strided arguments are refused; .*", told.notes[0])


def test_torch_s_autograd_draws_nothing() -> None:
    torch = pytest.importorskip("torch")

    def backward(dL_doutputs: np.ndarray, logits: np.ndarray) -> object:
        variable = torch.tensor(logits.copy(), requires_grad=True)
        return torch.autograd.grad(torch.softmax(variable, -1), variable, torch.tensor(dL_doutputs.copy()))

    assert opinion("softmax_backward", backward).state is Fit.OK


# Misfits


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    return x @ w + b


def gradients(g: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return g @ w.T, x.T @ g, g.sum(axis=0, keepdims=True)


def rows_of(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return np.eye(logits.shape[1], dtype=logits.dtype)[labels] if labels.ndim == 1 else labels


def cost_backward(g: np.ndarray, logits: np.ndarray, labels: np.ndarray, reduction: str) -> np.ndarray:
    (gradient,) = right.softmax_cross_entropy_backward(g, logits, labels, reduction=reduction)
    return gradient


def in_place(x: np.ndarray) -> np.ndarray:
    np.maximum(x, 0, out=x)
    return x.copy()


MEMORY: dict[tuple[object, ...], np.ndarray] = {}


def same_memory(x: np.ndarray) -> np.ndarray:
    buffer = MEMORY.setdefault((x.shape, x.dtype), np.empty_like(x))
    return np.maximum(x, 0, out=buffer)


def raising(*_: object) -> object:
    raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


def class_indices(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
    picked = logits[np.arange(len(labels)), labels]
    assert picked.shape == (len(logits),)
    return right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)


def one_hot_rows(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
    assert labels.shape == logits.shape
    return right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)


def refusing_none(logits: np.ndarray, labels: np.ndarray, *, reduction: str) -> object:
    if reduction == "none":
        raise ValueError("no such reduction")
    return right.softmax_cross_entropy_forward(logits, labels, reduction=reduction)


def without_the_mean(g: np.ndarray, z: np.ndarray, y: np.ndarray, *, reduction: str) -> np.ndarray:
    return cost_backward(g, z, y, "sum" if reduction == "mean" else reduction)


def divided_twice(g: np.ndarray, z: np.ndarray, y: np.ndarray, *, reduction: str) -> np.ndarray:
    found = cost_backward(g, z, y, reduction)
    return found / found.dtype.type(len(z)) if reduction == "mean" else found


MISFITS: dict[str, tuple[str, Callable[..., object], str]] = {
    "weights transposed": (
        "dense_forward",
        lambda inputs, weights, biases: inputs @ weights.T + biases,
        r"It takes weights transposed, of shape \(4, 2\), where \(2, 4\) comes. Cure: hand weights.T over",
    ),
    "weights transposed and biases a vector": (
        "dense_forward",
        lambda inputs, weights, biases: np.einsum("ni,oi->no", inputs, weights) + np.einsum("o->o", biases),
        r"It takes weights transposed, .*; it takes biases of shape \(4,\), where \(1, 4\) comes. Cure: hand weights.T",
    ),
    "gradient of weights transposed": (
        "dense_backward",
        lambda g, x, w, b: (gradients(g, x, w)[0], gradients(g, x, w)[1].T, gradients(g, x, w)[2]),
        "dL_dweights: the right values, transposed. Cure: transpose the result",
    ),
    "gradient of biases a vector": (
        "dense_backward",
        lambda g, x, w, b: (*gradients(g, x, w)[:2], g.sum(axis=0)),
        r"`dL_dbiases = dL_doutputs.sum\(axis=0, keepdims=False\)` where",
    ),
    "another order": (
        "dense_backward",
        lambda g, x, w, b: gradients(g, x, w)[1:] + gradients(g, x, w)[:1],
        "the right results in another order, dL_dweights, dL_dbiases, dL_dinputs. Cure: exchange them",
    ),
    "a gradient missing": (
        "dense_backward",
        lambda g, x, w, b: gradients(g, x, w)[:2],
        "3 results .* expected, 2 came. Cure: return dL_dinputs, dL_dweights, dL_dbiases",
    ),
    "biases averaged": (
        "dense_backward",
        lambda g, x, w, b: (*gradients(g, x, w)[:2], g.mean(axis=0, keepdims=True)),
        r"`dL_dbiases = dL_doutputs.mean\(axis=0, keepdims=biases.ndim > 1\)` where `dL_dbiases = dL_doutputs.sum",
    ),
    "the upstream last": (
        "dense_backward",
        lambda inputs, weights, biases, dL_doutputs: gradients(dL_doutputs, inputs, weights),
        r"It takes its tensors in another order, \(inputs, weights, biases, dL_doutputs\); they come as",
    ),
    "the upstream last by other names": (
        "relu_backward",
        lambda x, grad: np.where(x > 0, grad, 0).astype(x.dtype),
        r"It takes its tensors in another order, \(inputs, dL_doutputs\)",
    ),
    "no upstream": (
        "dense_backward",
        lambda inputs, weights, biases: None,
        r"It raises TypeError: .* takes 3 positional arguments but 4 were given. "
        r"Cure: define it as \(dL_doutputs, inputs, weights, biases\)",
    ),
    "one tensor too many": (
        "relu_forward",
        lambda inputs, slope: inputs,
        r"It raises TypeError: .* missing 1 required positional argument: 'slope'. Cure: define it as \(inputs\)",
    ),
    "a keyword of its own": (
        "relu_forward",
        lambda inputs, *, slope: inputs,
        "It raises TypeError: .* missing 1 required keyword-only argument: 'slope'",
    ),
    "a method": (
        "relu_forward",
        Dense.forward,
        r"It raises TypeError: Dense.forward\(\) missing 1 required positional",
    ),
    "None": ("relu_forward", lambda x: None, "outputs is None, where an array is expected. Cure: return outputs"),
    "a list": (
        "relu_forward",
        lambda x: np.maximum(x, 0).tolist(),
        "outputs is a list of Python's, .* its dtype is lost. Cure: return outputs, as arrays",
    ),
    "a dict": (
        "relu_forward",
        lambda x: {"outputs": x},
        "outputs is a dict of Python's, .* Cure: return outputs, as arrays",
    ),
    "a float": (
        f"{COST}_forward",
        lambda z, y, *, reduction: float(np.sum(right.softmax_cross_entropy_forward(z, y, reduction=reduction))),
        "loss is a float of Python's, .* its dtype is lost. Cure: return loss, as arrays of the arguments' dtype",
    ),
    "one of them None": (
        "dense_backward",
        lambda g, x, w, b: (None, *gradients(g, x, w)[1:]),
        "dL_dinputs is None, where an array is expected. Cure: return dL_dinputs, dL_dweights",
    ),
    "float64": (
        "dense_forward",
        lambda x, w, b: dense(x.astype(np.float64), w, b),
        "Outputs is float64, whatever came in. Cure: keep the dtype",
    ),
    "outputs and a cache": (
        "relu_forward",
        lambda x: (np.maximum(x, 0), x > 0, "cache"),
        r"1 result \(outputs\) expected, 3 came. Cure: return outputs, as arrays",
    ),
    "the mean forgotten": (f"{COST}_backward", without_the_mean, r"reduction == 'sum'"),
    "divided twice": (f"{COST}_backward", divided_twice, r"dL_dloss / rows / rows"),
    "the sign": (
        "softmax_backward",
        lambda g, z: -right.softmax_backward(g, z)[0],
        r"dL_doutputs\) - |- dL_doutputs|sign",
    ),
    "doubled": ("relu_backward", lambda g, x: 2 * np.where(x > 0, g, 0).astype(x.dtype), "(?i)twice|2"),
    "rows refused": (
        f"{COST}_forward",
        class_indices,
        r"It takes labels as class indices alone; here they come as rows .*argmax\(axis=1\)",
    ),
    "indices refused": (
        f"{COST}_forward",
        one_hot_rows,
        r"It takes labels as one-hot rows alone; here they come as class indices, int64 of shape",
    ),
    "a reduction ignored": (
        f"{COST}_forward",
        lambda z, y, *, reduction: right.softmax_cross_entropy_forward(z, y, reduction="mean"),
        "loss: reduction is ignored: 'mean' is taken, whatever is asked. Cure: follow reduction, or raise ",
    ),
    "a reduction refused": (
        f"{COST}_forward",
        refusing_none,
        r"It raises ValueError: no such reduction \(.*:\d+\); only for reduction='none'. "
        "Cure: compute it, or raise NotImplementedError where it is not supported",
    ),
    "ranks refused": (
        "softmax_forward",
        lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        r"It raises AxisError: .*; only for rank 1. Cure: compute it, or raise NotImplementedError where",
    ),
    "arguments written to": (
        "relu_forward",
        in_place,
        "A result of the shape of inputs is written over it",
    ),
    "memory used again": ("relu_forward", same_memory, "(?i)overwrites|memory"),
    "a tensor with history": (
        "relu_forward",
        raising,
        r"It raises RuntimeError: .* \(.*:\d+\). Cure: call .detach\(\)",
    ),
}


@pytest.mark.parametrize(("name", "function", "words"), MISFITS.values(), ids=MISFITS)
def test_a_misfit_is_explained(name: str, function: Callable[..., object], words: str) -> None:
    told = said(name, function)
    told = told[0].upper() + told[1:] if told.startswith("it ") else told
    assert re.search(words, told), told


def softmax_in_steps(logits: np.ndarray) -> np.ndarray:
    """Rounded after every step, in the half dtypes too."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True, dtype=np.float64).astype(logits.dtype)


def test_values_that_a_looser_precision_allows_are_told_with_the_line_that_declares_it() -> None:
    adapter_of_halves = {"dtypes": ["float16"], "softmax_forward": softmax_in_steps}
    (found,) = (one for one in examined(adapter_of_halves, "softmax") if one.function == "softmax_forward")
    assert found.misfit is not None
    line = 'precision = {"float16:softmax": "stepwise"}'
    assert found.misfit.words.endswith(f"of stepwise: if every step is rounded to float16, declare {line}")
    declared = adapter_of_halves | {"precision": {"float16:softmax": "stepwise"}}
    assert Fit.OK in {one.state for one in examined(declared, "softmax")}


def weights_gradient_added_up_in_half(dy: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> object:
    wide_dy, wide_x, total = dy.astype(np.float32), x.astype(np.float32), np.zeros(w.shape, np.float32)
    for row_of_dy, row in zip(wide_dy, wide_x, strict=True):
        total = (total + np.outer(row, row_of_dy)).astype(dy.dtype).astype(np.float32)
    dx, _, db = right.dense_backward(dy, x, w, b)
    return dx, total.astype(dy.dtype), db


def test_a_sum_of_few_wrong_elements_in_small_families_is_told_by_the_others_of_its_dtype() -> None:
    of_halves = {"dtypes": ["bfloat16"], "dense_backward": weights_gradient_added_up_in_half}
    (found,) = (one for one in examined(of_halves, "dense") if one.function == "dense_backward")
    assert found.misfit is not None
    assert found.misfit.words.startswith("`dL_dweights = multiplied_in_half(inputs.T, dL_doutputs)`")
    assert "declare precision" in found.misfit.words


def test_what_is_nearly_right_is_not_explained_by_other_arguments() -> None:
    def nearly(z: np.ndarray, y: np.ndarray, *, reduction: str) -> object:
        return right.softmax_cross_entropy_forward(z, y, reduction=reduction) * z.dtype.type(1 + 3e-5)

    words = said(f"{COST}_forward", nearly)
    assert "takes" not in words
    assert "loss" in words


@pytest.mark.parametrize("op", one_in(24, operation_names()))
def test_of_a_fault_s_two_functions_the_sound_one_draws_nothing(op: str) -> None:
    fault = random.Random(op).choice(every_fault_of(op))
    implementation = adapter.load(f"backproof.reference.faults:{fault.op}.{fault.name}", store.golden_operations())
    implementation.setup()
    found = examine(implementation, [store.read_golden(fault.op)])
    assert {one.function for one in found if one.misfit} <= {f"{fault.op}_{fault.direction}"}


# The command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is worked in, and on the import path for no longer than a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code, and what is printed."""
    code = cli.main(["doctor", *arguments])
    return code, *capsys.readouterr()


def test_what_fits_ends_with_0_and_the_next_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "fitting.py").write_text("import numpy as np\n\ndef relu_forward(x):\n    return np.maximum(x, 0)\n")
    code, printed, _ = doctor(capsys, "fitting", "--op", "relu")
    assert printed.splitlines() == [
        "ok      relu_forward",
        "absent  relu_backward",
        "",
        "What is there fits. Next: pytest --impl=fitting --impl-op=relu",
    ]
    assert code == 0


def test_operations_that_are_not_there_take_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "import numpy as np\n\ndef relu_forward(x):\n    return np.maximum(x, 0)\n"
    (folder / "lone.py").write_text(f"{text}\ndef tahn_forward(x):\n    return x\n")
    code, printed, _ = doctor(capsys, "lone")
    assert printed.splitlines() == [
        "ok      relu_forward",
        "absent  relu_backward",
        "absent  tanh_forward",
        "        tahn_forward is no operation's name; was tanh_forward meant?",
        "absent  tanh_backward",
        f"absent  {len(operation_names()) - 2} operations (absolute, adam_step, adamw_step and "
        f"{len(operation_names()) - 5} more)",
        "",
        "What is there fits. Next: pytest --impl=lone",
    ]
    assert code == 0


def test_a_misfit_ends_with_1_and_fits_80_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "unfitting.py").write_text(
        "def dense_forward(inputs, weights, biases):\n    return inputs @ weights.T + biases\n\n"
        "def dense_backwards(dL_doutputs, inputs, weights, biases):\n    return inputs\n"
    )
    code, printed, _ = doctor(capsys, "unfitting", "--op=dense")
    assert printed.splitlines() == [
        "misfit  dense_forward",
        "        It takes weights transposed, of shape (4, 2), where (2, 4) comes.",
        "        Cure: hand weights.T over to your code.",
        "        (met in dense/float32/forward-random-n3-i2-o4)",
        "absent  dense_backward",
        "        dense_backwards is no operation's name; was dense_backward meant?",
        "",
        "1 function does not fit. Once mended: backproof doctor unfitting --op dense",
    ]
    assert code == 1
    assert max(map(len, printed.splitlines())) <= 80


def test_a_keyword_that_a_function_does_not_take_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lacking.py").write_text("def nll_forward(log_probabilities, labels):\n    return 0.0\n")
    _, printed, _ = doctor(capsys, "lacking", "--op=nll")
    said = " ".join(printed.split())
    assert "nll_forward() got an unexpected keyword argument 'reduction'. Cure: define it as (log_pro" in said, said
    assert "labels, *, reduction)." in said


def test_options_reach_setup(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tunable.py").write_text(
        "import numpy as np\nslope = 5\n\ndef setup(*, at):\n    global slope\n    slope = int(at)\n\n"
        "def relu_forward(x):\n    return np.where(x > 0, x, slope * x)\n"
    )
    assert doctor(capsys, "tunable", "--op=relu", "--impl-option", "at=0")[0] == 0
    assert doctor(capsys, "tunable", "--op=relu", "--impl-option", "at=1")[0] == 1


def test_a_call_that_hangs_is_given_up(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backproof.conformance.doctor.commands.SECONDS", 0.05)
    (folder / "hanging.py").write_text("import time\n\ndef relu_forward(x):\n    time.sleep(1000)\n")
    code, printed, _ = doctor(capsys, "hanging", "--op=relu")
    assert "A call of it does not return: case 0: no answer within 0.05 s." in printed
    assert code == 1


@pytest.mark.parametrize(
    ("misdeed", "ending"), [("os.abort()", "was ended by SIGABRT"), ("os._exit(3)", "ended with status 3")]
)
def test_a_call_that_ends_the_process_is_named_and_the_next_function_is_tried(
    folder: Path, capsys: pytest.CaptureFixture[str], misdeed: str, ending: str
) -> None:
    """With the layout of its arguments."""
    (folder / "ending.py").write_text(
        "import os\nimport numpy as np\n\ndef relu_forward(x):\n    if min(x.strides, default=0) < 0:\n"
        f"        {misdeed}\n    return np.maximum(x, 0)\n\n"
        "def relu_backward(dL_doutputs, x):\n    return np.where(x > 0, dL_doutputs, 0)\n"
    )
    code, printed, _ = doctor(capsys, "ending", "--op=relu")
    said = " ".join(printed.split())
    assert re.match(
        rf"misfit relu_forward A call of it does not return: case 0, called again: the process {ending}.*; its "
        r"arguments are negatively strided\. \(met in relu/.*\) ok relu_backward 1 function",
        said,
    ), said
    assert code == 1


def test_an_adapter_that_ends_the_process_when_it_is_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "unloadable.py").write_text("import os\nos._exit(3)\n")
    code, _, complaint = doctor(capsys, "unloadable", "--op=relu")
    assert complaint == "backproof: unloadable: the process ended with status 3 while it was loaded\n"
    assert code == 2


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("def setup(): raise SystemExit(0)", "odd: setup() raised SystemExit: 0 (odd.py:6)", 2),
        ("def __dir__(): raise ValueError", "ok relu_forward", 0),
        ("def __getattr__(name): raise ValueError(name)", "odd: reading its attributes raised ValueError: ", 2),
        (
            "class Odd(Exception):\n    def __str__(self): raise ValueError\ndef relu_forward(x): raise Odd",
            "It raises Odd: its text cannot be read: ValueError (odd.py:8)",
            1,
        ),
        (
            "class Odd:\n    def __getattr__(self, name): raise ValueError\n"
            "    def __call__(self, x): return np.maximum(x, 0)\nrelu_forward = Odd()",
            "ok relu_forward",
            0,
        ),
    ],
    ids=["setup exits", "__dir__ raises", "__getattr__ raises", "an exception without a text", "a callable object"],
)
def test_what_an_adapter_raises_anywhere_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str, expected: int
) -> None:
    right = "import numpy as np\n\ndef relu_forward(x):\n    return np.maximum(x, 0)\n\n"
    (folder / "odd.py").write_text(f"{right}{text}\n")
    code, printed, complaint = doctor(capsys, "odd", "--op=relu")
    assert said in " ".join(f"{printed} {complaint}".split())
    assert "Traceback" not in complaint
    assert code == expected


def test_an_adapter_that_fails_when_it_is_torn_down(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lasting.py").write_text(
        "import numpy as np\n\ndef teardown():\n    raise OSError('stays')\n\n"
        "def relu_forward(x):\n    return np.maximum(x, 0)\n"
    )
    code, printed, complaint = doctor(capsys, "lasting", "--op=relu")
    assert printed.startswith("ok      relu_forward")
    assert "OSError: stays" in complaint
    assert code == 2


def test_a_command_is_tried_as_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harness = Path(__file__).parents[2] / "support" / "python_harness.py"
    command = f"{sys.executable} {harness} backproof.conformance.adapters.numpy"
    code, printed, _ = doctor(capsys, "--impl-cmd", command, "--op=dense")
    assert printed.splitlines()[:2] == ["ok      dense_forward", "ok      dense_backward"]
    assert "What is there fits. Next: pytest --impl-cmd=" in printed
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["no_such_module"], "backproof: no_such_module: no module named 'no_such_module'"),
        (["mylayer.py"], "backproof: mylayer.py: name a module, not a file: --impl=mylayer"),
        ([], "backproof: name one implementation: backproof doctor MODULE, or --impl-cmd COMMAND"),
        (["json"], "backproof: json: no operation found; define functions such as absolute_forward"),
        (["json", "--op=desne"], "backproof: --op desne: no operation of the golden vectors; was dense meant?"),
        (["json", "--impl-option=x"], "backproof: --impl-option=x: write --impl-option KEY=VALUE"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    code, printed, complaint = doctor(capsys, *arguments)
    assert (code, printed) == (2, "")
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1


# What it is tried on


@pytest.mark.parametrize("op", store.golden_operations())
def test_every_function_is_tried_on_something_tiny(op: str) -> None:
    vectors = store.read_golden(op)
    for direction in vectors.results:
        families = [family for family in vectors.families if family.direction == direction]
        chosen = list(probes(families, ("float64", "float32")))
        if families:
            assert {family.dtype for family in chosen} == {"float64", "float32"}
            assert len(small(families, ("float64", "float32"))) > 5
        for family in chosen:
            assert sum(tensor[0].size for tensor in family.inputs.values()) < 400
