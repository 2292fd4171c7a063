"""The plugin as a user meets it: what is collected, what options select, how it ends."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import small_vectors
from backproof.conformance import cli
from backproof.conformance.adapters import numpy
from backproof.vectors import store
from backproof.vectors.records import Family, Flag

RunApart = Callable[..., pytest.RunResult]

ALL, PASSED, ABSENT = 18, 12, 6
"""Families of the small golden files; those that the right adapter passes, and those that it does not implement."""

WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 3 * dL_doutputs")
OF_TWO_MINDS = small_vectors.ADAPTER.replace(
    "np.sign(inputs)", "np.where(inputs == 0, (inputs == 0).all(), np.sign(inputs)).astype(inputs.dtype)"
)
UNGUARDED = small_vectors.ADAPTER.replace(
    "return 2 * inputs", "return inputs + inputs - 0 * np.where(np.isinf(inputs), inputs, 0)"
)


def ids_of(result: pytest.RunResult) -> list[str]:
    """The node ids that --collect-only -q prints."""
    return [line for line in result.outlines if "::" in line]


def words(value: object) -> str:
    """A test's name after its command line."""
    return " ".join(value) if isinstance(value, list) else ""


# Without --impl


def test_without_an_implementation_the_users_tests_run_as_ever(project: pytest.Pytester) -> None:
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*backproof:*")


def test_without_an_implementation_no_vector_file_is_collected(project: pytest.Pytester, golden: Path) -> None:
    (project.path / "dense.h5").write_bytes((golden / "double.h5").read_bytes())
    assert ids_of(project.runpytest("--collect-only", "-q")) == ["test_own.py::test_own"]


def test_without_an_implementation_nothing_heavy_is_imported() -> None:
    program = """
import sys
import backproof.conformance.plugin
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("numpy", "h5py", "backproof")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["backproof", "backproof.conformance", "backproof.conformance.plugin"]


# What runs


@pytest.mark.parametrize("ini", ["testpaths = .", "addopts = test_own.py", "addopts = -ra test_own.py\ntestpaths = ."])
def test_paths_in_the_users_configuration_are_no_paths(project: pytest.Pytester, ini: str) -> None:
    project.makeini(f"[pytest]\n{ini}\n")
    project.runpytest("--impl=adapter").assert_outcomes(passed=PASSED, skipped=ABSENT)


@pytest.mark.parametrize(
    ("paths", "outcomes"),
    [
        ([], {"passed": PASSED, "skipped": ABSENT}),
        (["vectors/kink.h5"], {"passed": 4, "skipped": 2}),
        (["vectors/kink.h5", "test_own.py"], {"passed": 4, "skipped": 2, "failed": 1}),
        (["vectors/kink.h5::float32/backward-zeros", "vectors/kink.h5"], {"passed": 4, "skipped": 2}),
        (["-p", "no:cacheprovider"], {"passed": PASSED, "skipped": ABSENT}),
    ],
    ids=words,
)
def test_a_path_runs_what_it_names_and_none_the_whole_set(
    project: pytest.Pytester, paths: list[str], outcomes: dict[str, int]
) -> None:
    project.runpytest("--impl=adapter", *paths).assert_outcomes(**outcomes)


def test_every_printed_id_is_accepted_back(project: pytest.Pytester) -> None:
    ids = ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q"))
    assert len(ids) == ALL
    assert "vectors/double.h5::float32/backward-plain" in ids
    assert ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q", *ids)) == ids
    for nodeid in ids[::5]:
        assert ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q", nodeid)) == [nodeid]


def test_ids_are_the_same_from_any_folder_and_accepted_back_as_printed(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makeini("[pytest]\npythonpath = .\n")
    below = project.mkdir("below")
    monkeypatch.chdir(below)
    printed = ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q"))
    assert "vectors/kink.h5::float32/backward-zeros" in printed
    verbose = project.runpytest("--impl=adapter", "-v", "vectors/kink.h5::float32/backward-zeros")
    shown = next(line.split()[0] for line in verbose.outlines if "PASSED" in line)
    project.runpytest("--impl=adapter", shown).assert_outcomes(passed=1)


def test_rootdir_may_be_elsewhere(project: pytest.Pytester, tmp_path: Path) -> None:
    result = project.runpytest("--impl=adapter", "--collect-only", "-q", f"--rootdir={tmp_path}", "vectors/double.h5")
    assert ids_of(result)[0] == "vectors/double.h5::float64/forward-plain"


def test_the_installed_file_has_its_id_by_whatever_path_it_is_named(project: pytest.Pytester, golden: Path) -> None:
    ids = ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q", str(golden / "kink.h5")))
    assert ids[0].startswith("vectors/kink.h5::")


def test_a_vector_file_of_the_users_own_runs_when_named(project: pytest.Pytester, golden: Path) -> None:
    mine = project.mkdir("mine") / "own.h5"
    mine.write_bytes((golden / "kink.h5").read_bytes())
    result = project.runpytest("--impl=adapter", "-v", "mine/own.h5")
    result.assert_outcomes(passed=4, skipped=2)
    result.stdout.fnmatch_lines(["*mine/own.h5 holds vectors 9.8.7", "mine/own.h5::float32/backward-zeros PASSED*"])


def spoil(path: Path, change: Callable[[Family], Family], dtype: str = "float64") -> None:
    """Write a file of the user's own, whose families of a dtype are changed."""
    vectors = small_vectors.double()
    families = tuple(change(family) if family.dtype == dtype else family for family in vectors.families)
    known = {flag.name for flag in vectors.flags}
    more = dict.fromkeys(name for family in families for name in family.flags if name not in known)
    flags = (*vectors.flags, *(Flag(name, "kind", "effect", "") for name in more))
    store.write(path, replace(vectors, flags=flags, families=families))


