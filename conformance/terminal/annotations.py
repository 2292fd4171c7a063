"""Failures as annotations of GitHub Actions.

A line of `::error title=TITLE::MESSAGE` on standard output; the escapes are those of
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..check.wording import plural
from ..record.results import Result, by_kind

if TYPE_CHECKING:
    from ..diagnosis.findings import Diagnosis

MOST_ERRORS = 10
"""The number of errors of a step that GitHub shows; it drops the others."""


def wanted() -> bool:
    """Whether this runs in GitHub Actions, by its environment variable."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotations(
    results: Sequence[Result], diagnoses: Iterable["Diagnosis"], problems: Sequence[str], argument: str
) -> list[str]:
    """One line for each kind of failure and function, then for what is wrong with the run as a whole."""
    errors = [*_failures(results, diagnoses, argument), *(("backproof", [problem]) for problem in problems)]
    if len(errors) > MOST_ERRORS:
        rest = len(errors) - MOST_ERRORS + 1
        words = f"{plural(rest, 'further kind', 'further kinds')} of failure; the log and the record have all of them"
        errors = [*errors[: MOST_ERRORS - 1], ("backproof", [words])]
    return [f"::error title={_property(title)}::{_data(chr(10).join(lines))}" for title, lines in errors]


def _failures(
    results: Sequence[Result], diagnoses: Iterable["Diagnosis"], argument: str
) -> Iterator[tuple[str, list[str]]]:
    look = {(diagnosis.op, diagnosis.direction): diagnosis for diagnosis in diagnoses}
    for (op, direction, _), alike in by_kind(results).items():
        first = alike[0]
        miss = first.verdict.gravest
        lines = [first.headline, *(miss.details if miss else ())]
        if diagnosis := look.pop((op, direction), None):
            lines += [f"looks like: {one.name} - {one.wrong} Cure: {one.cure}" for one in diagnosis.findings]
        lines.append(f"{plural(len(alike), 'family fails', 'families fail')} so; the first: {first.nodeid}")
        lines.append(f"rerun it: pytest {argument} {first.nodeid}")
        yield f"{op}_{direction} fails", lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
