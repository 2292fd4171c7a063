"""Two made-up operations with few families, for tests of what happens around a check and not of the figures.

`double` doubles its inputs. `kink` is the absolute value: its slope at 0 has two right answers, and two families ask
for it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from backproof.vectors import store
from backproof.vectors.records import Answer, Expectation, Family, Flag, OperationVectors

ADAPTER = """
import numpy as np

name = "small"
version = "1.2"

def double_forward(inputs):
    if inputs.size and inputs.flat[0] == 13:
        raise ValueError("refused")
    return 2 * inputs

def double_backward(dL_doutputs, inputs):
    return 2 * dL_doutputs

def kink_backward(dL_doutputs, inputs):
    return dL_doutputs * np.sign(inputs)
"""
"""An adapter that is right, and does not implement kink_forward."""

FLAGS = (
    Flag("plain", "wrong formula", "nothing is learnt", ""),
    Flag("two-words", "missing factor", "steps are too short", "https://example.org/factor"),
    Flag("label-range", "unchecked index", "another row's value is read", ""),
)


def double() -> OperationVectors:
    """Families of every level and result but conventions, in three dtypes."""
    return OperationVectors(
        op="double",
        vectors_version="9.8.7",
        generator="by hand",
        arguments={"forward": ("inputs",), "backward": ("dL_doutputs", "inputs")},
        results={"forward": ("outputs",), "backward": ("dL_dinputs",)},
        batch_axis={"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0},
        aliases={"tf32": "float32"},
        flags=FLAGS,
        answers=(),
        families=tuple(family for dtype in ("float64", "float32", "float16") for family in _double_families(dtype)),
    )


def kink() -> OperationVectors:
    """Two families that ask for the slope at 0, one that does not."""
    return OperationVectors(
        op="kink",
        vectors_version="9.8.7",
        generator="by hand",
        arguments={"forward": ("inputs",), "backward": ("dL_doutputs", "inputs")},
        results={"forward": ("outputs",), "backward": ("dL_dinputs",)},
        batch_axis={"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0},
        aliases={"tf32": "float32"},
        flags=FLAGS,
        answers=(
            Answer("kink_slope", "0", True, "the middle"),
            Answer("kink_slope", "1", False, "the slope from the right"),
        ),
        families=tuple(family for dtype in ("float64", "float32") for family in _kink_families(dtype)),
    )


def write_golden(folder: Path) -> None:
    """Write both as a folder of golden files with its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for vectors in (double(), kink()):
        store.write(folder / f"{vectors.op}.h5", vectors)
    store.update_manifest(folder, ["double", "kink"])


def _double_families(dtype: str) -> Iterator[Family]:
    inputs = (np.arange(1, 13).reshape(4, 3) / 8).astype(dtype)
    upstream = (np.arange(12, 0, -1).reshape(4, 3) / 4).astype(dtype)
    yield _family("double", dtype, "forward-plain", {"inputs": inputs}, {"outputs": 2 * inputs}, flags=("two-words",))
    arguments = {"dL_doutputs": upstream, "inputs": inputs}
    yield _family("double", dtype, "backward-plain", arguments, {"dL_dinputs": 2 * upstream})
    infinite = np.array([[np.inf, -1.0]], dtype)
    yield _family("double", dtype, "forward-infinite", {"inputs": infinite}, {"outputs": 2 * infinite}, level="robust")
    refused = np.array([[13.0]], dtype)
    yield _family("double", dtype, "forward-refused", {"inputs": refused}, {}, result="invalid", flags=("label-range",))


def _kink_families(dtype: str) -> Iterator[Family]:
    plain = np.array([[-1.5, 2.0]], dtype)
    yield _family("kink", dtype, "forward-plain", {"inputs": plain}, {"outputs": abs(plain)})
    for name, inputs in {"backward-zeros": [[0.0, 3.0]], "backward-more-zeros": [[0.0, 0.0]]}.items():
        arguments = {"dL_doutputs": np.array([[2.0, 3.0]], dtype), "inputs": np.array(inputs, dtype)}
        zeros = arguments["inputs"] == 0
        left, right = (np.where(zeros, slope * arguments["dL_doutputs"], arguments["dL_doutputs"]) for slope in (0, 1))
        alternatives = {"kink_slope=1": _expectation({"dL_dinputs": right}, dtype)}
        results = {"dL_dinputs": left}
        yield _family("kink", dtype, name, arguments, results, result="convention", alternatives=alternatives)


def _family(
    op: str,
    dtype: str,
    name: str,
    inputs: dict[str, np.ndarray],
    results: dict[str, np.ndarray],
    *,
    level: str = "required",
    result: str = "valid",
    flags: tuple[str, ...] = ("plain",),
    alternatives: dict[str, Expectation] | None = None,
) -> Family:
    return Family(
        op=op,
        dtype=dtype,
        name=name,
        direction=name.partition("-")[0],
        count=len(next(iter(inputs.values()))),
        level=level,
        result=result,
        flags=flags,
        parameters={},
        seed="",
        comment=f"{name.replace('-', ' ')}, as small as can be",
        source="by hand",
        inputs=inputs,
        answer=_expectation(results, dtype) if results else Expectation({}, {}),
        alternatives=alternatives or {},
    )


def _expectation(results: dict[str, np.ndarray], dtype: str) -> Expectation:
    expected = {name: values.astype(np.float64) for name, values in results.items()}
    unit = float(np.finfo(dtype).eps)
    units = {"fused": unit, "stepwise": 4 * unit} if dtype == "float16" else {dtype: unit}
    tolerance = {
        precision: {name: np.where(np.isfinite(v), unit * abs(v), 0.0) for name, v in expected.items()}
        for precision, unit in units.items()
    }
    return Expectation(expected, tolerance)