@pytest.mark.parametrize("flag", ["xfail", "skip", "skipif", "parametrize", "_x", "__class__", "not", "a:b", "float32"])
def test_a_flag_that_would_be_a_marker_of_pytests_is_refused(project: pytest.Pytester, flag: str) -> None:
    spoil(project.path / "own.h5", lambda family: replace(family, flags=(flag,)))
    result = project.runpytest("--impl=adapter", "own.h5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: own.h5: {flag!r} cannot be the name of a flag or an operation, since it *"])


@pytest.mark.parametrize(
    ("tolerance", "dtype", "says"),
    [(np.inf, "float64", "is not finite"), (2.0**128, "float32", "allows whatever float32 has")],
)
def test_a_file_of_the_users_is_held_to_what_verify_asks(
    project: pytest.Pytester, tolerance: float, dtype: str, says: str
) -> None:
    def widen(family: Family) -> Family:
        answer = family.answer
        wide = {p: {r: np.full_like(t, tolerance) for r, t in by.items()} for p, by in answer.tolerance.items()}
        return replace(family, answer=replace(answer, tolerance=wide))

    spoil(project.path / "own.h5", widen, dtype)
    result = project.runpytest("--impl=adapter", "own.h5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: own.h5: double/{dtype}/*: a tolerance for * {says} (and * more: backproof *"])


