"""Which lengths of an operation's arguments may be any, and what its arguments may hold."""

import math

import numpy as np
import pytest
from backproof.conformance.adapters import numpy as right
from backproof.conformance.check.verdict import verdict_on
from backproof.conformance.implementation.load import present
from backproof.conformance.live.cases import LiveCase, draw_case, tensors_of
from backproof.conformance.live.domains import Domain, Indices
from backproof.conformance.live.judging import Judge
from backproof.conformance.live.search import tried
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors import store
from shares import one_in

FUNCTIONS = [(op, direction) for op in operation_names() for direction in operation(op).functions]


def template(op: str, family: str) -> Template:
    direction = family.partition("-")[0]
    found = templates(operation(op), store.read_golden(op), "float32", direction)
    return next(t for t in found if t.family.name == family)


def axes(one: Template) -> list[dict[tuple[str, int], int]]:
    return [dict(length.multiples) for length in one.lengths]


def test_axes_that_go_together_are_one_length() -> None:
    assert axes(template("layer_norm", "backward-random-n3-c6")) == [
        {("inputs", 0): 1},
        {("inputs", 1): 1, ("weight", 0): 1, ("bias", 0): 1},
    ]


def test_lengths_that_happen_to_be_the_same_are_told_apart() -> None:
    assert axes(template("dense", "backward-random-n3-i3-o3")) == [
        {("inputs", 0): 1},
        {("inputs", 1): 1, ("weights", 0): 1},
        {("weights", 1): 1, ("biases", 1): 1},
    ]


def test_channels_grow_by_whole_groups() -> None:
    assert {("inputs", 1): 8, ("weight", 0): 8, ("bias", 0): 8} in axes(
        template("group_norm", "backward-random-3x8-g2")
    )


def test_an_axis_of_half_the_length_grows_with_the_other() -> None:
    found = axes(template("rotary_embedding", "backward-random-2x3x6"))
    assert {("inputs", 2): 6, ("cos", 1): 3, ("sin", 1): 3} in found


def _of(op: str) -> tuple[Template, ...]:
    return templates(operation(op), store.read_golden(op), "float32", "backward")


def test_indices_are_below_the_length_of_the_axis_that_they_index() -> None:
    one = template("embedding", "backward-random-5x3-4")
    assert one.limits == {"indices": (("weight", 0), 5)}
    assert one.domains["indices"] == Indices()


@pytest.mark.parametrize(("ignored", "beside"), [("255", (255,)), ("-100", (-100,)), ("0", (0,))])
def test_a_label_to_be_ignored_is_beside_the_classes_wherever_it_lies(ignored: str, beside: tuple[int, ...]) -> None:
    one = template("nll", f"backward-ignored{ignored}-indices-mean-n5-c3")
    assert one.domains["labels"] == Indices(beside)
    assert one.limits == {"labels": (("log_probabilities", 1), 3)}


@pytest.mark.parametrize("op", one_in(9, operation_names()))
def test_of_the_parameters_and_ranks_of_each_golden_family_a_case_can_be_judged(op: str) -> None:
    judge = Judge(present("right", vars(right), (op,)), verdict_on)

    def is_judged(one: Template) -> bool:
        sizes = tuple(length.golden for length in one.lengths)
        cases = (LiveCase(one.family.name, sizes, profile, key) for profile in ("bell", "integers") for key in range(3))
        return next(tried(judge, ((one, case) for case in cases)), None) is not None

    for direction in operation(op).functions:
        forms: dict[object, list[Template]] = {}
        for one in templates(operation(op), store.read_golden(op), "float32", direction):
            forms.setdefault(one.form, []).append(one)
        assert [form for form, some in forms.items() if not any(map(is_judged, some))] == []


@pytest.mark.parametrize(
    ("op", "argument", "kind"),
    [
        ("dropout", "mask", lambda d: set(d.values) == {0, 1}),
        ("hinge", "targets", lambda d: set(d.values) == {-1, 1}),
        ("log", "inputs", lambda d: d.low > 0),
        ("kl_div", "log_probabilities", lambda d: d.high < 0),
        ("cross_entropy", "probabilities", lambda d: d.shares and not d.one_hot),
    ],
)
def test_what_an_argument_may_hold_is_read_from_the_golden_families(op: str, argument: str, kind) -> None:
    domain = _of(op)[0].domains[argument]
    assert isinstance(domain, Domain)
    assert kind(domain)


def test_labels_that_are_shares_of_1_add_up_to_it_exactly() -> None:
    from backproof.conformance.live.profiles import Stream

    for one_hot in (False, True):
        rows = Domain(0, 1, (), True, True, one_hot).draw(Stream("key", "bfloat16"), "bell", (50, 7))
        assert (rows.astype(np.float64).sum(axis=1) == 1).all()
        assert (((rows == 0) | (rows == 1)).all()) == one_hot


@pytest.mark.catalogue
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize(("op", "direction"), FUNCTIONS)
def test_every_function_has_lengths_that_may_be_any(op: str, direction: str, dtype: str) -> None:
    found = templates(operation(op), store.read_golden(op), dtype, direction)
    assert max(len(one.lengths) for one in found) >= 1


@pytest.mark.parametrize("op", ["conv_transpose2d", "conv2d", "avg_pool2d", "layer_norm", "add"])
def test_outputs_have_the_shapes_that_are_foretold_without_computing_them(op: str) -> None:
    compared = 0
    found = templates(operation(op), store.read_golden(op), "float32", "forward")
    for number in range(60):
        one, case = draw_case(found, f"{op}#{number}")
        try:
            foretold, tensors = one.output_shapes(case.sizes), tensors_of(one, case)
        except (ValueError, IndexError):  # a window is larger than an image
            continue
        if sum(map(math.prod, foretold)) < 2**14 and sum(x.size for x in tensors.values()) < 2**12:
            outputs = operation(op).functions["forward"](*tensors.values(), **one.family.parameters)
            assert foretold == [np.shape(outputs)]
            compared += 1
    assert compared > 8


def test_the_length_of_time_is_that_of_a_loop() -> None:
    pairs = [pair for one in _of("lstm") for pair in zip(one.lengths, one.loops, strict=True)]
    assert {axis for length, loop in pairs if loop for axis in length.multiples} == {("inputs", 0)}
    assert not any(loop for one in _of("layer_norm") for loop in one.loops)
