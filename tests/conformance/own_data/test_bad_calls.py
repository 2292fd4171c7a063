"""A call that does not fit the operation is told in one line: what, where, what to do."""

import re
import sys
from typing import Any

import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs

X = np.arange(6, dtype=np.float32).reshape(2, 3)
W, B, G = np.ones((3, 4), np.float32), np.ones((1, 4), np.float32), np.ones((2, 4), np.float32)
DENSE: dict[str, Any] = {"inputs": (X, W, B), "upstream": G}
GRADIENTS = X, W, B
NAN = np.array([[1, 2, np.nan]], np.float32)

CALLS = {
    "there is no operation 'layernorm'; was 'layer_norm' meant?": ("layernorm", GRADIENTS, DENSE),
    "there is no operation 'zebra'; `backproof list` prints all": ("zebra", GRADIENTS, DENSE),
    "sgd_step has no backward; assert_outputs judges what it has": ("sgd_step", X, {"inputs": (X, X, X)}),
    "dense: inputs are 3 tensors, inputs, weights, biases; 2 came": (
        "dense",
        GRADIENTS,
        {"inputs": (X, W), "upstream": G},
    ),
    "dense backward takes dL_doutputs: pass upstream=...": ("dense", GRADIENTS, {"inputs": (X, W, B)}),
    "dense backward takes dL_doutputs, inputs, weights, biases: biases is not given": (
        "dense",
        GRADIENTS,
        {"inputs": X, "weights": W, "upstream": G},
    ),
    "dense takes no 'weight'; was 'weights' meant?": (
        "dense",
        GRADIENTS,
        {"inputs": X, "weight": W, "biases": B, "upstream": G},
    ),
    "dense takes no 'eps'; it takes dL_doutputs, inputs, weights, biases": ("dense", GRADIENTS, {**DENSE, "eps": 1}),
    "weights is given twice": ("dense", GRADIENTS, {**DENSE, "weights": W}),
    "layer_norm needs eps: pass eps=...": ("layer_norm", GRADIENTS, {"inputs": (X, W[:, 0], W[:, 0]), "upstream": X}),
    "eps is a dict, where a number, a word or a tuple is due": (
        "rms_norm",
        (X, X[0]),
        {"inputs": (X, X[0]), "upstream": X, "eps": {}},
    ),
    "dense backward gives dL_dinputs, dL_dweights, dL_dbiases: 1 came; name those there are by "
    "results=('dL_dinputs', ...)": ("dense", X, DENSE),
    "dense backward has no result 'dL_dweight'; was 'dL_dweights' meant?": (
        "dense",
        W,
        {**DENSE, "results": ("dL_dweight",)},
    ),
    "dL_dbiases is None; where it is not computed, name the others by results=('dL_dinputs', ...)": (
        "dense",
        (X, W, None),
        DENSE,
    ),
    "dL_dweights is int64, where one of float64, float32, float16, bfloat16 is due": (
        "dense",
        (X, W.astype(np.int64), B),
        DENSE,
    ),
    "inputs is int32, where one of float64, float32, float16, bfloat16 is due": (
        "relu",
        X,
        {"inputs": X.astype(np.int32), "upstream": X},
    ),
    "inputs is float64, wider than dL_dinputs, which is float32: pass the float32 tensor that it was computed from": (
        "relu",
        X,
        {"inputs": X.astype(np.float64), "upstream": X},
    ),
    "inputs is a list of Python's, where an array is expected: its dtype is lost": (
        "relu",
        X,
        {"inputs": [1.0, 2.0], "upstream": X},
    ),
    "inputs has 1 NaN, first at [0, 2]; pass allow_nan=True if they are meant": (
        "relu",
        NAN,
        {"inputs": NAN, "upstream": X[:1]},
    ),
    "relu backward does not take dL_doutputs (2, 4), inputs (2, 3): dL_doutputs of shape (2, 4) for inputs of shape "
    "(2, 3)": ("relu", X, {"inputs": X, "upstream": G}),
    "dtype is 'half'; known are float64, float32, float16, bfloat16": ("dense", GRADIENTS, {**DENSE, "dtype": "half"}),
    "precision is 'fused'; known for float32 are float32, tf32": ("dense", GRADIENTS, {**DENSE, "precision": "fused"}),
    "conventions has an unknown name 'relu_slope_at_zer'; was 'relu_slope_at_zero' meant?": (
        "relu",
        X,
        {"inputs": X, "upstream": X, "conventions": {"relu_slope_at_zer": "1"}},
    ),
    "conventions['relu_slope_at_zero'] is 2; known answers are '0', '1/2', '1'": (
        "relu",
        X,
        {"inputs": X, "upstream": X, "conventions": {"relu_slope_at_zero": 2}},
    ),
    "cross_entropy backward does not take dL_dloss (), probabilities (2, 3), labels (2,): a label outside [0, 3)": (
        "cross_entropy",
        X,
        {"inputs": (X + 1, np.array([0, 3])), "upstream": np.float32(1), "reduction": "sum"},
    ),
}


@pytest.mark.parametrize("said", CALLS)
def test_one_line_says_what_does_not_fit(said: str) -> None:
    op, gradients, keywords = CALLS[said]
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        assert_gradients(op, gradients, **keywords)


def test_native_sums_have_a_longest() -> None:
    x = np.ones((2, 40), np.float16)
    with pytest.raises(ValueError, match="precision='native' allows short sums alone"):
        assert_outputs("sum", x.sum(axis=-1), inputs=x, axis=-1, precision="native")


def test_an_operation_without_forward_says_what_judges_it() -> None:
    with pytest.raises(ValueError, match="has no forward; assert_gradients judges what it has"):
        assert_outputs("softmax_cross_entropy_from_outputs", X, inputs=X)


def test_python_flint_is_asked_for_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "backproof.reference.generation.own", raising=False)
    monkeypatch.delattr("backproof.reference.generation.own", raising=False)
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ValueError, match="this needs flint: pip install python-flint"):
        assert_outputs("relu", X, inputs=X)
