"""Limit the failures that pytest prints in its FAILURES section and short test summary.

All of them are in every report that is made of the run (--junitxml, --impl-report), and fail it.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from ..check.wording import plural, wrapped
from ..record.results import RESULT, Result, by_kind

MOST_ALIKE = 3
"""The most failures of one kind and function that are shown."""
MOST_SHOWN = 20
"""The most failures that are shown in all."""
EVERYTHING = 2
"""The verbosity (-vv) at which everything is shown."""
_USUAL = "fE"
"""The default of -r."""


class Truncation:
    """Hides all but the first failures of each kind while pytest writes its summaries."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = results
        self._whole: list[Any] = []
        """The reports of failures, while some of them are put aside."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None, None, None]:
        """Put the other failures aside while the summaries are written."""
        failed = terminalreporter.stats.get("failed", [])
        ours = [self._results[r.nodeid] for r in failed if hasattr(r, RESULT) and r.nodeid in self._results]
        shown = {result.nodeid for result in failures_to_show(ours)}
        left = [r for r in failed if not hasattr(r, RESULT) or self._results[r.nodeid].nodeid in shown]
        if len(left) == len(failed) or config.get_verbosity() >= EVERYTHING:
            yield
            return
        self._whole, terminalreporter.stats["failed"] = failed, left
        try:
            yield
        finally:
            terminalreporter.stats["failed"] = failed

    def after_failures(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Say how many failures are not shown; called between the FAILURES section and the short test summary."""
        hidden = len(self._whole) - len(terminalreporter.stats.get("failed", []))
        if not self._whole:
            return
        more = plural(hidden, "more failure is", "more failures are")
        terminalreporter.ensure_newline()
        for line in wrapped(f"{more} not shown: -vv shows all, -rf lists them, --impl-report keeps them", "", "  "):
            terminalreporter.write_line(line, bold=True)
        if config.option.reportchars != _USUAL:  # a list was asked for
            terminalreporter.stats["failed"] = self._whole


def failures_to_show(failing: Sequence[Result]) -> list[Result]:
    """The failures to show, in their order: the first of every kind before the second of any."""
    kinds = by_kind(failing).values()
    turns = (result for turn in range(MOST_ALIKE) for alike in kinds for result in alike[turn : turn + 1])
    chosen = {result.nodeid for result, _ in zip(turns, range(MOST_SHOWN), strict=False)}
    return [result for result in failing if result.nodeid in chosen]
