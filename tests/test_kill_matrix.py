"""Every fault of the catalogue is rejected, by the check that a user's own implementation undergoes.

What rejects each is recorded beside this file. A family whose name is the only one to reject a fault bears a load:
it may be changed only for one that rejects it too.
"""

import pytest
from backproof.reference.model.operation import operation_names
from backproof.reference.model.vocabulary import KEPT
from kill_matrix import Kills, alone, matrix, recorded, vectors_of
from pytest_regressions.data_regression import DataRegressionFixture

pytestmark = pytest.mark.catalogue

ROBUST_ALONE = 29
"""How many faults may show in robust families alone: NaN, infinities, empty batches, calls that are to be refused."""


def whole() -> list[Kills]:
    return [one for op in operation_names() for one in matrix(op)]


@pytest.mark.parametrize("op", operation_names())
def test_every_fault_is_rejected(op: str) -> None:
    assert [one.fault.name for one in matrix(op) if not one.families] == []


@pytest.mark.parametrize("op", operation_names())
def test_what_rejects_each_fault_is_as_recorded(op: str, data_regression: DataRegressionFixture) -> None:
    data_regression.check({one.fault.name: recorded(one) for one in matrix(op)})


def test_the_faults_that_only_one_family_rejects_are_as_recorded(data_regression: DataRegressionFixture) -> None:
    data_regression.check({f"{one.fault.op}.{one.fault.name}": one.names[0] for one in whole() if len(one.names) == 1})


def test_the_faults_that_only_strict_runs_reject_are_few_and_as_recorded(
    data_regression: DataRegressionFixture,
) -> None:
    strict = [f"{one.fault.op}.{one.fault.name}" for one in whole() if one.robust and not one.required]
    assert len(strict) <= ROBUST_ALONE
    data_regression.check(strict)


def flags() -> list[str]:
    return sorted({flag for op in operation_names() for family in vectors_of(op).families for flag in family.flags})


def test_what_each_flag_rejects_that_no_other_does_is_as_recorded(data_regression: DataRegressionFixture) -> None:
    found = whole()
    data_regression.check(
        {
            flag: {
                "rejects": sum(flag in one.flags for one in found),
                "that no other does": alone(flag, found),
            }
            for flag in flags()
        }
    )


def test_a_flag_that_rejects_nothing_that_no_other_does_is_kept_for_a_reason() -> None:
    found = whole()
    assert [flag for flag in flags() if not alone(flag, found)] == sorted(KEPT)
