"""Formulations that another dominates are left out, and change no bound."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from backproof.reference.arithmetic.precision import precision_model
from backproof.reference.arithmetic.protocol import UnboundedError
from backproof.reference.arithmetic.rounding import Rounding
from backproof.reference.generation import evaluate as module
from backproof.reference.generation.dominance import Dominance, DominatedError
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.generation.evaluate import evaluate
from backproof.reference.model.formulations import Formulation, through
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from calls import Form, call, directions, forms
from shares import one_in

CASES = [
    (direction, forms(op, direction)[(i + j) % len(forms(op, direction))], dtype)
    for i, (op, direction) in enumerate(directions())
    for j, dtype in enumerate(DTYPES)
    if operation(op).formulations[direction][1:]
]


class Nothing(Dominance):
    """Leave out nothing."""

    def evaluate(self, formulation: Formulation, arguments: Sequence[Any], parameters: Any) -> Any:
        return formulation.run(arguments, parameters)


def scattered(w: Words, shape: Shape) -> np.ndarray:
    """Magnitudes from 1/16 to 4, signed."""
    return w.spread(shape, -4, 2)


@pytest.mark.parametrize(("direction", "form", "dtype"), one_in(3, CASES), ids=str)
def test_tolerances_are_those_of_all_formulations(
    direction: str, form: Form, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = call(form, Words(f"dominance/{form}/{dtype}", dtype), scattered)
    formulas = operation(form.op).formulations[direction]

    def bits() -> list[tuple[str, list[bytes]]]:
        found = evaluate(formulas, arguments, form.parameters, dtype, PRECISIONS_OF[dtype], required=True, guard=True)
        return [(name, [x.tobytes() for x in arrays]) for name, arrays in found.tolerance.items()]

    first = bits()
    monkeypatch.setattr(module, "Dominance", Nothing)
    assert bits() == first


def rough(x: Any) -> Any:
    """2 x, rounded twice."""
    return (x * 3 - x * 0.5) * 0.8


def doubled(x: Any) -> Any:
    """2 x."""
    return x + x


def steps(first: Callable[[Any], Any], second: Callable[[Any], Any], x: Any) -> Any:
    """Two parts, one after the other."""
    return second(first(x))


PARTS = Formulation(doubled, "smooth"), Formulation(rough, "rough")
SMOOTH, SECOND_ROUGH, FIRST_ROUGH, ROUGH = through(steps, PARTS, PARTS)


def rounding(*numbers: float) -> Rounding:
    return Rounding(np.array(numbers), np.zeros(len(numbers)), precision_model("float32", "float32"))


def test_what_differs_in_one_part_and_has_smaller_errors_there_is_left_out() -> None:
    dominance, x = Dominance(), [rounding(1.1, 2.3)]
    dominance.evaluate(ROUGH, x, {})
    for formulation in (FIRST_ROUGH, SECOND_ROUGH, SMOOTH):
        with pytest.raises(DominatedError):
            dominance.evaluate(formulation, x, {})
    assert dominance.left_out == [FIRST_ROUGH, SECOND_ROUGH, SMOOTH]


def test_what_has_larger_errors_somewhere_is_not() -> None:
    def one_sided(x: Any) -> Any:
        return np.concatenate([rough(x[:1]), doubled(x[1:])])

    def other_sided(x: Any) -> Any:
        return np.concatenate([doubled(x[:1]), rough(x[1:])])

    dominance = Dominance()
    parts = [Formulation(f, f.__name__) for f in (one_sided, other_sided)]
    for formulation in through(steps, parts, PARTS[:1]):
        dominance.evaluate(formulation, [rounding(1.1, 2.3)], {})
    assert not dominance.left_out


def test_what_has_no_bound_dominates_nothing() -> None:
    def hopeless(x: Any) -> Any:
        raise UnboundedError("an error leaves no bound")

    dominance, x = Dominance(), [rounding(1.1, 2.3)]
    rough_first, smooth_first = through(steps, PARTS[::-1], [Formulation(hopeless, "hopeless")])
    for formulation in (rough_first, smooth_first):
        with pytest.raises(UnboundedError):
            dominance.evaluate(formulation, x, {})


def test_an_exact_number_that_a_step_may_flush_is_covered_by_another_exact_one_alone() -> None:
    tiny = rounding(2.0**-130, 1.0)
    assert tiny.covers(tiny)
    inexact = tiny.of_parts(tiny.value, rounding(2.0**-149, 2.0**-30).value)
    assert not inexact.covers(tiny)
    assert inexact[1:].covers(tiny[1:])
    assert not tiny.covers(inexact)
