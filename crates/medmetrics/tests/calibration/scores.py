"""Brier scores, log loss, regressions and tests of probabilities, for tests/calibration/scores.rs: writes scores.json."""
import json, pathlib, warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import brier_score_loss, d2_brier_score, log_loss

warnings.filterwarnings("ignore")
rng = np.random.default_rng(5)
N = 240
y = rng.random(N) < 0.4
p = 1 / (1 + np.exp(-(0.7 * rng.normal(size=N) + 1.1 * y - 0.8)))
x = np.log(p / (1 - p))
slope = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-14, method="newton")
large = sm.GLM(y.astype(float), np.ones((N, 1)), sm.families.Binomial(), offset=x).fit(tol=1e-14)
z = ((y - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum())

e = np.percentile(p, np.linspace(0, 100, 11))
g = np.searchsorted(e[1:-1], p)
n, o, s = np.bincount(g), np.bincount(g, y), np.bincount(g, p)
hl = ((o - s) ** 2 / (s * (1 - s / n))).sum()

# Murphy's parts and Stephenson's two, from their definitions, with ten bins of one width.
b = np.minimum((p * 10).astype(int), 9)
parts = np.zeros(5)
for k in np.unique(b):
    f, t = p[b == k], y[b == k].astype(float)
    w = len(f) / N
    covariance = ((f - f.mean()) * (t - t.mean())).mean()
    parts += w * np.array([(f.mean() - t.mean()) ** 2, (t.mean() - y.mean()) ** 2, 0, f.var(), 2 * covariance])
parts[2] = y.mean() * (1 - y.mean())

logits = rng.normal(size=(90, 3)) * 1.5
rows = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
labels = rng.integers(0, 3, 90)
q, t = np.array([0.0, 0.2, 1.0, 0.7]), np.array([1, 0, 1, 1])
out = {
    "p": p.tolist(), "y": y.tolist(),
    "brier": brier_score_loss(y, p), "skill": d2_brier_score(y, p), "log_loss": log_loss(y, p), "parts": parts.tolist(),
    "slope": [slope.params[1], *slope.conf_int()[1]], "intercept": [slope.params[0], *slope.conf_int()[0]],
    "in_the_large": [large.params[0], *large.conf_int()[0]],
    "spiegelhalter": [z, 2 * stats.norm.sf(abs(z))],
    "hosmer_lemeshow": [hl, stats.chi2.sf(hl, 10), stats.chi2.sf(hl, 8)],
    "rows": rows.ravel().tolist(), "labels": labels.tolist(),
    "multiclass": [brier_score_loss(labels, rows, scale_by_half=False), brier_score_loss(labels, rows, scale_by_half=True),
                   d2_brier_score(labels, rows), log_loss(labels, rows)],
    "clipped": log_loss(t, q),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
