"""A seeded part of what the fuzzer tries, a longer one in the catalogue."""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory, and looks for processes, as on Linux")


TRIES = [("file", 30), ("record", 15), ("harness", 2)]
MORE = [pytest.param(target, 40 * count, marks=pytest.mark.catalogue) for target, count in TRIES]


@pytest.mark.parametrize(("target", "count"), [*TRIES, *MORE])
def test_every_try_ends_in_a_clear_line_or_a_verdict(target: str, count: int) -> None:
    from .drive import tries

    made = list(tries(target, 20_002, count))
    assert [str(one) for one in made if one.is_fault] == []
    assert len(made) == count
    outcomes = {one.outcome.partition(":")[0] for one in made}
    assert len(outcomes) > 1
