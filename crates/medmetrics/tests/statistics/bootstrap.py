"""Intervals of scipy.stats.bootstrap with their replicates, and the coverage of its methods: bootstrap.json."""
import json
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(3)


def intervals(samples, statistic, **settings):
    found = {}
    replicates = None
    for name, method in [("percentile", "percentile"), ("basic", "basic"), ("bca", "BCa")]:
        result = stats.bootstrap(samples, statistic, n_resamples=499 if replicates is None else 0, method=method,
                                 bootstrap_result=replicates, rng=np.random.default_rng(5), **settings)
        replicates = result
        found[name] = [float(result.confidence_interval.low), float(result.confidence_interval.high)]
    return {"drawn": replicates.bootstrap_distribution.tolist(), **found}


x = rng.exponential(2, 23)
y = rng.exponential(1, 31)
z = 0.5 * x + rng.normal(size=23)
cases = {
    "mean": {"data": [x.tolist()], **intervals((x,), np.mean, confidence_level=0.9)},
    "difference": {"data": [x.tolist(), y.tolist()],
                   **intervals((x, y), lambda a, b: a.mean() - b.mean(), vectorized=False, confidence_level=0.9)},
    "correlation": {"data": [x.tolist(), z.tolist()],
                    **intervals((x, z), lambda a, b: np.corrcoef(a, b)[0, 1], paired=True, vectorized=False,
                                confidence_level=0.9)},
}

SAMPLES, N = 8000, 20
data = rng.exponential(1, (SAMPLES, N))
coverage = {}
for name, method in [("percentile", "percentile"), ("basic", "basic"), ("bca", "BCa")]:
    ends = stats.bootstrap((data,), np.mean, axis=-1, n_resamples=499, method=method, batch=50,
                           rng=rng).confidence_interval
    coverage[name] = float(np.mean((ends.low <= 1) & (1 <= ends.high)))
hits = 0
for row in data:
    drawn = row[rng.integers(0, N, (499, N))]
    t = (drawn.mean(1) - row.mean()) / (drawn.std(1, ddof=1) / np.sqrt(N))
    low, high = row.mean() - row.std(ddof=1) / np.sqrt(N) * np.percentile(t, [97.5, 2.5])
    hits += low <= 1 <= high
coverage["studentised"] = hits / SAMPLES
print(coverage)

pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps({"cases": cases, "coverage": coverage, "samples": SAMPLES}))
