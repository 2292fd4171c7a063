"""What must hold of any call: each test is one way of breaking it, with values that are right."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from backproof.conformance.check import guards, threads
from backproof.conformance.check.family import check
from backproof.conformance.check.further import called_many_times
from backproof.conformance.check.verdict import Outcome
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import DIRECTIONS, Expectation, Family
from hand_built import (
    DENSE,
    SLOPE,
    dense_backward,
    dense_backward_family,
    implementation,
    slope_backward,
    slope_backward_family,
    slope_forward_family,
)

SWAPPED, MISALIGNED, REPEATING, STRIDED = "backward-a", "backward-e", "backward-b", "backward-d"
"""Names of families whose turn it is to have an argument made to repeat, or all in the other layouts."""

counts = pytest.mark.parametrize("count", [1, 2, 3])


def verdict_on(function, *, count=3, dtype="float64", level="required", many_calls=False, name=SWAPPED, **declared):
    family = replace(dense_backward_family(dtype, count=count, level=level), name=name)
    return check(family, implementation(DENSE, backward=function, **declared), DENSE, many_calls=many_calls)


def kinds(verdict):
    return {miss.kind for miss in verdict.misses}


def only_miss(verdict):
    (miss,) = verdict.misses
    return miss


@counts
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sound_implementation_breaks_nothing(dtype, count):
    verdict = verdict_on(dense_backward, dtype=dtype, count=count)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.misses == ()


@counts
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_backward_that_writes_into_its_upstream(dtype, count):
    def backward(dL_doutputs, inputs):
        dL_doutputs[inputs <= 0] = 0
        return dL_doutputs

    family = slope_backward_family([[1.0, -2.0, 3.0]] * count, dtype=dtype)
    verdict = check(family, implementation(backward=backward), SLOPE)
    assert verdict.outcome is Outcome.FAILED
    miss = only_miss(verdict)
    assert (miss.kind, miss.result) == ("changed-argument", "dL_doutputs")
    assert miss.summary == "the call changes its argument dL_doutputs, of case 0"
    assert miss.details[0].startswith("first at [1]: was 2")
    assert miss.details[1] == f"in {count} of {count} case{'s' if count > 1 else ''}"


def test_a_write_that_changes_no_more_than_the_sign_of_a_zero():
    def backward(dL_doutputs, inputs):
        gradient = np.where(inputs > 0, dL_doutputs, 0)
        inputs *= 1.0
        inputs[inputs == 0] = -0.0
        return gradient

    verdict = check(slope_backward_family([[1.0, 0.0]]), implementation(backward=backward), SLOPE)
    assert kinds(verdict) == {"changed-argument"}


def test_a_write_into_the_argument_of_an_earlier_call():
    earlier = []

    def function(*arguments):
        if earlier and earlier[-1].flags.writeable:
            earlier[-1][...] = 7
        earlier.append(arguments[1])
        return dense_backward(*arguments)

    assert "changed-argument" in kinds(verdict_on(function))


def test_weights_that_are_updated_in_place_when_the_call_is_made_again():
    seen = set()

    def function(dL_doutputs, inputs, weights, biases):
        gradients = dense_backward(dL_doutputs, inputs, weights, biases)
        if weights.tobytes() in seen:
            weights -= 0.1 * gradients[1]
        seen.add(weights.tobytes())
        return gradients

    verdict = verdict_on(function)
    assert "changed-argument" in kinds(verdict)
    assert any("when made again" in miss.summary for miss in verdict.misses)


def test_an_argument_that_is_returned_is_a_robust_miss_that_names_both():
    family = slope_backward_family([[1.0, 2.0, 3.0]] * 3)
    verdict = check(family, implementation(backward=lambda dL_doutputs, _: dL_doutputs[:]), SLOPE)
    assert verdict.outcome is Outcome.ROBUST_MISS
    miss = only_miss(verdict)
    assert (miss.kind, miss.robust, miss.result) == ("shared-memory", True, "dL_dinputs")
    assert miss.summary.startswith("dL_dinputs shares memory with its argument dL_doutputs")


def test_results_that_share_memory_with_one_another():
    def function(*arguments):
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(*arguments)
        whole = np.concatenate([dL_dweights, dL_dbiases])
        return dL_dinputs, whole[:3], whole[3:]

    def sharing(*arguments):
        gradients = function(*arguments)
        gradients[1][2] = gradients[2][0]
        return gradients[0], gradients[2].base[:3], gradients[2].base[2:3]

    assert verdict_on(function).misses == ()
    shared = [miss for miss in verdict_on(sharing).misses if miss.kind == "shared-memory"]
    assert [miss.summary.split(":")[0] for miss in shared] == ["dL_dbiases shares memory with the result dL_dweights"]

    def read_only(*arguments):
        gradients = sharing(*arguments)
        for gradient in gradients:
            gradient.flags.writeable = False
        return gradients

    assert not any(miss.kind == "shared-memory" for miss in verdict_on(read_only).misses)


def test_an_argument_that_is_returned_read_only_is_a_miss_all_the_same():
    def function(dL_doutputs, _):
        outputs = dL_doutputs[:]
        outputs.flags.writeable = False
        return outputs

    verdict = check(slope_backward_family([[1.0, 2.0, 3.0]] * 3), implementation(backward=function), SLOPE)
    assert only_miss(verdict).kind == "shared-memory"


@counts
@pytest.mark.parametrize(
    ("bytes_away", "place"),
    [(0, "byte 1 after its end"), (40, "byte 41 after its end"), (-1, "byte 1 before its start")],
)
@pytest.mark.parametrize("copied", [guards.COPIED, 0])
def test_a_write_beside_an_argument(bytes_away, place, count, copied, monkeypatch):
    monkeypatch.setattr(guards, "COPIED", copied)

    def function(dL_doutputs, inputs, weights, biases):
        if inputs.base is not None and inputs.base.nbytes > 4096 and inputs.flags.c_contiguous:
            start = inputs.__array_interface__["data"][0] - inputs.base.__array_interface__["data"][0]
            inputs.base.view(np.uint8)[start + (bytes_away if bytes_away < 0 else inputs.nbytes + bytes_away)] = 0
        return dense_backward(dL_doutputs, inputs, weights, biases)

    verdict = verdict_on(function, count=count)
    assert verdict.outcome is Outcome.FAILED
    miss = verdict.misses[0]
    assert (miss.kind, miss.result) == ("written-beside", "inputs")
    assert miss.summary == "the call writes beside its argument inputs, of case 0"
    assert miss.details[0] == f"first at {place}"


def test_a_write_between_the_rows_of_a_slice():
    def function(dL_doutputs, inputs, weights, biases):
        if weights.base is not None and not weights.flags.c_contiguous and weights.base.dtype == np.uint8:
            weights.base[weights.shape[1] * weights.itemsize] = 0
        return dense_backward(dL_doutputs, inputs, weights, biases)

    miss = only_miss(verdict_on(function))
    assert (miss.kind, miss.result, miss.reason) == ("written-beside", "weights", "sliced")


@pytest.mark.parametrize("key", [lambda array: array.__array_interface__["data"][0], id])
def test_something_kept_by_address(key):
    kept = {}

    def function(dL_doutputs, inputs, weights, biases):
        held, transposed = kept.setdefault(key(weights), (weights, weights.T.copy()))
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(dL_doutputs, inputs, weights, biases)
        return dL_doutputs @ transposed if held is not None else dL_dinputs, dL_dweights, dL_dbiases

    verdict = verdict_on(function)
    assert verdict.outcome is Outcome.FAILED
    miss = only_miss(verdict)
    assert (miss.kind, miss.case, miss.result) == ("new-contents", 1, "dL_dinputs")
    assert "in the memory that held case 0" in miss.summary
    assert verdict_on(function, count=1).outcome is Outcome.PASSED


def test_a_ring_of_buffers_that_comes_round_after_many_calls():
    ring, calls = [np.empty((3, 2)) for _ in range(48)], []

    def function(*arguments):
        calls.append(None)
        buffer = ring[len(calls) % len(ring)]
        dL_dinputs, buffer[...], dL_dbiases = dense_backward(*arguments)
        return dL_dinputs, buffer, dL_dbiases

    assert verdict_on(function).outcome is Outcome.PASSED
    verdict = verdict_on(function, many_calls=True)
    assert verdict.outcome is Outcome.FAILED
    assert "overwritten-result" in kinds(verdict)


def test_something_that_many_calls_bring_about():
    calls = []

    def function(*arguments):
        calls.append(None)
        gradients = dense_backward(*arguments)
        return gradients if len(calls) < 60 else (gradients[0], gradients[1] * 2, gradients[2])

    verdict = verdict_on(function, many_calls=True)
    assert kinds(verdict) >= {"many-calls"}
    assert any("after 64 more calls" in miss.summary for miss in verdict.misses)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_option_of_the_last_forward(direction):
    golden, last = store.read_golden("leaky_relu"), {}

    def forward(inputs, *, negative_slope):
        last["negative_slope"] = negative_slope
        return np.where(inputs > 0, inputs, inputs * inputs.dtype.type(negative_slope))

    def backward(dL_doutputs, inputs, *, negative_slope):
        slope = last.get("negative_slope", negative_slope)
        return np.where(inputs > 0, dL_doutputs, dL_doutputs * inputs.dtype.type(slope))

    often = called_many_times(golden, ["float32"])
    (family, *_) = (f for f in golden.families if f.id in often and f.direction == direction)
    subject = implementation(golden, forward=forward, backward=backward)
    check(next(f for f in golden.families if f.parameters == family.parameters), subject, golden)
    verdict = check(family, subject, golden, many_calls=True)
    if direction == "forward":
        assert verdict.misses == ()
    else:
        assert only_miss(verdict).kind == "state"
        assert "once a function was called with other options" in only_miss(verdict).summary


def shared_object():
    class Layer:
        pass

    layer = Layer()

    def function(dL_doutputs, inputs, weights, biases):
        layer.inputs = inputs
        dL_dinputs, _, dL_dbiases = dense_backward(dL_doutputs, inputs, weights, biases)
        return dL_dinputs, layer.inputs.T @ dL_doutputs, dL_dbiases

    return function


def test_an_object_that_threads_share():
    verdict = verdict_on(shared_object(), many_calls=True)
    assert verdict.outcome is Outcome.FAILED
    miss = only_miss(verdict)
    assert (miss.kind, miss.result) == ("threads", "dL_dweights")
    assert "when several threads call at once" in miss.summary
    assert 'conventions = {"thread_safe": False}' in miss.details[-1]


def test_an_object_that_threads_share_is_accepted_where_it_is_declared():
    verdict = verdict_on(shared_object(), many_calls=True, conventions={"thread_safe": False})
    assert verdict.outcome is Outcome.PASSED


def test_steps_that_another_thread_has_freed():
    tape = []

    def function(*arguments):
        tape.append(arguments)
        recorded = tape[-1]
        if not tape:
            raise RuntimeError("the tape is empty")
        tape.clear()
        return dense_backward(*recorded)

    verdict = verdict_on(function, many_calls=True)
    assert kinds(verdict) == {"threads"}


@pytest.mark.parametrize("sort", ["a lock", "memory of each thread's own"])
def test_threads_that_keep_out_of_each_others_way(sort):
    lock, inner, own = threading.Lock(), shared_object(), threading.local()

    def locked(*arguments):
        with lock:
            return inner(*arguments)

    def apart(dL_doutputs, inputs, weights, biases):
        own.inputs = inputs
        dL_dinputs, _, dL_dbiases = dense_backward(dL_doutputs, inputs, weights, biases)
        return dL_dinputs, own.inputs.T @ dL_doutputs, dL_dbiases

    assert verdict_on(locked if sort == "a lock" else apart, many_calls=True).misses == ()


def test_threads_that_never_answer(monkeypatch):
    monkeypatch.setattr(threads, "SECONDS", 0.2)
    calling = threading.Lock()
    forever = threading.Event()

    def function(*arguments):
        if not calling.acquire(blocking=False):
            forever.wait()
        gradients = dense_backward(*arguments)
        calling.release()
        return gradients

    miss = only_miss(verdict_on(function, many_calls=True))
    forever.set()
    assert (miss.kind, miss.summary) == ("threads", "several threads at once: no answer within 0.2 s")


def sharing_scratch(past):
    scratch = np.empty(4096)

    def forward(inputs):
        kept = scratch[: inputs.size] if inputs.size > past else np.empty(inputs.size)
        kept[...] = inputs.reshape(-1)
        return np.maximum(kept, 0).reshape(inputs.shape)

    return forward


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("past", [0, 64, 256])
def test_memory_that_threads_share_past_some_size(past, count):
    sizes = {}
    for size in (12, 300):
        numbers = np.random.default_rng(size).standard_normal((count, size))
        family = slope_forward_family(numbers, np.maximum(numbers, 0))
        sizes[size] = check(family, implementation(forward=sharing_scratch(past)), SLOPE, many_calls=True)
        right = implementation(forward=lambda inputs: np.maximum(inputs, 0))
        assert check(family, right, SLOPE, many_calls=True).misses == ()
    assert kinds(sizes[300]) == {"threads"}
    assert kinds(sizes[12]) == ({"threads"} if past == 0 else set())


def slopes(name, *cases, dtype="float64", level="required", **changed):
    numbers = np.array(cases)
    return replace(
        slope_forward_family(numbers, np.maximum(numbers, 0), dtype=dtype, level=level), name=name, **changed
    )


def many_times(*families, dtypes=DTYPES):
    return called_many_times(replace(SLOPE, families=families), dtypes)


def test_what_is_called_many_times_is_the_first_suitable_family_of_a_direction_and_dtype():
    ordinary = [[1.0, -2.0], [3.0, 4.0]]
    families = [
        slopes("forward-robust", *ordinary, level="robust"),
        slopes("forward-in-common", [1.0, 2.0], [1.0, 2.0]),
        slopes("forward-alone", [1.0, 2.0]),
        slopes("forward-ordinary", *ordinary),
        slopes("forward-later", *ordinary),
        slopes("forward-ordinary", *ordinary, dtype="float32"),
        slopes("backward-alone", [1.0, 2.0], direction="backward"),
        slopes("forward-large", np.arange(1.0, 301.0), dtype="float32"),
        slopes("forward-too-large", np.arange(1.0, 30001.0), dtype="float16"),
    ]
    ids = {"slope/float64/forward-ordinary", "slope/float32/forward-ordinary", "slope/float64/backward-alone"}
    assert many_times(*families) == {*ids, "slope/float32/forward-large"}
    assert many_times(*families, dtypes=("float64",)) == {id_ for id_ in ids if "float64" in id_}
    assert many_times(*families[:2], slopes("forward-single", [1.0])) == frozenset()


@counts
def test_a_result_in_a_buffer_that_the_next_call_fills_again(count):
    buffer = np.empty((3, 2))

    def function(*arguments):
        dL_dinputs, buffer[...], dL_dbiases = dense_backward(*arguments)
        return dL_dinputs, buffer, dL_dbiases

    miss = only_miss(verdict_on(function, count=count))
    assert (miss.kind, miss.result) == ("overwritten-result", "dL_dweights")
    assert miss.summary == "dL_dweights of case 0 is changed by a later call: its memory is used again"


@counts
def test_a_scalar_result_in_a_buffer(count):
    buffer = np.empty((1, 2))

    def function(*arguments):
        dL_dinputs, dL_dweights, buffer[...] = dense_backward(*arguments)
        return dL_dinputs, dL_dweights, buffer[...]

    assert kinds(verdict_on(function, count=count)) == {"overwritten-result"}


@counts
def test_gradients_that_are_added_up_from_call_to_call(count):
    total = np.zeros((3, 2))

    def function(*arguments):
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(*arguments)
        total[...] += dL_dweights
        return dL_dinputs, total.copy(), dL_dbiases

    verdict = verdict_on(function, count=count)
    assert verdict.outcome is Outcome.FAILED
    assert "repeat" in kinds(verdict)
    assert any(miss.summary.startswith("dL_dweights of case 0 differs when") for miss in verdict.misses)


@counts
def test_something_of_another_case_that_is_kept(count):
    kept = {}

    def function(*arguments):
        gradients = dense_backward(*arguments)
        key = arguments[0].tobytes()
        if kept and key in kept and kept["last"] != key:
            gradients = (gradients[0] + 1, *gradients[1:])
        kept[key] = None
        kept["last"] = key
        return gradients

    verdict = verdict_on(function, count=count)
    assert "state" in kinds(verdict)
    assert any("once another case was called in between" in miss.summary for miss in verdict.misses)


def test_a_cache_of_the_first_call_gives_the_second_case_wrong_values():
    cache = {}

    def function(dL_doutputs, inputs, weights, biases):
        return dense_backward(dL_doutputs, cache.setdefault("inputs", inputs), weights, biases)

    first = verdict_on(function).misses[0]
    assert first.kind == "value"
    assert first.summary.startswith("dL_dweights is wrong in 6 of 6 elements of case")
    assert first.details[-1] == "out over the family: 2 of 3 cases, 12 of 18 elements"


def unsteady():
    calls = []

    def function(*arguments):
        calls.append(None)
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(*arguments)
        return dL_dinputs, dL_dweights * (1 + (len(calls) % 2) * 2.0**-52), dL_dbiases

    return function


@counts
def test_a_second_call_that_gives_other_bits_within_the_tolerance(count):
    verdict = verdict_on(unsteady(), count=count)
    assert verdict.outcome is Outcome.FAILED
    assert kinds(verdict) <= {"repeat", "state"}
    assert any('conventions = {"deterministic": False}' in line for miss in verdict.misses for line in miss.details)


@counts
def test_other_bits_are_accepted_of_an_implementation_that_says_so(count):
    assert verdict_on(unsteady(), count=count, conventions={"deterministic": False}).outcome is Outcome.PASSED


def test_wrong_values_are_not_accepted_of_an_implementation_that_is_not_deterministic():
    calls = []

    def function(*arguments):
        calls.append(None)
        gradients = dense_backward(*arguments)
        return gradients if len(calls) != 5 else (gradients[0] + 1, *gradients[1:])

    assert "repeat" in kinds(verdict_on(function, conventions={"deterministic": False}))


def test_a_second_call_that_raises():
    calls = []

    def function(*arguments):
        calls.append(None)
        if len(calls) > 3:
            raise RuntimeError("graph was freed")
        return dense_backward(*arguments)

    repeat = next(miss for miss in verdict_on(function).misses if miss.kind == "repeat")
    assert repeat.summary == "case 0 fails when it is called again"
    assert repeat.details[0] == "RuntimeError: graph was freed"


def refusing(condition, error=ValueError):
    def function(*arguments):
        if any(condition(array) for array in arguments):
            raise error("not this layout")
        return dense_backward(*arguments)

    return function


LAYOUTS = {
    "read-only": (lambda a: not a.flags.writeable, SWAPPED),
    "Fortran-ordered": (lambda a: a.flags.f_contiguous and not a.flags.c_contiguous, SWAPPED),
    "sliced": (lambda a: not a.flags.forc and a.strides[-1] == a.itemsize, SWAPPED),
    "inner-strided": (lambda a: a.ndim > 1 and len(a) > 1 and a.strides[1] > a.itemsize < a.strides[0], STRIDED),
    "byte-swapped": (lambda a: not a.dtype.isnative, SWAPPED),
    "misaligned": (lambda a: not a.flags.aligned, MISALIGNED),
    "broadcast": (lambda a: a.ndim == 2 and not a.strides[0] and len(a) > 1, REPEATING),
    "negatively strided": (lambda a: min(a.strides) < 0, SWAPPED),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS)


@layouts
@pytest.mark.parametrize("error", [ValueError, NotImplementedError, SystemExit])
def test_a_layout_that_is_refused_is_told_and_does_not_count_against_the_family(layout, error):
    condition, name = LAYOUTS[layout]
    verdict = verdict_on(refusing(condition, error), name=name)
    assert verdict.outcome is Outcome.PASSED
    miss = only_miss(verdict)
    assert (miss.kind, miss.reason) == ("refused-layout", layout)
    assert miss.robust
    assert miss.summary == f"{layout} arguments are refused: {error.__name__}: not this layout"


@layouts
def test_a_layout_that_is_misread_is_a_required_miss(layout):
    condition, name = LAYOUTS[layout]

    def function(*arguments):
        gradients = dense_backward(*arguments)
        if any(condition(array) for array in arguments):
            return gradients[0], gradients[1][::-1], gradients[2]
        return gradients

    verdict = verdict_on(function, name=name)
    assert verdict.outcome is Outcome.FAILED
    miss = only_miss(verdict)
    assert (miss.kind, miss.result, miss.reason) == ("layout", "dL_dweights", layout)
    when = "its first row of inputs broadcast, unlike for the same values contiguous,"
    told = when if layout == "broadcast" else f"{layout} arguments"
    assert miss.summary == f"dL_dweights of case 0 is wrong for {told} in 4 of 6 elements"
    assert "x the tolerance" in miss.details[1]


def test_another_byte_order_that_is_computed_in_a_lower_precision_is_a_robust_miss():
    def function(*arguments):
        work = [a if a.dtype == np.float64 else a.astype(np.float32) for a in arguments]
        return [gradient.astype(np.float64) for gradient in dense_backward(*work)]

    verdict = verdict_on(function, name=SWAPPED)
    assert verdict.outcome is Outcome.ROBUST_MISS
    assert {(miss.kind, miss.reason, miss.robust) for miss in verdict.misses} == {("layout", "byte-swapped", True)}
    assert all("compare dtype.type" in miss.details[-1] for miss in verdict.misses)


def test_numbers_that_are_read_in_the_wrong_byte_order_are_a_required_miss():
    def function(*arguments):
        return dense_backward(*(a if a.dtype.isnative else a.view(a.dtype.newbyteorder("=")) for a in arguments))

    verdict = verdict_on(function, name=SWAPPED)
    assert verdict.outcome is Outcome.FAILED


@pytest.mark.parametrize("name", [SWAPPED, MISALIGNED, REPEATING, STRIDED])
def test_any_layout_is_right_for_a_sound_implementation(name):
    assert verdict_on(dense_backward, name=name).misses == ()


def read_with(array, *strides):
    """What code reads that takes these strides for an array's own; zeros where they leave its memory."""
    if array.base is None or array.base.dtype != np.uint8 or not array.flags.aligned or min(array.strides) <= 0:
        return array
    start = array.__array_interface__["data"][0] - array.base.__array_interface__["data"][0]
    read = np.zeros(array.shape, array.dtype)
    for index in np.ndindex(array.shape):
        first = start + sum(place * stride for place, stride in zip(index, strides, strict=True))
        if first + array.itemsize <= array.base.size:
            read[index] = array.base[first : first + array.itemsize].view(array.dtype)[0]
    return read


