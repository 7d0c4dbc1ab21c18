"""Reference values of Fleiss' kappa and Krippendorff's alpha: statsmodels, irrCAC, krippendorff. Writes raters.json.

The error under the null is the formula of Fleiss, Nee & Landis (1979), written out here.
"""
import json
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
from irrCAC.raw import CAC
from statsmodels.stats.inter_rater import fleiss_kappa

rng = np.random.default_rng(20261124)


def rated(n, m, k, agree, shares):
    truth = rng.choice(k, n, p=shares)
    return np.where(rng.random((n, m)) < agree, truth[:, None], rng.choice(k, (n, m), p=shares))


def counts(raw, k):
    return np.stack([(raw == c).sum(1) for c in range(k)], 1)


fleiss = []
for n, m, k, agree in [(10, 14, 5, 0.4), (40, 3, 2, 0.7), (120, 5, 4, 0.8)]:
    raw = rated(n, m, k, agree, rng.dirichlet(np.ones(k) * 3))
    table = counts(raw, k)
    p = table.sum(0) / table.sum()
    q = 1 - p
    null = np.sqrt(2 * ((p * q).sum() ** 2 - (p * q * (q - p)).sum()) / (n * m * (m - 1) * (p * q).sum() ** 2))
    cac = CAC(pd.DataFrame(raw), categories=list(range(k)), digits=15)
    est, flat = cac.fleiss()["est"], cac.bp()["est"]
    fleiss.append({
        "counts": table.tolist(), "raters": m, "fleiss": fleiss_kappa(table), "randolph": fleiss_kappa(table, "randolph"),
        "se": est["se"], "interval": est["confidence_interval"], "randolph_se": flat["se"], "null": null,
    })

alpha = []
for n, m, k, missing in [(12, 4, 5, 0.3), (40, 3, 7, 0.0), (25, 6, 4, 0.6), (30, 3, None, 0.2)]:
    raw = rng.normal(5, 1.5, (n, 1)) + rng.normal(0, 0.7, (n, m))
    raw = np.abs(raw).round(3) if k is None else raw.round().clip(0, k).astype(float)
    raw[rng.random(raw.shape) < missing] = np.nan
    row = {"ratings": [[None if np.isnan(v) else v for v in unit] for unit in raw]}
    for level in ["nominal", "ordinal", "interval", "ratio"]:
        with np.errstate(all="ignore"):
            row[level] = krippendorff.alpha(raw.T, level_of_measurement=level)
    alpha.append(row)

# How often irrCAC's interval of Fleiss' kappa holds the true one: P(same) within and between subjects is known.
coverage = []
for n, m, shares, agree in [(20, 3, [0.6, 0.4], 0.7), (60, 4, [0.5, 0.3, 0.2], 0.6)]:
    k, true, runs = len(shares), agree**2, 1500
    hits = 0
    for _ in range(runs):
        cac = CAC(pd.DataFrame(rated(n, m, k, agree, shares)), categories=list(range(k)), digits=12)
        low, high = cac.fleiss()["est"]["confidence_interval"]
        hits += bool(low <= true <= high)
    coverage.append({"n": n, "raters": m, "shares": shares, "agree": agree, "coverage": hits / runs, "runs": runs})
    print(coverage[-1])
out = {"fleiss": fleiss, "alpha": alpha, "coverage": coverage}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, default=float) + "\n")
