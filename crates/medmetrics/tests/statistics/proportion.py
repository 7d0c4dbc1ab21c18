"""Intervals of proportions and of their differences by statsmodels and SciPy, written to proportion.json.

Paired differences: Tango's interval by a search over the likelihood, which shares nothing with his formula;
Newcombe's by his formula. Coverage is the exact sum over all outcomes.
"""
import json
import pathlib

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

METHODS = {
    "wald": "normal",
    "wilson": "wilson",
    "clopper_pearson": "beta",
    "agresti_coull": "agresti_coull",
    "jeffreys": "jeffreys",
}


def one(name, k, n, level):
    if name == "wilson_corrected":
        interval = stats.binomtest(k, n).proportion_ci(level, method="wilsoncc")
        return [interval.low, interval.high]
    return [float(v) for v in proportion_confint(k, n, 1 - level, METHODS[name])]


NAMES = [*METHODS, "wilson_corrected"]
single = [
    {"method": m, "successes": k, "trials": n, "level": level, "interval": one(m, k, n, level)}
    for m in NAMES
    for k, n in [(0, 1), (1, 1), (0, 12), (12, 12), (1, 12), (45, 50), (7, 300), (299, 300), (123456, 1000000)]
    for level in (0.9, 0.95, 0.999)
]

coverage = []
for m in NAMES:
    for n in (10, 50, 200):
        ends = np.array([one(m, k, n, 0.95) for k in range(n + 1)])
        for p in (0.01, 0.2, 0.5, 0.93, 0.99):
            inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
            coverage.append({"method": m, "trials": n, "truth": p,
                             "coverage": float(stats.binom.pmf(np.arange(n + 1), n, p)[inside].sum())})

z = stats.norm.ppf(0.975)


def miettinen_nurminen(x1, n1, x2, n2):
    """By a search over the likelihood; statsmodels 0.15 has a count for a group's size in its cubic equation."""
    def score(delta):
        def minus(p):
            pairs = [(x1, p + delta), (n1 - x1, 1 - p - delta), (x2, p), (n2 - x2, 1 - p)]
            return -sum(count * np.log(max(q, 1e-300)) for count, q in pairs if count)
        p2 = optimize.minimize_scalar(minus, bounds=(max(0, -delta), min(1, 1 - delta)), method="bounded",
                                      options={"xatol": 1e-14}).x
        p1 = p2 + delta
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
        return (x1 / n1 - x2 / n2 - delta) / np.sqrt(variance)

    value = x1 / n1 - x2 / n2
    return [optimize.brentq(lambda d: score(d) - z, -1 + 1e-9, value - 1e-9, xtol=1e-12),
            optimize.brentq(lambda d: score(d) + z, value + 1e-9, 1 - 1e-9, xtol=1e-12)]


DIFFERENCES = {"wald": "wald", "agresti_caffo": "agresti-caffo", "newcombe": "newcomb"}
COUNTS = [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (1, 300, 2, 400), (20, 30, 27, 33)]
independent = [
    {"method": m, "counts": c, "interval": [float(v) for v in confint_proportions_2indep(*c, method=s, compare="diff")]}
    for m, s in DIFFERENCES.items() for c in COUNTS
] + [{"method": "miettinen_nurminen", "counts": c, "interval": miettinen_nurminen(*c)} for c in COUNTS]

difference_coverage = []
for n1, n2, p1, p2 in [(20, 25, 0.9, 0.7), (15, 15, 0.95, 0.95), (40, 30, 0.5, 0.4)]:
    x1, x2 = np.indices((n1 + 1, n2 + 1))
    weight = stats.binom.pmf(x1, n1, p1) * stats.binom.pmf(x2, n2, p2)
    for m, s in DIFFERENCES.items():
        ends = np.array([confint_proportions_2indep(a, n1, b, n2, method=s, compare="diff")
                         for a, b in zip(x1.flat, x2.flat)])
        inside = (ends[:, 0] <= p1 - p2) & (p1 - p2 <= ends[:, 1])
        difference_coverage.append({"method": m, "trials": [n1, n2], "truth": [p1, p2],
                                    "coverage": float(weight.ravel()[inside].sum())})


def log_likelihood(p21, delta, b, c, n):
    p12 = p21 + delta
    rest = 1 - p12 - p21
    return sum(count * np.log(max(p, 1e-300)) for count, p in [(b, p12), (c, p21), (n - b - c, rest)] if count)


def tango(a, b, c, d, z):
    n = a + b + c + d

    def score(delta):
        low, high = max(0.0, -delta), (1 - delta) / 2
        found = optimize.minimize_scalar(lambda p: -log_likelihood(p, delta, b, c, n), bounds=(low, high),
                                         method="bounded", options={"xatol": 1e-14})
        return (b - c - n * delta) / np.sqrt(n * (2 * found.x + delta * (1 - delta)))

    value = (b - c) / n
    return [optimize.brentq(lambda x: score(x) - z, -1 + 1e-9, value - 1e-9, xtol=1e-12),
            optimize.brentq(lambda x: score(x) + z, value + 1e-9, 1 - 1e-9, xtol=1e-12)]


def newcombe(a, b, c, d):
    n = a + b + c + d
    (l1, u1), (l2, u2) = (proportion_confint(k, n, method="wilson") for k in (a + b, a + c))
    p1, p2 = (a + b) / n, (a + c) / n
    q = a * d - b * c
    q = max(q - n / 2, 0) if q > 0 else q
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = q / np.sqrt(margins) if margins else 0.0
    return [p1 - p2 - np.sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2),
            p1 - p2 + np.sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2)]


paired = [
    {"counts": c, "tango": tango(*c, z), "newcombe": [float(v) for v in newcombe(*c)]}
    for c in [(1, 1, 7, 12), (36, 12, 2, 50), (10, 3, 2, 5), (53, 8, 1, 38), (0, 6, 9, 4), (200, 31, 17, 52)]
]

pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps({"single": single, "coverage": coverage, "independent": independent,
                "difference_coverage": difference_coverage, "paired": paired}, indent=0))
