"""A user's module is an operation: described, proven, and refused in one line that says what to write."""

from types import SimpleNamespace

import numpy as np
import pytest
from backproof.reference.generation.build import drafts
from backproof.reference.generation.own import OwnOperationError, own_operation
from backproof.reference.model.operation import OWN, operation, operation_names
from backproof.reference.mutations.formula import mutants
from own_operations import HALF_SQUARE, module_of


def test_a_module_is_described_as_those_of_backproof_are() -> None:
    found = own_operation(module_of(HALF_SQUARE, "fused.half_square"))
    assert operation("half_square") is found
    assert "half_square" in operation_names()
    assert found.arguments == {"forward": ("x", "bias"), "backward": ("dL_dy", "x", "bias")}
    assert found.results == {"forward": ("y",), "backward": ("dL_dx", "dL_dbias")}
    assert found.parameters == {"forward": ("factor",), "backward": ("factor",)}
    assert own_operation(__import__("sys").modules["fused.half_square"]) is found


def test_its_formula_has_mutants_also_in_the_functions_that_it_calls() -> None:
    own_operation(module_of(HALF_SQUARE, "fused.half_square"))
    texts = {fault.after for fault in mutants("half_square")}
    assert "return x - bias" in texts
    assert "return (dL_dx, dL_dx.mean(axis=0))" in texts


def test_the_batch_is_the_first_letter_whose_rows_can_be_put_in_another_order() -> None:
    rows = dict.fromkeys(("x", "y", "dL_dy", "dL_dx"), 0)
    assert own_operation(module_of(HALF_SQUARE, "fused.rows")).batch_axis == {**rows, "bias": None, "dL_dbias": None}
    reversed_rows = SimpleNamespace(
        NAME="reversed_rows",
        SHAPES={"x": "(N, D)"},
        forward=lambda x: x[::-1] + 0,
        backward=lambda dL_dy, x: dL_dy[::-1] + 0 * x,
    )
    assert set(own_operation(reversed_rows).batch_axis.values()) == {1}
    total = SimpleNamespace(
        NAME="total",
        SHAPES={"x": "(D,)", "index": "(N,) < D"},
        forward=lambda x, index: np.take(x, index, axis=0),
        backward=lambda dL_dy, x, index: (dL_dy[:, None] * (index[:, None] == np.arange(len(x)))).sum(axis=0) + 0 * x,
    )
    found = own_operation(total)
    assert {name for name, axis in found.batch_axis.items() if axis == 0} == {"index", "y", "dL_dy"}
    assert found.labels == {"index", "labels"}


def test_a_module_that_was_changed_is_read_again() -> None:
    own_operation(module_of(HALF_SQUARE, "fused.changed"))
    before = {fault.before for fault in mutants("changed")}
    own_operation(module_of(HALF_SQUARE.replace("z * z / 2", "0.5 * z * z"), "fused.changed"))
    assert {fault.before for fault in mutants("changed")} != before


def test_every_value_of_a_parameter_has_families() -> None:
    own_operation(module_of(HALF_SQUARE, "fused.valued"))
    found = {draft.parameters["factor"] for draft in drafts("valued", "float32").values()}
    assert found == {0.5, 3.0}


