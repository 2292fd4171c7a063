"""README says what is so: its adapter runs, its failure is a real one, its options and operations exist."""

import re
from pathlib import Path

import pytest
from backproof.reference.operation import operation, operation_names

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block_after(marker: str) -> str:
    """Give the fenced block that follows an HTML comment."""
    match = re.search(rf"<!-- {re.escape(marker)} -->\n+```\w*\n(.*?)```", README, re.DOTALL)
    assert match, marker
    return match[1]


def test_the_failure_shown_is_what_the_adapter_shown_gives(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py"))
    shown = block_after("failure of mylayer").splitlines()
    family = re.search(r"vectors/dense\.h5::\S+", shown[-1])
    assert family
    result = pytester.runpytest_subprocess("--impl=mylayer", family[0])
    result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in shown], consecutive=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_diagnosis_shown_is_what_the_adapter_shown_gets(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py"))
    result = pytester.runpytest_subprocess("--impl=mylayer", "--impl-op=dense", "-q")
    result.stdout.fnmatch_lines(block_after("diagnosis of mylayer").splitlines(), consecutive=True)


def test_the_adapter_shown_is_right_once_its_bias_gradient_is_summed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mylayer=block_after("adapter: mylayer.py").replace("np.mean", "np.sum"))
    result = pytester.runpytest_subprocess("--impl=mylayer", "--impl-op=dense", "-q")
    assert result.ret == pytest.ExitCode.OK


def test_every_option_named_exists(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_subprocess("--help").stdout.str()
    for option in set(re.findall(r"--impl[a-z-]*", README)):
        assert option in shown


def test_every_operation_is_in_the_table() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", README, re.MULTILINE))
    for name in operation_names():
        for gradient in operation(name).results["backward"]:
            assert gradient in rows[name] or "a gradient for each" in rows[name]


def test_the_test_command_stands_alone_on_one_line() -> None:
    after = README.partition("<!-- test command -->")[2].split("\n\n")[1]
    assert after.startswith("    ")
    assert "pytest" in after
    assert "\n" not in after
