"""What is named does not depend on how fast a machine is, except in the record of faults, which is of time as well."""

import pytest
from backproof.conformance.diagnosis import search


@pytest.fixture(autouse=True)
def _slow_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.path.stem != "test_catalogue":
        for name in ("ENOUGH_SECONDS", "MOST_SECONDS"):
            monkeypatch.setattr(search, name, 3 * getattr(search, name))
