"""Which precisions an implementation's values keep to, for each operation and dtype, over a whole run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from .verdict import MissKind, Outcome, Verdict

FEW = 0.1
"""Of such a share of a result half of what is due may pass: it is small next to the rest."""


@dataclass(frozen=True)
class PrecisionMet:
    """The precisions that the families of one operation at one dtype keep to, of those that the dtype has."""

    op: str
    dtype: str
    declared: str
    """The working precision, whose tolerances the families were held to."""
    strictest: str | None
    """The strictest precision within whose tolerances every value is; None where there is none. A robust family that
    did not pass is left out: it misses something else, such as what is flushed to 0."""
    looser: str | None
    """Where families fail by their values alone: the strictest precision looser than the declared one that would let
    all of them pass; None where there is none."""


def looser_than(precision: str, dtype: str) -> tuple[str, ...]:
    """The precisions of a dtype that are looser than one of them, the strictest first."""
    names = PRECISIONS_OF[dtype]
    return names[names.index(precision) + 1 :]


def tells(expected: np.ndarray, tolerance: np.ndarray) -> bool:
    """Whether tolerances tell anything: half of what is due is within them for a few elements at most."""
    due = np.abs(expected[expected != 0])
    return not due.size or float(np.mean(tolerance[expected != 0] >= due / 2)) < FEW


def precisions_met(
    verdicts: Iterable[Verdict], working_precision: Callable[[str, str], str]
) -> tuple[PrecisionMet, ...]:
    """The precisions met by operation and dtype, where any family's values were compared.

    `working_precision` gives the declared one of a dtype and an operation.
    """
    cells: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.ROBUST_MISS):
            cells.setdefault((verdict.op, verdict.dtype), []).append(verdict)
    return tuple(
        PrecisionMet(op, dtype, declared, _strictest(dtype, cell), _sufficient(looser_than(declared, dtype), cell))
        for (op, dtype), cell in sorted(cells.items(), key=lambda item: (item[0][0], DTYPES.index(item[0][1])))
        if any(verdict.kept for verdict in cell)
        for declared in [working_precision(dtype, op)]
    )


def _strictest(dtype: str, verdicts: Iterable[Verdict]) -> str | None:
    judged = [v.kept for v in verdicts if v.kept and (v.level == "required" or v.outcome is Outcome.PASSED)]
    return _common(PRECISIONS_OF[dtype], judged)


def _sufficient(looser: Sequence[str], verdicts: Iterable[Verdict]) -> str | None:
    failing = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAILED]
    if any(miss.kind is not MissKind.VALUE and not miss.robust for verdict in failing for miss in verdict.misses):
        return None
    return _common(looser, [verdict.kept for verdict in failing])


def _common(names: Sequence[str], families: Sequence[Mapping[str, bool]]) -> str | None:
    """The strictest of some precisions that all families keep to.

    A family that has no tolerances for it says nothing against it, and it is the strictest of one family at least.
    """
    strictest = {next((name for name in names if kept.get(name)), None) for kept in families}
    return next((n for n in names if n in strictest and all(kept.get(n, True) for kept in families)), None)
