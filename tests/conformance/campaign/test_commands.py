"""`backproof campaign` as a user meets it: calls that are refused, and whole campaigns in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

import pytest
from backproof.conformance.cli import main

WRONG = """
import os
import signal
from pathlib import Path

dtypes = ("float64", "float32")


def square_backward(dL_doutputs, inputs):
    if inputs.size > 3000 and not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    result = 2 * dL_doutputs * inputs
    result.flat[3000:] = 0
    return result


def relu_backward(dL_doutputs, inputs):
    return dL_doutputs * (inputs > 0)
"""
COMMAND = (sys.executable, "-m", "backproof.conformance.cli", "campaign")
RIGHT = "--impl=backproof.conformance.adapters.numpy"
SHORT = ("--minutes", "0.0001", "--workers", "2")
"""Two stretches for each of two processes, which are all functions and dtypes of WRONG."""
Campaign = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Run a campaign in a folder with an adapter."""
    tmp_path.joinpath("wrong.py").write_text(WRONG)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
        )

    return run


def findings(folder: Path) -> dict[str, str]:
    """The node ids of what was found, by what it looks like."""
    book = json.loads((folder / "campaign.json").read_text())
    return {key: one["nodeid"] for key, one in book["found"].items()}


@pytest.mark.campaign
def test_a_process_that_is_killed_loses_no_finding(campaign: Campaign, tmp_path: Path) -> None:
    killed = campaign("--impl=wrong", *SHORT, "-o", "killed-midway")
    assert (killed.returncode, killed.stderr) == (1, "")
    assert (tmp_path / "killed").exists()
    whole = campaign("--impl=wrong", *SHORT, "-o", "whole")
    assert whole.returncode == 1
    assert len(findings(tmp_path / "whole")) >= 1
    assert findings(tmp_path / "killed-midway") == findings(tmp_path / "whole")
    assert killed.stdout.splitlines()[-3].endswith(whole.stdout.splitlines()[-3].partition("  ")[2])
    replay = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--impl=wrong", "whole/found/square.h5"]
    assert subprocess.run(replay, cwd=tmp_path, capture_output=True, check=False).returncode == 1


@pytest.mark.campaign
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_campaign_that_is_ended_early_is_gone_on_with(
    campaign: Campaign, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "killed").touch()
    with subprocess.Popen(
        [*COMMAND, "--impl=wrong", "--minutes", "5", "--workers", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("found: square_backward") for line in process.stdout)
        os.killpg(process.pid, how) if how is signal.SIGINT else process.send_signal(how)  # Ctrl-C reaches the workers
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("go on with it: backproof campaign --resume campaign")
    assert no_process_is_left(process.pid)
    before, record = findings(tmp_path / "campaign"), json.loads((tmp_path / "campaign" / "run.json").read_text())
    assert record["state"] == "interrupted"
    again = campaign("--resume", "campaign", *SHORT)
    assert (again.returncode, again.stderr) == (1, "")
    assert findings(tmp_path / "campaign").keys() >= before.keys()
    assert json.loads((tmp_path / "campaign" / "run.json").read_text())["state"] == "complete"


def no_process_is_left(group: int) -> bool:
    """Whether a group of processes ends within some seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.campaign
def test_a_campaign_of_a_right_implementation_finds_nothing(campaign: Campaign, tmp_path: Path) -> None:
    right = campaign(RIGHT, "--impl-op=relu", "--impl-dtype=float32", *SHORT)
    assert (right.returncode, right.stderr) == (0, "")
    assert right.stdout.splitlines()[-1].endswith(" cases of 2 of 2 functions and dtypes, 0 findings")


@pytest.mark.skipif(find_spec("distributed") is not None, reason="distributed is there")
def test_without_the_extra_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["campaign", RIGHT]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("backproof: a campaign needs distributed, which is not installed: pip install distributed ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one implementation, --impl=MODULE or --impl-cmd=COMMAND, or --resume FOLDER"),
        (["--impl=a", "--impl-cmd=b"], "name one implementation, *"),
        (["--impl=a", "--minutes=0"], "--minutes 0: give a number above 0"),
        (["--impl=a", "--workers=0"], "--workers 0: give a number above 0"),
        (["--impl=a", "--workers=1", "--scheduler=tcp://b:1"], "--workers and --scheduler are both given: *"),
        (["--impl=a", "--impl-timeout=3"], "--impl-timeout is for calls in a process of their own: add --impl-isolate"),
        (["--impl-cmd=a", "--impl-isolate"], "--impl-isolate is for --impl; *"),
        (["--resume=a", "--impl-op=relu"], "--resume goes on with what the campaign was: *"),
        (["--resume=nowhere"], "nowhere/campaign.json: cannot be read: *"),
        (["--impl=no_such_module_at_all"], "no_such_module_at_all: no module named *"),
        (["--impl=backproof.conformance.adapters.numpy", "--impl-op=rule"], "--impl-op=rule: *relu*"),
        (
            ["--impl=backproof.conformance.adapters.numpy", "--impl-seed=x"],
            "--impl-seed=x: give a whole number, or random",
        ),
    ],
)
def test_a_bad_call_gets_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["campaign", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert fnmatchcase(line, f"backproof: {said}")
