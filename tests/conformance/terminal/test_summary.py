"""The summary at the end of a run, as it stands on the terminal."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import small_vectors
from backproof.conformance.check.conventions import Followed, FollowedBy, followed
from backproof.conformance.check.verdict import Cause, Miss, MissKind, MissReason, Outcome, Verdict
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.record.results import Ending, Result
from backproof.conformance.terminal.summary import header, nothing_passed, required_and_missing, summary
from backproof.vectors.manifest import FamilyCount
from pytest_regressions.file_regression import FileRegressionFixture

FAULTY = f"""{small_vectors.ADAPTER}
dtypes = ["float64", "float32", "float16"]
precision = {{"float16": "native"}}
conventions = {{"labels": "unchecked"}}

def double_forward(inputs):
    return inputs + inputs - 0 * np.where(np.isinf(inputs), inputs, 0)

def double_backward(dL_doutputs, inputs):
    return (3 if inputs.dtype == np.float32 else 2) * dL_doutputs

def kink_foward(inputs):
    return abs(inputs)

def kink_backward(dL_doutputs, inputs):
    slopes = np.where(inputs == 0, 3 * ((inputs == 0).all() & (inputs.dtype == np.float64)), np.sign(inputs))
    return dL_doutputs * slopes.astype(inputs.dtype)
"""

IMPLEMENTATION = Implementation("mypkg.adapter", "my layers", "3.1", {})


def terminal_summary(result: pytest.RunResult) -> list[str]:
    """The lines of our section."""
    start = next(number for number, line in enumerate(result.outlines) if " backproof ==" in line)
    lines = [line.rstrip() for line in result.outlines[start:]]
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.startswith("==="))
    return lines[:end]


def result(
    op: str,
    dtype: str,
    number: int = 0,
    ending: Ending = Ending.PASSED,
    outcome: Outcome = Outcome.PASSED,
    **more: object,
) -> Result:
    """A family's result."""
    name = f"backward-random-n{number}"
    verdict = Verdict(f"{op}/{dtype}/{name}", op, dtype, "backward", "required", outcome, 4, **more)  # type: ignore[arg-type]
    note = f"{outcome}: a reason" if ending is Ending.SKIPPED else ""
    return Result(f"vectors/{op}.h5::{dtype}/{name}", verdict, ending, note)


def failed(number: int) -> Result:
    """A family that fails, with more to say than there is room for."""
    miss = Miss(
        MissKind.VALUE,
        False,
        3,
        "dL_dweights is wrong in 40 of 48 elements of case 3, which is quite a number of them",
        ("worst at [1, 2]: got 1.25, expected 1.5", "x" * 100, "a third line"),
    )
    return result("dense", "float32", number, Ending.FAILED, Outcome.FAILED, misses=(miss,), fraction=12345.0)


def failed_of(op: str, number: int) -> Result:
    """A family that fails."""
    miss = Miss(MissKind.VALUE, False, 0, "it is wrong")
    return result(op, "float32", number, Ending.FAILED, Outcome.FAILED, misses=(miss,))


def text(results: Sequence[Result], diagnoses: Sequence[Diagnosis] = ()) -> str:
    """The summary of these results."""
    return "\n".join(summary(results, IMPLEMENTATION, followed(r.verdict for r in results), diagnoses))


def test_the_summary_of_a_right_implementation(
    project: pytest.Pytester, file_regression: FileRegressionFixture
) -> None:
    file_regression.check("\n".join(terminal_summary(project.runpytest("--impl=adapter"))))


def test_the_summary_of_a_faulty_implementation(
    project: pytest.Pytester, file_regression: FileRegressionFixture
) -> None:
    project.makepyfile(faulty=FAULTY)
    (project.path / "expected.txt").write_text("kink/float64/*more* # to be mended\ndouble/*/nothing # a stale line\n")
    run = project.runpytest("--impl=faulty", "--impl-xfails=expected.txt")
    lines = terminal_summary(run)
    assert max(len(line) for line in lines if not line.startswith("backproof: ")) <= 80
    file_regression.check("\n".join(lines))


