"""docs/evidence.md says what the records say."""

import re
from pathlib import Path

from backproof.reference.model.operation import operation, operation_names
from sound_variants import variants

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "evidence.md").read_text(encoding="utf-8")


def figures(name: str) -> list[float]:
    """All numbers between two marks of the page."""
    match = re.search(rf"<!-- figures: {name} -->(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert match
    words = re.sub(r"b?float\d+", "", match[1])
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", words)]


def test_the_figure_of_the_sound_variants_is_how_many_every_operation_has() -> None:
    functions = [f"{op}_{direction}" for op in operation_names() for direction in operation(op).functions]
    shared = [variant for variant in variants() if set(variant.functions) == set(functions)]
    assert figures("variants") == [len(shared)]
