"""Operations of a user's own, by name of their module: judged, explained, generated and shown as backproof's are."""

import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs, cli, expectation
from backproof.reference.faults import every_fault_of
from backproof.reference.kinds import declared
from backproof.reference.model.operation import OWN
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from own_operations import HALF_SQUARE, module_of

ADAPTER = """
from mypkg.ops.half_square import *

half_square_forward = forward


def half_square_backward(dL_dy, x, bias, *, factor):
    dL_dx, dL_dbias = backward(dL_dy, x, bias, factor=factor)
    return dL_dx, dL_dbias{wrong}
"""
FLOATS = "dtypes = ('float32', 'float64')\n"
X, B, DY = (np.linspace(*ends, n, dtype=np.float32) for ends, n in (((-2, 2), 12), ((1, 2), 3), ((3, 5), 12)))
CALL = {"inputs": (X.reshape(4, 3), B), "upstream": DY.reshape(4, 3), "factor": 3.0}


@pytest.fixture
def _a_project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's package of operations, an adapter that is right, and one that is wrong."""
    ops = pytester.mkpydir("mypkg") / "ops"
    ops.mkdir()
    (ops / "__init__.py").write_text("")
    (ops / "half_square.py").write_text(HALF_SQUARE)
    (ops / "_helpers.py").write_text("no = operation")
    pytester.makepyfile(right=FLOATS + ADAPTER.format(wrong=""), wrong=FLOATS + ADAPTER.format(wrong=" / len(x)"))
    monkeypatch.syspath_prepend(pytester.path)
    for name in ("EDGES", "PROFILES"):  # which take the longest
        monkeypatch.setattr(declared, name, ())
    monkeypatch.setattr(declared, "LONG", dict.fromkeys(DTYPES, ()))


def test_a_module_stands_where_a_name_does() -> None:
    half_square = module_of(HALF_SQUARE, "fused.half_square")
    dx = CALL["factor"] * (CALL["inputs"][0] + B) * CALL["upstream"]
    assert_gradients(half_square, (dx, dx.sum(axis=0)), **CALL)
    assert_outputs(half_square, 1.5 * (CALL["inputs"][0] + B) ** 2, inputs=CALL["inputs"], factor=3.0)
    expected, tolerance = expectation(half_square, "backward", CALL["upstream"], *CALL["inputs"], factor=3.0)
    assert abs(expected["dL_dbias"] - dx.sum(axis=0)).max() <= tolerance["dL_dbias"].max()
    with pytest.raises(AssertionError, match=r"(?s)half_square backward .*half_square\.backward_sum_to_mean"):
        assert_gradients(half_square, (dx, dx.mean(axis=0)), **CALL)


def test_an_object_whose_text_is_not_a_module_s_is_judged_and_not_explained() -> None:
    class Cube:
        SHAPES = {"x": "(...)"}  # noqa: RUF012

        @staticmethod
        def forward(x: np.ndarray) -> np.ndarray:
            return x * x * x

        @staticmethod
        def backward(dL_dy: np.ndarray, x: np.ndarray) -> np.ndarray:
            return 3 * x * x * dL_dy

    assert_gradients(Cube, 3 * X**2 * DY, inputs=X, upstream=DY)
    with pytest.raises(AssertionError, match=r"^Cube backward \(float32\): dL_dx is wrong"):
        assert_gradients(Cube, 2 * X**2 * DY, inputs=X, upstream=DY)
    with pytest.raises(ValueError, match=r"^Cube: forward and backward are no functions of a module"):
        every_fault_of("Cube")


def test_what_is_no_operation_is_a_line_for_whoever_calls() -> None:
    with pytest.raises(ValueError, match=r"^fused\.empty: has no forward; "):
        assert_gradients(module_of("", "fused.empty"), X, inputs=X)