def test_an_inner_stride_that_is_taken_for_1():
    def function(dL_doutputs, inputs, weights, biases):
        inputs = read_with(inputs, inputs.strides[0], inputs.itemsize)
        return dense_backward(dL_doutputs, inputs, weights, biases)

    assert verdict_on(function, name=SWAPPED).misses == ()
    miss = only_miss(verdict_on(function, name=STRIDED))
    assert (miss.kind, miss.result, miss.reason) == ("layout", "dL_dweights", "inner-strided")


def test_a_write_between_the_columns_of_a_slice():
    def function(dL_doutputs, inputs, weights, biases):
        if inputs.strides[1] > inputs.itemsize and inputs.strides[0] > 4 * inputs.itemsize and inputs.base is not None:
            inputs.base[:4] = 0
        return dense_backward(dL_doutputs, inputs, weights, biases)

    miss = only_miss(verdict_on(function, name=STRIDED))
    assert (miss.kind, miss.result, miss.reason) == ("written-beside", "inputs", "inner-strided")


def test_the_pitch_of_one_argument_that_is_used_for_another():
    family = slope_backward_family([[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]])

    def backward(dL_doutputs, inputs):
        return np.where(read_with(inputs, *dL_doutputs.strides) > 0, dL_doutputs, 0.0)

    verdict = check(family, implementation(backward=backward), SLOPE)
    assert verdict.outcome is Outcome.FAILED
    assert "sliced" in {miss.reason for miss in verdict.misses}


