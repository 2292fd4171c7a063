"""Families of both directions, and what an operation changes of those that its kind gives."""

import numpy as np
import pytest
from backproof.reference.kinds.paired import changed, families, one_argument_at_a_time, refused, table, with_element

CASE = {"dL_doutputs": np.ones(2), "inputs": np.zeros(2)}


def test_forward_is_asked_about_the_same_arguments_without_their_upstream() -> None:
    forward, backward = families("near", "random upstream-signed", "Near.", (CASE,), draw=None)
    assert [forward.name, backward.name] == ["forward-near", "backward-near"]
    assert [*forward.cases[0]] == ["inputs"]
    assert [*backward.cases[0]] == ["dL_doutputs", "inputs"]
    assert forward.flags == ("random",)


def test_a_name_that_begins_with_a_direction_asks_that_one_alone() -> None:
    [alone] = families("backward-near", "nan", "Near.", (CASE,), point="a_point")
    assert (alone.name, alone.direction, alone.result) == ("backward-near", "backward", "convention")
    assert [d.result for d in refused("wrong", "size-mismatch", "Wrong.", CASE)] == ["invalid", "invalid"]


def test_changes_make_a_convention_leave_a_family_out_and_give_parameters() -> None:
    given = families("near", "nan", "Near.", (CASE,))
    changes = {"forward-near": None, "backward-near": {"point": "a_point"}}
    [left] = changed(given, changes, {"alpha": 0.5, "axis": None, "form": "tanh", "sizes": (2, 3)}, "-half")
    assert (left.name, left.result, left.point) == ("backward-near-half", "convention", "a_point")
    assert left.parameters == {"alpha": 0.5, "axis": None, "form": "tanh", "sizes": (2, 3)}


def test_a_change_to_a_family_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not: backward-far"):
        list(changed(families("near", "nan", "Near.", (CASE,)), {"backward-far": None}))


def test_from_one_case_to_another_each_case_changes_one_argument() -> None:
    first, last = ({"dL_dloss": np.ones(()) * k, "inputs": np.ones(2) * k, "labels": np.zeros(2)} for k in (1, 2))
    cases = [[float(x.max()) for x in case.values()] for case in one_argument_at_a_time(first, last)]
    assert cases == [[1, 1, 0], [2, 1, 0], [2, 2, 0]]


def test_one_count_is_that_of_both_directions() -> None:
    assert [d.count for d in families("near", "nan", "Near.", draw=lambda _: CASE, counts=3)] == [3, 3]
    assert [d.count for d in families("near", "nan", "Near.", draw=lambda _: CASE, counts=(1, 2))] == [1, 2]


def test_each_row_of_a_table_gives_its_families() -> None:
    rows = ("near", "nan", "Near.", (CASE,)), ("backward-far", "nan", "Far.", (CASE, CASE))
    given = [*table(*rows, level="robust")]
    assert [(d.name, len(d.cases)) for d in given] == [("forward-near", 1), ("backward-near", 1), ("backward-far", 2)]
    assert {d.level for d in given} == {"robust"}


def test_a_case_with_another_element_leaves_the_first_as_it_was() -> None:
    case = {"inputs": np.zeros((2, 3)), "labels": np.zeros(2)}
    assert with_element(case, "inputs", 4, 7)["inputs"].tolist() == [[0, 0, 0], [0, 7, 0]]
    assert with_element(case, "inputs", (0, -1), 7)["inputs"].tolist() == [[0, 0, 7], [0, 0, 0]]
    assert not case["inputs"].any()