@pytest.mark.usefixtures("_a_project")
def test_an_adapter_is_judged_on_them_alone_and_what_is_wrong_is_named(pytester: pytest.Pytester) -> None:
    options = ("--impl-ops=mypkg.ops", "--impl-dtype=float32", "-q")
    passed = pytester.runpytest_inprocess("--impl=right", "--impl-require=all", *options)
    assert passed.ret == 0
    assert "relu" not in str(passed.stdout)
    failed = pytester.runpytest_inprocess("--impl=wrong", *options)
    said = " ".join(str(failed.stdout).split())
    assert "FAILED vectors/half_square.h5::float32/backward-random-n4-d5 - dL_dbias is wr" in said
    assert "looks like: half_square.backward_sum_to_mean - dL_dbias: `return (dL_dx, dL_dx.mean(axis=0))`" in said
    assert "show: backproof show --ops=mypkg.ops vectors/half_square.h5::float32/backward-random-n4-d5#" in said
    assert "rerun one: pytest --impl=wrong --impl-ops=mypkg.ops ID" in said


@pytest.mark.usefixtures("_a_project")
def test_their_files_are_written_checked_and_run(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # a second process would take longer to start than it saves
    folder = pytester.path / "golden"
    assert cli.main(["generate", "--ops", "mypkg.ops", "-o", str(folder)]) == 0
    assert cli.main(["generate", "--ops", "mypkg.ops", "-o", str(folder), "--check"]) == 0
    assert "1 files are what the reference generates" in capsys.readouterr().out
    assert store.verify(folder) == []
    family = "float32/backward-random-n4-d5"
    assert cli.main(["show", f"{folder}/half_square.h5::{family}"]) == 0
    assert cli.main(["show", "--ops", "mypkg.ops", f"half_square/{family}"]) == 0
    OWN.clear()
    for options in ((), ("--impl-ops=mypkg.ops",)):
        failed = pytester.runpytest_inprocess("--impl=wrong", "golden/half_square.h5", "--impl-dtype=float64", *options)
        assert failed.ret == 1
        assert ("backward_sum_to_mean" in str(failed.stdout)) == bool(options)


@pytest.mark.usefixtures("_a_project")
def test_a_mutant_of_them_can_be_run_and_is_listed(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["faults", "--ops", "mypkg.ops"]) == 0
    assert "half_square.backward_sum_to_mean" in capsys.readouterr().out.replace("  ", "half_square.")
    mutant = "backproof.reference.faults:half_square.backward_sum_to_mean"
    family = "vectors/half_square.h5::float32/backward-random-n4-d5"
    failed = pytester.runpytest_inprocess(f"--impl={mutant}", "--impl-ops=mypkg.ops", "--impl-dtype=float32", family)
    failed.assert_outcomes(failed=1)


@pytest.mark.usefixtures("_a_project")
def test_their_page_says_what_there_is_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["page", "--ops", "mypkg.ops", "half_square"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("# half_square\n\nHalf of a square, times a factor.\n\n## Call\n")
    assert "- `x`: `(N, D)`\n- `bias`: `(D,)`\n" in page
    assert "`factor` is one of `0.5`, `3.0`." in page
    assert "$ pytest --impl=mypkg.adapter --impl-ops=mypkg.ops.half_square\n" in page
    assert "](#" not in page
    assert ".md" not in page


@pytest.mark.usefixtures("_a_project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--impl-ops=nowhere"], "ERROR: nowhere: no module named 'nowhere'*"),
        (["--impl-ops=colorsys"], "ERROR: colorsys: has no forward; write forward(x, ...), in plain NumPy"),
        (["--impl-ops=mypkg"], "ERROR: mypkg: none of its modules has forward and backward; *"),
        (["--impl-ops=mypkg/ops.py"], "ERROR: mypkg/ops.py: name a module, not a file: *"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line(pytester: pytest.Pytester, arguments: list[str], said: str) -> None:
    run = pytester.runpytest_inprocess("--impl=right", *arguments)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([said])


@pytest.mark.usefixtures("_a_project")
@pytest.mark.parametrize("words", [["--ops", "mypkg.ops"], ["-o", "golden"]])
def test_the_module_and_the_folder_of_its_files_go_together(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["generate", *words]) == cli.UNUSABLE
    assert "--ops MODULE and -o DIR go together" in capsys.readouterr().err
