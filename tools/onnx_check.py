"""Runs models that the tests of medmodels wrote elsewhere, and compares. Usage: onnx_check.py FOLDER

The folder is the one that MED_ONNX_OUT named when `cargo test -p medmodels --features onnx --test parity -- onnx` ran:
a folder for each model, with `model.onnx` and, in `case_*.npz`, inputs and the outputs of medmodels.
Needs onnx and onnxruntime.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 2e-5  # of the largest magnitude of an output
# A network that normalises two voxels together may turn the last bit of its input into much more. Outputs that differ by more
# than the tolerance may still differ by so many times what the runtime's own outputs move by when its input is rounded otherwise:
# every operator rounds, the input is one of them.
OF_ROUNDING = 16


def session(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def apart(got, wanted):
    """The largest difference as a part of the largest magnitude."""
    if got.shape != wanted.shape:
        return f"shape {got.shape}, expected {wanted.shape}"
    if not np.array_equal(np.isfinite(got), np.isfinite(wanted)):
        return "other elements are no numbers"
    got, wanted = (np.where(np.isfinite(t), t, 0).astype(np.float64) for t in (got, wanted))
    return np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1e-30)


def moved(model, names, inputs):
    """How far the runtime's own outputs move when every number of its input changes in the last bit."""
    signs = np.random.default_rng(0)
    other = {
        name: np.nextafter(t, signs.choice([-np.inf, np.inf], t.shape).astype(t.dtype)) if t.dtype.kind == "f" else t
        for name, t in inputs.items()
    }
    pairs = zip(model.run(names, inputs), model.run(names, other), strict=True)
    return max(apart(b, a) for a, b in pairs)


def check(folder):
    """The largest difference of a model, and what is wrong with it."""
    model = session(str(folder / "model.onnx"))
    names = [output.name for output in model.get_outputs()]
    worst, faults = 0.0, []
    cases = sorted(folder.glob("case_*.npz"))
    if not cases:
        faults.append("no case")
    for case in cases:
        tensors = np.load(case)
        inputs = {k.removeprefix("input."): tensors[k] for k in tensors if k.startswith("input.")}
        wanted = {k.removeprefix("output."): tensors[k] for k in tensors if k.startswith("output.")}
        if set(names) != set(wanted):
            faults.append(f"outputs {names}, expected {sorted(wanted)}")
            continue
        for name, got in zip(names, model.run(names, inputs), strict=True):
            difference = apart(got, wanted[name])
            if isinstance(difference, str):
                faults.append(f"{case.stem}, {name}: {difference}")
                continue
            worst = max(worst, difference)
            if difference > TOLERANCE and difference > OF_ROUNDING * moved(model, names, inputs):
                faults.append(f"{case.stem}, {name}: differs by {difference:.1e}")
    return worst, faults


def main():
    folders = sorted(path.parent for path in Path(sys.argv[1]).glob("*/model.onnx"))
    bad = 0
    for folder in folders:
        try:
            worst, faults = check(folder)
        except Exception as error:  # whatever a runtime says of a model
            worst, faults = float("nan"), [str(error)]
        bad += bool(faults)
        print(f"{folder.name:45} {worst:.1e}", *faults, sep="  ")
    print(f"{len(folders)} models, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    sys.exit(bool(bad) or not folders)


main()
