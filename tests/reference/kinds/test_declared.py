"""What a module declares of its arguments' shapes, and the cases that are made of it."""

import numpy as np
import pytest
from backproof.reference.generation.build import build, drafts
from backproof.reference.generation.own import own_operation
from backproof.reference.kinds.declared import parse
from backproof.vectors.dtypes import DTYPES
from own_operations import module_of

PICKED = """
import numpy as np

SHAPES = {"x": "(..., 2*C) > 0", "index": "(...) < C"}


def forward(x, index):
    return np.log(np.take_along_axis(x, np.expand_dims(index, -1), -1)).squeeze(-1)


def backward(dL_dy, x, index):
    hot = (np.arange(x.shape[-1]) == np.expand_dims(index, -1)) * 1.0
    return np.expand_dims(dL_dy, -1) * hot / x
"""


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("(N, D)", (4, 5)),
        ("(D,)", (5,)),
        ("()", ()),
        ("(2*N, 3)", (8, 3)),
        ("(..., D) > 0", (7, 6, 5)),
        (" ( N,D ) ", (4, 5)),
    ],
)
def test_a_shape_is_read(text: str, shape: tuple[int, ...]) -> None:
    assert parse(text).shape({"N": (4,), "D": (5,), "...": (7, 6)}) == shape


@pytest.mark.parametrize("text", ["", "N, D", "(N; D)", "(N, , D)", "(..., N, ...)", "(N) > 1", "(N) < ", "(2 N)"])
def test_what_is_no_shape_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r'is no shape; write "\(N, D\)"'):
        parse(text)


def test_arguments_are_as_they_are_declared_in_every_family() -> None:
    own_operation(module_of(PICKED, "fused.picked"))
    for dtype in DTYPES:
        for name, draft in drafts("picked", dtype).items():
            if draft.level == "required" and name.endswith(("n4-c5", "spread", "random-c6", "one-hot")):
                inputs = build("picked", dtype, name).inputs
                assert (inputs["x"] > 0).all()
                assert inputs["index"].dtype == np.int64
                assert inputs["index"].min() >= 0
                assert (inputs["index"] < inputs["x"].shape[-1] / 2).all()


def test_families_ask_for_every_size_special_values_upstreams_and_refusals() -> None:
    own_operation(module_of(PICKED, "fused.picked"))
    found = drafts("picked", "float32")
    flags = {flag for draft in found.values() for flag in draft.flags}
    assert flags >= {"distinct-sizes", "square", "batch-of-one", "odd-sizes", "rank", "upstream-one-hot", "empty-batch"}
    assert flags >= {"nan", "infinity", "subnormal", "near-overflow", "successive", "size-mismatch", "small-values"}
    assert {draft.level for draft in found.values() if {"nan", "infinity"} & {*draft.flags}} == {"robust"}
    refused = [draft.name for draft in found.values() if draft.result == "invalid"]
    assert "forward-mismatch-index-1" in refused
    assert "backward-mismatch-dL_dy-0" in refused


def test_a_mean_of_nothing_is_not_asked_for() -> None:
    text = "SHAPES = {'x': '(N,)'}\ndef forward(x): return x.mean()\n"
    own_operation(module_of(f"{text}def backward(dL_dy, x): return dL_dy / len(x) + 0 * x", "fused.mean_of_all"))
    assert not [name for name in drafts("mean_of_all", "float32") if "empty" in name]
