"""Families of both directions, and what an operation changes of those that its kind gives."""

import numpy as np
import pytest
from backproof.reference.kinds.paired import changed, families, one_argument_at_a_time, refused

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