def test_leading_axes_that_are_taken_for_one():
    numbers = np.random.default_rng(3).standard_normal((1, 3, 4, 5))
    family = slope_forward_family(numbers, np.maximum(numbers, 0))

    def forward(inputs):
        return np.maximum(read_with(inputs, inputs.shape[1] * inputs.strides[1], *inputs.strides[1:]), 0)

    reasons = {miss.reason for miss in check(family, implementation(forward=forward), SLOPE).misses}
    assert "row-sliced" in reasons
    assert "sliced" not in reasons


def test_results_may_have_the_byte_order_of_the_arguments():
    def function(dL_doutputs, inputs, weights, biases):
        return tuple(gradient.astype(inputs.dtype) for gradient in dense_backward(dL_doutputs, inputs, weights, biases))

    assert verdict_on(function, name=SWAPPED).misses == ()


def test_several_axes_that_are_permuted():
    numbers = np.random.default_rng(3).standard_normal((2, 3, 4, 5))
    family = slope_forward_family(numbers, np.maximum(numbers, 0))
    orders = set()

    def forward(inputs):
        orders.add(tuple(np.argsort(inputs.strides, kind="stable")[::-1].tolist()))
        return np.maximum(inputs, 0)

    def misread(inputs):
        return forward(
            inputs
            if inputs.flags.forc or min(inputs.strides) < 0
            else inputs.transpose(1, 0, 2).copy().reshape(3, 4, 5)
        )

    assert check(family, implementation(forward=forward), SLOPE).misses == ()
    assert {(0, 1, 2), (2, 1, 0), (1, 2, 0)} <= orders
    assert {miss.reason for miss in check(family, implementation(forward=misread), SLOPE).misses} == {
        "sliced",
        "row-sliced",
        "axes-permuted",
    }


