"""`backproof new-adapter`: skeletons that run at once, say what to fill in, and are right once they are filled in."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import chdir, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from backproof.conformance import cli
from backproof.conformance.doctor.examine import examine
from backproof.conformance.doctor.fit import Fit, FunctionFit
from backproof.conformance.implementation import load as adapter
from backproof.conformance.pages.operation import page
from backproof.conformance.remote import command
from backproof.conformance.scaffold.skeleton import skeleton
from backproof.conformance.scaffold.target import Commands
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors import store
from shares import one_in

MODULES = ("functions", "layers", "autodiff")
ROTARY = "rotary_embedding"
COST = "softmax_cross_entropy"
some_or_all = pytest.mark.parametrize(
    "many", [pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.catalogue)]
)
"""Of how many operations one is examined: every skeleton has all of them, each written alike."""
OPTIONS = ("reduction", "ignore_index", "label_smoothing", "z_loss", "softcap")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have imported by these names is forgotten, and where they found it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("mine", "filled"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new folder that is worked in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, style: str, *ops: str) -> str:
    """The text of a skeleton."""
    assert cli.main(["new-adapter", "mine.py", "--style", style, *(f"--op={op}" for op in ops)]) == 0
    text = (folder / "mine.py").read_text()
    assert max(map(len, text.splitlines())) <= 120
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "$" not in text
    return text


def opinions(module: str, folder: Path, *ops: str) -> list[FunctionFit]:
    """What the doctor says of a module."""
    known = store.golden_operations()
    return list(examine(adapter.load(module, known, folder), map(store.read_golden, ops or known)))


def filled(text: str, name: str, code: str) -> str:
    """A skeleton with the line that raises of one function replaced."""
    pattern = rf'raise NotImplementedError\(\s*"fill in {re.escape(name)}: [^"]*"\s*\)'
    mended, count = re.subn(pattern, code, text)
    assert count == 1
    return mended


# As it is written


def directions_of(ops: Iterable[str]) -> set[tuple[str, str]]:
    """The operations with each direction that they have."""
    return {(op, direction) for op in ops for direction in operation(op).functions}


@some_or_all
@pytest.mark.parametrize("style", MODULES)
def test_every_function_is_there_and_says_what_to_fill_in(style: str, many: int, folder: Path) -> None:
    written(folder, style)
    asked = operation_names()[MODULES.index(style) % many :: many]
    assert adapter.load("mine", store.golden_operations(), folder).functions.keys() == directions_of(operation_names())
    found = [one for one in opinions("mine", folder, *asked) if one.state is not Fit.ABSENT]
    assert {one.function for one in found} == {"_".join(one) for one in directions_of(asked)}
    assert {one.state for one in found} == {Fit.UNFILLED}
    assert all(one.notes[0].startswith("NotImplementedError: fill in ") for one in found)


@pytest.mark.parametrize("style", MODULES)
def test_a_skeleton_passes_collection_and_counts_as_unsupported(style: str, pytester: pytest.Pytester) -> None:
    assert cli.main(["new-adapter", "mine.py", "--style", style, "--op=dense"]) == 0
    result = pytester.runpytest("--impl=mine", "--impl-op=dense", "--impl-dtype=float32", "-q")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert set(result.parseoutcomes()) == {"skipped"}
    result.stdout.fnmatch_lines(
        [
            "*unsupported: NotImplementedError: fill in *",
            "backproof: no family passed (* unsupported), and that is a failure; fill in a function that raises*",
        ]
    )


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_arguments_results_reductions_and_labels_are_those_of_the_vectors(op: str, folder: Path) -> None:
    text = written(folder, "functions", op)
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    vectors = store.read_golden(op)
    families = [family for family in vectors.families if family.level == "required"]
    for direction in {family.direction for family in families}:
        function = functions[f"{op}_{direction}"]
        source = ast.get_source_segment(text, function) or ""
        assert tuple(argument.arg for argument in function.args.args) == vectors.arguments[direction]
        keywords = {
            argument.arg: given
            for argument, given in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        }
        always = {name for name, default in keywords.items() if default is None}
        said = " ".join(str(node.value) for node in ast.walk(function) if isinstance(node, ast.Constant))
        assert ", ".join(vectors.results[direction]) in said
        for family in families:
            if family.direction == direction:
                assert always <= family.parameters.keys() <= keywords.keys()
                assert all(repr(value) in source for value in family.parameters.values())
                assert ("int64 class indices" in source) == ("labels" in family.inputs)


def test_values_that_are_there_to_be_refused_are_not_offered(folder: Path) -> None:
    assert "layout is 'half' or 'interleaved', and 'half' where it is left out." in written(folder, "functions", ROTARY)
    assert '`layout` is `"interleaved"`, and is not passed where it is `"half"`.' in page(store.read_golden(ROTARY))


# Filled in


def test_filled_in_functions_fit(folder: Path) -> None:
    text = written(folder, "functions", "relu")
    text = filled(text, "relu_forward", "return np.maximum(inputs, 0)")
    text = filled(text, "relu_backward", "return np.where(inputs > 0, dL_doutputs, 0).astype(inputs.dtype)")
    (folder / "filled.py").write_text(text)
    assert {one.state for one in opinions("filled", folder, "relu")} == {Fit.OK}


def test_filled_in_layers_fit(folder: Path) -> None:
    text = "from backproof.conformance.adapters import numpy as right\n" + written(folder, "layers", "dense", COST)
    text = filled(text, "Dense.forward", "self.inputs, self.output = inputs, inputs @ self.weights + self.biases")
    called = "right.dense_backward(dL_doutputs, self.inputs, self.weights, self.biases)"
    text = filled(text, "Dense.backward", f"self.dinputs, self.dweights, self.dbiases = {called}")
    options = ", ".join(f"{word}=self.{word}" for word in OPTIONS)
    called = f"right.{COST}_forward(logits, labels, {options})"
    text = filled(text, "SoftmaxCrossEntropy.forward", f"self.logits, self.output = logits, {called}")
    called = f"right.{COST}_backward(dL_dloss, self.logits, labels, {options})"
    text = filled(text, "SoftmaxCrossEntropy.backward", f"self.dlogits = {called}")
    (folder / "filled.py").write_text(text)
    assert {one.state for one in opinions("filled", folder, "dense", COST)} == {Fit.OK}


TORCH = {
    "Dense.forward": "ctx.save_for_backward(inputs, weights)\n        return inputs @ weights + biases",
    "Dense.backward": """inputs, weights = ctx.saved_tensors
        dL_dinputs = dL_doutputs @ weights.T
        return dL_dinputs, inputs.T @ dL_doutputs, dL_doutputs.sum(0, keepdim=True)""",
}


def test_filled_in_functions_of_torch_fit(folder: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch: tox -e torch")
    text = written(folder, "torch", "dense")
    for name, code in TORCH.items():
        text = filled(text, name, code)
    (folder / "filled.py").write_text(text.replace('("float32",)', '("float32", "float64")'))
    assert {one.state for one in opinions("filled", folder, "dense")} == {Fit.OK}


def test_a_filled_in_function_of_torch_takes_every_layout_and_numbers_without_an_axis(
    pytester: pytest.Pytester,
) -> None:
    pytest.importorskip("torch", reason="needs PyTorch: tox -e torch")
    text = written(pytester.path, "torch", "relu")
    text = filled(text, "Relu.forward", "ctx.save_for_backward(inputs)\n        return torch.relu(inputs)")
    masked = "torch.where(ctx.saved_tensors[0] > 0, dL_doutputs, 0)"
    text = filled(text, "Relu.backward", f"return {masked}")
    (pytester.path / "filled.py").write_text(text)
    result = pytester.runpytest("--impl=filled", "--impl-op=relu", "--impl-strict", "-q")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_a_skeleton_of_torch_is_python_of_every_operation(op: str, folder: Path) -> None:
    names = {node.name for node in ast.parse(written(folder, "torch", op)).body if isinstance(node, ast.FunctionDef)}
    assert op in names or names & {f"{op}_{direction}" for direction in operation(op).functions}


def test_a_filled_in_framework_fits(folder: Path) -> None:
    text = "from backproof.conformance.adapters import numpy as right\n" + written(folder, "autodiff", "dense", COST)
    text = filled(text, "tensor", "return array.copy()")
    by_hand = """partial = getattr(function, "func", function), getattr(function, "keywords", {})
    backward = getattr(right, f"{partial[0].__name__}_backward")
    found = backward(upstream, *variables, *constants, **partial[1])
    return found if isinstance(found, tuple) else (found,)"""
    text = filled(text, "gradients", by_hand)
    text = filled(text, "dense", "return inputs @ weights + biases")
    options = ", ".join(f"{word}={word}" for word in OPTIONS)
    text = filled(text, COST, f"return right.{COST}_forward(logits, labels, {options})")
    (folder / "filled.py").write_text(text)
    assert {one.state for one in opinions("filled", folder, "dense", COST)} == {Fit.OK}


COMPILERS = {"mine.c": "cc", "mine.rs": "rustc", "mine.mjs": "node", "mine.jl": "julia", "mine.py": "python"}
"""The file of a harness, and the program that has to be there for it."""
HOME = str(Path.home())
"""Where rustup looks for a compiler; pytester puts another folder in its place."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """A folder with a harness in the language of a file, of all operations as it is written, and its command."""

    @cache
    def make(file: str) -> tuple[Path, str]:
        folder, printed = tmp_path_factory.mktemp("harness"), StringIO()
        with chdir(folder), redirect_stdout(printed):
            assert cli.main(["new-adapter", file, "--style=command"]) == 0
        _, *build, doctor, _ = re.findall(r"^  (.*\S) +# ", printed.getvalue(), re.MULTILINE)
        for line in build:
            how = {"cwd": folder, "env": os.environ | {"HOME": HOME}}
            done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=False, **how)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return folder, shlex.split(doctor)[-1]

    return make


@pytest.fixture(params=COMPILERS, ids=lambda name: name.rpartition(".")[2])
def harness(
    request: pytest.FixtureRequest, pytester: pytest.Pytester, compiled: Callable[[str], tuple[Path, str]]
) -> str:
    """The command of a harness in each language, which is compiled as it says, in the folder that is worked in."""
    if shutil.which(COMPILERS[request.param]) is None:
        pytest.skip(f"needs {COMPILERS[request.param]}: there is no such program on PATH")
    folder, command_line = compiled(request.param)
    shutil.copytree(folder, pytester.path, dirs_exist_ok=True)
    return command_line


@some_or_all
def test_a_harness_of_all_operations_has_one_that_is_right_and_says_what_to_fill_in(
    harness: str, many: int, pytester: pytest.Pytester
) -> None:
    implementation = command.load_command(harness, store.golden_operations(), 20.0, pytester.path, {})
    asked = sorted({"relu", *operation_names()[len(harness) % many :: many]})
    try:
        assert implementation.functions.keys() == directions_of(operation_names())
        found = examine(implementation, map(store.read_golden, asked))
        states = {one.function: (one.state, one.notes) for one in found}
    finally:
        implementation.teardown()
    assert {name for name, (state, _) in states.items() if state is Fit.OK} == {"relu_forward", "relu_backward"}
    for name, (state, notes) in states.items():
        assert state is Fit.OK or (state is Fit.UNFILLED and f"fill in {name}: return " in notes[0])


def test_the_operation_of_a_harness_that_is_filled_in_passes_strictly(harness: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--impl-cmd={harness}", "--impl-op=relu", "--impl-strict", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] > 80
    if not (pytester.path / "mine.c").exists():  # whose skeleton has one type of numbers
        result.stdout.fnmatch_lines(["relu * float64 * . *", "* float32 * . *"])


@pytest.mark.parametrize("style", [*MODULES, "torch", "rust", "c", "javascript", "julia"])
def test_a_skeleton_says_the_default_of_a_parameter(style: str, folder: Path) -> None:
    text = skeleton(style, ["softmax_cross_entropy"], Commands("page", "", "doctor", "run"))
    said = [line.strip(" #/*") for line in text.splitlines() if "label_smoothing is" in line]
    assert {*said} == {"label_smoothing is 0.0, 0.1, 0.3 or 0.2, and 0.0 where it is left out."}


def fill_in(name: str, body: str, refusal: str, folder: Path) -> None:
    """Write a skeleton of dense with a body of its forward in place of the refusal, which is made by that statement."""
    assert cli.main(["new-adapter", name, "--op=dense"]) == 0
    text = (folder / name).read_text()
    empty = "\n    " + refusal.format('unsupported("fill in dense_forward: return outputs")')
    assert text.count(empty) == 1
    (folder / name).write_text(text.replace(empty, body))


DENSE_IN_C = """
    const struct tensor *x = call->arguments + inputs, *w = call->arguments + weights, *b = call->arguments + biases;
    expect("inputs", x, FLOAT32, 2, NULL);
    expect("weights", w, FLOAT32, 2, (long[]){x->shape[1], w->shape[1]});
    expect("biases", b, FLOAT32, 2, (long[]){1, w->shape[1]});
    const long N = x->shape[0], I = x->shape[1], O = w->shape[1];
    const REAL *from = x->data, *by = w->data, *offset = b->data;
    REAL *to = result(call, outputs, 2, (long[]){N, O});
    for (long k = 0; k < N * O; k++) {
        for (long i = 0; i < I; i++)
            to[k] += from[k / O * I + i] * by[i * O + k % O];
        to[k] += offset[k % O];
    }
    return 1;"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: there is no program cc on PATH")
