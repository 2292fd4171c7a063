"""In a user's own tests: the failure ends at their line, under pytest and under unittest."""

import subprocess
import sys

import pytest

CALL = """
import numpy as np
from backproof.conformance import assert_gradients

X = np.array([[1, 2], [3, 4]], np.float32)
"""
TEST = f"""{CALL}
def test_square():
    assert_gradients("square", 3 * X, inputs=X, upstream=np.ones_like(X))


def test_misspelt():
    assert_gradients("sqare", 3 * X, inputs=X, upstream=np.ones_like(X))
"""
CASE = f"""{CALL}
import unittest


class Square(unittest.TestCase):
    def test_square(self):
        assert_gradients("square", 3 * X, inputs=X, upstream=np.ones_like(X))


unittest.main()
"""
SAID = "square backward (float32): dL_dinputs is wrong"


def test_pytest_shows_the_users_line_and_what_is_wrong(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            '>       assert_gradients("square", 3 * X, inputs=X, upstream=np.ones_like(X))',
            f"E       AssertionError: {SAID}",
            "E       dL_dinputs is wrong in 4 of 4 elements",
            "E           worst at *",
            "*looks like: *",
            "E       ValueError: there is no operation 'sqare'; was 'square' meant?",
            "FAILED *::test_square - A*",
        ]
    )
    result.stdout.no_fnmatch_line("*own_data*")


def test_unittest_shows_the_users_line_and_what_is_wrong(pytester: pytest.Pytester) -> None:
    path = pytester.makepyfile(square=CASE)
    run = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert f"AssertionError: {SAID}" in run.stderr
    assert "in test_square" in run.stderr
    assert "own_data" not in run.stderr
    assert "FAILED (failures=1)" in run.stderr