def test_memory_read_as_if_it_were_row_major():
    def function(dL_doutputs, inputs, weights, biases):
        raw = np.frombuffer(inputs.tobytes("A"), inputs.dtype).reshape(inputs.shape)
        return dense_backward(dL_doutputs, raw, weights, biases)

    verdict = verdict_on(function)
    assert verdict.outcome is Outcome.FAILED
    assert only_miss(verdict).summary.startswith("dL_dweights of case 0 is wrong for Fortran-ordered arguments")


def repeating() -> Family:
    """A family whose upstream is the same in every row."""
    family = dense_backward_family()
    upstream = family.inputs["dL_doutputs"]
    repeated = np.ascontiguousarray(np.broadcast_to(upstream[:, :1], upstream.shape))
    inputs = {**family.inputs, "dL_doutputs": repeated}
    results = [dense_backward(*(tensor[case] for tensor in inputs.values())) for case in range(family.count)]
    names = DENSE.results["backward"]
    expected = {name: np.stack([r[i] for r in results]) for i, name in enumerate(names)}
    allowed = {name: np.full(array.shape, 1e-12) for name, array in expected.items()}
    return replace(family, inputs=inputs, answer=Expectation(expected, {"float64": allowed}))


def test_a_broadcast_upstream_read_as_if_it_were_contiguous():
    def function(dL_doutputs, inputs, weights, biases):
        if 0 in dL_doutputs.strides:
            dL_doutputs = np.resize(dL_doutputs[:1] * [[1.0] + [0.0] * (dL_doutputs.shape[1] - 1)], dL_doutputs.shape)
        return dense_backward(dL_doutputs, inputs, weights, biases)

    assert check(repeating(), implementation(DENSE, backward=dense_backward), DENSE).outcome is Outcome.PASSED
    verdict = check(repeating(), implementation(DENSE, backward=function), DENSE)
    assert verdict.outcome is Outcome.FAILED
    assert all("for broadcast arguments" in miss.summary for miss in verdict.misses)


