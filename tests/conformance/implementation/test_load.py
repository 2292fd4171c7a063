"""From what stands after --impl to functions that can be called, and every way in which that fails."""

import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from backproof.conformance.implementation.declarations import verify_conventions
from backproof.conformance.implementation.errors import AdapterError, describe_error, error_location
from backproof.conformance.implementation.load import load
from backproof.vectors.records import Answer

OPERATIONS = ("dense", "relu", "softmax", "softmax_cross_entropy")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write modules into the folder that adapters are loaded from; none of them outlives the test."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write_module(text, name="adapter.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return tmp_path

    yield write_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refused(spec, folder):
    with pytest.raises(AdapterError) as error:
        load(spec, OPERATIONS, folder)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(spec)
    return str(error.value)


def test_functions_named_after_operations_are_found(write):
    folder = write("def dense_forward(): ...\ndef relu_backward(): ...\ndef helper(): ...")
    adapter = load("adapter", OPERATIONS, folder)
    assert set(adapter.functions) == {("dense", "forward"), ("relu", "backward")}
    assert adapter.warnings == ()


def test_what_is_not_said_has_its_default(write):
    adapter = load("adapter", OPERATIONS, write("def dense_forward(): ..."))
    assert (adapter.name, adapter.version) == ("adapter", "")
    assert adapter.dtypes == ("float64", "float32")
    assert adapter.working_precision("float32", "dense") == "float32"
    assert adapter.working_precision("bfloat16", "dense") == "fused"
    assert adapter.conventions == {}
    adapter.setup()
    adapter.teardown()


def test_what_is_said_is_read(write):
    adapter = load(
        "adapter",
        OPERATIONS,
        write(
            """
            import numpy as np
            name, version = "mine", "3.1"
            dtypes = ["bfloat16", np.float32]
            precision = {"float32": "tf32", "bfloat16": "stepwise", "bfloat16:relu": "bfloat16-native"}
            conventions = {"labels": "unchecked", "deterministic": False, "relu_slope_at_zero": 1}
            events = []
            def setup(): events.append("up")
            def teardown(): events.append("down")
            def dense_forward(): return events
            """
        ),
    )
    assert (adapter.name, adapter.version) == ("mine", "3.1")
    assert adapter.dtypes == ("float32", "bfloat16")
    assert adapter.precision == {"float32": "tf32", "bfloat16": "stepwise", "bfloat16:relu": "native"}
    assert adapter.working_precision("float32", "dense") == "tf32"
    assert adapter.working_precision("bfloat16", "dense") == "stepwise"
    assert adapter.working_precision("bfloat16", "relu") == "native"
    assert adapter.conventions == {"labels": "unchecked", "deterministic": False, "relu_slope_at_zero": "1"}
    adapter.setup()
    adapter.teardown()
    assert adapter.functions["dense", "forward"]() == ["up", "down"]


def test_the_precision_may_follow_from_the_options(write):
    folder = write(
        """
        def precision(options): return {"float32": options["compute"]} if options else {}
        def setup(compute="float32"): ...
        def dense_forward(): ...
        """
    )
    assert load("adapter", OPERATIONS, folder).precision == {}
    assert load("adapter", OPERATIONS, folder, {"compute": "tf32"}).precision == {"float32": "tf32"}


def test_the_version_and_the_conventions_may_follow_from_the_options(write):
    folder = write(
        """
        def version(options): return f"2.1 on {options.get('device', 'cpu')}"
        def conventions(options): return {"deterministic": False} if "device" in options else {}
        def setup(device="cpu"): ...
        def dense_forward(): ...
        """
    )
    plain, on_gpu = (load("adapter", OPERATIONS, folder, options) for options in ({}, {"device": "gpu"}))
    assert (plain.version, plain.conventions) == ("2.1 on cpu", {})
    assert (on_gpu.version, on_gpu.conventions) == ("2.1 on gpu", {"deterministic": False})


def test_an_object_in_a_module_is_an_adapter_too(write):
    folder = write(
        """
        from types import SimpleNamespace
        class Layers:
            dtypes = ("float32",)
            def dense_forward(self): return "bound"
        class net:
            layers = Layers()
        space = SimpleNamespace(relu_forward=max)
        table = {"relu_forward": max, "dtypes": "float16", "name": "a table"}
        """
    )
    layers = load("adapter:net.layers", OPERATIONS, folder)
    assert layers.functions["dense", "forward"]() == "bound"
    assert layers.dtypes == ("float32",)
    assert ("relu", "forward") in load("adapter:space", OPERATIONS, folder).functions
    table = load("adapter:table", OPERATIONS, folder)
    assert (table.name, table.dtypes) == ("a table", ("float16",))


