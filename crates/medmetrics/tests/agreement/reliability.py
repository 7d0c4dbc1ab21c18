"""Reference values of ICC (pingouin), concordance (torchmetrics, Lin's formulas) and deviation. Writes reliability.json."""
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin as pg
import torch
from scipy import optimize, stats
from torchmetrics.functional.regression import concordance_corrcoef

warnings.filterwarnings("ignore")
pg.options["round.column.CI95"] = None
rng = np.random.default_rng(20261125)


def rated(n, k, between, raters, error):
    return 50 + rng.normal(0, between, (n, 1)) + rng.normal(0, raters, (1, k)) + rng.normal(0, error, (n, k))


def icc(x):
    n, k = x.shape
    long = pd.DataFrame({"t": np.repeat(np.arange(n), k), "r": np.tile(np.arange(k), n), "y": x.ravel()})
    return pg.intraclass_corr(long, "t", "r", "y").set_index("Type")


cases = []
for x in [
    np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float),
    rated(12, 2, 10, 1, 2), rated(30, 5, 1, 2, 3), rated(40, 3, 0, 0, 5), 1e6 + rated(25, 3, 4, 0.1, 1),
]:
    n, k = x.shape
    table, msw = icc(x), x.var(1, ddof=1).mean()
    mse = ((x - x.mean(1, keepdims=True) - x.mean(0) + x.mean()) ** 2).sum() / (n - 1) / (k - 1)
    rc, df = 1.959963984540054 * np.sqrt(2 * msw), n * (k - 1)
    f90 = [stats.f.ppf(0.95, n - 1, (n - 1) * (k - 1)), stats.f.ppf(0.05, n - 1, (n - 1) * (k - 1))]
    f = table.loc["ICC(C,1)", "F"]
    cases.append({
        "ratings": x.tolist(),
        "icc": {name: [r.ICC, *r.CI95, r.F, r.df1, r.df2, r.pval] for name, r in table.iterrows()},
        "consistency_90": [(f / q - 1) / (f / q + k - 1) for q in f90],
        "sem_agreement": np.sqrt(max((n * x.mean(0).var(ddof=1) - mse) / n, 0) + mse), "sem_consistency": np.sqrt(mse),
        "sem_total": x.std(ddof=1) * np.sqrt(1 - table.loc["ICC(A,1)", "ICC"]),
        "repeatability": [rc, rc * np.sqrt(df / stats.chi2.ppf(0.975, df)), rc * np.sqrt(df / stats.chi2.ppf(0.025, df))],
        "wcv": np.sqrt((x.var(1, ddof=1) / x.mean(1) ** 2).mean()),
    })


def lin(x, y):
    """Lin's interval as he writes it, with moments over n."""
    n, sx, sy, r = len(x), x.std(), y.std(), np.corrcoef(x, y)[0, 1]
    c = 2 * r * sx * sy / (sx**2 + sy**2 + (x.mean() - y.mean()) ** 2)
    u = (x.mean() - y.mean()) / np.sqrt(sx * sy)
    var = (1 - r**2) * c**2 / ((1 - c**2) * r**2) + 2 * c**3 * (1 - c) * u**2 / (r * (1 - c**2) ** 2)
    var = (var - c**4 * u**4 / (2 * r**2 * (1 - c**2) ** 2)) / (n - 2)
    z = 1.959963984540054 * np.sqrt(var)
    return c, np.tanh(np.arctanh(c) - z), np.tanh(np.arctanh(c) + z)


