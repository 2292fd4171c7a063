"""Results of any kind, read as NumPy arrays."""

import numpy as np
import pytest
from backproof.conformance.implementation.arrays import NotAnArray, to_numpy
from backproof.vectors.dtypes import numpy_dtype

BFLOAT16 = numpy_dtype("bfloat16")


class OnlyArrayProtocol:
    """A tensor that NumPy reads through `__array__`."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


class OnlyDLPack:
    """A tensor that hands its memory over through DLPack."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnAnotherDevice(OnlyDLPack):
    """A tensor that refuses both ways."""

    def __dlpack__(self, **options):
        raise BufferError("memory of device 7")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("copy it to the host first")


def test_an_array_is_itself():
    array = np.ones(3)
    assert to_numpy(array) is array


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_numpy_scalar_keeps_its_dtype(dtype):
    scalar = np.ones(1, numpy_dtype(dtype))[0]
    assert to_numpy(scalar).dtype == numpy_dtype(dtype)
    assert to_numpy(scalar).shape == ()


def test_float64_scalars_are_arrays_although_they_are_floats_of_pythons_too():
    assert to_numpy(np.float64(2)).dtype == np.float64


@pytest.mark.parametrize("wrapper", [OnlyArrayProtocol, OnlyDLPack])
def test_tensors_are_read_through_either_protocol(wrapper):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    read = to_numpy(wrapper(values))
    assert read.dtype == np.float32
    assert read.tolist() == values.tolist()


def test_a_tensor_shares_its_memory_so_that_later_writes_are_seen():
    values = np.zeros(2)
    read = to_numpy(OnlyDLPack(values))
    values[0] = 1
    assert read[0] == 1


def test_a_dtype_that_dlpack_does_not_carry_is_read_the_other_way():
    class Both(OnAnotherDevice):
        def __array__(self, dtype=None, copy=None):
            return np.ones(2, BFLOAT16)

    assert to_numpy(Both(None)).dtype == BFLOAT16


def test_read_only_results_are_read():
    values = np.ones(3)
    values.flags.writeable = False
    assert to_numpy(values) is values


def test_a_matrix_is_read_as_the_array_that_it_is_made_of():
    assert type(to_numpy(np.ma.masked_array([1.0, 2.0]))) is np.ndarray


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "None, where an array is expected"),
        (1.5, "a float of Python's, where an array is expected: its dtype is lost"),
        (1, "an int of Python's"),
        (True, "a bool of Python's"),
        ([1.0, 2.0], "a list of Python's"),
        ({"a": 1}, "a dict of Python's"),
        (object(), "builtins.object, which has neither __dlpack__ nor __array__"),
    ],
)
def test_what_has_lost_its_dtype_is_refused_in_one_line(result, words):
    with pytest.raises(NotAnArray, match=words) as refused:
        to_numpy(result)
    assert "\n" not in str(refused.value)


def test_a_tensor_that_cannot_be_read_says_why_both_ways():
    with pytest.raises(NotAnArray, match=r"DLPack: memory of device 7.*__array__: copy it to the host first"):
        to_numpy(OnAnotherDevice(np.ones(2)))


torch_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])


@torch_dtypes
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 2)])
def test_torch_tensors_of_every_dtype_are_read(dtype, requires_grad, shape):
    torch = pytest.importorskip("torch")
    tensor = torch.full(shape, 0.5, dtype=getattr(torch, dtype), requires_grad=requires_grad)
    read = to_numpy(tensor)
    assert read.dtype == numpy_dtype(dtype)
    assert read.shape == shape
    assert (read.astype(np.float64) == 0.5).all()


@torch_dtypes
def test_torch_tensors_with_strides_are_read(dtype):
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3).to(getattr(torch, dtype)).T
    assert to_numpy(tensor).astype(np.float64).tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_jax_arrays_are_read(dtype):
    jnp = pytest.importorskip("jax.numpy")
    read = to_numpy(jnp.full((2, 3), 0.5, dtype))
    assert read.dtype == numpy_dtype(dtype)
    assert (read.astype(np.float64) == 0.5).all()