def test_a_function_of_c_that_is_filled_in_passes(pytester: pytest.Pytester) -> None:
    fill_in("mine.c", DENSE_IN_C, "(void)call;\n    {};", pytester.path)
    strictly = ["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "mine", "mine.c", "-lm"]
    subprocess.run(strictly, check=True)
    result = pytester.runpytest("--impl-cmd=./mine", "--impl-op=dense", "--impl-dtype=float32", "-q", "-k", "forward")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] > 30


DENSE_IN_RUST = """
    let (rows, width) = (inputs.shape[0], biases.data.len());
    let inner = inputs.data.len() / rows.max(1);
    if inputs.shape.len() != 2 || weights.shape != [inputs.shape[1], width] || biases.shape != [1, width] {
        return refuse("sizes do not fit");
    }
    let (x, w) = (&inputs.data, &weights.data);
    let at = |k: usize| (0..inner).map(move |i| x[k / width * inner + i] * w[i * width + k % width]);
    let data = (0..rows * width).map(|k| at(k).sum::<Real>() + biases.data[k % width]).collect();
    Ok(vec![tensor(&[rows, width], data)])"""


@pytest.mark.skipif(shutil.which("rustc") is None, reason="needs Rust: there is no program rustc on PATH")
def test_a_function_of_rust_that_is_filled_in_passes_in_both_precisions(pytester: pytest.Pytester) -> None:
    fill_in("mine.rs", DENSE_IN_RUST, "{}", pytester.path)
    compiler = ["rustc", "-O", "--edition", "2021", "-D", "warnings", "-o", "mine", "mine.rs"]
    subprocess.run(compiler, check=True, env=os.environ | {"HOME": HOME})
    result = pytester.runpytest("--impl-cmd=./mine", "--impl-op=dense", "-q", "-k", "forward and required")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["dense * float64 * . *", "* float32 * . *"])


