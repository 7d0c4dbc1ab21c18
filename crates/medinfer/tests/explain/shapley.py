"""Shapley values by the shap package; usage: python shapley.py [output folder].

One function of six columns, and a network whose columns have several entries each: rows are written here by hand as
medmodels writes them, one of several entries where a category has levels or a value may be missing.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
import shap
from safetensors.numpy import save_file
from shap.utils._legacy import DenseData

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)


def score(rows):
    a, b, c, d, e, f = rows.T
    return a * b + c**2 * d - np.abs(e) + 0.5 * f * a * c + e


random = np.random.default_rng(4)
background = random.normal(size=(9, 6))
case = random.normal(size=(1, 6)) * 2
exact = shap.explainers.Exact(score, shap.maskers.Independent(background, max_samples=100))(case)
kernel = shap.KernelExplainer(score, background).shap_values(case, silent=True, nsamples=1000, l1_reg=False)
assert np.abs(exact.values - kernel).max() < 1e-8
found = {
    "background": background,
    "case": case[0],
    "values": exact.values[0],
    "nobody": np.atleast_1d(exact.base_values[0]),
}


def row(age, hba1c, sex, diabetes):
    """age; hba1c, whether it is missing; f, m; type 1, type 2, whether it is missing."""
    hba1c = [0, 1] if hba1c is None else [(hba1c - 7) / 2, 0]
    levels = [float(diabetes == level) for level in ("type 1", "type 2", None)]
    return [(age - 60) / 10, *hba1c, float(sex == "f"), float(sex == "m"), *levels]


records = [
    (50, 6, "f", "type 1"),
    (71, None, "m", "type 2"),
    (64, 9.5, "f", None),
    (58, 7.5, "m", "type 2"),
    (83, 8, "f", "type 2"),
]
patients = np.array([row(*record) for record in records])
patient = np.array([row(45, None, "m", "type 2")])
layers = [(8, 6), (6, 3)]
weights = {}
for place, (inputs, outputs) in enumerate(layers):
    weights[f"{place}.weight"] = random.normal(size=(outputs, inputs)).astype(np.float32)
    weights[f"{place}.bias"] = random.normal(size=outputs).astype(np.float32)


def network(rows):
    hidden = np.maximum(rows @ weights["0.weight"].T.astype(np.float64) + weights["0.bias"], 0)
    return hidden @ weights["1.weight"].T.astype(np.float64) + weights["1.bias"]


groups = [np.array([0]), np.array([1, 2]), np.array([3, 4]), np.array([5, 6, 7])]
columns = DenseData(patients, ["age", "hba1c", "sex", "diabetes"], groups)
explainer = shap.KernelExplainer(network, columns)
values = explainer.shap_values(patient, silent=True, nsamples=1000, l1_reg=False)
assert values.shape == (1, 4, 3)
found |= {
    "patients": patients.astype(np.float32),
    "patient": patient.astype(np.float32),
    "columns": np.ascontiguousarray(values[0].T),
    "mean": np.asarray(explainer.expected_value),
} | {"weight." + name: weight for name, weight in weights.items()}
versions = {name: importlib.metadata.version(name) for name in ("shap", "numpy")}
metadata = {"versions": repr(versions), "seeds": "4"}
save_file({name: np.ascontiguousarray(v) for name, v in found.items()}, folder / "shapley.safetensors", metadata=metadata)
print(values[0].T, explainer.expected_value)
