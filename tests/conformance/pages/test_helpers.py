"""The page of an operation says what its formulas call."""

import ast
import builtins
import inspect
from textwrap import dedent

import pytest
from backproof.conformance.pages.helpers import CHECKS, helpers
from backproof.conformance.pages.markdown import prose
from backproof.reference.model.operation import operation, operation_names


def of(op: str) -> str:
    """What the page of an operation has of what its formulas call."""
    return helpers(operation(op).functions.values())


def defined(text: str) -> list[str]:
    """The first lines of all functions in a text, each with the file that it stands below."""
    found, file = [], ""
    for line in text.splitlines():
        file = line if line.startswith("# reference/") else file
        if line.startswith("def "):
            found.append(f"{file}: {line}")
    return found


@pytest.mark.parametrize("op", operation_names())
def test_whatever_a_formula_calls_by_name_is_said_once(op: str) -> None:
    text = of(op)
    shown = defined(text)
    assert len(shown) == len({*shown})
    for formula in operation(op).functions.values():
        tree = ast.parse(dedent(inspect.getsource(formula)))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for name in called - arguments - {*dir(builtins), "partial"}:
            said = f"def {name}(" in text or f"- `{name}`: " in text or f"{name} = " in text
            assert said or name.startswith(CHECKS) or name in operation(op).functions, name


def test_what_a_helper_calls_is_shown_too_with_the_numbers_that_it_names() -> None:
    text = of("gelu")
    assert "# reference/ops/gelu.py\n" in text
    assert "SQRT_HALF = 0.7071067811865476\n" in text
    assert "def inner_slope(" in text
    assert "- `erfc`: 1 - erf(x), which keeps the digits of its tail." in text


def test_a_formula_of_another_operation_is_linked_and_its_helpers_are_shown() -> None:
    text = of("selu")
    assert "1.0507009873554805" in text
    assert "# reference/ops/elu.py\n" in text
    assert "def slope(" in text
    assert "def forward(" not in text
    assert "The formulas of [elu](elu.md) have pages of their own." in text


def test_a_formula_that_calls_nothing_but_numpy_and_checks_has_nothing_below() -> None:
    assert of("relu").strip() == ""


def test_words_between_backticks_stay_code() -> None:
    assert prose("the `label_smoothing` of a_b") == r"the `label_smoothing` of a\_b"
