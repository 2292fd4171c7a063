"""The figures that the lesson prints come out of the curated families."""

import numpy as np
import pytest
from backproof.reference.generation.build import build


def expected(op: str, family: str, case: int = 0) -> dict[str, np.ndarray]:
    """The golden results of one case of a family, in float64."""
    return {result: values[case] for result, values in build(op, "float64", family).answer.expected.items()}


def test_dense_gradients() -> None:
    gradients = expected("dense", "backward-lesson")
    inputs = [[0.44, -0.38, -0.07, 1.37], [0.88, -0.76, -0.14, 2.74], [1.32, -1.14, -0.21, 4.11]]
    np.testing.assert_allclose(gradients["dL_dinputs"], inputs, atol=1e-12)
    weights = np.repeat([[0.5], [20.1], [10.9], [4.1]], 3, axis=1)
    np.testing.assert_allclose(gradients["dL_dweights"], weights, atol=1e-12)
    np.testing.assert_array_equal(gradients["dL_dbiases"], [[6, 6, 6]])


def test_dense_outputs() -> None:
    outputs = [[4.8, 1.21, 2.385], [8.9, -1.81, 0.2], [1.41, 1.051, 0.026]]
    np.testing.assert_allclose(expected("dense", "forward-lesson")["outputs"], outputs, atol=1e-12)


def test_relu() -> None:
    outputs, gradient = expected("relu", "forward-lesson"), expected("relu", "backward-lesson")
    np.testing.assert_array_equal(outputs["outputs"], [[1, 2, 0, 0], [2, 0, 0, 3], [0, 2, 5, 0]])
    np.testing.assert_array_equal(gradient["dL_dinputs"], [[1, 2, 0, 0], [5, 0, 0, 8], [0, 10, 11, 0]])


def test_softmax_outputs() -> None:
    outputs = expected("softmax", "forward-lesson")["outputs"]
    np.testing.assert_allclose(outputs, [[0.89528266, 0.02470831, 0.08000903]], atol=5e-9)


def test_shifted_logits_have_the_same_softmax_and_halved_ones_another() -> None:
    plain, shifted, halved = (expected("softmax", "forward-lesson-shifted", case)["outputs"] for case in range(3))
    np.testing.assert_allclose(plain, [[0.09003057, 0.24472847, 0.66524096]], atol=5e-9)
    np.testing.assert_array_equal(shifted, plain)
    np.testing.assert_allclose(halved, [[0.18632372, 0.30719589, 0.50648039]], atol=5e-9)


@pytest.mark.parametrize("form", ["indices", "one-hot"])
@pytest.mark.parametrize(
    ("reduction", "figures"), [("sum", [-2, -2.5, -2.5]), ("mean", [-0.66666667, -0.83333333, -0.83333333])]
)
def test_cross_entropy_gradient(form: str, reduction: str, figures: list[float]) -> None:
    wanted = np.zeros((3, 4))
    wanted[[0, 1, 2], [1, 2, 3]] = figures
    gradient = expected("cross_entropy", f"backward-lesson-{form}-{reduction}")["dL_dprobabilities"]
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=5e-9)


def test_cross_entropy_loss() -> None:
    loss = expected("cross_entropy", "forward-lesson-indices-mean")["loss"]
    np.testing.assert_allclose(loss, -np.log(0.5 * 0.4 * 0.4) / 3, rtol=1e-14)


@pytest.mark.parametrize("form", ["indices", "one-hot"])
def test_the_combined_gradient_from_saved_outputs(form: str) -> None:
    wanted = [
        [-0.1, 0.03333333, 0.06666667],
        [0.03333333, -0.16666667, 0.13333333],
        [0.00666667, -0.03333333, 0.02666667],
    ]
    gradient = expected("softmax_cross_entropy_from_outputs", f"backward-lesson-{form}")["dL_dlogits"]
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=5e-9)
