"""Reference values of limits of agreement: SciPy's distributions, statsmodels' regression. Writes bland_altman.json.

No library returns these intervals (pingouin draws those of 1986): the formulas are written out from the papers.
"""
import json
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from scipy import stats

rng = np.random.default_rng(20261126)
Z = stats.norm.ppf(0.975)


def factors(n, z=Z, tail=0.025):
    t, df = stats.t.ppf(1 - tail, n - 1), n - 1
    low, high = [np.sqrt(df / stats.chi2.ppf(p, df)) for p in (1 - tail, tail)]
    b99, b86 = t * np.sqrt(1 / n + z**2 / (2 * df)), t * np.sqrt(3 / n)
    return {
        "exact": [stats.nct.ppf(p, df, np.sqrt(n) * z) / np.sqrt(n) for p in (tail, 1 - tail)],
        "mover": [z - np.hypot(t / np.sqrt(n), z - z * low), z + np.hypot(t / np.sqrt(n), z * high - z)],
        "bland_altman1999": [z - b99, z + b99], "bland_altman1986": [z - b86, z + b86],
    }


cases = []
for n in [6, 20, 150]:
    x = rng.lognormal(3, 0.5, n)
    y = x * rng.lognormal(0.05, 0.1, n) + rng.normal(0, 0.5, n)
    row = {"first": x.tolist(), "second": y.tolist(), "scales": {}}
    means = (x + y) / 2
    for scale, d, m in [("difference", x - y, means), ("percentage", 100 * (x - y) / means, means),
                        ("log_ratio", np.log(x / y), np.sqrt(x * y))]:
        t = stats.t.ppf(0.975, n - 1) * d.std(ddof=1) / np.sqrt(n)
        want = {"bias": [d.mean(), d.mean() - t, d.mean() + t], "sd": d.std(ddof=1)}
        want["factors"] = factors(n)
        fit = sm.OLS(d, sm.add_constant(m)).fit()
        spread = sm.OLS(np.abs(fit.resid), sm.add_constant(m)).fit()
        for name, f in [("line", fit), ("scatter", spread)]:
            ci = f.conf_int()
            want[name] = [f.params[0], *ci[0], f.params[1], *ci[1], f.pvalues[1], np.sqrt(f.mse_resid)]
        at = 25.0
        b = fit.params @ [1, at]
        wide = Z * np.sqrt(np.pi / 2) * (spread.params @ [1, at])
        want["constant"] = [b - Z * np.sqrt(fit.mse_resid), b, b + Z * np.sqrt(fit.mse_resid)]
        want["linear"] = [b - wide, b, b + wide]
        want["quantiles"] = []
        for p in (0.025, 0.5, 0.975):
            ci = stats.quantile_test(d, q=0, p=p).confidence_interval(0.95)
            want["quantiles"].append([float(v) if np.isfinite(v) else None for v in [np.quantile(d, p), *ci]])
        row["scales"][scale] = want
    cases.append(row)


def repeated(first, second, varying):
    """Bland & Altman 2007 with Zou's MOVER; lists of arrays, one per subject."""
    n = len(first)
    d = np.array([a.mean() - b.mean() for a, b in zip(first, second)])
    pooled = lambda g: (sum(((a - a.mean()) ** 2).sum() for a in g) / sum(len(a) - 1 for a in g), sum(len(a) - 1 for a in g))
    if varying:
        diff = [a - b for a, b in zip(first, second)]
        m = np.array([len(a) for a in diff])
        m0 = (m.sum() ** 2 - (m**2).sum()) / ((n - 1) * m.sum())
        grand = np.concatenate(diff).mean()
        msb = sum(k * (a.mean() - grand) ** 2 for k, a in zip(m, diff)) / (n - 1)
        within, df = pooled(diff)
        parts = [(1 / m0, msb, n - 1), (1 - 1 / m0, within, df)]
    else:
        parts = [(1, d.var(ddof=1), n - 1)]
        for g in (first, second):
            within, df = pooled(g)
            parts.append((1 - np.mean([1 / len(a) for a in g]), within, df))
    total = sum(w * s for w, s, _ in parts)
    low, high = [np.sqrt(sum((w * s * (1 - df / stats.chi2.ppf(p, df))) ** 2 for w, s, df in parts)) for p in (0.975, 0.025)]
    sd, short, long = np.sqrt(total), np.sqrt(total - low), np.sqrt(total + high)
    t = stats.t.ppf(0.975, n - 1) * d.std(ddof=1) / np.sqrt(n)
    up = d.mean() + Z * sd
    down = d.mean() - Z * sd
    inner, outer = np.hypot(t, Z * (sd - short)), np.hypot(t, Z * (long - sd))
    return {"bias": [d.mean(), d.mean() - t, d.mean() + t], "sd": sd, "upper": [up, up - inner, up + outer],
            "lower": [down, down - outer, down + inner]}


def subjects(n, sizes, varying, between=3.0):
    first, second = [], []
    for _ in range(n):
        apart = rng.normal(0, 1)
        m = rng.choice(sizes)
        other = m if varying else rng.choice(sizes)
        truth = rng.normal(20, between)
        drift = rng.normal(0, 1, m) if varying else np.zeros(m)
        first.append(truth + drift + apart + 0.4 + rng.normal(0, 0.5, m))
        second.append(truth + (drift if varying else np.zeros(other)) + rng.normal(0, 0.8, other))
    return first, second


repeats = []
for n, sizes, varying in [(12, [3], False), (15, [2, 3, 5], False), (12, [4], True), (20, [1, 2, 6], True)]:
    first, second = subjects(n, sizes, varying)
    row = {"first": [a.tolist() for a in first], "second": [a.tolist() for a in second], "varying": varying}
    repeats.append(row | repeated(first, second, varying))

# How often each interval holds the true upper limit of normal differences: 0 + 1.96.
coverage = []
for n in [10, 30]:
    runs = 20000
    d = rng.normal(size=(runs, n))
    mean, sd = d.mean(1), d.std(1, ddof=1)
    for name, (low, high) in factors(n).items():
        hit = ((mean + low * sd <= Z) & (Z <= mean + high * sd)).mean()
        coverage.append({"n": n, "interval": name, "coverage": hit, "runs": runs})
        print(coverage[-1])
repeated_coverage = []
for n, m, varying in [(20, 3, False), (20, 3, True)]:
    runs, hits = 8000, 0
    noise = 0.5**2 + 0.8**2
    true = 0.4 + Z * np.sqrt(1 + noise)
    for _ in range(runs):
        _, low, high = repeated(*subjects(n, [m], varying), varying)["upper"]
        hits += low <= true <= high
    repeated_coverage.append({"n": n, "m": m, "varying": varying, "true": true, "coverage": hits / runs, "runs": runs})
    print(repeated_coverage[-1])
published = {str(n): factors(n) for n in [10, 20, 50, 100, 500]}
out = {"cases": cases, "repeated": repeats, "published": published, "coverage": coverage, "repeated_coverage": repeated_coverage}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, default=float) + "\n")
