"""The verdict on a family: how it ends, and what it says."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from hand_built import (
    DENSE,
    POINT,
    SLOPE,
    dense_backward,
    dense_backward_family,
    implementation,
    invalid_family,
    slope_backward,
    slope_backward_family,
    slope_forward_family,
)


def relu(inputs):
    return np.maximum(inputs, 0)


def forward_verdict(function, values, expected, tolerance=0.0, **other):
    return check(slope_forward_family(values, expected, tolerance, **other), implementation(forward=function), SLOPE)


# How a family ends.


def test_a_family_passes_with_its_largest_error_and_the_calls_that_were_made():
    calls = []

    def function(inputs):
        calls.append(None)
        return relu(inputs) + 2.0**-53

    verdict = forward_verdict(function, [[1.0, 0.5], [0.25, -1.0]], [[1.0, 0.5], [0.25, 0.0]], 2.0**-52)
    assert verdict.outcome is Outcome.PASSED
    assert (verdict.fraction, verdict.cases, verdict.calls) == (0.5, 2, len(calls))
    assert verdict.ulps == 2.0**52
    assert verdict.seconds > 0


def test_what_is_not_there_is_not_implemented():
    verdict = check(slope_forward_family([[1.0]], [[1.0]]), implementation(backward=relu), SLOPE)
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_IMPLEMENTED, "no function slope_forward")


def test_a_dtype_that_is_not_declared_is_not_implemented():
    family = slope_forward_family([[1.0]], [[1.0]], dtype="float16")
    verdict = check(family, implementation(forward=relu, dtypes=("float64",)), SLOPE)
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_IMPLEMENTED, "float16 is not among its dtypes")


def test_a_precision_without_tolerances_is_unsupported():
    family = slope_forward_family([[1.0]], [[1.0]], dtype="float16")
    verdict = check(family, implementation(forward=relu, precision={"float16": "native"}), SLOPE)
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert verdict.reason == "no tolerance is given at precision native"


def test_a_precision_with_an_alias_has_the_others_tolerances():
    family = slope_forward_family([[1.0]], [[1.0]], dtype="float32")
    verdict = check(family, implementation(forward=relu, precision={"float32": "tf32"}), SLOPE)
    assert verdict.outcome is Outcome.PASSED


def not_implemented_for(condition, otherwise=relu):
    def function(inputs):
        if condition(inputs):
            raise NotImplementedError("no negative numbers")
        return otherwise(inputs)

    return function


def test_cases_that_are_not_supported_are_counted_and_the_others_checked():
    function = not_implemented_for(lambda inputs: inputs[0] < 0)
    verdict = forward_verdict(function, [[1.0], [-2.0], [3.0]], [[1.0], [0.0], [3.0]])
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert verdict.reason == "NotImplementedError: no negative numbers in 1 of 3 cases"
    assert verdict.misses == ()


def test_a_wrong_value_fails_a_family_whose_other_cases_are_not_supported():
    function = not_implemented_for(lambda inputs: inputs[0] < 0, otherwise=lambda inputs: inputs + 1)
    verdict = forward_verdict(function, [[1.0], [-2.0]], [[1.0], [0.0]])
    assert verdict.outcome is Outcome.FAILED
    assert verdict.misses[0].summary == "outputs is wrong in 1 of 1 element of case 0"
    assert "in 1 of 2 cases" in verdict.reason


# What is wrong, in words.


def test_a_wrong_value_says_where_how_much_and_how_many():
    def mean_in_place_of_sum(*arguments):
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(*arguments)
        return dL_dinputs, dL_dweights, dL_dbiases / 4

    family = dense_backward_family("float32")
    tolerance = family.answer.tolerance["float32"]["dL_dbiases"]
    expected = np.array([[[1.0, 2.0]], [[4.0, 8.0]], [[0.5, 1.0]]])
    upstream = np.zeros((3, 4, 2), np.float32)
    upstream[:, :1] = expected
    answer = {**family.answer.expected}
    answer["dL_dbiases"] = expected
    answer["dL_dinputs"] = upstream.astype(float) @ family.inputs["weights"].astype(float).swapaxes(1, 2)
    answer["dL_dweights"] = family.inputs["inputs"].astype(float).swapaxes(1, 2) @ upstream
    tolerances = {name: np.full(array.shape, 1e-3) for name, array in answer.items()}
    tolerances["dL_dbiases"] = np.full(tolerance.shape, 0.01171875)
    family = replace(
        family,
        inputs={**family.inputs, "dL_doutputs": upstream},
        answer=replace(family.answer, expected=answer, tolerance={"float32": tolerances}),
    )
    verdict = check(family, implementation(DENSE, backward=mean_in_place_of_sum), DENSE)
    assert verdict.outcome is Outcome.FAILED
    (miss,) = verdict.misses
    assert (miss.kind, miss.case) == ("value", 1)
    assert miss.summary == "dL_dbiases is wrong in 2 of 2 elements of case 1"
    assert miss.details == (
        "worst at [0, 1]: got 2.0, expected 8.0",
        "error 6 is 512 x the tolerance 0.0117",
        "out over the family: 3 of 3 cases, 6 of 6 elements",
    )
    assert verdict.fraction == 512


def test_numbers_that_look_alike_are_printed_in_full():
    verdict = forward_verdict(relu, np.float32([[0.1]]), [[float(np.float32(0.1)) + 1e-9]], 1e-12, dtype="float32")
    assert verdict.misses[0].details[0] == "worst at [0]: got 0.10000000149011612, expected 0.10000000249011612"


def test_a_scalar_has_no_index():
    verdict = forward_verdict(lambda inputs: inputs * 2, [1.0, 2.0], [1.0, 4.0])
    assert verdict.misses[0].details == (
        "got 2.0, expected 1.0",
        "error 1, where the exact value is due",
        "out over the family: 1 of 2 cases, 1 of 2 elements",
    )


@pytest.mark.parametrize(
    ("came", "due", "words"),
    [
        (0.0, np.nan, "a finite number, where NaN is due"),
        (np.nan, 0.0, "NaN, where a finite number is due"),
        (np.inf, 1.0, "+infinity, where a finite number is due"),
        (np.inf, -np.inf, "+infinity, where -infinity is due"),
        (-np.inf, np.nan, "-infinity, where NaN is due"),
    ],
)
def test_the_wrong_class_is_named(came, due, words):
    verdict = forward_verdict(lambda inputs: np.full_like(inputs, came), [[1.0]], [[due]])
    assert verdict.outcome is Outcome.FAILED
    assert verdict.misses[0].details[1] == words


def test_an_implementation_that_swallows_nan_fails_and_one_that_keeps_classes_passes():
    values = [[np.nan, np.inf, -np.inf, -0.0, 2.0]]
    due = [[np.nan, np.inf, 0.0, 0.0, 2.0]]
    assert forward_verdict(relu, values, due).outcome is Outcome.PASSED
    assert forward_verdict(lambda inputs: np.where(inputs > 0, inputs, 0), values, due).outcome is Outcome.FAILED


def test_float32_inside_float64_is_seen():
    def function(*arguments):
        narrow = dense_backward(*(argument.astype(np.float32) for argument in arguments))
        return tuple(gradient.astype(np.float64) for gradient in narrow)

    verdict = check(dense_backward_family(), implementation(DENSE, backward=function), DENSE)
    assert verdict.outcome is Outcome.FAILED
    assert {miss.kind for miss in verdict.misses} == {"value"}
    assert verdict.fraction > 1e6


def test_an_exception_is_told_once_with_its_place_and_the_other_cases_go_on():
    def function(inputs):
        if inputs[0] < 0:
            raise ZeroDivisionError(f"at {inputs[0]}")
        return relu(inputs) + (inputs[0] == 3)

    verdict = forward_verdict(function, [[1.0], [-2.0], [-4.0], [3.0]], [[1.0], [0.0], [0.0], [3.0]])
    raised, value = verdict.misses
    assert (raised.kind, raised.case) == ("raised", 1)
    assert raised.summary == "case 1 raised ZeroDivisionError: at -2.0"
    assert raised.details[0].endswith(f"test_family.py:{function.__code__.co_firstlineno + 2}")
    assert raised.details[1] == "in 2 of 4 cases"
    assert value.summary == "outputs is wrong in 1 of 1 element of case 3"
    assert value.details[-1] == "out over the family: 1 of 2 cases, 1 of 2 elements"


@pytest.mark.parametrize("error", [SystemExit(2), GeneratorExit(), pytest.skip.Exception("not today")])
def test_nothing_that_an_implementation_raises_ends_the_run(error):
    def function(inputs):
        raise error

    verdict = forward_verdict(function, [[1.0]], [[1.0]])
    assert verdict.outcome is Outcome.FAILED
    assert type(error).__name__ in verdict.misses[0].summary


def test_an_interrupt_from_the_keyboard_goes_through():
    def function(inputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward_verdict(function, [[1.0]], [[1.0]])
    with pytest.raises(KeyboardInterrupt):
        check(invalid_family(), implementation(forward=function), SLOPE)


def test_warnings_are_neither_shown_nor_failures():
    def function(inputs):
        warnings.warn("slow", DeprecationWarning, stacklevel=1)
        return np.log(inputs)

    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert forward_verdict(function, [[0.0, -1.0]], [[-np.inf, np.nan]]).outcome is Outcome.PASSED
    assert np.geterr()["divide"] != "ignore"


# What the arguments are.


def test_arguments_are_arrays_that_may_be_written_in_row_major_order_scalars_included():
    seen = []

    family = slope_forward_family([1.0, 2.0], [1.0, 2.0])
    check(family, implementation(forward=lambda inputs: seen.append(inputs) or relu(inputs)), SLOPE)
    for argument in seen[:2]:
        assert type(argument) is np.ndarray
        assert argument.shape == ()
        assert argument.flags.writeable
        assert argument.flags.c_contiguous
        assert argument.flags.aligned


def test_parameters_are_passed_by_keyword():
    family = replace(slope_forward_family([[3.0]], [[6.0]]), parameters={"factor": 2})
    verdict = check(family, implementation(forward=lambda inputs, *, factor: inputs * factor), SLOPE)
    assert verdict.outcome is Outcome.PASSED


def test_the_families_own_arrays_are_not_handed_out():
    family = slope_forward_family([[3.0]], [[3.0]])
    family.inputs["inputs"].flags.writeable = False

    def function(inputs):
        inputs[...] = 0
        return inputs

    check(family, implementation(forward=function), SLOPE)
    assert family.inputs["inputs"].tolist() == [[3.0]]


# Calls that have to be refused.


def refusing(error):
    def function(inputs):
        raise error

    return function


@pytest.mark.parametrize("error", [ValueError("no"), IndexError(), KeyError("x"), AssertionError()])
def test_any_exception_refuses(error):
    verdict = check(invalid_family(), implementation(forward=refusing(error)), SLOPE)
    assert (verdict.outcome, verdict.calls) == (Outcome.PASSED, 2)


def test_not_implemented_is_no_refusal():
    verdict = check(invalid_family(), implementation(forward=refusing(NotImplementedError())), SLOPE)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNSUPPORTED, "NotImplementedError")


def test_leaving_the_interpreter_is_no_refusal():
    verdict = check(invalid_family(), implementation(forward=refusing(SystemExit(1))), SLOPE)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.misses[0].summary == "case 0 raised SystemExit: 1"


@pytest.mark.parametrize(("level", "outcome"), [("required", Outcome.FAILED), ("robust", Outcome.ROBUST_MISS)])
def test_a_call_that_is_not_refused(level, outcome):
    verdict = check(invalid_family(level=level), implementation(forward=relu), SLOPE)
    assert verdict.outcome is outcome
    (miss,) = verdict.misses
    assert (miss.kind, miss.case) == ("accepted", 0)
    assert miss.summary == "case 0 is accepted, where an exception is due: made up"
    assert miss.details == ("called with inputs (3,)", "in 2 of 2 cases")


def test_a_refused_call_leaves_its_arguments_alone():
    def function(inputs):
        inputs[0] = 5
        raise ValueError

    verdict = check(invalid_family(), implementation(forward=function), SLOPE)
    assert [miss.kind for miss in verdict.misses] == ["changed-argument"]


def test_labels_declared_unchecked_are_not_tried():
    called = []
    adapter = implementation(forward=called.append, conventions={"labels": "unchecked"})
    verdict = check(invalid_family(flags=("label-range",)), adapter, SLOPE)
    assert (verdict.outcome, verdict.reason) == (Outcome.DECLARED, 'conventions = {"labels": "unchecked"}')
    assert called == []
    assert check(invalid_family(), adapter, SLOPE).outcome is Outcome.FAILED


# Conventions.


@pytest.mark.parametrize(("slope", "answer"), [(0.0, "0"), (0.5, "1/2"), (1.0, "1")])
@pytest.mark.parametrize("declare", [False, True])
def test_each_answer_is_right_and_named(slope, answer, declare):
    family = slope_backward_family([[0.0, 1.0], [-1.0, 0.0]])
    conventions = {POINT: answer} if declare else {}
    verdict = check(family, implementation(backward=slope_backward(slope), conventions=conventions), SLOPE)
    assert (verdict.outcome, verdict.point, verdict.answers) == (Outcome.PASSED, POINT, (answer,))


def test_answers_that_agree_are_all_named_the_canonical_one_first():
    family = slope_backward_family([[0.0, 1.0]])
    family.inputs["dL_doutputs"][...] = 0
    for expectation in (family.answer, *family.alternatives.values()):
        expectation.expected["dL_dinputs"][...] = 0
    verdict = check(family, implementation(backward=slope_backward(1.0)), SLOPE)
    assert verdict.answers == ("0", "1/2", "1")


def test_an_answer_that_is_none_of_them_is_a_wrong_value():
    verdict = check(slope_backward_family([[0.0, 1.0]]), implementation(backward=slope_backward(0.25)), SLOPE)
    assert (verdict.outcome, verdict.answers) == (Outcome.FAILED, ())
    (miss,) = verdict.misses
    assert miss.kind == "value"
    assert miss.summary == (
        f"dL_dinputs is wrong in 1 of 2 elements of case 0 (no answer at {POINT} is followed, the nearest is '0')"
    )


def test_a_family_has_to_follow_one_answer_throughout():
    def backward(dL_doutputs, inputs):
        return slope_backward(1.0 if inputs.max() > 0 else 0.0)(dL_doutputs, inputs)

    family = slope_backward_family([[0.0, 1.0], [0.0, -1.0]])
    verdict = check(family, implementation(backward=backward), SLOPE)
    assert (verdict.outcome, verdict.answers) == (Outcome.FAILED, ())
    (miss,) = verdict.misses
    assert miss.kind == "convention"
    assert miss.summary == f"no single answer at {POINT} is followed throughout the family"
    assert miss.details == ("case 0 agrees with '1'", "case 1 agrees with '0'")


def test_a_case_has_to_follow_one_answer_at_all_its_elements():
    def backward(dL_doutputs, inputs):
        gradient = slope_backward(0.0)(dL_doutputs, inputs)
        gradient[..., 0] = dL_doutputs[..., 0]
        return gradient

    verdict = check(slope_backward_family([[0.0, 0.0]]), implementation(backward=backward), SLOPE)
    assert [miss.kind for miss in verdict.misses] == ["convention"]
    assert verdict.misses[0].details == ("case 0 agrees with different answers at different elements",)


def test_a_declared_answer_has_to_be_the_one_that_is_followed():
    adapter = implementation(backward=slope_backward(1.0), conventions={POINT: "0"})
    verdict = check(slope_backward_family([[0.0, 1.0]]), adapter, SLOPE)
    assert (verdict.outcome, verdict.answers) == (Outcome.FAILED, ("1",))
    (miss,) = verdict.misses
    assert miss.kind == "convention"
    assert miss.summary == f"dL_dinputs of case 0 does not follow the answer declared for {POINT}, '0'"
    assert miss.details == ("worst at [0]: got 1.0, expected 0.0", "it agrees with '1'")


def test_a_declared_answer_that_is_none():
    adapter = implementation(backward=slope_backward(1.0), conventions={POINT: "2"})
    verdict = check(slope_backward_family([[0.0, 1.0]]), adapter, SLOPE)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.misses[0].summary == f"conventions declares '2' for {POINT}, where the answers are 0, 1/2, 1"


def test_a_declared_answer_does_not_hide_a_value_that_is_plainly_wrong():
    adapter = implementation(backward=lambda dL_doutputs, _: dL_doutputs * 3, conventions={POINT: "1"})
    verdict = check(slope_backward_family([[0.0, 1.0]]), adapter, SLOPE)
    assert [miss.kind for miss in verdict.misses] == ["value"]


def test_whatever_a_further_form_raises_is_unsupported():
    family = replace(slope_forward_family([[1.0]], [[1.0]], level="robust"), flags=("further-form",))

    def refusing(inputs):
        raise ValueError("matrices alone")

    verdict = check(family, implementation(forward=refusing), SLOPE)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNSUPPORTED, "ValueError: matrices alone")
    assert check(family, implementation(forward=lambda x: x * 2), SLOPE).outcome is Outcome.ROBUST_MISS
    assert check(family, implementation(forward=relu), SLOPE).outcome is Outcome.PASSED


def test_of_a_further_rank_another_shape_is_a_robust_miss_and_wrong_values_are_required():
    family = replace(slope_forward_family([[1.0]], [[1.0]]), flags=("further-form", "rank"))
    apart = check(family, implementation(forward=lambda x: x[None]), SLOPE)
    (miss,) = apart.misses
    assert (apart.outcome, miss.summary) == (
        Outcome.ROBUST_MISS,
        "outputs has shape (1, 1), where (1,) is expected",
    )
    assert not apart.kept
    assert check(family, implementation(forward=lambda x: x * 2), SLOPE).outcome is Outcome.FAILED
    other = replace(family, flags=("further-form",))
    assert check(other, implementation(forward=lambda x: x[None]), SLOPE).outcome is Outcome.FAILED


@pytest.mark.parametrize("result", ["valid", "invalid"])
def test_a_function_that_does_not_take_a_parameter_is_unsupported_where_it_is_asked_for(result):
    plain = slope_forward_family([[1.0]], [[1.0]]) if result == "valid" else invalid_family()
    function = relu if result == "valid" else (lambda *_: 1 / 0)
    asked = replace(plain, parameters={"kept": 0.5, "steep": 2.0})
    adapter = implementation(**{plain.direction: function})
    verdict = check(asked, adapter, SLOPE)
    words = f"slope_{plain.direction} takes no kept and no steep"
    assert (verdict.outcome, verdict.reason) == (Outcome.UNSUPPORTED, words)
    assert check(plain, adapter, SLOPE).outcome is Outcome.PASSED
    taking = implementation(**{plain.direction: lambda *given, **_: function(*given)})
    assert check(asked, taking, SLOPE).outcome is Outcome.PASSED


def test_an_object_that_has_no_hash_is_called_as_a_function_is():
    @dataclass
    class Layer:
        slope: float = 0.0

        def __call__(self, inputs):
            return relu(inputs)

    adapter, plain = implementation(forward=Layer()), slope_forward_family([[1.0]], [[1.0]])
    assert check(plain, adapter, SLOPE).outcome is Outcome.PASSED
    assert check(replace(plain, parameters={"steep": 2.0}), adapter, SLOPE).reason == "slope_forward takes no steep"


def test_a_subnormal_result_may_be_flushed_and_may_not_change_its_sign():
    tiny = 2.0**-130
    family = slope_forward_family([[tiny, -tiny]], [[tiny, -tiny]], dtype="float32", level="robust")
    for function, outcome in (
        (np.copy, Outcome.PASSED),
        (np.zeros_like, Outcome.ROBUST_MISS),
        (lambda x: np.full_like(x, 1e-30), Outcome.ROBUST_MISS),  # digits lost, not a sign
        (np.abs, Outcome.FAILED),
    ):
        verdict = check(family, implementation(forward=function), SLOPE)
        assert verdict.outcome is outcome
    (sign,) = [miss for miss in verdict.misses if miss.kind == "sign"]
    assert not sign.robust
    assert sign.summary.startswith("outputs has the wrong sign in 1 of 2 elements of case 0")


@pytest.mark.parametrize("level", ["required", "robust"])
def test_a_single_product_has_its_sign_though_the_tolerance_allows_the_other(level):
    tiny, allowed = 2.0**-130, 2.0**-126
    family = slope_forward_family([[tiny, -tiny]], [[tiny, -tiny]], allowed, dtype="float32", level=level)
    of_one_product = replace(family, flags=("one-product",))

    def verdict(family, function):
        return check(family, implementation(forward=function), SLOPE)

    assert verdict(family, lambda inputs: -inputs).outcome is Outcome.PASSED
    assert verdict(of_one_product, lambda inputs: 0 * inputs).outcome is Outcome.PASSED
    assert verdict(of_one_product, lambda inputs: -inputs).outcome is Outcome.FAILED
    assert "has the wrong sign" in verdict(of_one_product, lambda inputs: -inputs).misses[0].summary
