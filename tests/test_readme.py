"""README says what is so: its adapter runs, its failure is a real one, its options and operations exist."""

import re
import shutil
from functools import partial

import documents
import pytest
from backproof.reference.model.operation import operation
from shares import one_in

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
    result.stdout.fnmatch_lines(block_after("diagnosis of mylayer").splitlines(), consecutive=True)


def test_the_adapter_shown_is_right_once_its_bias_gradient_is_summed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py").replace("np.mean", "np.sum"))
    result = pytester.runpytest_inprocess("--impl=mylayer", "--impl-op=dense", "--impl-dtype=float32", "-q")
    assert result.ret == pytest.ExitCode.OK


def test_the_test_of_own_tensors_fails_as_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_norm=block_after("file: test_norm.py"))
    result = pytester.runpytest_inprocess()
    shown = re.sub(r"got [\d.]+", "got *", block_after("failure of test_norm.py"))  # whose last digits are NumPy's
    lines = [f"E *{line.strip()}".replace("[", "[[]") for line in shown.splitlines()]
    result.stdout.fnmatch_lines(lines, consecutive=True)


@pytest.mark.parametrize("dtype", one_in(2, ["float32", "float64"]))
def test_the_automatic_adapter_shown_passes(dtype: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mydense=block_after("adapter: mydense.py"))
    result = pytester.runpytest_inprocess("--impl=mydense", "--impl-op=dense", f"--impl-dtype={dtype}", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] > 100


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


def test_the_operations_in_the_table_return_what_it_says() -> None:
    (table,) = re.findall(r"^\| operation \|.*?\n\n", TEXT, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `(\w+)` \| (.*)$", table, re.MULTILINE)
    assert len(rows) >= 7
    for name, row in rows:
        described = operation(name)
        for result in described.results.get("backward", described.results.get("forward", ())):
            assert result in row or "a gradient for each" in row


def test_the_test_command_stands_alone_on_one_line() -> None:
    after = TEXT.partition("<!-- test command -->")[2].split("\n\n")[1]
    assert after.startswith("    ")
    assert "pytest" in after
    assert "\n" not in after