def test_a_file_that_is_none_of_ours_is_told_as_such_by_the_run_and_its_record(project: pytest.Pytester) -> None:
    path = project.path / "own.h5"
    spoil(path, lambda family: replace(family, comment="of my own"))
    result = project.runpytest("--impl=adapter", "own.h5", "--impl-report=run.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["backproof: own.h5 is none of backproof's files: nobody vouches for its values"])
    asked = json.loads((project.path / "run.json").read_text())["asked"]
    assert asked["strangers"] == {"own.h5": sha256(path.read_bytes()).hexdigest()}
    assert cli.main(["report", str(project.path / "run.json")]) == 0
    assert "<dd>own.h5, for whose values nobody vouches" in (project.path / "run.html").read_text(encoding="utf-8")


def test_what_would_steer_a_terminal_is_escaped(project: pytest.Pytester) -> None:
    spoil(project.path / "own.h5", lambda family: replace(family, comment="\x1b[2J gone\n\x1b]0;"))
    project.makepyfile(wrong=WRONG.replace('"small"', '"\\x1b[2J small"'))
    result = project.runpytest("--impl=wrong", "own.h5", "--color=no")
    assert "\x1b" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines([r"backproof: \x1b[[]2J small 1.2 *", r"family: \x1b[[]2J gone\n\x1b]0;"])


def test_the_record_of_a_file_with_any_parameters_can_be_read(project: pytest.Pytester) -> None:
    spoil(project.path / "own.h5", lambda family: replace(family, parameters={"axes": (0, 1), "scale": None}))
    project.runpytest("--impl=adapter", "own.h5", "--impl-report=run.json")
    assert cli.main(["report", str(project.path / "run.json")]) == 0


def test_a_declared_precision_is_told(project: pytest.Pytester) -> None:
    project.makepyfile(declaring=small_vectors.ADAPTER + '\nprecision = {"float32": "tf32"}\n')
    result = project.runpytest("--impl=declaring", "vectors/double.h5")
    result.stdout.fnmatch_lines(["backproof: float32 is held to tf32, as declared"])


def test_a_file_of_the_users_that_is_called_like_an_installed_one_is_told_apart(
    project: pytest.Pytester, golden: Path
) -> None:
    (project.mkdir("vectors") / "kink.h5").write_bytes((golden / "double.h5").read_bytes())
    installed = project.runpytest("--impl=adapter", "vectors/kink.h5")
    installed.assert_outcomes(passed=4, skipped=2)
    installed.stdout.fnmatch_lines(["backproof: vectors/kink.h5 is the installed file; write ./vectors/kink.h5 for*"])
    own = ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q", "./vectors/kink.h5"))
    assert own[0] == "./vectors/kink.h5::float64/forward-plain"
    assert ids_of(project.runpytest("--impl=adapter", "--collect-only", "-q", own[0])) == own[:1]


def test_data_files_in_a_folder_of_tests_are_left_alone(project: pytest.Pytester) -> None:
    tests = project.mkdir("tests")
    (tests / "data.h5").write_bytes(b"no vectors of anybody's")
    (tests / "test_data.py").write_text("def test_data(): pass\n")
    project.runpytest("--impl=adapter", "tests", "vectors/kink.h5").assert_outcomes(passed=5, skipped=2)


def test_the_plugin_is_found_and_folders_named_like_our_packages_do_not_disturb(
    run_apart: RunApart, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    for name in ("conformance", "reference", "vectors"):
        (project.mkpydir(name) / "__init__.py").write_text(f"raise ImportError('{name} is the user\\'s own')\n")
    result = run_apart("--impl=adapter")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)


# Selecting


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--impl-op=kink"], 6),
        (["--impl-op=kink", "--impl-op=double"], ALL),
        (["--impl-dtype=float32"], 7),
        (["--impl-op=double", "--impl-dtype=float32", "--impl-dtype=float16"], 8),
        (["--impl-op=kink", "vectors/double.h5", "vectors/kink.h5::float64"], 3),
        (["-k", "forward-plain and float64"], 2),
        (["-m", "double and float32 and backward"], 1),
        (["-m", "robust"], 3),
        (["-m", "two-words and not float16"], 2),
        (["-m", "label-range and required"], 3),
        (["--deselect", "vectors/kink.h5"], 12),
        (["vectors/double.h5::float32/backward-plain#3"], 1),
        (["vectors/double.h5::float16"], 4),
    ],
    ids=words,
)
def test_families_are_selected(project: pytest.Pytester, options: list[str], count: int) -> None:
    result = project.runpytest("--impl=adapter", "--collect-only", "-q", "--strict-markers", *options)
    assert len(ids_of(result)) == count
    assert result.ret == 0