def test_negative_strides_come_last():
    order = []

    def function(*arguments):
        order.append(any(stride < 0 for array in arguments for stride in array.strides))
        return dense_backward(*arguments)

    verdict_on(function)
    assert order[-1]
    assert sum(order) == 1


def test_rows_that_know_their_place_in_the_batch():
    family = dense_backward_family(count=1)
    first = family.inputs["inputs"][0, 0]

    def function(dL_doutputs, inputs, weights, biases):
        gradients = dense_backward(dL_doutputs, inputs, weights, biases)
        if not (inputs[0] == first).all() and (inputs[1] == first).all():
            gradients[0][0] = 0
        return gradients

    verdict = check(family, implementation(DENSE, backward=function), DENSE)
    assert verdict.outcome is Outcome.FAILED
    assert only_miss(verdict).summary == "dL_dinputs of case 0 is wrong for a permuted batch in 3 of 12 elements"


def test_a_batch_of_one_and_an_empty_one_have_no_order():
    seen = []

    def backward(dL_doutputs, inputs):
        seen.append(inputs.copy())
        return np.where(inputs > 0, dL_doutputs, 0)

    for values in ([[1.0]], [[]]):
        seen.clear()
        verdict = check(slope_backward_family(values), implementation(backward=backward), SLOPE)
        assert verdict.outcome is Outcome.PASSED
        assert verdict.calls == len(seen)
        assert all(array.tolist() == values[0] for array in seen)


