"""A part of a run has a bound on its memory, and what comes after has none."""

import gc
import sys

import numpy as np
import pytest
from backproof.conformance.implementation.memory import at_most, uncollected


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell what a process has")
def test_what_takes_more_than_it_may_raises_and_afterwards_it_may_again() -> None:
    many = 2**28
    with at_most(2**30):
        assert len(np.empty(many, np.uint8)) == many
        with pytest.raises(MemoryError):
            np.empty(8 * many, np.uint8)
        with at_most(2**40):
            np.empty(8 * many, np.uint8)
            pytest.fail("it had more than it might have")
    assert len(np.empty(8 * many, np.uint8)) == 8 * many


def test_where_the_system_does_not_tell_there_is_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    with at_most(0):
        assert len(np.empty(2**28, np.uint8)) == 2**28


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_meanwhile_and_afterwards_as_before(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert (gc.isenabled(), gc.get_freeze_count()) == (enabled, 0)
    finally:
        (gc.enable if was else gc.disable)()