def test_markers_are_registered(project: pytest.Pytester) -> None:
    result = project.runpytest("--impl=adapter", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.double: *", "@pytest.mark.float32: *", "@pytest.mark.robust: *"])


# How a family ends


def test_a_failure_says_what_is_wrong_and_shows_no_traceback(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong")
    result.assert_outcomes(failed=2, passed=PASSED - 2, skipped=ABSENT)
    result.stdout.fnmatch_lines(
        [
            "*_ double/float32/backward-plain _*",
            "dL_dinputs is wrong in 3 of 3 elements of case 0",
            "*got 9*, expected 6*",
            "* rerun: pytest --impl=wrong vectors/double.h5::float32/backward-plain",
            "FAILED vectors/double.h5::float32/backward-plain - dL_dinputs is wrong*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*FamilyFailed*")
    result.stdout.no_fnmatch_line("*collect.py*")


def test_a_robust_miss_is_an_xfail_with_its_reason(project: pytest.Pytester) -> None:
    project.makepyfile(unguarded=UNGUARDED)
    result = project.runpytest("--impl=unguarded", "-rx", "-o", "xfail_strict=true")
    result.assert_outcomes(xfailed=2, passed=PASSED - 2, skipped=ABSENT)
    result.stdout.fnmatch_lines(["XFAIL vectors/double.h5::float64/forward-infinite - *robust miss: outputs is wrong*"])
    assert result.ret == 0


@pytest.mark.parametrize("option", ["--impl-strict", "--runxfail"])
def test_a_robust_miss_fails_a_strict_run(project: pytest.Pytester, option: str) -> None:
    project.makepyfile(unguarded=UNGUARDED)
    result = project.runpytest("--impl=unguarded", option)
    result.assert_outcomes(failed=2, passed=PASSED - 2, skipped=ABSENT)
    result.stdout.fnmatch_lines(["backproof: strict: robust misses fail"])


@pytest.mark.parametrize("asked", [["double"], ["kink"], ["all"], ["double", "kink"]], ids=words)
def test_what_is_required_and_missing_fails_the_run(project: pytest.Pytester, asked: list[str]) -> None:
    result = project.runpytest("--impl=adapter", *(f"--impl-require={op}" for op in asked))
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    missing = "kink is required, and no family passed of kink_forward in float64 and float32"
    told = [line for line in result.outlines if "is required" in line]
    assert told == ([] if asked == ["double"] else [f"backproof: {missing}"])
    assert result.ret == (pytest.ExitCode.OK if asked == ["double"] else pytest.ExitCode.TESTS_FAILED)


@pytest.mark.parametrize("chosen", [["--impl-op=double"], ["vectors/double.h5"]], ids=words)
def test_all_that_is_required_is_all_that_is_chosen(project: pytest.Pytester, chosen: list[str]) -> None:
    result = project.runpytest("--impl=adapter", "--impl-require=all", *chosen)
    assert result.ret == pytest.ExitCode.OK
    beside = project.runpytest("--impl=adapter", "--impl-require=all", "--impl-require=kink", *chosen)
    assert beside.ret == pytest.ExitCode.TESTS_FAILED
    beside.stdout.fnmatch_lines(["backproof: kink is required, and no family passed of *"])


def test_an_unknown_operation_cannot_be_required(project: pytest.Pytester) -> None:
    result = project.runpytest("--impl=adapter", "--impl-require=duoble")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --impl-require=duoble: *double*"])


def test_what_is_not_implemented_is_skipped_with_its_reason(project: pytest.Pytester) -> None:
    result = project.runpytest("--impl=adapter", "-rs")
    result.stdout.fnmatch_lines(
        [
            "SKIPPED [[]4[]] vectors/double.h5:0: not implemented: float16 is not among its dtypes",
            "SKIPPED [[]2[]] vectors/kink.h5:0: not implemented: no function kink_forward",
        ]
    )


def test_unsupported_and_declared_are_told_from_not_implemented(project: pytest.Pytester) -> None:
    project.makepyfile(
        modest=small_vectors.ADAPTER.replace(
            "return dL_doutputs * np.sign", "raise NotImplementedError('no kinks')\n    np.sign"
        )
        + "\nconventions = {'labels': 'unchecked'}\n"
    )
    result = project.runpytest("--impl=modest")
    result.assert_outcomes(passed=6, skipped=12)
    result.stdout.fnmatch_lines(["*4  unsupported: *no kinks*", "*2  declared: *labels*"])


def test_following_two_conventions_fails_the_run(project: pytest.Pytester) -> None:
    project.makepyfile(of_two_minds=OF_TWO_MINDS)
    result = project.runpytest("--impl=of_two_minds")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "backproof: kink follows '0' in kink/float64/backward-zeros, kink/float32/backward-zeros and '1' in "
            "kink/float64/backward-more-zeros, kink/float32/backward-more-zeros, at kink_slope; an operation follows "
            "one answer at a point throughout the run"
        ]
    )


def test_following_either_convention_throughout_passes(project: pytest.Pytester) -> None:
    project.makepyfile(
        right=small_vectors.ADAPTER.replace("np.sign(inputs)", "np.where(inputs < 0, -1, 1).astype(inputs.dtype)")
    )
    result = project.runpytest("--impl=right")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    result.stdout.fnmatch_lines(["  kink_slope = 1 (4 families)"])


def test_warnings_of_the_implementation_do_not_fail_it(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nfilterwarnings = error\n")
    project.makepyfile(
        warns="import warnings\n"
        + small_vectors.ADAPTER.replace("return 2 * inputs", "warnings.warn('loud')\n    return 2 * inputs")
    )
    project.runpytest("--impl=warns").assert_outcomes(passed=PASSED, skipped=ABSENT)


# How the session ends


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["-k", "kink and forward"], "backproof: no family passed (2 not implemented), and that is a failure"),
        (["--impl-dtype=bfloat16"], "backproof: no family ran, and that is a failure; *"),
        (["test_own.py", "--deselect=test_own.py"], "backproof: no family ran: test_own.py names no vector file; *"),
        (["test_fine.py"], "backproof: no family ran: test_fine.py names no vector file; *"),
    ],
)
def test_a_session_in_which_nothing_passes_fails(project: pytest.Pytester, options: list[str], line: str) -> None:
    project.makepyfile(test_fine="def test_fine(): pass")
    result = project.runpytest("--impl=adapter", *options)
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    result.stdout.fnmatch_lines([line])


