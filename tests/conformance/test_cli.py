"""The `backproof` command."""

import os
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import backproof.reference.generation
import pytest
from backproof.conformance import cli
from backproof.reference import faults
from backproof.vectors import store
from pytest_regressions.file_regression import FileRegressionFixture
from synthetic_vectors import every_feature

pytestmark = pytest.mark.usefixtures("golden")


@pytest.mark.parametrize("id", ["double/float32/backward-plain#2", "vectors/double.h5::float32/backward-plain#2"])
def test_show_prints_a_case_by_either_kind_of_id(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", id]) == 0
    assert capsys.readouterr().out.startswith("double/float32/backward-plain#2\n")


@pytest.mark.parametrize(
    "id", ["double/float32/forward-plain#1", "double/float64/forward-infinite", "double/float64/forward-refused"]
)
def test_what_show_prints(id: str, capsys: pytest.CaptureFixture[str], file_regression: FileRegressionFixture) -> None:
    cli.main(["show", id])
    file_regression.check(capsys.readouterr().out)


def test_what_show_prints_of_a_convention(
    capsys: pytest.CaptureFixture[str], file_regression: FileRegressionFixture
) -> None:
    cli.main(["show", "kink/float32/backward-zeros"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    file_regression.check(out)


def test_show_without_a_case_prints_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["show", "double/float32/backward-plain"])
    without = capsys.readouterr().out
    cli.main(["show", "double/float32/backward-plain#0"])
    assert capsys.readouterr().out == without


@pytest.fixture(scope="module")
def loss_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vector file of the user's own."""
    path = tmp_path_factory.mktemp("own") / "loss.h5"
    store.write(path, every_feature())
    return path


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "name",
    [
        "forward-indices",
        "forward-one-hot",
        "backward-rows",
        "backward-empty-batch",
        "backward-kink",
        "forward-label-out-of-range",
        "forward-not-finite",
    ],
)
def test_show_prints_whatever_a_file_of_ones_own_holds(
    dtype: str, name: str, loss_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["show", f"{loss_file}::{dtype}/{name}"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"loss/{dtype}/{name}#0\n")
    assert "größer als nichts" in out


def test_a_large_tensor_is_abbreviated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from synthetic_vectors import many_families

    store.write(tmp_path / "large.h5", many_families("large", 4, 4000))
    assert cli.main(["show", f"{tmp_path}/large.h5::float64/backward-random-0"]) == 0
    out = capsys.readouterr().out
    assert "..." in out
    assert len(out.splitlines()) < 200


@pytest.mark.parametrize(
    ("id", "message"),
    [
        (
            "double/float32/bakward-plain",
            "double/float32/bakward-plain: no such family; close to it: double/float32/backward-plain*",
        ),
        (
            "vectors/double.h5::float32/bakward-plain",
            "vectors/double.h5::*: no such family; close to it: vectors/double.h5::float32/backward-plain*",
        ),
        ("double/xyz", "double/xyz: no such family; `backproof list` prints all"),
        ("double", "double: no such family*"),
        ("dense/float32/x", "dense: no operation of the golden vectors; known are double, kink"),
        ("double/float32/forward-plain#4", "double/float32/forward-plain#4: no such case; the family has #0 to #3"),
        ("double/float32/forward-plain#x", "double/float32/forward-plain#x: no such case; the family has #0 to #3"),
        ("nowhere.h5::float32/x", "nowhere.h5: cannot be read: No such file or directory"),
        ("live/kink::float32/forward-live#x+1", "live/kink::*: a case drawn at run time, in no file; pytest --impl=*"),
    ],
)
def test_an_id_that_is_none_gets_one_line_and_exit_code_2(
    id: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["show", id]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    pytest.LineMatcher([captured.err.rstrip()]).fnmatch_lines([f"backproof: {message}"])


def test_the_case_list(capsys: pytest.CaptureFixture[str], file_regression: FileRegressionFixture) -> None:
    assert cli.main(["list"]) == 0
    file_regression.check(capsys.readouterr().out)


def test_the_list_of_one_operation_has_its_families_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "kink"]) == 0
    assert {line.partition("/")[0] for line in capsys.readouterr().out.splitlines()} == {"kink"}


def test_the_list_of_an_unknown_operation_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "dense"]) == 2
    assert capsys.readouterr().err == "backproof: dense: no operation of the golden vectors; known are double, kink\n"


