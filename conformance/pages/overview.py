"""Operation by dtype: its standing, and how close its results are to the tolerance."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from ..check.precisions import PrecisionMet
from ..check.verdict import MissKind
from ..check.wording import plural
from ..record.contents import HELD, NOT_ASKED, NOT_RUN, STANDINGS, FamilyRecord, RunRecord


class Stand(Enum):
    """The standing of an operation at a dtype: a word and a sign."""

    FAILS = "fails", "\N{BALLOT X}"
    EXPECTED = "fails as expected", "\N{BALLOT X}"
    ROBUST = "passes, robust misses", "\N{CHECK MARK}"
    PART = "passes in part", "\N{CHECK MARK}"
    PASSES = "passes", "\N{CHECK MARK}"
    UNSUPPORTED = "unsupported", "\N{EN DASH}"
    ABSENT = "not implemented", "\N{EN DASH}"
    NOT_RUN = "not run", "\N{MIDDLE DOT}"

    @property
    def word(self) -> str:
        """In a word or two."""
        return self.value[0]

    @property
    def sign(self) -> str:
        """The same as a sign."""
        return self.value[1]


EDGES = (0.0, 0.01, 0.1, 0.3, 1.0, 10.0, 1000.0, math.inf)
"""Upper ends of the bins of error over tolerance; the last bin has everything beyond, too. 1 is the tolerance."""

_MANY = {
    "unexpected pass": "unexpected passes",
    "expected failure": "expected failures",
    "robust miss": "robust misses",
}


@dataclass(frozen=True)
class Cell:
    """One operation at one dtype."""

    op: str
    dtype: str
    counts: Mapping[str, int]
    """Families by standing."""
    bins: tuple[int, ...]
    """Families by their largest error over tolerance, one for each of EDGES."""
    worst: float | None
    """The largest of those errors; None where nothing was measured."""
    precision: PrecisionMet | None
    """Of a dtype with several precisions: the strictest that was met; None where nothing was compared."""

    @property
    def stand(self) -> Stand:
        """The gravest standing of its families."""
        count = Counter(self.counts)
        if count["failed"] or count["unexpected pass"]:
            return Stand.FAILS
        if count["expected failure"]:
            return Stand.EXPECTED
        if count["robust miss"]:
            return Stand.ROBUST
        left_out = count["not implemented"] + count["unsupported"] + count[NOT_RUN] + count[NOT_ASKED]
        if count["passed"]:
            return Stand.PART if left_out else Stand.PASSES
        if count["unsupported"] or count["declared"]:
            return Stand.UNSUPPORTED
        return Stand.ABSENT if count["not implemented"] else Stand.NOT_RUN

    @property
    def told(self) -> str:
        """ "63 passed, 1 robust miss"."""
        there = ((word, self.counts.get(word, 0)) for word in STANDINGS)
        return ", ".join(plural(count, word, _MANY.get(word, word)) for word, count in there if count)

    @property
    def is_measured(self) -> bool:
        """Whether any family's values were compared."""
        return any(self.bins)

    @property
    def held(self) -> int:
        """How many families were compared with answers."""
        return sum(self.counts.get(word, 0) for word in HELD)

    def height(self, number: int) -> int:
        """Height of a bin's bar as a percentage of the highest, at least 6 so that it is visible."""
        return max(6, round(100 * self.bins[number] / max(self.bins)))


def cells(record: RunRecord) -> dict[str, dict[str, Cell]]:
    """The cells by operation, then by dtype, for all that there are vectors of."""
    families: dict[tuple[str, str], list[FamilyRecord]] = {}
    for family in record.families:
        verdict = family.result.verdict
        families.setdefault((verdict.op, verdict.dtype), []).append(family)
    by_op: dict[str, dict[str, Cell]] = {}
    for op in dict.fromkeys(planned.op for planned in record.planned):
        dtypes = {planned.dtype for planned in record.planned if planned.op == op}
        by_op[op] = {
            dtype: _cell(record, op, dtype, families.get((op, dtype), [])) for dtype in DTYPES if dtype in dtypes
        }
    return by_op


def _cell(record: RunRecord, op: str, dtype: str, families: Sequence[FamilyRecord]) -> Cell:
    planned = [p for p in record.planned if (p.op, p.dtype) == (op, dtype)]
    asked = sum(p.asked for p in planned)
    counts = Counter(family.standing for family in families)
    counts |= {NOT_RUN: asked - len(families), NOT_ASKED: sum(p.families for p in planned) - asked}
    measured = list(_measured(families))
    bins = Counter(next((i for i, edge in enumerate(EDGES) if value <= edge), len(EDGES) - 1) for value in measured)
    several = (one for one in record.precisions if (one.op, one.dtype) == (op, dtype) and len(PRECISIONS_OF[dtype]) > 1)
    met = next(several, None)
    if met is not None and any(one.names_a_fault for one in record.diagnoses if one.op == op):
        met = replace(met, looser=None)
    return Cell(op, dtype, counts, tuple(bins[i] for i in range(len(EDGES))), max(measured, default=None), met)


def _measured(families: Iterable[FamilyRecord]) -> Iterator[float]:
    """The largest error over tolerance of each family whose values were compared, without robust misses.

    Where only exact values were expected: 0 if all came, else infinity.
    """
    for family in families:
        verdict = family.result.verdict
        if family.kind == "invalid" or family.standing not in ("passed", "failed", "expected failure"):
            continue
        if verdict.fraction is not None and not math.isnan(verdict.fraction):
            yield verdict.fraction
        elif verdict.ulps is not None:
            yield math.inf if any(miss.kind is MissKind.VALUE for miss in verdict.misses) else 0.0
