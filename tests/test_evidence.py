"""docs/evidence.md says what the records say."""

import re
from pathlib import Path

import yaml
from backproof.reference.model.operation import operation, operation_names
from sound_variants import variants

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "evidence.md").read_text(encoding="utf-8")
KILLS = TESTS / "test_kill_matrix"


def figures(name: str) -> list[float]:
    """All numbers between two marks of the page."""
    match = re.search(rf"<!-- figures: {name} -->(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert match
    words = re.sub(r"b?float\d+", "", match[1])
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", words)]


def recorded(name: str) -> dict[str, dict[str, object]] | list[str]:
    (path,) = KILLS.glob(f"{name}.yml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_figures_of_the_catalogue_are_those_recorded() -> None:
    faults = [
        fault
        for path in KILLS.glob("test_what_rejects_each_fault*.yml")
        for fault in yaml.safe_load(path.read_text(encoding="utf-8")).values()
    ]
    strict = recorded("test_the_faults_that_only_strict_runs_reject_are_few_and_as_recorded")
    alone = recorded("test_the_faults_that_only_one_family_rejects_are_as_recorded")
    assert sum(fault["rejected"] == "by default" for fault in faults) == len(faults) - len(strict)
    assert figures("faults") == [len(faults), len(faults) - len(strict), len(strict), len(alone)]


def test_the_figure_of_the_sound_variants_is_how_many_every_operation_has() -> None:
    functions = [f"{op}_{direction}" for op in operation_names() for direction in operation(op).functions]
    shared = [variant for variant in variants() if set(variant.functions) == set(functions)]
    assert figures("variants") == [len(shared)]
