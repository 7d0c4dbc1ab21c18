"""Quartiles by NumPy, whiskers by matplotlib's rule, densities by SciPy with R's bandwidth: density.json.

python crates/medmetrics/tests/plot/density.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import gaussian_kde

rng = np.random.default_rng(6)
cases = []
for name, values in {
    "normal": rng.normal(size=50),
    "skewed": rng.lognormal(size=31),
    "ties": rng.integers(0, 6, size=40).astype(float),
    "two": np.array([1.0, 3.0]),
    "outlier": np.r_[rng.normal(size=20), 50.0],
}.items():
    first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
    reach = 1.5 * (third - first)
    inside = values[(values >= first - reach) & (values <= third + reach)]
    deviation = values.std(ddof=1)
    bandwidth = 0.9 * min(deviation, (third - first) / 1.34) * len(values) ** -0.2
    places = np.linspace(values.min(), values.max(), 9)
    # SciPy multiplies its factor with the standard deviation.
    density = gaussian_kde(values, bw_method=bandwidth / deviation)(places)
    cases.append({
        "name": name,
        "values": values.tolist(),
        "quartiles": [first, median, third],
        "whiskers": [inside.min(), inside.max()],
        "places": places.tolist(),
        "density": density.tolist(),
    })
Path(__file__).with_suffix(".json").write_text(json.dumps(cases) + "\n")
