"""Live cases in a run: which functions they are drawn for, and what stands for them until they are."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import product

import pytest

from ...vectors.records import DIRECTIONS, Family, OperationVectors
from ..check.verdict import Cause, verdict_on
from ..implementation.load import Implementation
from ..live.cases import CaseTextError, read_case
from ..live.judging import Judge, UnjudgedError, stand_in
from ..live.search import Live, failing, search, within
from ..live.templates import Template, templates
from ..own_data.call import operation_of
from .selection import CASE, item_name, live_nodeid


def stand_ins(
    vectors: OperationVectors, implementation: Implementation, dtypes: Collection[str], wanted: Sequence[str]
) -> tuple[Family, ...]:
    """What stands for the live cases of each function and dtype of an operation, or of those that are named.

    Raises UsageError where a name is none, or its case is not one.
    """
    there: dict[str, tuple[Family, tuple[Template, ...]]] = {}
    for dtype, direction in product(implementation.dtypes, DIRECTIONS):
        if dtype in dtypes and (vectors.op, direction) in implementation.functions:
            found = templates(operation_of(vectors.op, direction), vectors, dtype, direction)
            there |= {item_name(family): (family, found) for family in map(stand_in, [t.family for t in found[:1]])}
    chosen = []
    for name in wanted or there:
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
    if not case:
        return search(judge, _templates(standing, golden), f"{seed}/{name}", within(seconds))
    try:
        judged = judge.judge(*read_case(case, _templates(standing, golden)))
    except UnjudgedError as error:
        return Live(verdict_on(standing, cause=Cause.NO_TOLERANCE, reason=str(error)))
    return failing(judge, judged) if judged.fails else Live(judged.verdict)


def family_of_case(judge: Judge, case: str, standing: Family, golden: OperationVectors) -> Family:
    """The family of a case, drawn again."""
    return judge.family_in_full(*read_case(case, _templates(standing, golden)))


def _templates(standing: Family, golden: OperationVectors) -> tuple[Template, ...]:
    return templates(operation_of(golden.op, standing.direction), golden, standing.dtype, standing.direction)
