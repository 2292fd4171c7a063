"""Shuffle and deflate, as the HDF5 filters of these names do, without the HDF5 library.

That would inflate whatever a file says it holds, and it deflates with a zlib of its own.
"""

import zlib

import numpy as np

LEVEL = 9


def deflated(array: np.ndarray) -> bytes:
    """Deflate an array shuffled: the first byte of every element, then the second of every element, and so on."""
    return zlib.compress(array.view(np.uint8).reshape(-1, array.itemsize).T.tobytes(), LEVEL)


def inflated(stream: bytes | memoryview, dtype: np.dtype, size: int) -> np.ndarray:
    """Return the elements that were deflated, as a read-only array; no more bytes than theirs are ever inflated.

    Raises ValueError, with a reason, unless the stream is whole and holds just these elements.
    """
    length = size * dtype.itemsize
    inflater = zlib.decompressobj()
    try:
        shuffled = inflater.decompress(stream, length + 1)  # room for one more: only then is the end looked for
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(shuffled) > length:
        raise ValueError("more comes of it")
    if len(shuffled) < length or not inflater.eof:
        raise ValueError("it ends early")
    if inflater.unused_data:
        raise ValueError("other bytes follow it")
    planes = np.frombuffer(shuffled, np.uint8).reshape(dtype.itemsize, size)
    return np.frombuffer(planes.T.tobytes(), dtype)
