"""README says what is so: its adapter runs, its failure is a real one, its options and operations exist."""

import re
import shutil
from functools import partial

import documents
import pytest
from backproof.reference.model.operation import operation_names

README = documents.ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
block_after = partial(documents.block_after, README)


def test_the_failure_shown_is_what_the_adapter_shown_gives(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py"))
    shown = block_after("failure of mylayer").splitlines()
    family = re.search(r"vectors/dense\.h5::\S+", shown[-1])
    assert family
    result = pytester.runpytest_inprocess("--impl=mylayer", family[0])
    result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in shown], consecutive=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_diagnosis_shown_is_what_the_adapter_shown_gets(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py"))
    result = pytester.runpytest_inprocess("--impl=mylayer", "--impl-op=dense", "--impl-dtype=float32", "-q")
    (shown,) = re.findall(r"`looks like: (dense\.\w+)`", TEXT)
    result.stdout.fnmatch_lines([f"    looks like: {shown} - *"])


def test_the_adapter_shown_is_right_once_its_bias_gradient_is_summed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py").replace("np.mean", "np.sum"))
    result = pytester.runpytest_inprocess("--impl=mylayer", "--impl-op=dense", "--impl-dtype=float32", "-q")
    assert result.ret == pytest.ExitCode.OK


def test_the_test_of_own_tensors_fails_as_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_norm=block_after("file: test_norm.py"))
    result = pytester.runpytest_inprocess("test_norm.py")
    result.stdout.fnmatch_lines(["E *dL_dinputs is wrong in 32768 of 32768 elements", "E *worst at *"])
    assert "rms_norm.dinputs_mean_to_sum" in TEXT
    result.stdout.fnmatch_lines(["E *looks like: rms_norm.dinputs_mean_to_sum - *"])


def test_the_formula_shown_is_an_operation(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        bias_gelu=block_after("file: bias_gelu.py"),
        gelu_kernels="import bias_gelu\n\nbias_gelu_backward = bias_gelu.backward\n",
        test_kernel="""
            import bias_gelu
            import numpy as np
            from backproof.conformance import assert_gradients


            def test_bias_gelu():
                x, dy = np.random.default_rng(0).standard_normal((2, 64, 512), dtype=np.float32)
                bias = x[0].copy()
                assert_gradients(bias_gelu, bias_gelu.backward(dy, x, bias), inputs=(x, bias), upstream=dy)
        """,
    )
    assert pytester.runpytest_inprocess("test_kernel.py").ret == pytest.ExitCode.OK
    result = pytester.runpytest_inprocess("--impl=gelu_kernels", "--impl-ops=bias_gelu", "--impl-dtype=float64", "-q")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: there is no program node on PATH")
def test_the_harness_shown_passes(pytester: pytest.Pytester) -> None:
    (pytester.path / "harness.mjs").write_text(block_after("harness: harness.mjs"), encoding="utf-8")
    result = pytester.runpytest_inprocess("--impl-cmd=node harness.mjs", "--impl-op=relu", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] > 90  # in two dtypes


def test_every_option_named_exists(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_inprocess("--help").stdout.str()
    for option in set(re.findall(r"--impl[a-z-]*", TEXT)):
        assert option in shown


def test_every_operation_is_in_the_table_once_and_leads_to_its_page() -> None:
    named = re.findall(r"\[`(\w+)`\]\(docs/operations/(\w+)\.md\)", TEXT)
    assert sorted(named) == [(op, op) for op in operation_names()]


def test_it_is_read_in_one_sitting() -> None:
    assert len(TEXT.splitlines()) < 200


def test_the_test_command_stands_alone_on_one_line() -> None:
    after = TEXT.partition("<!-- test command -->")[2].split("\n\n")[1]
    assert after.startswith("    ")
    assert "pytest" in after
    assert "\n" not in after