# Where it is written


def test_the_next_commands_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new-adapter", "mylayer", "--op=dense"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("wrote mylayer.py: dense\n")
    assert re.search(r"^  backproof page dense +#", printed, re.MULTILINE)
    assert re.search(r"^  backproof doctor mylayer +#", printed, re.MULTILINE)
    assert re.search(r"^  pytest --impl=mylayer +#", printed, re.MULTILINE)
    assert cli.main(["new-adapter", "my-harness.py", "--style=command"]) == 0
    assert "  pytest --impl-cmd 'python my-harness.py'" in capsys.readouterr().out
    assert cli.main(["new-adapter", "below/my layers.c", "--op=dense"]) == 0
    printed = capsys.readouterr().out
    assert "  cc -O2 -o 'below/my layers' 'below/my layers.c' -lm " in printed
    assert f"  pytest --impl-cmd {shlex.quote(shlex.quote('./below/my layers'))} " in printed


def test_a_folder_is_made_and_is_part_of_the_module_s_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new-adapter", "checks/mine.py"]) == 0
    printed = capsys.readouterr().out
    assert "wrote checks/mine.py, in the new folder checks:" in printed
    assert "pytest --impl=checks.mine" in printed
    assert {one.state for one in opinions("checks.mine", folder, "relu")} == {Fit.UNFILLED}