def test_asking_for_fixtures_does_not_fail(project: pytest.Pytester) -> None:
    assert project.runpytest("--impl=adapter", "--fixtures").ret == 0


def test_collecting_alone_does_not_fail(project: pytest.Pytester) -> None:
    result = project.runpytest("--impl=adapter", "--collect-only")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*<VectorFile double.h5>", "*<FamilyItem float64/forward-plain>"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--impl=test_own"], "ERROR: test_own: no operation found*"),
        (["--impl-op=double"], "ERROR: --impl-op is given, but no implementation: add --impl=MODULE"),
        (["--impl-option=device=cuda"], "ERROR: --impl-option is given, but no implementation: add --impl=MODULE"),
        (["--impl-report=run.json"], "ERROR: --impl-report is given, but no implementation: add --impl=MODULE"),
        (["--impl=adapter", "--impl-cmd=cat"], "ERROR: --impl and --impl-cmd are both given; name one implementation"),
        *(
            (
                ["--impl=adapter", f"--impl-timeout={value}"],
                f"ERROR: --impl-timeout={value}: give 0.001 to 86400 seconds",
            )
            for value in ("0", "-1", "nan", "inf", "1e+300", "86401", "1e-05")
        ),
        (["--impl=adapter", "--impl-report="], "ERROR: --impl-report= names no file; write --impl-report=run.json"),
        (["--impl=adapter", "--impl-xfails="], "ERROR: --impl-xfails= names no file; write --impl-xfails=xfails.txt"),
        (["--impl-report="], "ERROR: --impl-report is given, but no implementation: add --impl=MODULE"),
        (["--impl=nosuch"], "ERROR: nosuch: no module named 'nosuch'*"),
        (["--impl=adapter", "--impl-op=dobule"], "ERROR: --impl-op=dobule: was double meant?"),
        (
            ["--impl=adapter", "--impl-dtype=f32"],
            "ERROR: --impl-dtype=f32: was float32 meant?",
        ),
        (
            ["--impl=adapter", "vectors/knik.h5"],
            "ERROR: vectors/knik.h5: no such vector file; installed are vectors/double.h5, vectors/kink.h5",
        ),
        (
            ["--impl=adapter", "vectors/kink.h5::float32/backward-zero"],
            "ERROR: vectors/kink.h5: no family 'float32/backward-zero'; close to it: float32/backward-zeros*",
        ),
        (
            ["--impl=adapter", "vectors/kink.h5::float32/backward-zeros#1"],
            "ERROR: vectors/kink.h5::float32/backward-zeros#1: no such case; the family has #0 to #0",
        ),
        (["--impl=adapter", "odd\udcff.h5"], r"ERROR: odd\udcff.h5: its name cannot be printed; give the file another"),
        (["--impl=adapter", "broken.h5"], "ERROR: *broken.h5: is no HDF5 file; *"),
        (["--impl=adapter", "--impl-xfails=none.txt"], "ERROR: --impl-xfails=none.txt: cannot be read: No such file*"),
        (
            ["--impl=adapter", "--impl-xfails=/dev/zero"],
            "ERROR: --impl-xfails=/dev/zero: has more than 1048576 bytes, *",
        ),
        (["--impl=adapter", "test_none.py"], "ERROR: file or directory not found: test_none.py"),
    ],
    ids=words,
)
def test_a_usage_error_is_one_line(project: pytest.Pytester, arguments: list[str], line: str) -> None:
    (project.path / "broken.h5").write_text("not HDF5")
    result = project.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [text for text in result.errlines if text] == [text for text in result.errlines if text][:1]
    result.stderr.fnmatch_lines([line])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_an_altered_golden_file_is_a_usage_error(
    project: pytest.Pytester, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / "golden"
    altered.mkdir()
    for file in golden.iterdir():
        (altered / file.name).write_bytes(file.read_bytes())
    with (altered / "kink.h5").open("ab") as file:
        file.write(b"more")
    monkeypatch.setattr(store, "golden_folder", lambda: altered)
    result = project.runpytest("--impl=adapter")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *kink.h5: is not the file that the manifest lists*"])


def test_the_file_of_an_operation_that_is_not_implemented_is_counted_and_not_read(
    project: pytest.Pytester, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / "golden"
    altered.mkdir()
    for name in ("double.h5", "MANIFEST.json"):
        (altered / name).write_bytes((golden / name).read_bytes())
    monkeypatch.setattr(store, "golden_folder", lambda: altered)
    project.makepyfile(doubles=small_vectors.ADAPTER.partition("def kink")[0])
    result = project.runpytest("--impl=doubles")
    result.assert_outcomes(passed=8, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "18 families, 36 cases",
            "all * 8 * 10 *",
            "*10  not implemented: 1 operation (kink), float16",
        ]
    )
    narrower = project.runpytest("--impl=doubles", "--impl-dtype=float64")
    unmarked = project.runpytest("--impl=doubles", "-m", "not slow")
    unmarked.stdout.fnmatch_lines(["*10  not implemented: 1 operation (kink), float16"])
    marked = project.runpytest("--impl=doubles", "-m", "not nan")  # which families of it may be
    marked.stderr.fnmatch_lines(["ERROR: *kink.h5: cannot be read: *"])
    narrower.stdout.fnmatch_lines(["7 families, *", "*3  not implemented: 1 operation (kink)"])


@pytest.mark.parametrize(
    "options", [["--impl-op=kink"], ["vectors/kink.h5"], ["-k", "kink"], ["-m", "kink"], ["--impl-report=run.json"]]
)
def test_what_is_not_implemented_and_asked_for_is_skipped_by_family(
    project: pytest.Pytester, options: list[str]
) -> None:
    project.makepyfile(doubles=small_vectors.ADAPTER.partition("def kink")[0])
    result = project.runpytest("--impl=doubles", "--collect-only", "-q", *options)
    assert "vectors/kink.h5::float64/forward-plain" in ids_of(result)


# Along with pytest's own options


def test_x_stops_at_the_first_failure(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong", "-x")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)


def test_lf_runs_what_failed_and_ff_runs_it_first(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong")
    failed = ["vectors/double.h5::float64/backward-plain", "vectors/double.h5::float32/backward-plain"]
    assert ids_of(project.runpytest("--impl=wrong", "--lf", "--collect-only", "-q")) == failed
    assert ids_of(project.runpytest("--impl=wrong", "--ff", "--collect-only", "-q"))[:2] == failed


def test_lf_counts_what_it_runs_and_nothing_that_is_absent(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG, right=small_vectors.ADAPTER)
    whole = ["*passed: 10 of 18 families, *"]
    project.runpytest("--impl=wrong").stdout.fnmatch_lines(whole)
    again = project.runpytest("--impl=wrong", "--lf")
    counted = ["2 families, 8 cases", "passed: 0 of 2 families, 0 of 1 operation in full, 0 of 2 dtypes"]
    again.stdout.fnmatch_lines(counted)
    again.stdout.no_fnmatch_line("*not implemented: *")
    project.runpytest("--impl=right", "--lf").stdout.fnmatch_lines(["passed: 2 of 2 families, *"])
    everything = project.runpytest("--impl=right", "--lf")  # nothing is known to have failed
    everything.stdout.fnmatch_lines(["passed: 12 of 18 families, *"])


def test_lf_finds_failures_in_golden_files_beside_those_in_a_users_own(project: pytest.Pytester, golden: Path) -> None:
    project.makepyfile(wrong=WRONG)
    (project.path / "own.h5").write_bytes((golden / "double.h5").read_bytes())
    project.runpytest("--impl=wrong", "own.h5", "vectors/double.h5", "test_own.py")
    ids = ids_of(
        project.runpytest("--impl=wrong", "own.h5", "vectors/double.h5", "test_own.py", "--lf", "--collect-only", "-q")
    )
    assert ids == [
        "vectors/double.h5::float64/backward-plain",
        "vectors/double.h5::float32/backward-plain",
        "own.h5::float64/backward-plain",
        "own.h5::float32/backward-plain",
        "test_own.py::test_own",
    ]


def test_junit_xml_has_outcomes_and_figures(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong", "--junitxml=out.xml")
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").iter("testcase")}
    wrong = cases["float32/backward-plain"]
    properties = {item.get("name"): item.get("value") for item in wrong.iter("property")}
    assert wrong.get("classname") == "vectors.double.h5"
    assert wrong.find("failure").get("message").startswith("dL_dinputs is wrong")
    assert properties["cases"] == "4"
    assert float(properties["fraction"]) > 1e6
    assert float(properties["ulps"]) > 1e6
    assert cases["float32/forward-plain"].find("failure") is None


def test_quiet_and_quieter_runs_are_quiet(project: pytest.Pytester) -> None:
    assert "operation" in project.runpytest("--impl=adapter", "-q").stdout.str()
    assert "operation" not in project.runpytest("--impl=adapter", "-qq").stdout.str()


def test_a_conftest_that_expects_functions_does_not_break_the_run(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "db" in item.fixturenames or item.cls or getattr(item.function, "slow", False):
                    item.add_marker(pytest.mark.skip)
                assert item.location[0] and item.fspath

        @pytest.fixture(autouse=True)
        def fails():
            raise RuntimeError

        def pytest_runtest_setup(item):
            raise RuntimeError
        """
    )
    project.runpytest("--impl=adapter").assert_outcomes(passed=PASSED, skipped=ABSENT)


# Processes


def test_several_processes_run_the_vectors_alone_and_report_as_one_does(
    run_apart: RunApart, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.makepyfile(wrong=WRONG)
    lines = ["double/*/no-such # a typo", "kink/*/*-zeros # mended"]
    (project.path / "expected.txt").write_text("\n".join(lines) + "\n")
    options = "--impl=wrong", "--impl-xfails=expected.txt"
    project.runpytest(*options, "--impl-report=alone.json")
    result = run_apart(*options, "-n2", "--impl-report=several.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=6, passed=PASSED - 6, skipped=ABSENT)
    alone, several = (json.loads((project.path / f"{name}.json").read_text()) for name in ("alone", "several"))
    for written in (alone, several, *alone["families"], *several["families"]):
        written |= {"started": "", "ended": "", "seconds": 0}
    assert alone == several
    result.stdout.fnmatch_lines(
        [
            "backproof: small 1.2 (wrong) against vectors 9.8.7",
            "dL_dinputs is wrong in 3 of 3 elements of case 0",
            "all * 6 * 6 * 6 *",
            "backproof: expected.txt:1: double/*/no-such matches no family; *",
            "FAILED vectors/double.h5::float*/backward-plain - dL*",
        ]
    )
    assert len([line for line in result.outlines if line.startswith("::error title=double_backward fails::")]) == 1
    result.stdout.no_fnmatch_line("*FamilyFailed*")


@pytest.mark.catalogue
def test_conventions_are_compared_across_workers(run_apart: RunApart, project: pytest.Pytester) -> None:
    project.makepyfile(
        by_worker="import os\n"
        + small_vectors.ADAPTER.replace(
            "np.sign(inputs)",
            "np.where(inputs == 0, os.environ['PYTEST_XDIST_WORKER'] == 'gw1', np.sign(inputs)).astype(inputs.dtype)",
        )
    )
    zeros = ["vectors/kink.h5::float64/backward-zeros", "vectors/kink.h5::float64/backward-more-zeros"]
    result = run_apart("--impl=by_worker", "-n2", *zeros)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["backproof: kink follows '?' in kink/float64/backward-*zeros and '?' in *, at kink_slope*"]
    )


def test_setup_and_teardown_run_once_around_the_tests(project: pytest.Pytester) -> None:
    project.makepyfile(
        kept=small_vectors.ADAPTER
        + "\nfrom pathlib import Path\n"
        + "def setup(): Path('log').open('a').write('setup ')\n"
        + "def teardown(): Path('log').open('a').write('teardown')\n"
    )
    project.runpytest("--impl=kept", "--collect-only")
    assert not (project.path / "log").exists()
    project.runpytest("--impl=kept").assert_outcomes(passed=PASSED, skipped=ABSENT)
    assert (project.path / "log").read_text() == "setup teardown"


@pytest.mark.parametrize(
    "several", [pytest.param(False, id="alone"), pytest.param(True, id="xdist", marks=pytest.mark.catalogue)]
)
def test_a_setup_that_raises_ends_the_run_with_one_line(
    run_apart: RunApart, project: pytest.Pytester, several: bool
) -> None:
    project.makepyfile(broken=small_vectors.ADAPTER + "\ndef setup(): raise OSError('no device')\n")
    result = run_apart("--impl=broken", "-n2", "--maxprocesses=1") if several else project.runpytest("--impl=broken")
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    output = result.stdout.str() + result.stderr.str()
    assert "broken: setup() raised OSError: no device" in output
    assert "Traceback" not in output


def test_a_teardown_that_raises_fails_the_session(project: pytest.Pytester) -> None:
    project.makepyfile(broken=small_vectors.ADAPTER + "\ndef teardown(): raise OSError('stuck')\n")
    result = project.runpytest("--impl=broken")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["backproof: broken: teardown() raised OSError: stuck*"])


# The golden files that come with this backproof


@pytest.mark.parametrize("many", [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.catalogue)])
def test_every_installed_family_is_collected_once_and_its_id_accepted_back(
    pytester: pytest.Pytester, many: int
) -> None:
    ops = [op for op in store.golden_operations() if {f"{op}_forward", f"{op}_backward"} & vars(numpy).keys()][::many]
    expected = [
        f"vectors/{op}.h5::{family.dtype}/{family.name}" for op in ops for family in store.read_golden(op).families
    ]
    collect = ["--impl=backproof.conformance.adapters.numpy", "--collect-only", "-q", "--strict-markers"]
    collect += [f"--impl-op={op}" for op in ops] if many > 1 else []
    assert ids_of(pytester.runpytest(*collect)) == expected
    some = expected[:: len(expected) // 20]
    assert ids_of(pytester.runpytest(*collect, *some)) == some
