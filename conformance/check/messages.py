"""The text of misses. Nothing is decided here."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .heatmap import heatmap_of
from .values import Comparison, number_text
from .verdict import Miss, MissKind


def wrong_values(
    name: str,
    comparison: Comparison,
    values: tuple[np.ndarray, np.ndarray, np.ndarray],
    cases: np.ndarray,
    *,
    robust: bool,
    against: str = "",
) -> Miss:
    """The miss of a result with elements out of tolerance. `values` are got, expected and tolerance, each (count,
    *shape); `cases` are the numbers of those cases; `against` names the answer of a convention."""
    got, expected, tolerance = values
    row, *index = worst = comparison.worst()
    wrong = ~comparison.right
    spread = f"out over the family: {_of(int((~comparison.passed()).sum()), len(cases), 'case')}, "
    return Miss(
        kind=MissKind.VALUE,
        robust=robust,
        case=int(cases[row]),
        summary=wrong_elements(name, int(wrong[row].sum()), wrong[row].size)
        + f" of case {cases[row]}"
        + (f" ({against})" if against else ""),
        details=(
            *element(index, got[worst], expected[worst], tolerance[worst], got.dtype),
            spread + _of(int(wrong.sum()), wrong.size, "element"),
        ),
        heatmap=heatmap_of(name, int(cases[row]), comparison.score[row], got[row], expected[row], tolerance[row]),
        result=name,
    )


def wrong_elements(name: str, wrong: int, count: int) -> str:
    """ "dL_dbiases is wrong in 6 of 6 elements"."""
    return f"{name} is wrong in {_of(wrong, count, 'element')}"


def wrong_sign(
    name: str, values: tuple[np.ndarray, np.ndarray, np.ndarray], cases: np.ndarray, wrong: np.ndarray
) -> Miss:
    """The miss of a result whose subnormal elements, bool (count, *shape), have the wrong sign."""
    got, expected, _ = values
    row, *index = place = tuple(int(i) for i in np.argwhere(wrong)[0])
    of_case = int(wrong[row].sum())
    summary = f"{name} has the wrong sign in {_of(of_case, wrong[row].size, 'element')} of case {cases[row]}, where"
    where = f"first at {index}: " if index else ""
    shown = f"got {number_text(got[place], got.dtype)}, expected {number_text(expected[place], got.dtype)}"
    return Miss(
        kind=MissKind.SIGN,
        robust=False,
        case=int(cases[row]),
        summary=f"{summary} a subnormal number is due: it may be flushed to 0, and not change sides",
        details=(f"{where}{shown}",),
        result=name,
    )


def how_to_declare(precision: str, dtype: str, *ops: str) -> tuple[str, str]:
    """Two lines of a sentence on values that a looser precision allows: when to declare it for operations, and how."""
    declared = ", ".join(f'"{dtype}:{op}": "{precision}"' for op in ops)
    return when_to_declare(precision, dtype), f"declare precision = {{{declared}}}"


def when_to_declare(precision: str, dtype: str) -> str:
    """The beginning of such a sentence: what an implementation does that works at a precision."""
    return f"within the tolerance of {precision}: if {_INSIDE[precision].format(dtype)},"


def too_wide(precision: str, dtype: str) -> str:
    """A sentence on values that a looser precision allows whose tolerances say next to nothing."""
    inside = "float32" if precision == "tf32" else f"{dtype} with sums in float32"
    return f"more than {inside} allows; of such sums {precision} allows so much that half of what is due passes as well"


_INSIDE = {
    "tf32": "products of matrices round their operands to 11 bits",
    "stepwise": "every step is rounded to {}",
    "native": "every step is rounded to {} and sums are added up in it",
}
"""What an implementation does that works at a precision."""


def element(index: Sequence[int], got: Any, expected: Any, tolerance: Any, dtype: np.dtype[Any]) -> tuple[str, str]:
    """Two lines on an element: got and expected; the error in tolerances."""
    due, came = float(expected), float(got)
    shown_got, shown_due = number_text(got, dtype), number_text(expected, dtype)
    if shown_got == shown_due:
        shown_got, shown_due = repr(came), repr(due)
    place = f"worst at {list(index)}: " if index else ""
    if not np.isfinite(due) or not np.isfinite(came):
        verdict = f"{_class(came)}, where {_class(due)} is due"
    elif tolerance == 0:
        verdict = f"error {abs(came - due):.3g}, where the exact value is due"
    else:
        error = abs(came - due)
        verdict = f"error {error:.3g} is {_times(error / float(tolerance))} x the tolerance {float(tolerance):.3g}"
    return f"{place}got {shown_got}, expected {shown_due}", verdict


def unlike(index: Sequence[int], first: Any, then: Any, dtype: np.dtype[Any]) -> str:
    """A line on an element that has changed."""
    shown = number_text(first, dtype), number_text(then, dtype)
    if shown[0] == shown[1]:
        shown = repr(first), repr(then)
    place = f"first at {list(index)}: " if index else ""
    return f"{place}was {shown[0]}, is {shown[1]}"


def in_cases(cases: Sequence[int], count: int) -> str:
    """ "in 2 of 9 cases"."""
    return f"in {_of(len(cases), count, 'case')}"


def _of(part: int, whole: int, noun: str) -> str:
    return f"{part} of {whole} {noun}{'' if whole == 1 else 's'}"


def _times(ratio: float) -> str:
    return f"{ratio:.6g}" if ratio < 10 else f"{ratio:.3g}"


def _class(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+infinity" if value > 0 else "-infinity"
    return "a finite number"
