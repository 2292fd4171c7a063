"""What the hooks of a run share."""

import pytest

ADAPTER = """
dtypes = ["float32"]

def relu_forward(inputs):
    return -inputs

def absolute_forward(inputs):
    return -inputs

def sqrt_forward(inputs):
    return inputs ** 0.5
"""
SHARES = """
from backproof.conformance.diagnosis import findings, search
from backproof.conformance.session import state

def diagnose(ran, implementation, vectors, more):
    print(vectors.op, "may take", round(more + search.MOST_SECONDS, 1))
    return ()

state.DIAGNOSED_WITHIN = 2.0
findings.diagnose = diagnose
"""


def test_functions_that_fail_share_the_time_in_which_all_are_diagnosed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(theirs=ADAPTER)
    pytester.makeconftest(SHARES)
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("--impl=theirs", "-s", "-q", "-p", "no:cacheprovider")
    shares = [line for line in result.outlines if " may take " in line]
    assert shares == ["absolute may take 0.5", "relu may take 0.9"]