@pytest.mark.parametrize("kind", ["value", "raised", "changed-argument"])
def test_whatever_a_robust_family_misses_fails_nothing(kind):
    def function(*arguments):
        if kind == "raised":
            raise ValueError
        gradients = dense_backward(*arguments)
        if kind == "changed-argument":
            arguments[0][...] = 0
        return gradients if kind != "value" else (gradients[0], gradients[1], gradients[2] / 4)

    verdict = verdict_on(function, level="robust")
    assert verdict.outcome is Outcome.ROBUST_MISS
    assert kind in kinds(verdict)
    assert all(miss.robust for miss in verdict.misses)


def test_layouts_of_a_convention_are_held_against_the_answer_that_is_followed():
    family = slope_backward_family([[0.0, 1.0, -1.0]] * 2)
    verdict = check(family, implementation(backward=slope_backward(0.5)), SLOPE)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.answers == ("1/2",)


MALFORMED = {
    "a shape that would broadcast": (
        lambda g: (*g[:2], g[2][0]),
        "shape",
        "dL_dbiases has shape (2,), where (1, 2) is expected",
    ),
    "a widened dtype": (
        lambda g: (g[0], g[1].astype(float), g[2]),
        "dtype",
        "dL_dweights is float64, where float32 is expected",
    ),
    "swapped bytes": (
        lambda g: (g[0], g[1].astype(">f4"), g[2]),
        "dtype",
        "dL_dweights is >f4, where float32 is expected",
    ),
    "two results of three": (
        lambda g: g[:2],
        "count",
        "3 results (dL_dinputs, dL_dweights, dL_dbiases) expected, 2 came",
    ),
    "a bare array": (lambda g: g[0], "count", "one ndarray came"),
    "nothing": (lambda _: None, "count", "one NoneType came"),
    "None in a place": (
        lambda g: (g[0], None, g[2]),
        "result-type",
        "dL_dweights is None, where an array is expected",
    ),
    "a list in a place": (lambda g: (*g[:2], g[2].tolist()), "result-type", "dL_dbiases is a list of Python's"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_comes_back_in_the_wrong_form(name):
    deform, kind, words = MALFORMED[name]
    verdict = verdict_on(lambda *arguments: deform(dense_backward(*arguments)), dtype="float32")
    assert verdict.outcome is Outcome.FAILED
    miss = only_miss(verdict)
    assert miss.kind == kind
    assert words in miss.summary
    assert miss.details == ("in 3 of 3 cases",)


def test_every_result_in_the_wrong_form_is_told_and_the_others_are_still_compared():
    def function(*arguments):
        dL_dinputs, dL_dweights, dL_dbiases = dense_backward(*arguments)
        return dL_dinputs + 1, dL_dweights.T, dL_dbiases.astype(np.float32)

    assert [miss.kind for miss in verdict_on(function).misses] == ["shape", "dtype", "value", "value"]


CONVERTIBLE = {
    "wider numbers": (lambda g: (g[0], g[1].astype(float) * 2, g[2]), "dtype", "dL_dweights"),
    "a vector for one row": (lambda g: (g[0], g[1], g[2][0] * 2), "shape", "dL_dbiases"),
    "a column for one row": (lambda g: (g[0], g[1], g[2].T * 2), "shape", "dL_dbiases"),
    "a list": (lambda g: (g[0], (g[1] * 2).tolist(), g[2]), "result-type", "dL_dweights"),
}


@pytest.mark.parametrize("name", CONVERTIBLE)
def test_values_are_compared_where_the_form_is_wrong(name):
    deform, kind, result = CONVERTIBLE[name]
    verdict = verdict_on(lambda *arguments: deform(dense_backward(*arguments)), dtype="float32")
    assert [(miss.kind, miss.result) for miss in verdict.misses] == [(kind, result), ("value", result)]


def test_a_number_of_pythons_is_compared_where_a_scalar_is_due():
    family = slope_forward_family([2.0, -2.0], [2.0, 0.0])
    for factor, due in ((1.0, ["result-type"]), (3.0, ["result-type", "value"])):
        verdict = check(family, implementation(forward=lambda x, f=factor: max(0.0, float(x)) * f), SLOPE)
        assert [miss.kind for miss in verdict.misses] == due


def test_several_results_may_come_as_a_list_and_a_single_one_as_a_tuple():
    assert verdict_on(lambda *arguments: list(dense_backward(*arguments))).outcome is Outcome.PASSED
    family = slope_backward_family([[1.0, -1.0]])
    for wrap in (tuple, list):
        verdict = check(family, implementation(backward=lambda *a, w=wrap: w([slope_backward()(*a)])), SLOPE)
        assert (verdict.outcome is Outcome.PASSED) == (wrap is tuple)
