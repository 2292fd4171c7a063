"""A Python adapter behind the protocol of --impl-cmd: `python python_harness.py MODULE`. For comparison with --impl."""

import importlib
import json
import sys
from base64 import b64decode, b64encode
from math import prod
from typing import Any

import numpy as np

NUMPY_DTYPES = {name: np.dtype(name) for name in ("float64", "float32", "float16", "int64")}


def main(module_name: str) -> None:
    adapter = importlib.import_module(module_name)
    if "bfloat16" in adapter.dtypes:
        import ml_dtypes

        NUMPY_DTYPES["bfloat16"] = np.dtype(ml_dtypes.bfloat16)
    np.seterr(all="ignore")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        match request["command"]:
            case "stop":
                return
            case "start":
                answer = start(adapter)
            case "call":
                answer = call(adapter, request)
        answer["id"] = request["id"]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def start(adapter: Any) -> dict[str, object]:
    operations: dict[str, list[str]] = {}
    for name in dir(adapter):
        operation, _, direction = name.rpartition("_")
        if operation and direction in ("forward", "backward") and not name.startswith("_"):
            operations.setdefault(operation, []).append(direction)
    return {
        "protocol": 1,
        "name": adapter.name,
        "language": "Python",
        "operations": operations,
        "dtypes": adapter.dtypes,
    }


def call(adapter: Any, request: dict[str, Any]) -> dict[str, object]:
    function = getattr(adapter, f"{request['operation']}_{request['direction']}")
    try:
        results = function(*map(tensor, request["arguments"]), **request["parameters"])
    except NotImplementedError as error:
        return {"unsupported": str(error)}
    except Exception as error:
        return {"error": str(error)}
    return {"results": [wired(result) for result in (results if isinstance(results, tuple) else (results,))]}


def tensor(wire: dict[str, Any]) -> np.ndarray:
    dtype = NUMPY_DTYPES[wire["dtype"]]
    data = b64decode(wire["data"])
    assert len(data) == prod(wire["shape"]) * dtype.itemsize
    return np.frombuffer(bytearray(data), dtype).reshape(wire["shape"])


def wired(result: Any) -> dict[str, object]:
    array = np.asarray(result)
    return {"dtype": array.dtype.name, "shape": array.shape, "data": b64encode(array.tobytes()).decode()}


if __name__ == "__main__":
    main(sys.argv[1])
