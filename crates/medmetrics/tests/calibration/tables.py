"""Calibration errors of the field's libraries, for tests/calibration/tables.rs: writes tables.json."""
import json, pathlib, warnings

import numpy as np
import torch
from monai.metrics.calibration import calibration_binning
from netcal.metrics import ECE
from sklearn.calibration import calibration_curve
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error
from torchmetrics.functional.classification.calibration_error import _ce_compute

warnings.filterwarnings("ignore")
rng = np.random.default_rng(3)
N = 400
y = rng.random(N) < 0.35
p = (1 / (1 + np.exp(-(rng.normal(size=N) + 1.3 * y - 1)))).astype(np.float32)
# Scores on the edges: tenths, 0 and 1, each with both labels.
edges = np.array([i / 10 for i in range(11)] * 2, np.float32)
p, y = np.concatenate([p, edges]), np.concatenate([y, np.arange(22) < 11])
P, Y = torch.from_numpy(p), torch.from_numpy(y.astype(np.int64))


def metrics_reloaded(p, y, bins):
    """Its rule: lower < p <= upper, averaged over what is in a bin."""
    e = np.linspace(0, 1, bins + 1)
    inside = [(p > a) & (p <= b) for a, b in zip(e[:-1], e[1:])]
    return sum(abs(p[m].sum() - y[m].sum()) for m in inside) / sum(m.sum() for m in inside)


def monai(bins):
    statistics = calibration_binning(P[None, None], Y[None, None], bins, right=False)
    mean_p, mean_y, n = (t[0, 0].numpy().astype(float) for t in statistics)
    gap, keep = np.abs(mean_p - mean_y), n > 0
    return {"expected": (gap * n)[keep].sum() / n.sum(), "average": gap[keep].mean(), "maximum": gap[keep].max()}


def sklearn(strategy, bins):
    observed, mean = calibration_curve(y, p.astype(float), n_bins=bins, strategy=strategy)
    return {"observed": observed.tolist(), "mean": mean.tolist()}


out = {"p": p.astype(float).tolist(), "y": y.tolist(), "bins": {}}
for bins in (5, 10, 15, 20):
    tm = {norm: binary_calibration_error(P, Y, n_bins=bins, norm=norm).item() for norm in ("l1", "l2", "max")}
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float32).double()
    tm["debiased"] = _ce_compute(P.double(), Y.double(), edges, "l2", True).item()
    out["bins"][bins] = {
        "torchmetrics": tm, "monai": monai(bins),
        "sklearn": sklearn("uniform", bins), "quantile": sklearn("quantile", bins),
        "netcal": float(ECE(bins).measure(p.astype(float), y.astype(int))),
        "metrics_reloaded": metrics_reloaded(p.astype(float), y, bins),
    }
q = np.array([0, .1, .2, .2, .35, .5, .6, .8, .9, 1, 1])
t = np.array([0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1])
out["small"] = {"p": q.tolist(), "y": t.astype(bool).tolist(), "metrics_reloaded": metrics_reloaded(q, t, 10)}
logits = rng.normal(size=(150, 4)).astype(np.float32) * 1.5
rows = torch.softmax(torch.from_numpy(logits), 1)
labels = torch.from_numpy(rng.integers(0, 4, 150))
onehot = torch.nn.functional.one_hot(labels, 4)
out["multiclass"] = {
    "rows": rows.double().flatten().tolist(), "labels": labels.tolist(),
    "top": multiclass_calibration_error(rows, labels, 4, n_bins=15).item(),
    "classes": [binary_calibration_error(rows[:, k].contiguous(), onehot[:, k], n_bins=15).item() for k in range(4)],
}
out["linspace"] = {
    str(n): {
        "torch": torch.linspace(0, 1, n + 1).double().tolist(),
        "monai": torch.linspace(0, 1 + torch.finfo(torch.float32).eps, n + 1).double().tolist(),
        "numpy": np.linspace(0, 1, n + 1).tolist(),
    }
    for n in (3, 7, 10, 15, 20, 29)
}


# How often a bootstrap interval of the expected error holds the true error, which is `shift` everywhere:
# 100 scores uniform in [shift, 1], events with probability p - shift; 500 samples of 300 replicates.
def coverage(shift, n=100, bins=5, samples=500, replicates=300):
    random, held = np.random.default_rng(1), 0
    for _ in range(samples):
        s = shift + (1 - shift) * random.random(n)
        e = random.random(n) < s - shift
        b = np.minimum((s * bins).astype(int), bins - 1)
        values = []
        for _ in range(replicates):
            i = random.integers(0, n, n)
            values.append(np.abs(np.bincount(b[i], s[i] - e[i], bins)).sum() / n)
        low, high = np.percentile(values, [2.5, 97.5])
        held += low <= shift <= high
    return held / samples


out["coverage"] = {str(shift): coverage(shift) for shift in (0.02, 0.15)}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