def deviation(d, p, limit):
    m, s = d.mean(), d.std(ddof=1)
    cover = lambda k: stats.norm.cdf((k - m) / s) - stats.norm.cdf((-k - m) / s)
    tdi = optimize.brentq(lambda k: cover(k) - p, 0, 1e4, xtol=1e-14)
    out = {}
    for name, k in [("tdi", tdi), ("cp", limit)]:
        # The delta method by numerical derivatives of the share within k, in the mean and in the deviation.
        share = lambda m, s: stats.norm.cdf((k - m) / s) - stats.norm.cdf((-k - m) / s)
        h = 1e-5 * s
        dm, ds = [(share(m + a, s + b) - share(m - a, s - b)) / (2 * h) for a, b in [(h, 0), (0, h)]]
        se = np.sqrt(dm**2 * s**2 / len(d) + ds**2 * s**2 / (2 * len(d)))
        if name == "tdi":
            z = 1.959963984540054 * se / ((cover(k + h) - cover(k - h)) / (2 * h)) / k
            out["tdi"] = [k, k * np.exp(-z), k * np.exp(z)]
        else:
            v = cover(k)
            z, logit = 1.959963984540054 * se / (v * (1 - v)), np.log(v / (1 - v))
            out["cp"] = [v, 1 / (1 + np.exp(z - logit)), 1 / (1 + np.exp(-z - logit))]
    return out


pairs = []
for n, bias, scale, noise in [(5, 0.3, 1, 0.2), (20, 2, 1.2, 1), (60, -1, 0.8, 4), (200, 0, 1, 0.1)]:
    x = rng.normal(10, 3, n)
    y = 10 + scale * (x - 10) + bias + rng.normal(0, noise, n)
    tm = concordance_corrcoef(torch.from_numpy(x), torch.from_numpy(y))
    row = {"first": x.tolist(), "second": y.tolist(), "lin": lin(x, y), "torchmetrics": float(tm)}
    row["pearson"] = np.corrcoef(x, y)[0, 1]
    pairs.append(row | deviation(x - y, 0.9, 1.5))

# How often pingouin's 95 % intervals hold the true ICC; raters are drawn anew each time.
coverage = []
for n, k, between, raters, error in [(15, 3, 2.0, 1.0, 1.0), (40, 2, 3.0, 0.5, 1.5)]:
    total = between**2 + raters**2 + error**2
    true = {"ICC(1,1)": None, "ICC(A,1)": between**2 / total, "ICC(C,1)": between**2 / (between**2 + error**2)}
    # With raters that all targets share, only agreement and consistency have a true value.
    hits, runs = {name: 0 for name in true}, 1200
    for _ in range(runs):
        table = icc(rated(n, k, between, raters, error))
        for name, value in true.items():
            low, high = table.loc[name, "CI95"]
            hits[name] += value is not None and bool(low <= value <= high)
    for name, value in true.items():
        if value is not None:
            setting = {"n": n, "k": k, "between": between, "raters": raters, "error": error}
            coverage.append(setting | {"form": name, "true": value, "coverage": hits[name] / runs, "runs": runs})
            print(coverage[-1])

# How often Lin's interval, and those of deviation, hold the truth for normal pairs.
paired_coverage = []
for n, rho, shift, limit in [(10, 0.8, 0.3, 1.0), (50, 0.9, 0.5, 0.8), (20, 0.95, 0.0, 0.4)]:
    runs, hits = 4000, np.zeros(3)
    true = 2 * rho / (2 + shift**2)
    sd = np.sqrt(2 - 2 * rho)
    cover = lambda k: stats.norm.cdf((k + shift) / sd) - stats.norm.cdf((-k + shift) / sd)
    tdi = optimize.brentq(lambda k: cover(k) - 0.9, 0, 100)
    for run in range(runs):
        x = rng.normal(size=n)
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n) + shift
        _, low, high = lin(x, y)
        hits[0] += low <= true <= high
        if run % 4 == 0:
            both = deviation(x - y, 0.9, limit)
            hits[1] += 4 * (both["tdi"][1] <= tdi <= both["tdi"][2])
            hits[2] += 4 * (both["cp"][1] <= cover(limit) <= both["cp"][2])
    row = {"n": n, "rho": rho, "shift": shift, "true": true, "limit": limit, "tdi": tdi, "cp": cover(limit)}
    for name, hit, of in zip(["ccc", "tdi", "cp"], hits / runs, [runs, runs // 4, runs // 4]):
        row["of_" + name] = {"coverage": hit, "runs": of}
    paired_coverage.append(row)
    print(row)
out = {"icc": cases, "pairs": pairs, "coverage": coverage, "paired_coverage": paired_coverage}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, default=float).replace("NaN", "null") + "\n")
