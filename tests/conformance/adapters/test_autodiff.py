"""What adapters of frameworks with automatic differentiation share, on a framework of one line."""

import numpy as np
import pytest
from backproof.conformance.adapters.autodiff import Autodiff, are_indices, needed, network, own, wanted
from ml_dtypes import bfloat16


def doubled(inputs):
    return 2 * inputs


def weighed(scores, labels, *, reduction):
    rows = (labels * scores).sum(axis=-1)
    return rows.sum() if reduction == "sum" else rows


def gradients(function, variables, constants, upstream):
    """A central difference: what is differentiated here is linear."""
    for position, variable in enumerate(variables):
        gradient = np.zeros_like(variable)
        for at in np.ndindex(variable.shape):
            step = np.zeros_like(variable)
            step[at] = 0.5
            up, down = (
                function(*variables[:position], variable + sign * step, *variables[position + 1 :], *constants)
                for sign in (1, -1)
            )
            gradient[at] = (upstream * (up - down)).sum()
        yield gradient


PLAIN = Autodiff(np.copy, gradients)


@pytest.mark.parametrize(
    "given",
    [
        np.arange(6.0).reshape(2, 3)[::-1, ::-1],
        np.arange(6.0).reshape(3, 2).T,
        np.arange(6.0).reshape(2, 3).astype(">f4"),
        np.broadcast_to(np.arange(3.0), (2, 3)),
        np.arange(2, dtype=">i8"),
        np.array(7.0),
        np.arange(3, dtype=bfloat16),
    ],
)
def test_a_framework_gets_a_copy_that_is_packed_and_in_the_byte_order_of_the_machine(given):
    copy = own(given)
    assert np.array_equal(copy, given)
    assert (copy.shape, copy.dtype) == (given.shape, given.dtype.newbyteorder("="))
    assert copy.dtype.isnative
    assert copy.flags.c_contiguous
    assert not np.shares_memory(copy, given)


def test_a_function_becomes_both_directions():
    forward, backward = PLAIN.both(doubled)
    assert forward(np.array([1.0, 2.0])).tolist() == [2, 4]
    (gradient,) = backward(np.array([3.0, -1.0]), np.array([1.0, 2.0]))
    assert gradient.tolist() == [6, -2]


def test_labels_are_not_differentiated_and_parameters_are_handed_on():
    forward, backward = PLAIN.both_of_loss(weighed)
    scores, labels = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    assert forward(scores, labels, reduction="none").tolist() == [1, 3.5]
    assert forward(scores, labels, reduction="sum") == 4.5
    (gradient,) = backward(np.array(2.0), scores, labels, reduction="sum")
    assert gradient.tolist() == [[2, 0], [1, 1]]


def test_the_same_parameters_give_the_same_function_which_is_what_compilers_remember():
    seen = []
    forward, _ = Autodiff(np.copy, gradients, value=lambda function, *_: seen.append(function)).both_of_loss(weighed)
    for reduction in ("sum", "none", "sum"):
        forward(np.ones((1, 1)), np.ones((1, 1)), reduction=reduction)
    assert seen[0] is seen[2]
    assert seen[0] is not seen[1]


def test_results_go_out_as_arrays_the_way_the_framework_says():
    forward, backward = Autodiff(np.copy, gradients, array=np.ndarray.tolist).both(doubled)
    assert forward(np.array([1.0])) == [2]
    assert backward(np.array([1.0]), np.array([1.0])) == ([2],)


@pytest.mark.parametrize(
    ("upstream", "reduction", "gradient"),
    [
        (np.array(2.0), "sum", [[-1.0, 1.0], [0.5, -0.5]]),
        (np.array(2.0), "mean", [[-0.5, 0.5], [0.25, -0.25]]),
        (np.array([2.0, 4.0]), "none", [[-1.0, 1.0], [1.0, -1.0]]),
    ],
)
def test_the_gradient_from_saved_outputs_is_outputs_less_labels(upstream, reduction, gradient):
    backward = PLAIN.from_outputs(lambda labels, _: np.eye(2)[labels])
    outputs = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert backward(upstream, outputs, np.array([0, 1]), reduction=reduction).tolist() == gradient


def test_the_gradient_from_saved_outputs_refuses_an_upstream_of_other_rows():
    backward = PLAIN.from_outputs(lambda labels, _: labels)
    with pytest.raises(ValueError, match=r"a gradient of shape \(1,\) does not fit outputs \(2, 2\)"):
        backward(np.ones(1), np.ones((2, 2)), np.ones((2, 2)), reduction="none")


def test_a_network_is_dense_relu_dense_loss():
    def told(name):
        return lambda *arguments, **parameters: (name, *arguments, *parameters.values())

    mlp = network(told("dense"), told("relu"), told("loss"))
    hidden = ("relu", ("dense", "x", "w1", "b1"))
    expected = ("loss", ("dense", hidden, "w2", "b2"), "y", "mean")
    assert mlp("x", "w1", "b1", "w2", "b2", "y", reduction="mean") == expected


def test_labels_are_indices_or_rows_by_their_shape_and_no_other_is_taken():
    scores = np.ones((3, 4))
    assert are_indices(np.ones(3), scores)
    assert not are_indices(np.ones((3, 4)), scores)
    for shape in [(), (1,), (4,), (3, 1), (1, 4), (3, 4, 1)]:
        with pytest.raises(ValueError, match=r"do not fit scores of shape \(3, 4\)"):
            are_indices(np.ones(shape), scores)


def test_a_missing_framework_says_what_to_install():
    expected = pytest.raises(ModuleNotFoundError, match="this adapter needs No Such: pip install no-such")
    with expected, needed("no_such", "No Such", "no-such"):
        import no_such  # noqa: F401


def test_a_framework_that_lacks_something_of_its_own_says_so_itself():
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such'"), needed("other", "Other", "other"):
        import no_such  # noqa: F401


def test_a_switch_is_true_or_false():
    assert wanted("true")
    assert not wanted("false")
    with pytest.raises(ValueError, match="'yes' is neither true nor false"):
        wanted("yes")
