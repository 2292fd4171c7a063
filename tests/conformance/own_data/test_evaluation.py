"""Parts of results: other formulations are evaluated where one asks for their bounds, and no sooner."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from backproof.conformance.own_data.call import OwnCall, operation_of, read_call
from backproof.conformance.own_data.evaluation import Part, fast_parts
from backproof.conformance.own_data.judging import is_right
from backproof.reference.model.formulations import Formulation

X = np.random.default_rng(0).standard_normal((1000, 700), dtype=np.float32)


def softmax() -> OwnCall:
    return read_call(operation_of("softmax", "forward"), "forward", inputs=X, named={})


def noting(formulations: Sequence[Formulation], calls: Counter[str]) -> list[Formulation]:
    """The same formulations, which count their calls."""

    def noted(one: Formulation) -> Formulation:
        def function(*arguments: Any, **parameters: Any) -> Any:
            calls[one.name] += 1
            return one.function(*arguments, **parameters)

        return replace(one, function=function)

    return [noted(one) for one in formulations]


def parts_of(call: OwnCall, answer: Sequence[Formulation]) -> Iterator[Part]:
    return fast_parts(call, answer, "float32", "float32", lambda _: None)


def test_a_formulation_is_evaluated_when_its_bound_is_asked_for() -> None:
    call, calls = softmax(), Counter[str]()
    answer = noting(call.operation.formulations["forward"], calls)
    parts = list(parts_of(call, answer))
    assert len(parts) > 1
    assert list(calls) == [answer[0].name]
    next(parts[-1].others())
    assert list(calls) == [answer[0].name, answer[1].name]


def test_a_bound_that_is_asked_for_late_is_that_of_the_same_part() -> None:
    call = softmax()
    answer = call.operation.formulations["forward"]
    (last,) = [part for part in parts_of(call, answer) if part.where[0].stop >= len(X)]
    (due,) = [part for part in parts_of(call, answer[1:2]) if part.where[0].stop >= len(X)]
    assert np.array_equal(next(last.others()), due.bound)


def test_a_formulation_that_takes_other_chunks_has_its_bound_at_the_same_place() -> None:
    call = softmax()
    first = call.operation.formulations["forward"][0]

    def mixed(inputs: Any, **parameters: Any) -> Any:
        return first.function(inputs, **parameters) + 2.0**-40 * inputs.sum()

    other = Formulation(mixed, "mixes rows")
    (due,) = parts_of(call, [other])
    parts = list(parts_of(call, [first, other]))
    assert len(parts) > 2
    for part in (parts[1], parts[-1]):
        assert np.array_equal(next(part.others()), due.bound[part.where])


def test_what_another_formulation_explains_is_right_and_no_further_one_is_asked() -> None:
    part = next(parts_of(softmax(), softmax().operation.formulations["forward"][:1]))
    asked: list[int] = []

    def twice_as_wide_each() -> Iterator[np.ndarray]:
        for count in (1, 2, 3):
            asked.append(count)
            yield 2**count * part.bound

    got = (part.expected + 3 * part.bound).astype(np.float32)
    assert not is_right(got, part)[0]
    assert is_right(got, replace(part, others=twice_as_wide_each)) == (True, 0)
    assert asked == [1, 2]
