"""What the record of a run contains. `document` turns it into JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ...vectors.records import Answer, Flag, Parameter
from ..check.conventions import Followed
from ..check.precisions import PrecisionMet
from ..diagnosis.findings import Diagnosis
from .results import Ending, Result

RECORD_VERSION = 3
"""Version of the layout, which run.schema.json describes."""

NOT_RUN = "not run"
"""The standing of a family that was asked for and has no result."""
NOT_ASKED = "not asked"
"""The standing of a family that the options or node ids left out."""


class Progress(StrEnum):
    """Whether a run is under way, complete or interrupted."""

    RUNNING = "running"
    """It is under way, or was killed before it could write its end."""
    COMPLETE = "complete"
    """Every family that was asked for has run, except those that pytest's own options deselected."""
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
    """The option's value."""
    argument: str
    """The argument of a command line, quoted for a shell: "--impl=mylayer"."""
    language: str
    options: Mapping[str, str]
    """What --impl-option gave it."""
    functions: tuple[str, ...]
    """Names of its functions: "dense_backward"."""
    dtypes: tuple[str, ...]
    precision: Mapping[str, str]
    """The declared working precision by "dtype" or "dtype:operation"."""
    conventions: Mapping[str, str | bool]
    """What it declares."""
    warnings: tuple[str, ...]
    """Warnings about its adapter, one line each."""


@dataclass(frozen=True)
class Versions:
    """Versions of everything but the implementation."""

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
    """The machine of the run, without the names of host and user."""

    system: str
    processor: str
    """The architecture: "x86_64"."""
    cores: int
    """Cores that this process may use."""


@dataclass(frozen=True)
class Asked:
    """The options of the run."""

    strict: bool
    ops: tuple[str, ...]
    """Empty for all operations; likewise `dtypes`."""
    dtypes: tuple[str, ...]
    whole: bool
    """Whether all golden files were asked for, by giving no path."""
    keyword: str
    """The value of -k."""
    markers: str
    """The value of -m."""
    timeout: float | None
    xfails: str
    """The file of expected failures, empty where there is none."""
    strangers: Mapping[str, str] = field(default_factory=dict)
    """Vector files that are none of backproof's, for whose values nobody vouches, by node id, and their SHA-256."""


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
        """One of STANDINGS."""
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
    """Number of families by standing; each family in `planned` is counted once."""
    conventions: tuple[Followed, ...]
    precisions: tuple[PrecisionMet, ...]
    diagnoses: tuple[Diagnosis, ...]
    flags: tuple[Flag, ...]
    """The flags of the families."""
    answers: tuple[Answer, ...]
    """The answers at the points of the families."""
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
"""The standings that a family may have."""

HELD = ("passed", "failed", "unexpected pass", "expected failure", "robust miss")
"""The standings of families whose results were compared."""


def standing(result: Result) -> str:
    """The standing of a family that ran: its ending, or for a skipped one its outcome."""
    return str(result.verdict.outcome if result.ending is Ending.SKIPPED else result.ending)
