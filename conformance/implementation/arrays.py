"""Results of any framework as NumPy arrays, without importing the framework."""

import sys
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from .errors import text_of, type_name

Arrays = list[np.ndarray]


class NotAnArray(Exception):
    """A result that is not an array of any framework, or cannot be read. The message is one line."""


def to_numpy(result: object) -> np.ndarray:
    """`result` as an array of its own dtype and shape, sharing its memory where it can.

    Reads NumPy arrays and scalars, and tensors of any framework through DLPack or `__array__`; of torch also those
    that require a gradient, lie on another device, or are bfloat16 or float8, which neither protocol carries; of MLX
    those of bfloat16. Python numbers, lists and None are not converted: they have lost the dtype that is to be
    checked. Raises NotAnArray.
    """
    if type(result) is np.ndarray:
        return result
    if isinstance(result, NotAnArray):  # found out in another process
        raise result
    if isinstance(result, (np.ndarray, np.generic)):
        return np.asarray(result)
    if result is None or isinstance(result, (bool, int, float, complex, str, list, tuple, dict)):
        raise NotAnArray(_plain(result))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(result, torch.Tensor):
        result = _host_tensor(result, torch)
        if isinstance(result, np.ndarray):
            return result
    mlx = sys.modules.get("mlx.core")
    if mlx is not None and isinstance(result, mlx.array) and result.dtype == mlx.bfloat16:
        return np.asarray(result.view(mlx.uint16)).view(numpy_dtype("bfloat16"))
    return _through_protocols(result)


def numbers(result: object) -> np.ndarray | None:
    """A Python number, or a list of them, as an array of float64 or int64; None for anything else."""
    if not isinstance(result, (bool, int, float, list)):
        return None
    try:
        array = np.asarray(result)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in "fib" else None


def _plain(result: object) -> str:
    if result is None:
        return "None, where an array is expected"
    kind = type_name(result)
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind} of Python's, where an array is expected: its dtype is lost"


def _host_tensor(tensor: Any, torch: Any) -> Any:
    """A torch tensor without its history and in the host's memory; a bfloat16 or float8 one as a NumPy array."""
    tensor = tensor.detach().cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    if name == "bfloat16":
        return np.asarray(tensor.contiguous().view(torch.int16)).view(numpy_dtype(name))
    if name.startswith("float8_"):
        import ml_dtypes  # imported only where there are such tensors

        return np.asarray(tensor.contiguous().view(torch.uint8)).view(getattr(ml_dtypes, name))
    return tensor


def _through_protocols(result: Any) -> np.ndarray:
    refusals = []
    if hasattr(result, "__dlpack__") and hasattr(result, "__dlpack_device__"):
        try:
            return np.from_dlpack(result)
        except Exception as error:  # numpy and the framework each raise what they like, bfloat16 among the causes
            refusals.append(f"DLPack: {text_of(error) or type_name(error)}")
    if hasattr(result, "__array__"):
        try:
            return np.asarray(result)
        except Exception as error:
            refusals.append(f"__array__: {text_of(error) or type_name(error)}")
    kind = f"{type(result).__module__}.{type(result).__qualname__}"
    if refusals:
        raise NotAnArray(f"a {kind} that cannot be read ({'; '.join(refusals)}): return it as a NumPy array")
    raise NotAnArray(f"a {kind}, which has neither __dlpack__ nor __array__: return an array")
