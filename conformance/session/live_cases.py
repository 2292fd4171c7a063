"""Live cases in a run: which functions they are drawn for, and what stands for them until they are."""

import gc
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import product

import pytest

from ...vectors.records import DIRECTIONS, Family, OperationVectors
from ..check.verdict import Cause, Verdict, verdict_on
from ..implementation.load import Implementation
from ..live.cases import CaseTextError, read_case
from ..live.judging import FLAG as LIVE
from ..live.judging import Judge, Judged, UnjudgedError, stand_in
from ..live.large import large_cases
from ..live.large_judging import FLAG as LARGE
from ..live.large_judging import LargeJudge
from ..live.search import Live, failing, first_failure, search, within, witnesses
from ..live.templates import Template, templates
from ..own_data.call import operation_names, operation_of
from .selection import CASE, item_name, live_nodeid

KINDS = LIVE, LARGE
SHRINK_SECONDS = {LIVE: 60.0, LARGE: 20.0}
"""How long a case that fails is made smaller at most."""


def stand_ins(
    vectors: OperationVectors,
    implementation: Implementation,
    dtypes: Collection[str],
    kinds: Sequence[str],
    wanted: Sequence[str],
) -> tuple[Family, ...]:
    """What stands for the live or large cases of each function and dtype of an operation, or of those that are named.

    kinds: "live", "large", or both, where none is named.

    Raises UsageError where a name is none, or its case is not one.
    """
    if vectors.op not in operation_names():
        if wanted:
            raise pytest.UsageError(f"{live_nodeid(vectors.op)}: the reference has no formula of it to make cases of")
        return ()
    there: dict[str, tuple[Family, tuple[Template, ...]]] = {}
    for dtype, direction in product(implementation.dtypes, DIRECTIONS):
        if dtype in dtypes and (vectors.op, direction) in implementation.functions:
            found = templates(operation_of(vectors.op, direction), vectors, dtype, direction)
            standing = (stand_in(t.family, kind) for t in found[:1] for kind in KINDS)
            there |= {item_name(family): (family, found) for family in standing}
    chosen = []
    for name in wanted or (name for name, (family, _) in there.items() if family.flags[0] in kinds):
        plain, _, case = name.partition(CASE)
        if plain not in there:
            raise pytest.UsageError(f"{live_nodeid(vectors.op)}: no live cases {plain!r}; there are {', '.join(there)}")
        family, found = there[plain]
        if case:
            try:
                read_case(case, found)
            except CaseTextError as error:
                raise pytest.UsageError(f"{live_nodeid(vectors.op)}::{name}: {error}") from None
            family = replace(family, name=f"{family.name}{CASE}{case}")
        chosen.append(family)
    return tuple(chosen)


def try_live_cases(judge: Judge, standing: Family, golden: OperationVectors, seed: int, seconds: float) -> Live:
    """Search among the live cases of a function, or judge the one that is named."""
    name, _, case = standing.id.partition(CASE)
    found = _templates(standing, golden)
    if not case and standing.flags[0] == LARGE:
        try:
            return first_failure(judge, standing, large_cases(found, f"{seed}/{name}"), [], SHRINK_SECONDS[LARGE])
        finally:
            gc.collect()  # large arrays may be part of a cycle, of which the collector sees a few small objects
    if not case:
        return search(judge, found, f"{seed}/{name}", within(seconds), SHRINK_SECONDS[LIVE])
    try:
        judged = judge.judge(*read_case(case, found))
    except UnjudgedError as error:
        return Live(verdict_on(standing, cause=Cause.NO_TOLERANCE, reason=str(error)))
    return failing(judge, judged) if judged.fails else Live(judged.verdict)


def judge_of(implementation: Implementation, standing: Family, check: Callable[..., Verdict]) -> Judge:
    """The judge of the cases that a family stands for."""
    return (LargeJudge if standing.flags[0] == LARGE else Judge)(implementation, check)


def family_of_case(judge: Judge, case: str, standing: Family, golden: OperationVectors) -> Family:
    """The family of a case, drawn again."""
    return judge.family_in_full(*read_case(case, _templates(standing, golden)))


def beside(judge: Judge, case: str, standing: Family, golden: OperationVectors) -> list[Judged]:
    """Judge cases beside one that fails, each a family of another name."""
    template, read = read_case(case, _templates(standing, golden))
    found = witnesses(judge, Judged(template, read, standing, verdict_on(standing)))
    return [replace(one, family=replace(one.family, name=f"{standing.name}-{n}")) for n, one in enumerate(found)]


def _templates(standing: Family, golden: OperationVectors) -> tuple[Template, ...]:
    return templates(operation_of(golden.op, standing.direction), golden, standing.dtype, standing.direction)