def test_verify_finds_nothing_wrong_with_the_installed_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify"]) == 0
    assert capsys.readouterr().out == "2 files: all is well\n"


def test_verify_says_what_is_wrong_and_exits_with_1(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = golden / "kink.h5", tmp_path / "bad.h5"
    bad.write_text("not HDF5")
    assert cli.main(["verify", str(good), str(bad)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{bad}: is no HDF5 file")


def test_verify_says_of_a_file_of_ones_own_that_it_is_none_of_ours(
    golden: Path, loss_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "kink.h5"
    copy.write_bytes((golden / "kink.h5").read_bytes())
    assert cli.main(["verify", str(copy), str(loss_file)]) == 0
    line, count = capsys.readouterr().out.splitlines()
    assert line == f"{loss_file}: none of backproof's files: it is well-formed, and nobody vouches for its values"
    assert count == "2 files: all is well"


def test_show_escapes_what_would_steer_a_terminal_and_knows_flags_that_nobody_explains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = every_feature()
    first = replace(next(iter(vectors.families)), comment="\x1b[2J cleared", flags=("mean", "unheard-of"))
    store.write(tmp_path / "loss.h5", replace(vectors, families=(first,)))
    assert cli.main(["show", f"{tmp_path}/loss.h5::{first.dtype}/{first.name}"]) == 0
    out = capsys.readouterr().out
    assert "  \\x1b[2J cleared\n" in out
    assert "flag:    unheard-of: of unknown kind; the file does not say what it means\n" in out


def apart(arguments: list[str], where: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, in a shell that redirects its standard output."""
    command = shlex.join([sys.executable, "-m", "backproof.conformance.cli", *arguments])
    return subprocess.run(f"{command} {where}", shell=True, capture_output=True, check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [["list", "relu"], ["verify", str(store.golden_folder() / "relu.h5")], ["show", "relu/float32/forward-lesson"]],
)
def test_a_standard_output_that_is_full_is_a_line(arguments: list[str]) -> None:
    done = apart(arguments, ">/dev/full")
    assert done.returncode == cli.UNUSABLE
    assert done.stderr == b"backproof: standard output cannot be written: No space left on device\n"


def test_a_standard_output_that_is_closed_is_no_matter() -> None:
    done = apart(["list", "relu"], ">&-")
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_an_encoding_lacks_is_escaped(loss_file: Path) -> None:
    show = ["show", f"{loss_file}::float32/forward-indices"]
    done = apart(show, "", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"gr\xf6\xdfer" in done.stdout


def test_generate_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = []

    class Generate:
        @staticmethod
        def main(ops: list[str], check: bool, *own: object) -> int:
            handed.append((ops, check, *own[:2]))
            return 1

    monkeypatch.setitem(sys.modules, "backproof.reference.generation.generate", Generate)
    monkeypatch.setattr(backproof.reference.generation, "generate", Generate, raising=False)
    assert cli.main(["generate", "dense", "relu", "--check"]) == 1
    assert cli.main(["generate"]) == 1
    assert handed == [(["dense", "relu"], True, None, ()), ([], False, None, ())]


def test_generate_without_flint_names_what_to_install() -> None:
    program = """
import sys
sys.modules["flint"] = None
from backproof.conformance import cli
sys.exit(cli.main(["generate"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "backproof: generating needs flint, which is not installed: pip install python-flint tqdm"
    ]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"backproof {version('backproof')}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["show"]], ids=" ".join)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: backproof" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(small_golden_folder: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(small_golden_folder.parent)!r})
import small_golden
from backproof.conformance import cli
sys.exit(cli.main(["list"]))
"""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("arguments", "others"), [(["relu"], False), ([], True)])
def test_faults_lists_the_catalogue_and_how_to_run_one(
    arguments: list[str], others: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "operation_names", lambda: ("dense", "relu"))
    assert cli.main(["faults", *arguments]) == 0
    out = capsys.readouterr().out
    assert "\n  backward_gt_to_ge: return np.where(inputs >= 0, dL_doutputs, 0)\n" in out
    assert "pytest --impl=backproof.reference.faults:" in out
    assert ("dense: " in out) == others


def test_faults_of_an_unknown_operation_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["faults", "convolve"]) == cli.UNUSABLE
    assert capsys.readouterr().err.startswith("backproof: no operation 'convolve'; known are absolute, ")
