"""Wrong pools that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.convolution import columns_of, cropped, in_groups, pooled
from ..model.fault import backward
from ..ops import max_pool2d

Array = Any


@backward("riccardoandreoni0/CNN-from-scratch#1", "add to what other windows have left at the same place.")
def assigned_where_windows_overlap(
    dL_doutputs: Array, inputs: Array, *, kernel_size: Any, stride: Any, padding: Any = 0, dilation: Any = 1
) -> Any:
    """Each window overwrites what windows before it left: right wherever none overlap."""
    sizes = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    due = max_pool2d.backward(dL_doutputs, inputs, **sizes)  # which refuses what does not fit
    windows = pooled(inputs, kernel_size, stride, padding, dilation)
    columns, upstream = columns_of(inputs, windows, 1, -np.inf), in_groups(dL_doutputs, 1)
    places = np.zeros((*columns.shape[:3], windows.padded[0] * windows.padded[1]), due.dtype)
    for window, winner in np.ndenumerate(columns.argmax(axis=3)):
        places[(*window[:3], windows.places[winner, window[3]])] = upstream[window]
    return cropped(places, windows)