FORWARD = "import numpy as np\nSHAPES = {'x': '(N, D)'}\ndef forward(x): return x * x\n"
BACKWARD = "def backward(dL_dy, x): return 2 * x * dL_dy\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"has no forward; write forward\(x, \.\.\.\), in plain NumPy"),
        (FORWARD, r"has no backward; write backward\(dL_dy, x, \.\.\.\), in plain NumPy"),
        (FORWARD + "def backward(dL_dy, z): return z", r"backward takes dL_dy, z; write backward\(dL_dy, x\), as .*"),
        (FORWARD + "def backward(g, x): return x", r"backward takes g, x; write backward\(dL_dy, x\), as .*"),
        (FORWARD + "def backward(dL_dy, *x): return x", r"backward takes \*x; name each tensor, and after \* each .*"),
        (FORWARD + "def backward(dL_dy, x, eps=1): return x", r"backward has a default for eps; .* \*, eps=1"),
        (
            FORWARD + "def backward(dL_dy, x, *, eps=1): return x",
            r"eps is a parameter of one of forward and backward.*",
        ),
        ("def forward(x): return x\n" + BACKWARD, r"SHAPES has to say .*: SHAPES = \{\"x\": \"\(N, D\)\"\}"),
        (FORWARD + BACKWARD + "SHAPES = {'y': '(N,)'}", r"SHAPES has to say .*"),
        (FORWARD + BACKWARD + "SHAPES = {'x': 3}", r"SHAPES has to say .*"),
        (FORWARD + BACKWARD + "SHAPES = {'x': 'N by D'}", r"SHAPES\['x'\]: 'N by D' is no shape; write \"\(N, D\)\".*"),
        (FORWARD + BACKWARD + "PARAMETERS = {'eps': 1}", r"PARAMETERS is no mapping of names to tuples of values.*"),
        (FORWARD + BACKWARD + "NAME = 'skip'", r"'skip' is no name of an operation; .*"),
        (FORWARD + BACKWARD + "NAME = 'relu'", r"backproof has an operation relu already; .* NAME = \"my_relu\""),
        (
            "SHAPES = {'x': '()'}\ndef forward(x, *, a): return a * x\ndef backward(dL_dy, x, *, a): return a * dL_dy",
            r"PARAMETERS has to give a values: PARAMETERS = \{\"a\": \(0\.5, 2\.0\)\}",
        ),
        (FORWARD + "def backward(dL_dy, x): 2 * x * dL_dy", r"backward gives None for dL_dx; return an array of NumPy"),
        (
            FORWARD + "def backward(dL_dy, x): return str(x)",
            r"backward gives a str for dL_dx; return an array of NumPy",
        ),
        (
            FORWARD.replace("return x * x", "x *= x; return x") + BACKWARD,
            r"forward changes x, its argument; make a new one, as x = x \* x, and np\.where for some elements",
        ),
        (
            FORWARD.replace("x * x", "x * x * np.random.rand()") + BACKWARD,
            r"forward gives another y when it is called again; draw no numbers in it",
        ),
        (
            FORWARD + "def backward(dL_dy, x):\n    d = 2 * x\n    d[0] -= x[1]\n    return d * dL_dy",
            r"writes to an array that is there \(.*odd\.py, line 6\); make a new one, as x = x \* x, and .*",
        ),
        (
            FORWARD + "def backward(dL_dy, x):\n    d = 2 * x\n    d[0] = 0\n    return d * dL_dy",
            r"writes to an array that is there \(.*odd\.py, line 6\); make a new one, as x = x \* x, and .*",
        ),
        (FORWARD + "def backward(dL_dy, x): return x, x", r"backward gives 2 results, where dL_dx are due"),
        (FORWARD + "def backward(dL_dy, x): return dL_dy[0]", r"backward: dL_dx has shape \(3,\) where x has \(2, 3\)"),
        (
            FORWARD + "def backward(dL_dy, x): return 1 / None",
            r"backward raises TypeError: .* \(.*odd.py, line 4\)",
        ),
        (
            FORWARD + "def backward(dL_dy, x): return x * dL_dy",
            r"backward is not the derivative of forward: dL_dx\[0, 0\] is \S+ where the slope of forward is \S+",
        ),
        (
            "SHAPES = {'x': '(N, D)'}\ndef forward(x): return x @ x\n" + BACKWARD,
            r"forward does not take x \(2, 3\): .*",
        ),
    ],
)
def test_what_is_no_operation_is_refused_in_one_line(text: str, said: str) -> None:
    module = module_of(text, "fused.odd")
    with pytest.raises(OwnOperationError, match=rf"^fused\.odd: {said}$"):
        own_operation(module)
    assert "odd" not in OWN


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("np.einsum('nd,nd->nd', x, x)", r"einsum has no rule .*line 3\): write @, or a sum of products; known are "),
        ("x ** 2", r"power has no rule .*: write a product, as x \* x; known are "),
        ("x.std(axis=0)", r"std has no rule .*; known are "),
        ("np.cumsum(x, axis=0)", r"cumsum has no rule .*; known are "),
        ("np.vectorize(float)(x)", r"a step has no rule \(TypeError: .*\) .*; known are "),
    ],
)
def test_a_function_without_a_rule_is_named_with_its_line_and_those_that_have_one(formula: str, said: str) -> None:
    module = module_of(FORWARD.replace("x * x", formula) + BACKWARD, "fused.ruleless")
    with pytest.raises(OwnOperationError, match=rf"^fused\.ruleless: {said}absolute, add, .*, where, zeros_like$"):
        own_operation(module)


def test_two_modules_of_one_name_are_told_apart() -> None:
    own_operation(module_of(HALF_SQUARE, "fused.twice_there"))
    with pytest.raises(
        OwnOperationError, match=r"^other\.twice_there: fused\.twice_there has an operation twice_there"
    ):
        own_operation(module_of(HALF_SQUARE, "other.twice_there"))
