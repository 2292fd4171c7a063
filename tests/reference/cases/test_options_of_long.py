"""Each option that families ask for is asked for where an axis is longer than a vector of registers, too.

A kernel handles the start of an axis and what is beyond in different loops: an option that one of them forgets is seen
by no family of small tensors.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors import store
from backproof.vectors.records import Family
from shares import one_in

VECTOR = 16
"""Elements of a vector of registers; a length is beyond it."""
EXCEPT = {
    "convolutional_network": {("reduction", "sum")},
    "transformer_block": {("eps", "another")},
}
"""Of networks, whose parts are asked for by themselves."""


def options(family: Family, usual: dict[str, object]) -> Iterator[tuple[str, object]]:
    """What a family asks for beside the usual: an axis by where it is, the values of a flag or a word, other numbers
    alike."""
    for name, value in family.parameters.items():
        if name == "axis":
            yield name, "several" if isinstance(value, tuple) else "front" if (value or 0) >= 0 else value
        elif repr(value) != usual[name]:
            yield name, value if isinstance(value, (bool, str)) else "another"


def unasked(op: str, direction: str) -> set[tuple[str, object]]:
    """The options of a direction that no required family of a long axis has."""
    families = [f for f in store.read_golden(op).families if f.direction == direction and f.level == "required"]
    families = [f for f in families if f.result != "invalid"]
    names = {name for family in families for name in family.parameters}
    given = {
        name: Counter(repr(f.parameters[name]) if name in f.parameters else None for f in families) for name in names
    }
    usual = {name: None if None in counts else counts.most_common(1)[0][0] for name, counts in given.items()}
    asked, of_long = set(), set()
    for family in families:
        found = set(options(family, usual))
        asked |= found
        if any(length > VECTOR for x in family.inputs.values() for length in x.shape[1:]):
            of_long |= found
    return asked - of_long - EXCEPT.get(op, set())


@pytest.mark.parametrize("op", one_in(10, operation_names()))
def test_options_are_asked_for_along_long_axes(op: str) -> None:
    for direction in operation(op).functions:
        assert not unasked(op, direction), direction
