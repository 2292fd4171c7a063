"""The file of expected failures: what it may hold, what it forgives, and that it is strict."""

from pathlib import Path

import pytest
import small_vectors
from backproof.conformance.session import xfails

WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 3 * dL_doutputs")
"""Fails double/float64/backward-plain and double/float32/backward-plain."""


@pytest.fixture
def wrong_project(project: pytest.Pytester) -> pytest.Pytester:
    """A project whose adapter `wrong` fails two families."""
    project.makepyfile(wrong=WRONG)
    return project


def expect(project: pytest.Pytester, text: str) -> str:
    """Write the file of expected failures; returns the option that names it."""
    (project.path / "expected.txt").write_text(text, encoding="utf-8")
    return "--impl-xfails=expected.txt"


def test_blank_lines_and_comments_are_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "expected.txt"
    file.write_text("\n# a heading\n\n  double/*/backward-*   # too long, see #7\n", encoding="utf-8")
    assert xfails.read_xfails(file, "expected.txt") == (
        xfails.ExpectedFailure("double/*/backward-*", "too long, see #7", "expected.txt:4"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a/b/c # why\nd/e/f\n", "expected.txt:2: 'd/e/f' gives no reason; write: GLOB  # why it is expected to fail"),
        (b"a/b/c #\n", "expected.txt:1: 'a/b/c #' gives no reason; write: GLOB  # why it is expected to fail"),
        (b"a/b/c# why\n", "expected.txt:1: 'a/b/c# why' gives no reason; write: GLOB  # why it is expected to fail"),
        (b"a b # why\n", "expected.txt:1: 'a b # why' gives no reason; write: GLOB  # why it is expected to fail"),
        (b"\na/b/c#13 # why\n", "expected.txt:2: a/b/c#13 names a case; drop the # and what follows it"),
        (b"a/b/c # why\n\xff\n", "expected.txt:2: is not UTF-8; save the file as UTF-8 text"),
    ],
)
def test_a_line_that_is_none_is_a_usage_error_with_its_number(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "expected.txt"
    file.write_bytes(content)
    with pytest.raises(pytest.UsageError) as raised:
        xfails.read_xfails(file, "expected.txt")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "glob",
    ["double/*/backward-plain", "*backward-plain", "vectors/double.h5::*/backward-plain", "d[!a]uble/float??/b*"],
)
def test_an_expected_failure_is_an_xfail_with_its_reason(wrong_project: pytest.Pytester, glob: str) -> None:
    option = expect(wrong_project, f"{glob}  # the factor is 3\n")
    result = wrong_project.runpytest("--impl=wrong", option, "-rx")
    result.assert_outcomes(xfailed=2, passed=10, skipped=6)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "backproof: failures are expected by expected.txt",
            "      2  expected failure: the factor is 3 (expected.txt:1)",
            "XFAIL vectors/double.h5::float64/backward-plain - *the factor is 3 (expected.txt:1)",
        ]
    )


def test_an_expected_failure_forgives_a_robust_miss_of_a_strict_run(project: pytest.Pytester) -> None:
    project.makepyfile(
        unguarded=small_vectors.ADAPTER.replace(
            "2 * inputs", "inputs + inputs - 0 * np.where(np.isinf(inputs), inputs, 0)"
        )
    )
    option = expect(project, "*/forward-infinite # infinities are not cared for\n")
    result = project.runpytest("--impl=unguarded", "--impl-strict", option)
    result.assert_outcomes(xfailed=2, passed=10, skipped=6)
    assert result.ret == 0


def test_an_expected_failure_that_passes_fails(wrong_project: pytest.Pytester) -> None:
    option = expect(wrong_project, "double/float32/*-plain # the factor is 3\n*64/backward-plain # it too\n")
    result = wrong_project.runpytest("--impl=wrong", option)
    result.assert_outcomes(xfailed=2, failed=1, passed=9, skipped=6)
    result.stdout.fnmatch_lines(
        [
            "unexpected pass: expected.txt:1 expects a failure (the factor is 3); delete the line",
            "FAILED vectors/double*",
        ]
    )
    result.stdout.no_fnmatch_line("backproof: expected.txt*")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("doubel/* # a typo", "backproof: expected.txt:2: doubel/* matches no family; correct or delete the line"),
        (
            "kink/*/forward-* # absent",
            "backproof: expected.txt:2: * matches nothing that fails (of 2); delete the line",
        ),
        ("kink/*/*-zeros # mended", "backproof: expected.txt:2: * matches nothing that fails (of 4); delete the line"),
    ],
)
def test_a_stale_line_fails_the_session(wrong_project: pytest.Pytester, line: str, message: str) -> None:
    option = expect(wrong_project, f"*/backward-plain # the factor is 3\n{line}\n")
    result = wrong_project.runpytest("--impl=wrong", option)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([message])


@pytest.mark.parametrize(
    "selection",
    [
        ["-k", "float64"],
        ["--impl-op=double"],
        ["--impl-dtype=float64"],
        ["vectors/double.h5"],
        ["vectors/kink.h5::float64/backward-zeros"],
        ["-m", "forward"],
    ],
    ids=" ".join,
)
def test_a_line_is_not_stale_while_families_that_it_means_are_left_out(
    project: pytest.Pytester, selection: list[str]
) -> None:
    option = expect(project, "kink/*/* # would be stale in a whole run\n")
    result = project.runpytest("--impl=adapter", option, *selection)
    result.stdout.no_fnmatch_line("backproof: expected.txt*")


def test_a_run_that_stops_early_judges_no_line_that_it_did_not_get_to(wrong_project: pytest.Pytester) -> None:
    option = expect(wrong_project, "kink/*/backward-* # would be stale in a whole run\n")
    result = wrong_project.runpytest("--impl=wrong", option, "-x")
    result.stdout.no_fnmatch_line("backproof: expected.txt*")


def test_a_line_for_another_file_is_not_stale_where_paths_are_given(project: pytest.Pytester) -> None:
    option = expect(project, "other/* # of a file that is not given\n")
    assert project.runpytest("--impl=adapter", option, "vectors/kink.h5").ret == 0


def test_the_file_is_found_from_a_folder_below_rootdir(
    wrong_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = expect(wrong_project, "*/backward-plain # the factor is 3\n")
    wrong_project.makeini(f"[pytest]\npythonpath = .\naddopts = {option}\n")
    monkeypatch.chdir(wrong_project.mkdir("below"))
    wrong_project.runpytest("--impl=wrong").assert_outcomes(xfailed=2, passed=10, skipped=6)