def test_the_whole_of_a_failure(project: pytest.Pytester, file_regression: FileRegressionFixture) -> None:
    project.makepyfile(faulty=FAULTY)
    lines = project.runpytest("--impl=faulty", "vectors/double.h5::float32/backward-plain").outlines
    start = next(number for number, line in enumerate(lines) if "= FAILURES =" in line)
    end = next(number for number, line in enumerate(lines) if " backproof ==" in line)
    file_regression.check("\n".join(line.rstrip() for line in lines[start:end]))


def test_many_operations_and_failures_stay_within_80_columns(file_regression: FileRegressionFixture) -> None:
    operations = ("dense", "softmax_cross_entropy", "softmax_cross_entropy_from_outputs")
    passed = [result(op, dtype, 9, fraction=0.4375) for op in operations for dtype in ("float32", "float64")]
    skipped = {"ending": Ending.SKIPPED, "outcome": Outcome.NOT_IMPLEMENTED, "cause": Cause.NO_DTYPE}
    absent = [result(op, "bfloat16", 9, **skipped) for op in operations]
    declared = [result("dense", "float64", 8, Ending.SKIPPED, Outcome.DECLARED)]
    everything = [*passed, *absent, *declared, *(failed(number) for number in range(12))]
    lines = text(everything).splitlines()
    assert max(map(len, lines)) <= 80
    file_regression.check("\n".join(lines))


def test_of_many_operations_one_that_passes_whole_has_a_row_for_all_dtypes() -> None:
    passed = [result(f"op{n:02}", dtype, 9, fraction=0.4375) for n in range(80) for dtype in ("float64", "float32")]
    lines = text([*passed, failed_of("op07", 1)]).splitlines()
    table = lines[lines.index(next(line for line in lines if line.startswith("operation"))) + 1 :]
    assert [line.split() for line in table[6:10]] == [
        ["op06", "2", "dtypes", "2", ".", ".", ".", ".", "0.44"],
        ["op07", "float64", "1", ".", ".", ".", ".", "0.44"],
        ["float32", "1", "1", ".", ".", ".", "0.44"],
        ["op08", "2", "dtypes", "2", ".", ".", ".", ".", "0.44"],
    ]
    assert table[81].split()[:3] == ["all", "160", "1"]
    assert max(map(len, lines)) <= 80


def test_reasons_beyond_a_dozen_are_counted() -> None:
    robust = [
        Result(
            f"vectors/relu.h5::{n}", result("relu", "float32").verdict, Ending.ROBUST_MISS, f"robust miss: of kind {n}"
        )
        for n in range(15)
    ]
    lines = text([result("relu", "float32"), *robust, robust[3]]).splitlines()
    start = lines.index("neither passed nor failed:")
    assert " ".join(" ".join(lines[start + 1 : start + 3]).split()) == (
        "2 robust miss: relu_backward: of kind 3 (relu/float32/backward-random-n0 and 1 more)"
    )
    assert sum("robust miss: " in line for line in lines[start:]) == 12
    assert "      3  for 3 further reasons; -rsx prints them" in lines


def test_refused_layouts_are_told_once() -> None:
    summary, layout = "negatively strided arguments are refused: ValueError: no", MissReason.NEGATIVELY_STRIDED
    refusals = [Miss(MissKind.REFUSED_LAYOUT, True, 0, f"{summary} {n}", reason=layout) for n in range(3)]
    passed = [result("dense", "float32", n, misses=(refusal,)) for n, refusal in enumerate(refusals)]
    told = text(passed).split("layouts refused (fails under --impl-strict):\n")[1]
    assert told.splitlines()[0].strip() == "dense_backward (3 families): negatively strided arguments are refused:"


def test_the_gravest_miss_stands_for_a_failure() -> None:
    misses = (Miss(MissKind.LAYOUT, True, 0, "it refuses"), Miss(MissKind.VALUE, False, 2, "it is wrong", ("by much",)))
    grave = result("dense", "float32", 0, Ending.FAILED, Outcome.FAILED, misses=misses)
    assert grave.headline == "it is wrong"
    assert "    it is wrong\n    by much\n" in text([grave])


