"""Upstreams that are large or small."""

import numpy as np
from backproof.reference.generation.draws import Words
from backproof.reference.kinds.upstreams import far_upstreams, scaled
from backproof.reference.model.family import Inputs


def ordinary(w: Words) -> Inputs:
    """Ordinary arguments of backward."""
    return {"dL_doutputs": w.normal((3,)), "inputs": w.normal((2,))}


def test_an_upstream_is_that_of_ordinary_input_times_a_power_of_two() -> None:
    plain, far = ordinary(Words("far", "float32")), scaled(ordinary)(Words("far", "float32"), 5)
    assert [*far] == ["dL_doutputs", "inputs"]
    assert np.array_equal(far["dL_doutputs"], plain["dL_doutputs"] * 32)
    assert np.array_equal(far["inputs"], plain["inputs"])


def test_an_upstream_of_a_shape_is_drawn_before_all_else() -> None:
    far = scaled(ordinary, (4,))(Words("far", "float32"), 5)
    assert [*far] == ["dL_doutputs", "inputs"]
    assert far["dL_doutputs"].shape == (4,)
    assert ((abs(far["dL_doutputs"]) >= 32) & (abs(far["dL_doutputs"]) <= 64)).all()


def test_float16_has_no_upstream_that_it_does_not_hold() -> None:
    for dtype, words in (("float16", ["large", "small"]), ("bfloat16", ["large", "small", "huge", "tiny"])):
        drafts = far_upstreams(scaled(ordinary), dtype, cases=2)
        assert [(d.name, d.count) for d in drafts] == [
            (f"backward-{word}-upstream", 2 if word in ("large", "small") else 1) for word in words
        ]
