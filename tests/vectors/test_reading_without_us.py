"""A golden file read by SCHEMA.md alone, and an operation held against it: with h5py, and with h5wasm in JavaScript."""

import json
import os
import shutil
import subprocess
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
const group = new h5wasm.File(path, "r").get("float64");

const tensor = (column, family) => {
  const [begin, end] = column.get("starts").slice([[family, family + 2]]);
  const [rank, ...sizes] = column.get("shapes").to_array()[family].map(Number);
  return { sizes: sizes.slice(0, rank), values: column.get("values").slice([[Number(begin), Number(end)]]) };
};
let families = 0, wrong = 0;
for (const [family, [id, direction, , count, , result]] of group.get("families").value.entries()) {
  if (direction !== "forward" || result !== "valid") continue;
  families++;
  const [x, w, b] = ["inputs", "weights", "biases"].map((name) => tensor(group.get("inputs/" + name), family));
  const [y, t] = ["expected", "tolerance/float64"].map((part) => tensor(group.get(part + "/outputs"), family).values);
  const [N, I] = x.sizes, O = w.sizes[1];
  for (let k = 0; k < y.length; k++) {
    const [c, n, o] = [Math.floor(k / O / N), Math.floor(k / O) % N, k % O];
    let sum = 0;
    for (let i = 0; i < I; i++) sum += x.values[(c * N + n) * I + i] * w.values[(c * I + i) * O + o];
    const got = sum + b.values[c * O + o];
    if (!(Math.abs(got - y[k]) <= t[k] || Object.is(got, y[k]))) wrong++;
  }
}
console.log(JSON.stringify({ families, wrong }));
"""


def forward_families() -> int:
    families = store.read_golden("dense").families
    return sum(f.dtype == "float64" and f.direction == "forward" and f.result == "valid" for f in families)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_ten_lines_of_h5py_check_an_operation() -> None:
    wrong, checked = [], 0
    with h5py.File(DENSE) as file:
        group = file["float64"]
        for f, row in enumerate(group["families"]):
            if row["direction"] == b"forward" and row["result"] == b"valid":
                columns = [group[f"inputs/{name}"] for name in ("inputs", "weights", "biases")]
                columns += [group["expected/outputs"], group["tolerance/float64/outputs"]]
                flat = [c["values"][c["starts"][f] : c["starts"][f + 1]] for c in columns]
                shapes = [(row["count"], *c["shapes"][f][1 : 1 + c["shapes"][f][0]]) for c in columns]
                x, w, b, expected, tolerance = map(np.reshape, flat, shapes)
                right = (abs(x @ w + b - expected) <= tolerance) | np.isclose(x @ w + b, expected, 0, 0, equal_nan=True)
                wrong += [] if right.all() else [row["id"].decode()]
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