def test_failures_of_more_kinds_than_are_shown_are_counted() -> None:
    results = [failed_of(f"op{min(n, 8)}", 0) for n in range(10)]
    lines = text(results).splitlines()
    assert sum(line.startswith("  vectors/") for line in lines) == 5
    assert "  and 5 failures of other kinds" in lines


def test_every_failing_function_has_a_line_though_its_failures_are_not_shown() -> None:
    ops = [f"op{n}" for n in range(70)]
    lines = text([failed_of(op, 0) for op in ops]).splitlines()
    functions = lines[lines.index("failing functions:") :]
    for op in ops:
        assert f"  {op}_backward: wrong values in 1 of 1 family; no known fault fits" in functions


def test_robust_misses_of_the_same_words_are_told_by_function_with_a_family_of_each() -> None:
    miss = Miss(MissKind.VALUE, True, 0, "it is wrong")
    missed = [
        replace(
            result(op, "float32", number, Ending.ROBUST_MISS, Outcome.ROBUST_MISS, misses=(miss,)),
            note="robust miss: it is wrong",
        )
        for op in ("dense", "relu")
        for number in range(2)
    ]
    told = " ".join(text(missed).split())
    for op in ("dense", "relu"):
        assert f"2 robust miss: {op}_backward: it is wrong ({op}/float32/backward-random-n0 and 1 more)" in told


@pytest.mark.parametrize(
    ("right", "failing", "words"),
    [
        ([2], [1], "its failure is of rank 1"),
        ([2, 1], [1, 4, 3], "all 3 failures are of rank 1, 3 and 4"),
        ([2, 1, 1], [1, 1], ""),
        ([2], [1, 2], ""),
        ([2], [], ""),
    ],
)
def test_a_function_that_is_right_for_matrices_alone_may_refuse_other_ranks(
    right: list[int], failing: list[int], words: str
) -> None:
    results = [result("softmax", "float32", number) for number in range(len(right))]
    results += [failed_of("softmax", rank) for rank in failing]
    ranks = {one.nodeid: rank for one, rank in zip(results, right + failing, strict=True)}
    told = " ".join(" ".join(summary(results, IMPLEMENTATION, [], ranks=ranks)).split())
    cure = "where it takes matrices alone, raise NotImplementedError for other ranks"
    assert (f"other ranks may be refused: softmax_backward: {words}: {cure}" in told) == bool(words)
    assert ("other ranks" in told) == bool(words)


def test_an_operation_that_is_nowhere_implemented_is_counted_all_the_same() -> None:
    absent = [result("relu", "float32", n, Ending.SKIPPED, Outcome.NOT_IMPLEMENTED) for n in range(7)]
    lines = text([result("dense", "float32"), *absent]).splitlines()
    assert not [line for line in lines if line.startswith("relu")]
    assert next(line for line in lines if line.startswith("all")).split() == ["all", "1", ".", ".", "7", ".", "-"]


def test_operations_that_are_nowhere_implemented_are_counted_in_a_line() -> None:
    unread = {f"op{n}": [FamilyCount("float32", "backward", 5, 9)] for n in range(70)}
    lines = summary([result("dense", "float32")], IMPLEMENTATION, [], unread=unread)
    assert lines[1] == "passed: 1 of 351 families, 1 of 71 operations in full, 1 of 1 dtype"
    assert "    350  not implemented: 70 operations (op0, op1, op2 and 67 more)" in lines


def test_a_failing_run_says_which_operations_the_doctor_should_look_at() -> None:
    assert "look closer: backproof doctor mypkg.adapter --op dense" in text([failed(0)]).splitlines()


