"""Reference values of medmetrics::statistics::noncentral_t: SciPy's nct over a grid. Writes noncentral_t.json."""
import json
from pathlib import Path

import numpy as np
from scipy.stats import nct

rows, quantiles = [], []
for df in [2, 3, 5, 9, 19, 49, 99, 300, 1000]:
    for nc in [-10, -3, -0.5, 0.7, 2, 5, 8.765, 15, 30, 45, 60]:
        for p in [1e-6, 1e-3, 0.025, 0.2, 0.5, 0.8, 0.975, 0.999, 1 - 1e-6]:
            t = round(float(nct.ppf(p, df, nc)), 3)
            rows.append([t, df, nc, float(nct.cdf(t, df, nc))])
for n in [5, 10, 20, 50, 100, 500]:
    for p in [0.025, 0.05, 0.5, 0.95, 0.975]:
        nc = float(np.sqrt(n) * 1.959963984540054)
        quantiles.append([p, n - 1, nc, float(nct.ppf(p, n - 1, nc))])
Path(__file__).with_suffix(".json").write_text(json.dumps({"cdf": rows, "quantile": quantiles}) + "\n")