def test_a_path_elsewhere_is_run_from_there(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert cli.main(["new-adapter", "../other/mine.py"]) == 0
    printed = capsys.readouterr().out
    assert f"  cd {folder / 'other'}\n" in printed
    assert "  pytest --impl=mine " in printed
    assert (folder / "other" / "mine.py").exists()


def test_a_file_is_written_over_only_with_force(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.py").write_text("mine = 1\n")
    assert cli.main(["new-adapter", "mine"]) == 2
    assert capsys.readouterr().err == (
        "backproof: mine.py: is there already; name another file, or write over it with --force\n"
    )
    assert (folder / "mine.py").read_text() == "mine = 1\n"
    assert cli.main(["new-adapter", "mine.py", "--force"]) == 0
    assert "dense_forward" in (folder / "mine.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["numpy.py"], "'numpy' is also the name of an installed module"),
        (["json.py", "--style=command"], "'json' is also the name of Python's own module json"),
        (["pytest/mine.py"], "'pytest' is also the name of an installed module"),
        (["backproof.py"], "'backproof' is also the name of an installed module"),
        (["my-layer.py"], "'my-layer' is no name that Python can import; 'my_layer' is one"),
        (["1st.py"], "'1st' is no name that Python can import; 'my_1st' is one"),
        (["class.py"], "'class' is no name that Python can import; 'my_class' is one"),
        (["mine.txt"], "name a file of Python, such as mine.py, or a program in another language: mine.mjs, mine.c,"),
        (["mine.rs", "--style=layers"], "name a file of Python, such as mine.py, or a program in another language: "),
        (["."], "is a folder; name a file"),
        (["taken/"], "is a folder; name a file, such as taken/mylayer.py"),
        (["file/mine.py"], "cannot be written: "),
        (["mine.py", "--op=desne"], "--op desne: no operation of the golden vectors; was dense meant?"),
        (["mine.py", "--op=fourier"], "--op fourier: no operation of the golden vectors; known are absolute, "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (folder / "taken").mkdir()
    (folder / "file").write_text("")
    assert cli.main(["new-adapter", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert words in complaint
    assert complaint.count("\n") == 1
    assert sorted(path.name for path in folder.rglob("*")) == ["file", "taken"]