@pytest.mark.parametrize(("kind", "option"), [("live", "--impl-live"), ("large", "--impl-size=large")])
def test_of_a_case_that_is_drawn_the_doctor_knows_nothing(kind: str, option: str) -> None:
    drawn = replace(failed(0), nodeid=f"live/dense::float32/backward-{kind}#backward-random-n4+2x3+bell+7")
    lines = text([drawn]).splitlines()
    assert f"rerun these: pytest --impl=mypkg.adapter --lf {option}" in lines
    assert not [line for line in lines if "doctor" in line]
    relu = replace(failed(1), verdict=replace(failed(1).verdict, op="relu"))
    assert "look closer: backproof doctor mypkg.adapter --op relu" in text([drawn, relu]).splitlines()


@pytest.mark.parametrize(
    ("required", "missing"),
    [
        ({"dense": ["float32"]}, []),
        ({"dense": ["float32", "float64"]}, ["dense is required, and no family passed of dense_backward in float64"]),
        ({"relu": ["float32"]}, ["relu is required, and no family passed of relu_backward in float32"]),
    ],
)
def test_what_is_required_has_to_pass_at_every_dtype(required: dict[str, list[str]], missing: list[str]) -> None:
    counts = {op: [FamilyCount(dtype, "backward", 5, 9) for dtype in dtypes] for op, dtypes in required.items()}
    assert list(required_and_missing([result("dense", "float32")], counts)) == missing


def test_each_result_is_counted_in_one_column() -> None:
    one_of_each = [
        result("dense", "float32", 1),
        failed(2),
        result("dense", "float32", 3, Ending.UNEXPECTED_PASS),
        result("dense", "float32", 4, Ending.EXPECTED_FAILURE, Outcome.FAILED),
        result("dense", "float32", 5, Ending.ROBUST_MISS, Outcome.ROBUST_MISS),
        result("dense", "float32", 6, Ending.FAILED, Outcome.ROBUST_MISS),
        result("dense", "float32", 7, Ending.SKIPPED, Outcome.NOT_IMPLEMENTED),
        result("dense", "float32", 8, Ending.SKIPPED, Outcome.UNSUPPORTED),
        result("dense", "float32", 9, Ending.SKIPPED, Outcome.DECLARED),
    ]
    row = next(line for line in text(one_of_each).splitlines() if line.startswith("dense"))
    assert row.split() == ["dense", "float32", "1", "3", "1", "1", "1", "2", "1e+04"]


def test_a_point_on_which_families_disagree_is_undecided_and_says_which_follow_which() -> None:
    results = [
        result("relu", "float32", n, point="slope", answers=answers)
        for n, answers in enumerate([("0",), ("0", "1/2"), ("1",), ("1",), ("1",)])
    ]
    (point,) = followed(r.verdict for r in results)
    assert point == Followed(
        "slope",
        (),
        tuple(r.verdict.id for r in results),
        (),
        (FollowedBy("relu", ()),),
    )
    said = " ".join(text(results).split())
    assert "slope: undecided: 0 in relu/float32/backward-random-n0; 0 or 1/2 in relu/float32/" in said
    assert "1 in relu/float32/backward-random-n2, relu/float32/backward-random-n3 and 1 more" in said


def test_operations_that_follow_different_answers_are_named() -> None:
    results = [
        result("relu", "float32", 0, point="slope", answers=("0",)),
        result("mlp", "float32", 1, point="slope", answers=("1/2",)),
    ]
    assert "  slope: 0 in relu, 1/2 in mlp\n" in text(results) + "\n"
    results.append(result("mlp", "float32", 2, point="slope", answers=("1",)))
    said = " ".join(text(results).split())
    assert "slope: 0 in relu, undecided in mlp: 1/2 in mlp/float32/backward-random-n1; 1 in mlp/float32/" in said


def test_no_results_have_no_summary() -> None:
    assert summary([], IMPLEMENTATION, []) == []


@pytest.mark.parametrize(
    ("results", "paths", "line"),
    [
        ([result("dense", "float32")], (), None),
        ([], ("tests",), "no family ran: tests names no vector file; give no path, or vectors/OP.h5"),
        ([], (), "no family ran, and that is a failure; the options or node ids leave none"),
        ([failed(1)], (), "no family passed (1 failed), and that is a failure"),
    ],
)
def test_nothing_passed_is_said_in_one_line(results: list[Result], paths: tuple[str, ...], line: str | None) -> None:
    assert list(nothing_passed(results, paths)) == ([] if line is None else [line])


