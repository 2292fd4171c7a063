"""Live cases: drawn from a seed, written in a word, read again."""

import numpy as np
import pytest
from backproof.conformance.live.cases import (
    MOST_ELEMENTS,
    CaseTextError,
    LiveCase,
    draw_case,
    read_case,
    tensors_of,
)
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.operation import operation
from backproof.vectors import store


@pytest.fixture(scope="module")
def found() -> tuple[Template, ...]:
    return templates(operation("layer_norm"), store.read_golden("layer_norm"), "float32", "backward")


def test_the_same_seed_draws_the_same_cases(found: tuple[Template, ...]) -> None:
    some = [t for t in found if t.family.name in ("backward-random-n3-c6", "backward-random-n2-h3-c4")]
    assert [str(draw_case(some, f"0/layer_norm#{number}")[1]) for number in range(3)] == [
        "backward-random-n3-c6+5x65553+sparse+52157+21215",
        "backward-random-n2-h3-c4+33x6x5+integers+43223",
        "backward-random-n2-h3-c4+1x65535x7+sparse+52774+62933",
    ]


def test_a_case_is_read_as_it_is_written(found: tuple[Template, ...]) -> None:
    for number in range(20):
        template, case = draw_case(found, f"key#{number}")
        again, read = read_case(str(case), found)
        assert (read, again.family.name) == (case, template.family.name)
        first, second = tensors_of(template, case), tensors_of(again, read)
        assert all(np.array_equal(x, second[name]) for name, x in first.items())


def test_lengths_reach_beyond_every_golden_one_and_tensors_stay_small(found: tuple[Template, ...]) -> None:
    drawn = [draw_case(found, f"key#{number}") for number in range(300)]
    longest = [max(template.shapes(case.sizes)["inputs"]) for template, case in drawn]
    assert sum(length > 4096 for length in longest) > 10
    assert sum(length >= 2**16 for length in longest) > 5
    assert sum(length < 10 for length in longest) > 30
    shapes = [template.shapes(case.sizes) for template, case in drawn]
    assert max(sum(int(np.prod(s)) for s in one.values()) for one in shapes) <= MOST_ELEMENTS


@pytest.mark.parametrize(("op", "is_scaled"), [("transformer_block", True), ("dense", False)])
def test_wide_weights_of_many_layers_are_small_so_that_what_follows_has_bounds(op: str, is_scaled: bool) -> None:
    *_, template = templates(operation(op), store.read_golden(op), "float32", "forward")
    weights = "w_gate" if op == "transformer_block" else "weights"
    place = next(i for i, length in enumerate(template.lengths) if (weights, 0) in length.multiples)
    golden = tuple(length.golden for length in template.lengths)

    def largest(features: int) -> float:
        case = LiveCase(template.family.name, (*golden[:place], features, *golden[place + 1 :]), "integers", 0)
        return float(abs(tensors_of(template, case)[weights]).max())

    assert (largest(512) < largest(3) / 16) is is_scaled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no live case"),
        ("backward-random-n3-c6+2x3+odd+1", "is no live case"),
        ("backward-random-n3-c7+2x3+bell+1", "there is no family backward-random-n3-c7"),
        ("backward-random-n3-c6+2+bell+1", "has 2 sizes, each at least 1"),
        ("backward-random-n3-c6+2x0+bell+1", "has 2 sizes, each at least 1"),
    ],
)
def test_a_text_that_is_no_case_is_refused(found: tuple[Template, ...], text: str, said: str) -> None:
    with pytest.raises(CaseTextError, match=said):
        read_case(text, found)