def test_submodules_are_imported_on_the_way(write):
    write("", "pkg/__init__.py")
    write("", "pkg/inner/__init__.py")
    folder = write("class adapter:\n    relu_forward = max", "pkg/inner/deep.py")
    assert load("pkg:inner.deep.adapter", OPERATIONS, folder).functions
    assert load("pkg.inner.deep:adapter", OPERATIONS, folder).functions


def test_the_starting_folder_comes_first_on_the_import_path(write):
    folder = write("def relu_forward(): ...", "colorsys.py")
    sys.modules.pop("colorsys", None)
    assert load("colorsys", OPERATIONS, folder).functions


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("dense_backwards", "dense_backward"),
        ("dens_backward", "dense_backward"),
        ("dense_bakcward", "dense_backward"),
        ("softmaxForward", "softmax_forward"),
        ("SoftmaxForward", "softmax_forward"),
        ("softmax_crossentropy_forward", "softmax_cross_entropy_forward"),
        ("softmax_cross_entropy_loss_forward", "softmax_cross_entropy_forward"),
    ],
)
def test_a_name_close_to_an_operations_is_warned_of(write, name, meant):
    adapter = load("adapter", OPERATIONS, write(f"def {name}(): ...\ndef relu_forward(): ..."))
    assert adapter.warnings == (f"{name} is no operation's name; was {meant} meant?",)


@pytest.mark.parametrize(
    "name",
    [
        "gelu_forward",
        "log_softmax_forward",
        "forward",
        "backward",
        "tanh_backward",
        "dense",
        "softmax",
        "one_hot",
        "as_tensor",
    ],
)
def test_functions_of_other_purposes_are_not_warned_of(write, name):
    assert load("adapter", OPERATIONS, write(f"def {name}(): ...\ndef relu_backward(): ...")).warnings == ()


def test_a_helper_with_a_similar_name_is_no_typo_where_the_operation_is_there(write):
    folder = write("def dense_forward(): ...\ndef dense_forwards(): ...")
    assert load("adapter", OPERATIONS, folder).warnings == ()


def test_a_declaration_with_a_similar_name_is_warned_of(write):
    folder = write("dtype = ['float16']\nconvention = {}\ndef dense_forward(): ...")
    assert load("adapter", OPERATIONS, folder).warnings == (
        "convention is not read; was conventions meant?",
        "dtype is not read; was dtypes meant?",
    )


def test_a_module_that_is_not_there(write):
    folder = write("")
    message = refused("nowhere.adapter", folder)
    assert "no module named 'nowhere'" in message
    assert str(folder) in message


def test_a_module_that_a_package_lacks(write):
    assert "no module named 'pkg.adapter'" in refused("pkg.adapter", write("", "pkg/__init__.py"))


def test_a_module_that_raises_while_it_is_imported(write):
    message = refused("adapter", write("x = 1\nraise RuntimeError('no licence')"))
    assert "importing adapter raised RuntimeError: no licence" in message
    assert message.endswith("adapter.py:2)")


def test_a_module_that_imports_what_is_not_installed_is_not_said_to_be_missing(write):
    message = refused("adapter", write("\n\nimport no_such_framework"))
    assert "importing adapter raised ModuleNotFoundError: No module named 'no_such_framework'" in message
    assert message.endswith("adapter.py:3)")


def test_a_module_with_a_syntax_error(write):
    message = refused("adapter", write("x = (\n"))
    assert "SyntaxError" in message
    assert message.endswith("adapter.py:1)")


def test_a_module_that_exits_does_not_end_the_run(write):
    assert "importing adapter raised SystemExit: 3" in refused("adapter", write("raise SystemExit(3)"))


def test_an_attribute_that_is_missing(write):
    folder = write("class network:\n    relu_forward = max")
    assert "adapter has no attribute 'netwrok'; was 'network' meant?" in refused("adapter:netwrok", folder)
    assert "adapter.network has no attribute 'layers'" in refused("adapter:network.layers", folder)


@pytest.mark.parametrize("spec", ["adapter.py", "./adapter.py", "here/adapter.py"])
def test_a_file_in_place_of_a_module(write, spec):
    message = refused(spec, write("def relu_forward(): ...", spec))
    assert message.endswith(f"--impl={spec.removesuffix('.py').removeprefix('./').replace('/', '.')}")


