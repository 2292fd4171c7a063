"""A golden file read by SCHEMA.md alone, and an operation held against it: with h5py, and with h5wasm in JavaScript."""

import json
import math
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import h5py
import numpy as np
import pytest
from backproof.vectors import store

DENSE = store.golden_folder() / "dense.h5"

JAVASCRIPT = """
const [library, path] = process.argv.slice(2);
const h5wasm = (await import(library)).default;
await h5wasm.ready;
const file = new h5wasm.File(path, "r");

const size = (shape) => shape.reduce((product, n) => product * n, 1);
const upper = (bits) => new Float64Array(BigUint64Array.from(bits, (t) => BigInt(t) << 48n).buffer);
const begin = {};
let families = 0, wrong = 0;
for (const family of JSON.parse(new TextDecoder().decode(file.get("contents").value)).families) {
  if (!family.dtypes.includes("float64")) continue;
  const take = (column, shape) => {
    const start = begin[column] ?? 0;
    begin[column] = start + family.count * size(shape);
    return file.get("float64/" + column).slice([[start, begin[column]]]);
  };
  const [x, w, b] = Object.entries(family.inputs).slice(-3).map(([name, shape]) => take("inputs/" + name, shape));
  if (family.direction !== "forward" || (family.result ?? "valid") !== "valid") continue;
  const y = take("expected/outputs", family.results.outputs);
  const t = upper(take("tolerance/float64/outputs", family.results.outputs));
  if (!Object.values(family.inputs).every((shape) => shape.length === 2)) continue;
  families++;
  const [N, I] = family.inputs.inputs, O = family.inputs.weights[1];
  for (let k = 0; k < y.length; k++) {
    const [c, n, o] = [Math.floor(k / O / N), Math.floor(k / O) % N, k % O];
    let sum = 0;
    for (let i = 0; i < I; i++) sum += x[(c * N + n) * I + i] * w[(c * I + i) * O + o];
    const got = sum + b[c * O + o];
    if (!(Math.abs(got - y[k]) <= t[k] || Object.is(got, y[k]))) wrong++;
  }
}
console.log(JSON.stringify({ families, wrong }));
"""


def forward_families() -> int:
    families = store.read_golden("dense").families
    answered = [f for f in families if f.dtype == "float64" and f.direction == "forward" and f.result == "valid"]
    return sum(all(tensor.ndim == 3 for tensor in f.inputs.values()) for f in answered)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_twenty_lines_of_h5py_check_an_operation() -> None:
    wrong, checked = [], 0
    with h5py.File(DENSE) as file:
        group, begin = file["float64"], defaultdict(int)
        for family in json.loads(file["contents"][()].tobytes())["families"]:
            if "float64" in family["dtypes"]:
                paths = {f"inputs/{name}": shape for name, shape in family["inputs"].items()}
                if family["direction"] == "forward" and family["results"]:
                    paths |= dict.fromkeys(
                        ["expected/outputs", "tolerance/float64/outputs"], family["results"]["outputs"]
                    )
                tensors = []
                for path, shape in paths.items():
                    start, begin[path] = begin[path], begin[path] + family["count"] * math.prod(shape)
                    tensors.append(group[path][start : begin[path]].reshape(family["count"], *shape))
                matrices = all(len(shape) == 2 for shape in family["inputs"].values())
                if len(tensors) == 5 and matrices and family.get("result", "valid") == "valid":
                    x, w, b, expected, bits = tensors
                    tolerance = (bits.astype("u8") << 48).view("f8")
                    error = abs(x @ w + b - expected)
                    right = (error <= tolerance) | np.isclose(x @ w + b, expected, 0, 0, equal_nan=True)
                    wrong += [] if right.all() else [family["name"]]
                    checked += 1
    assert wrong == []
    assert checked == forward_families() > 10


def test_javascript_checks_an_operation(tmp_path: Path) -> None:
    library = h5wasm()
    script = tmp_path / "check.mjs"
    script.write_text(JAVASCRIPT)
    command = ["node", str(script), library.as_uri(), str(DENSE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"families": forward_families(), "wrong": 0}


def h5wasm() -> Path:
    """The library's module for Node; skips where either is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    global_folder = Path(node).resolve().parent.parent / "lib" / "node_modules"
    folders = [*filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)), global_folder]
    for folder in folders:
        if (module := Path(folder) / "h5wasm" / "dist" / "node" / "hdf5_hl.js").is_file():
            return module
    pytest.skip("needs h5wasm: npm install h5wasm, and NODE_PATH=node_modules")