def test_the_header_names_the_implementation_and_the_vectors() -> None:
    assert header(IMPLEMENTATION, "1.2.3", ["a remark"]) == [
        "backproof: my layers 3.1 (mypkg.adapter) against vectors 1.2.3",
        "backproof: a remark",
    ]
    unnamed = Implementation("mypkg.adapter", "mypkg.adapter", "", {})
    assert header(unnamed, "1.2.3", []) == ["backproof: mypkg.adapter against vectors 1.2.3"]


ROUNDS_EVERY_STEP = f"""{small_vectors.ADAPTER}
dtypes = ["float16"]

def double_backward(dL_doutputs, inputs):
    return 2 * dL_doutputs * np.float16(1 + 2**-9)
"""


def test_a_looser_precision_that_allows_all_is_told_once_and_the_line_to_declare_passes(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(steps=ROUNDS_EVERY_STEP)
    lines = terminal_summary(project.runpytest("--impl=steps", "--impl-op=double"))
    told = lines.index("right at a looser precision:")
    words = " ".join(line.strip() for line in lines[told + 1 : told + 3])
    line = 'precision = {"float16:double": "stepwise"}'
    assert (
        words
        == f"double in float16: within the tolerance of stepwise: if every step is rounded to float16, declare {line}"
    )
    assert lines[told + 3] == ""
    assert "  float16: stepwise in double (declared fused)" in lines
    assert not any("looks like" in line for line in lines)
    project.makepyfile(declared=f"{ROUNDS_EVERY_STEP}\n{line}\n")
    run = project.runpytest("--impl=declared", "--impl-op=double")
    run.assert_outcomes(passed=4, skipped=8)
    lines = terminal_summary(run)
    assert "  float16: stepwise in double" in lines
    assert "right at a looser precision:" not in lines


def test_a_stricter_precision_than_the_declared_one_is_told(project: pytest.Pytester) -> None:
    project.makepyfile(careful=f'{small_vectors.ADAPTER}\ndtypes = ["float16"]\nprecision = {{"float16": "stepwise"}}')
    assert "  float16: fused in double (declared stepwise)" in terminal_summary(project.runpytest("--impl=careful"))


def test_precisions_are_told_by_dtype_and_operations_that_are_alike_together() -> None:
    alike = [result(op, "float32", kept={"float32": True}) for op in ("dense", "mlp", "relu", "softmax")]
    other = [result("dense", "bfloat16", kept={"fused": False, "stepwise": True}), result("mlp", "bfloat16")]
    assert "\n".join(["strictest precision met:", "  float32: float32 in all 4 operations"]) in text(alike)
    assert "  bfloat16: stepwise in dense (declared fused)" in text([*alike, *other])


def test_operations_that_one_looser_precision_allows_are_told_together() -> None:
    miss = Miss(MissKind.VALUE, False, 0, "dL_dinputs is wrong", looser="stepwise")
    kept = {"fused": False, "stepwise": True, "native": True}
    wrong = {"ending": Ending.FAILED, "outcome": Outcome.FAILED, "misses": (miss,), "kept": kept}
    told = text([result(op, "bfloat16", **wrong) for op in ("dense", "relu", "mlp")]).split("right at a looser")[1]
    declared = 'precision = {"bfloat16:dense": "stepwise", "bfloat16:mlp": "stepwise", "bfloat16:relu": "stepwise"}'
    said = " ".join(told.partition("\n\n")[0].split())
    assert "dense, mlp and relu in bfloat16: within the tolerance of stepwise: if every step is rounded" in said
    assert said.endswith(f"declare {declared}")
    named = [Diagnosis("dense", "backward", (Finding("a factor", "1.02 times what is due.", "look for it."),))]
    assert '"bfloat16:dense"' not in text([result(op, "bfloat16", **wrong) for op in ("dense", "mlp")], named)