def test_a_name_that_is_none(write):
    with pytest.raises(AdapterError, match="not the name of a module"):
        load("two words", OPERATIONS, write(""))


def test_an_operation_that_cannot_be_called(write):
    assert "dense_forward is of type int and cannot be called" in refused("adapter", write("dense_forward = 3"))


def test_an_adapter_with_no_operation(write):
    message = refused("adapter", write("def dense_backwards(): ..."))
    assert "no operation found" in message
    assert "was dense_backward meant?" in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dtypes = ['float31']", "dtypes has an unknown dtype 'float31'; known are float64, float32"),
        ("dtypes = ['int64']", "dtypes has an unknown dtype 'int64'"),
        ("dtypes = []", "dtypes is empty"),
        ("dtypes = 3", "write it as a list"),
        ("precision = 'tf32'", "write it as precision = "),
        ("precision = {'float31': 'tf32'}", "precision has an unknown dtype 'float31'"),
        ("precision = {'float32': 'tf33'}", "precision['float32'] is 'tf33'; known for float32 are float32, tf32"),
        ("precision = {'float64': 'tf32'}", "precision['float64'] is 'tf32'; known for float64 are float64"),
        (
            "precision = {'float32:relu': 'fused'}",
            "precision['float32:relu'] is 'fused'; known for float32 are float32",
        ),
        ("precision = {'float16': 'bfloat16-native'}", "known for float16 are fused, stepwise, native"),
        ("precision = {'float16:rellu': 'native'}", "is for an unknown operation 'rellu'; was 'relu' meant?"),
        ("precision = {'float16:': 'native'}", "is for an unknown operation ''; `backproof list` prints all"),
        ("def precision(options): return options['mode']", "precision() raised KeyError: 'mode'"),
        ("conventions = ['labels']", "write it as conventions = "),
        ("def version(options): return options['device']", "version() raised KeyError: 'device'"),
        ("conventions = {'labels': 'loose'}", "write 'checked' or 'unchecked'"),
        ("conventions = {'deterministic': 'no'}", "write True or False"),
        ("conventions = {'thread_safe': 0}", "conventions['thread_safe'] is 0; write True or False"),
        ("setup = 3", "setup is of type int and cannot be called"),
    ],
)
def test_a_declaration_that_is_not_understood(write, line, words):
    assert words in refused("adapter", write(f"{line}\ndef relu_forward(): ..."))


def test_a_setup_that_fails_is_one_line(write):
    folder = write("def relu_forward(): ...\ndef setup():\n    raise OSError('no device')")
    with pytest.raises(AdapterError, match=r"adapter: setup\(\) raised OSError: no device \(.*adapter.py:3\)"):
        load("adapter", OPERATIONS, folder).setup()


ANSWERS = [Answer("slope_at_zero", "0", True, ""), Answer("slope_at_zero", "1/2", False, "")]


def test_declared_conventions_that_the_vectors_know_are_accepted():
    declared = {"labels": "unchecked", "deterministic": False, "slope_at_zero": "1/2"}
    verify_conventions("adapter", declared, ANSWERS)


def test_declared_conventions_that_the_vectors_do_not_know_are_refused():
    with pytest.raises(
        AdapterError, match="unknown name 'slope_at_one'; known are labels, deterministic, thread_safe, slope_at_zero"
    ):
        verify_conventions("adapter", {"slope_at_one": "0"}, ANSWERS)
    with pytest.raises(AdapterError, match=r"conventions\['slope_at_zero'\] is '0.5'; known answers are '0', '1/2'"):
        verify_conventions("adapter", {"slope_at_zero": "0.5"}, ANSWERS)


def test_an_exception_is_placed_in_the_adapter_and_not_in_the_library_that_it_calls():
    def function():
        return np.linalg.inv(np.ones((2, 3)))

    with pytest.raises(np.linalg.LinAlgError) as raised:
        function()
    place = f"{Path(__file__).name}:{function.__code__.co_firstlineno + 1}"
    assert error_location(raised.value, function).endswith(place)


def test_a_long_message_is_cut_to_a_line():
    assert describe_error(ValueError("first\nsecond")) == "ValueError: first"
    assert describe_error(KeyError()) == "KeyError"
    assert len(describe_error(ValueError("x" * 1000))) == 200
