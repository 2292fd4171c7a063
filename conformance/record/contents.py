"""What the record of a run contains. `document` turns it into JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ...vectors.records import Answer, Flag, Parameter
from ..check.conventions import Followed
from ..diagnosis.findings import Diagnosis
from .results import Ending, Result

RECORD_VERSION = 2
"""Of the layout, which run.schema.json describes."""

NOT_RUN = "not run"
"""The standing of a family that was asked for and has no result."""
NOT_ASKED = "not asked"
"""The standing of a family that the options or node ids left out."""


class Progress(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    """It is under way, or was killed: nobody came to write its end."""
    COMPLETE = "complete"
    """Every family that was asked for has run, those apart that pytest's own options deselected."""
    INTERRUPTED = "interrupted"
    """It ended early, and `reason` says why."""


@dataclass(frozen=True)
class Tested:
    """The implementation, as its adapter presented it."""

    name: str
    version: str
    """Empty where it does not say."""
    option: str
    """--impl or --impl-cmd."""
    spec: str
    """What stood after the option."""
    argument: str
    """How a command line names it, quoted for a shell: "--impl=mylayer"."""
    language: str
    options: Mapping[str, str]
    """What --impl-option gave it."""
    functions: tuple[str, ...]
    """Names of those that it has: "dense_backward"."""
    dtypes: tuple[str, ...]
    precision: Mapping[str, str]
    """The declared working precision by dtype."""
    conventions: Mapping[str, str | bool]
    """What it declares."""
    warnings: tuple[str, ...]
    """Of its adapter, one line each."""


@dataclass(frozen=True)
class Versions:
    """What took part besides the implementation."""

    backproof: str
    vectors: str
    manifest: str
    """SHA-256 of the golden vectors' manifest, which lists the hash of every file."""
    python: str
    numpy: str
    h5py: str
    pytest: str


@dataclass(frozen=True)
class Machine:
    """What it ran on; neither host nor user is named."""

    system: str
    processor: str
    """The architecture: "x86_64"."""
    cores: int
    """That this process may use."""


@dataclass(frozen=True)
class Asked:
    """The options of the run."""

    strict: bool
    ops: tuple[str, ...]
    """Empty where all were asked for; so with dtypes."""
    dtypes: tuple[str, ...]
    whole: bool
    """Whether all golden files were asked for, by giving no path."""
    keyword: str
    """After -k."""
    markers: str
    """After -m."""
    timeout: float | None
    xfails: str
    """The file of expected failures, empty where there is none."""


@dataclass(frozen=True)
class Planned:
    """How many families there are of one function at one dtype, in the golden files and others that were given."""

    op: str
    dtype: str
    direction: str
    families: int
    asked: int
    """How many of them the options and node ids left."""

    @property
    def function(self) -> str:
        """The name of the function: "dense_backward"."""
        return f"{self.op}_{self.direction}"


@dataclass(frozen=True)
class FamilyRecord:
    """One family that ran."""

    result: Result
    flags: tuple[str, ...]
    kind: str
    """valid, convention or invalid."""
    parameters: Mapping[str, Parameter]
    comment: str

    @property
    def standing(self) -> str:
        """How it stands, in one of the words that RunRecord.counts counts."""
        return standing(self.result)


@dataclass(frozen=True)
class RunRecord:
    """One run."""

    state: Progress
    reason: str
    """Why it was interrupted; empty otherwise."""
    started: str
    """UTC, as ISO 8601 has it: "2026-01-31T23:59:59Z"."""
    ended: str | None
    """None while it runs."""
    seconds: float
    exit_status: int | None
    """pytest's; None while it runs."""
    implementation: Tested
    versions: Versions
    machine: Machine
    asked: Asked
    problems: tuple[str, ...]
    """What failed the run although every family may have passed, one line each."""
    planned: tuple[Planned, ...]
    counts: Mapping[str, int]
    """Families by standing; all that there are in `planned` are counted once."""
    conventions: tuple[Followed, ...]
    diagnoses: tuple[Diagnosis, ...]
    flags: tuple[Flag, ...]
    """That the families have."""
    answers: tuple[Answer, ...]
    """At the points of the families."""
    families: tuple[FamilyRecord, ...]
    """In the order of the vector files."""


STANDINGS = (
    "passed",
    "failed",
    "unexpected pass",
    "expected failure",
    "robust miss",
    "not implemented",
    "unsupported",
    "declared",
    NOT_RUN,
    NOT_ASKED,
)
"""How a family may stand."""

HELD = ("passed", "failed", "unexpected pass", "expected failure", "robust miss")
"""The standings of families whose results were looked at."""


def standing(result: Result) -> str:
    """How a family that ran stands: its ending, or the outcome that it was skipped for."""
    return str(result.verdict.outcome if result.ending is Ending.SKIPPED else result.ending)
