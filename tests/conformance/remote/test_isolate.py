"""--impl-isolate: the verdicts of a run in process, from a process that has no answers."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import small_vectors
from shares import one_in

RunApart = Callable[..., pytest.RunResult]

PASSED, ABSENT = 12, 6

BODIES = {
    "right": "return 2 * dL_doutputs",
    "wrong": "return 3 * dL_doutputs",
    "bare tuple": "return (2 * dL_doutputs,)",
    "two results": "return dL_doutputs, inputs",
    "a list": "return [2 * dL_doutputs]",
    "numbers": "return (2 * dL_doutputs).tolist()",
    "a number": "return 2.5",
    "None": "return None",
    "an object": "return object()",
    "another dtype": "return 2 * dL_doutputs.astype('float16')",
    "integers": "return (2 * dL_doutputs).astype('int32')",
    "complex numbers": "return 2j * dL_doutputs",
    "strings": "return dL_doutputs.astype(str)",
    "another byte order": "return (2 * dL_doutputs).astype(dL_doutputs.dtype.newbyteorder())",
    "another shape": "return 2 * dL_doutputs[None]",
    "columns first": "return np.asfortranarray(2 * dL_doutputs)",
    "changes its argument": "dL_doutputs *= 2; return dL_doutputs.copy()",
    "returns its argument": "dL_doutputs *= 2; return dL_doutputs",
    "returns a view of the other": "inputs[...] = 2 * dL_doutputs; return inputs[...]",
    "writes beside": "if inputs.base is not None and inputs.base.nbytes > inputs.nbytes + 200:\n"
    "        np.lib.stride_tricks.as_strided(inputs, (inputs.size + 3,))[-1] = 1\n"
    "    return 2 * dL_doutputs",
    "one buffer": "KEPT.setdefault(inputs.shape, np.empty_like(inputs))[...] = 2 * dL_doutputs\n"
    "    return KEPT[inputs.shape]",
    "remembers": "return KEPT.setdefault(inputs.shape, 2 * dL_doutputs)",
    "counts": "KEPT['n'] = KEPT.get('n', 0) + 1; return 2 * dL_doutputs + (KEPT['n'] == 9)",
    "refuses layouts": "assert inputs.flags.c_contiguous and inputs.flags.aligned; return 2 * dL_doutputs",
    "writes to what is read-only": "inputs.flags.writeable = True; inputs += 0; return 2 * dL_doutputs",
    "raises": "raise KeyError('why')",
    "not implemented": "raise NotImplementedError('not yet')",
    "raises sometimes": "if inputs[0] > 0.5: raise ValueError('too large')\n    return 2 * dL_doutputs",
}


def adapter(body: str) -> str:
    return f"{small_vectors.ADAPTER}\nKEPT = {{}}\ndef double_backward(dL_doutputs, inputs):\n    {body}\n"


@pytest.mark.parametrize("name", one_in(8, BODIES))
def test_verdicts_are_those_of_a_run_in_process(project: pytest.Pytester, name: str) -> None:
    project.makepyfile(adapter=adapter(BODIES[name]))
    records = []
    for options in ([], ["--impl-isolate"]):
        project.runpytest("--impl=adapter", "--impl-report=run.json", *options)
        records.append(json.loads((project.path / "run.json").read_text()))
        for family in records[-1]["families"]:
            family["seconds"] = 0
    here, apart = records
    assert apart["families"] == here["families"]
    assert apart["diagnoses"] == here["diagnoses"]
    assert apart["counts"]["passed"] > 0


def test_a_misspelt_name_is_warned_of(project: pytest.Pytester) -> None:
    project.makepyfile(adapter=f"{small_vectors.ADAPTER}\ndef knik_forward(inputs):\n    return inputs\n")
    result = project.runpytest("--impl=adapter", "--impl-isolate")
    result.stdout.fnmatch_lines(["*knik_forward is no operation's name; was kink_forward meant[?]*"])


@pytest.mark.parametrize("options", [[], ["--impl-isolate"]], ids=["in process", "isolated"])
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return KEPT.setdefault(dL_doutputs.ctypes.data, 2 * dL_doutputs)", "*something is kept by address*"),
        (
            "KEPT.setdefault('ring', []).append(2 * dL_doutputs)\n"
            "    if len(KEPT['ring']) > 64:\n"
            "        KEPT['ring'].pop(0)[...] = 7\n"
            "    return KEPT['ring'][-1]",
            "dL_dinputs of case 0 is changed by a later call: its memory is used again",
        ),
    ],
    ids=["by address", "64 buffers"],
)
def test_memory_that_is_kept_is_seen(project: pytest.Pytester, body: str, line: str, options: list[str]) -> None:
    project.makepyfile(adapter=adapter(body))
    result = project.runpytest("--impl=adapter", "vectors/double.h5::float64/backward-plain", *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([line])


def test_the_header_and_the_line_to_run_again_say_so(project: pytest.Pytester) -> None:
    project.makepyfile(adapter=adapter(BODIES["wrong"]))
    result = project.runpytest("--impl=adapter", "--impl-isolate", "--impl-op=double")
    result.stdout.fnmatch_lines(
        [
            "backproof: small 1.2 (adapter) against vectors 9.8.7",
            "backproof: in a process of its own, *",
            " rerun: pytest --impl=adapter --impl-isolate vectors/double.h5::float64/backward-plain",
        ]
    )


def test_several_processes_each_have_one(run_apart: RunApart, project: pytest.Pytester) -> None:
    result = run_apart("--impl=adapter", "--impl-isolate", "-n2", "--maxprocesses=1")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)


def test_setup_takes_options_and_teardown_is_called(project: pytest.Pytester) -> None:
    project.makepyfile(
        adapter=f"{small_vectors.ADAPTER}\nfrom pathlib import Path\n"
        "def setup(device): print(device); Path('log').write_text(device)\n"
        "def teardown(): Path('log').write_text(Path('log').read_text() + ' down')\n"
    )
    project.runpytest("--impl=adapter", "--impl-isolate", "--impl-option=device=gpu").assert_outcomes(
        passed=PASSED, skipped=ABSENT
    )
    assert (project.path / "log").read_text() == "gpu down"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def setup(): raise OSError('no device')", "ERROR: adapter: setup() raised OSError: no device*"),
        ("dtypes = ['float8']", "ERROR: adapter: dtypes has an unknown dtype 'float8'*"),
        ("import nowhere", "ERROR: adapter: importing adapter raised ModuleNotFoundError*"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_said_as_in_process(project: pytest.Pytester, text: str, line: str) -> None:
    project.makepyfile(adapter=f"{small_vectors.ADAPTER}\n{text}\n")
    result = project.runpytest("--impl=adapter", "--impl-isolate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])


def test_a_call_that_hangs_is_bounded(project: pytest.Pytester) -> None:
    project.makepyfile(adapter=adapter("import time; time.sleep(1000)"))
    began = time.monotonic()
    result = project.runpytest(
        "--impl=adapter",
        "--impl-isolate",
        "--impl-timeout=0.3",
        "vectors/kink.h5",
        "vectors/double.h5::float32/backward-plain",
    )
    result.assert_outcomes(passed=4, failed=1, skipped=2)
    assert time.monotonic() - began < 60


def test_no_expected_value_can_be_found_from_a_call(project: pytest.Pytester) -> None:
    """What works in process: to look for arrays of the answers in the frames of the callers, and among all objects."""
    project.makepyfile(
        adapter=f"""
