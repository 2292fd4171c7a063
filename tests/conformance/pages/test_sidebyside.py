"""Runs side by side in a terminal."""

from itertools import islice

import pytest
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.pages import sidebyside
from backproof.conformance.pages.changes import Change, Closer, Trend
from backproof.conformance.pages.sidebyside import conventions, letters, progress, table
from made_records import family, record


def row(lines, op, dtype):
    """The cells of one row, whether its operation stands in it or above it."""
    (at,) = (i for i, line in enumerate(lines) if line.split()[:1] == [op])
    (line,) = (line for line in lines[at : at + 5] if dtype in line.split())
    return line[sidebyside._OP + sidebyside._DTYPE :].split()


def test_letters_go_on_after_z():
    assert list(islice(letters(), 28))[25:] == ["Z", "AA", "AB"]


@pytest.mark.parametrize(
    ("families", "cell"),
    [
        ([family("a"), family("b")], ["pass"]),
        ([family("a"), family("b", Outcome.FAILED)], ["1", "fail"]),
        ([family("a"), family("b", Outcome.ROBUST_MISS)], ["1", "robust"]),
        ([family("a"), family("b", Outcome.UNSUPPORTED)], ["part"]),
        ([family("a", Outcome.UNSUPPORTED)], ["unsupp."]),
        ([family("a", Outcome.NOT_IMPLEMENTED)], ["absent"]),
    ],
)
def test_a_cell_says_how_an_operation_stands_at_a_dtype(families, cell):
    assert row(list(table([record(*families)] * 2)), "double", "float32") == cell * 2


def test_what_did_not_run_is_told_from_what_was_not_asked_for():
    assert row(list(table([record(not_run=2)])), "double", "float32") == ["not", "run"]
    assert row(list(table([record()])), "double", "float32") == ["-"]


def test_an_operation_with_a_long_name_has_a_line_of_its_own():
    lines = list(table([record(family("a", op="an_operation_with_a_rather_long_name"))]))
    assert "an_operation_with_a_rather_long_name" in lines
    assert row(lines, "an_operation_with_a_rather_long_name", "float32") == ["pass"]


def test_every_run_is_named_with_what_it_comes_to():
    lines = "\n".join(table([record(family("a"), name="One"), record(family("a", Outcome.FAILED), name="Two")]))
    assert "A  One 1.0 conforms." in lines
    assert "B  Two 1.0 does not conform." in lines


def test_more_runs_than_fit_go_into_a_further_table_and_every_line_fits():
    runs = [record(family("a"), name=f"An implementation with a long name, number {i}") for i in range(7)]
    lines = list(table(runs))
    assert max(map(len, lines)) <= 80
    heads = [line.split()[2:] for line in lines if line.startswith("operation ")]
    assert heads == [["A", "B", "C", "D", "E"], ["F", "G"]]


def test_conventions_are_told_where_they_differ():
    zero = family("a", point="slope_at_zero", answers=("0",))
    half = family("a", point="slope_at_zero", answers=("1/2",))
    assert list(conventions([record(zero), record(zero)])) == []
    lines = list(conventions([record(zero), record(half), record(zero)]))
    assert lines[-1] == "  slope_at_zero = 0 (A, C); 1/2 (B)"


def changed(name, before="passed", after="failed", direction=Trend.WORSE, why=""):
    return Change(f"double/float32/{name}", f"vectors/double.h5::float32/{name}", before, after, why, direction)


def test_what_got_worse_comes_first_and_failures_before_all():
    found = [
        changed("a", "failed", "passed", Trend.BETTER),
        changed("b", after="not run"),
        changed("c", after="not run"),
        changed("d", why="loss is wrong"),
    ]
    lines = list(progress(found, []))
    told = [line.strip() for line in lines if line]
    assert told == [
        "worse: 3 families",
        "1 passed -> failed",
        "double/float32/d: loss is wrong",
        "2 passed -> not run",
        "double/float32/b",
        "double/float32/c",
        "better: 1 family",
        "1 failed -> passed",
        "double/float32/a",
    ]


def test_a_long_list_is_cut_and_says_so():
    lines = list(progress([changed(f"n{i}") for i in range(10)], []))
    assert lines[-1] == f"    and {10 - sidebyside.MOST_CHANGES} more"
    assert len(lines) == 2 + 1 + sidebyside.MOST_CHANGES + 1


def test_margins_that_shrank_are_told_the_closest_first():
    lines = list(progress([], [Closer("a", 0.1, 0.3), Closer("b", 0.2, 0.9)]))
    assert [line.strip() for line in lines[2:]] == [
        "b: 0.2 of the tolerance, now 0.9",
        "a: 0.1 of the tolerance, now 0.3",
    ]


def test_nothing_is_told_as_such():
    assert list(progress([], [])) == ["", "nothing got better or worse"]
