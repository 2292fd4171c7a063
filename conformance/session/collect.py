"""Vector files and their families as pytest nodes."""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from ...vectors.records import Family, OperationVectors
from ..check.further import called_many_times
from ..record.results import Ending, Result
from ..terminal.summary import failure
from .selection import item_name
from .state import SessionState


class FamilyFailed(Exception):
    """A family fails; the message has the lines that pytest shows."""

    def __init__(self, message: str, headline: str) -> None:
        super().__init__(message)
        self.headline = headline


class VectorFile(pytest.File):
    """One vector file."""

    def __init__(
        self, *, state: SessionState, vectors: OperationVectors, families: Sequence[Family], **node: Any
    ) -> None:
        super().__init__(**node)
        self.state = state
        self.vectors = vectors
        self.families = families

    def collect(self) -> Iterator["FamilyItem"]:
        """The families that were asked for, in the file's order."""
        for family in self.families:
            name = item_name(family)
            yield FamilyItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", family=family)

    def check(self, item: "FamilyItem") -> Result:
        """Check one of the families."""
        return self.state.check(
            item.nodeid, item.family, self.vectors, many_calls=item.family.id in self._called_many_times
        )

    @cached_property
    def _called_many_times(self) -> frozenset[str]:
        return called_many_times(self.vectors, self.state.plan.implementation.dtypes)


class LiveFile(VectorFile):
    """The live cases of one operation."""

    def __init__(self, *, golden: OperationVectors, **node: Any) -> None:
        super().__init__(**node)
        self.golden = golden

    def check(self, item: "FamilyItem") -> Result:
        """Try live cases of one function, of which the item then has the one that fails."""
        result = self.state.check_live(item.nodeid, item.family, self.golden)
        item.family = self.state.live_families.get(item.nodeid, item.family)
        return result


class FamilyItem(pytest.Item):
    """One family of golden cases as a test."""

    # What hooks of a user's conftest.py often read of an item without asking whether it is a function's.
    function = staticmethod(lambda: None)
    module = cls = instance = None
    fixturenames: Sequence[str] = ()

    def __init__(self, *, family: Family, **node: Any) -> None:
        super().__init__(**node)
        self.family = family
        self.result: Result | None = None
        for word in dict.fromkeys(marker_names(family)):  # as add_marker, which imports something each time
            self.keywords[word] = _marker(word)
            self.own_markers.append(_marker(word).mark)

    def runtest(self) -> None:
        """Check the family; raises the exception by which pytest knows a failure, a skip or an expected failure."""
        assert isinstance(self.parent, VectorFile)
        self.result = result = self.parent.check(self)
        self.user_properties += _properties(result)
        match result.ending:
            case Ending.FAILED | Ending.UNEXPECTED_PASS:
                raise FamilyFailed(self._words(result), result.headline)
            case Ending.ROBUST_MISS | Ending.EXPECTED_FAILURE:
                pytest.xfail(result.note)
            case Ending.SKIPPED:
                pytest.skip(result.note)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The lines of the failure; a traceback only for errors of backproof's own."""
        if isinstance(excinfo.value, pytest.xfail.Exception) and self.result is not None:
            return self._words(self.result)
        if not isinstance(excinfo.value, FamilyFailed):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value")
        if shown.reprcrash is not None:
            shown.reprcrash.message = excinfo.value.headline
        return shown

    def _words(self, result: Result) -> str:
        assert isinstance(self.parent, VectorFile)
        plan = self.parent.state.plan
        own = "".join(f"--ops={spec} " for spec in plan.implementation.own_operations)
        return failure(result, self.family, plan.implementation.argument, own)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The file, no line, and the family's id as the title of its failure."""
        return self.path, None, self.family.id


def marker_names(family: Family) -> tuple[str, ...]:
    """The markers of a family, for -m: operation, dtype, direction, level and each flag."""
    return (family.op, family.dtype, family.direction, family.level, *family.flags)


@cache
def _marker(name: str) -> pytest.MarkDecorator:
    marker: pytest.MarkDecorator = getattr(pytest.mark, name)
    return marker


def _properties(result: Result) -> list[tuple[str, object]]:
    """The properties of a family in a JUnit file."""
    verdict = result.verdict
    return [("cases", verdict.cases), ("fraction", verdict.fraction), ("ulps", verdict.ulps)]