import gc, sys
{small_vectors.ADAPTER}
def double_backward(dL_doutputs, inputs):
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if hasattr(value, "answer"):
                return value.answer.expected["dL_dinputs"][0].astype(inputs.dtype)
        frame = frame.f_back
    found = [value for value in gc.get_objects() if type(value).__name__ in ("Family", "Expectation")]
    return found[0].expected["dL_dinputs"] if found else 0 * inputs
"""
    )
    result = project.runpytest("--impl=adapter", "--impl-isolate", "-k", "double and backward")
    result.assert_outcomes(failed=2, skipped=1, deselected=15)
    result.stdout.fnmatch_lines(["dL_dinputs is wrong in 3 of 3 elements of case 0"])


def test_a_command_is_a_process_of_its_own_already(project: pytest.Pytester) -> None:
    result = project.runpytest("--impl-cmd=true", "--impl-isolate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --impl-isolate is for --impl; *"])


def test_golden_files_are_not_seen_where_the_system_hides_them(project: pytest.Pytester, golden: Path) -> None:
    project.makepyfile(
        adapter=f"""
from pathlib import Path
{small_vectors.ADAPTER}
def double_backward(dL_doutputs, inputs):
    assert not list(Path({str(golden)!r}).iterdir())
    return 2 * dL_doutputs
"""
    )
    result = project.runpytest("--impl=adapter", "--impl-isolate")
    if "could read the golden files" in result.stdout.str():
        pytest.skip("this system lets no process have a view of the file system of its own")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    result.stdout.fnmatch_lines(["backproof: *and does not see the golden files"])
    assert list(golden.iterdir())
