"""Tests of hypotheses by SciPy and statsmodels, written to tests.json."""
import json
import pathlib

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

rng = np.random.default_rng(17)
SIDES = {"two_sided": "two-sided", "less": "less", "greater": "greater"}

tables = []
for b, c in [(6, 16), (0, 5), (1, 0), (40, 25), (12, 3)]:
    table = [[59, b], [c, 80]]
    exact = mcnemar(table, exact=True)
    k, n = min(b, c), b + c
    mid = 2 * stats.binom.cdf(k - 1, n, 0.5) + stats.binom.pmf(k, n, 0.5)
    row = {"first_only": b, "second_only": c, "exact": [float(exact.statistic), float(exact.pvalue)],
           "mid_p": [k, float(mid)]}
    for name, correction in [("asymptotic", False), ("corrected", True)]:
        r = mcnemar(table, exact=False, correction=correction)
        row[name] = [float(r.statistic), float(r.pvalue)]
    tables.append(row)

signed = []
for n, digits, zeros in [(6, 9, 0), (14, 9, 0), (50, 9, 0), (51, 9, 0), (20, 1, 0), (25, 0, 3), (40, 0, 9), (12, 9, 2)]:
    d = np.round(rng.normal(0.4, 1.5, n), digits)
    d[d == 0] = 1.0
    d[:zeros] = 0.0
    clean = zeros == 0 and digits == 9 and n <= 50
    for side, alternative in SIDES.items():
        for rule in ("wilcox", "pratt"):
            for name, correction in [("automatic", False), ("normal", False), ("normal_corrected", True)]:
                method = "exact" if clean and name == "automatic" else "asymptotic"
                r = stats.wilcoxon(d, zero_method=rule, correction=correction, alternative=alternative, method=method)
                signed.append({"differences": d.tolist(), "alternative": side, "zeros": rule, "distribution": name,
                               "statistic": float(r.statistic), "p": float(r.pvalue)})

groups = []
for n1, n2, digits in [(3, 4, 9), (8, 30, 9), (30, 7, 9), (9, 12, 9), (20, 30, 1), (5, 6, 0)]:
    x, y = np.round(rng.normal(0.5, 1, n1), digits), np.round(rng.normal(0, 1, n2), digits)
    clean = digits == 9 and min(n1, n2) <= 8
    for side, alternative in SIDES.items():
        for name, correction in [("automatic", False), ("normal", False), ("normal_corrected", True)]:
            method = "exact" if clean and name == "automatic" else "asymptotic"
            r = stats.mannwhitneyu(x, y, use_continuity=correction, alternative=alternative, method=method)
            groups.append({"first": x.tolist(), "second": y.tolist(), "alternative": side, "distribution": name,
                           "statistic": float(r.statistic), "p": float(r.pvalue)})

permutations = []
a, b = rng.normal(0.6, 1, 9), rng.normal(0, 1, 9)
c = np.round(rng.normal(0.8, 1, 6), 1)
for side, alternative in SIDES.items():
    for kind, x, y in [("samples", a, b), ("independent", a, c)]:
        r = stats.permutation_test((x, y), lambda u, v, axis: u.mean(axis=axis) - v.mean(axis=axis), vectorized=True,
                                   permutation_type=kind, alternative=alternative, n_resamples=np.inf)
        permutations.append({"paired": kind == "samples", "first": x.tolist(), "second": y.tolist(),
                             "alternative": side, "statistic": float(r.statistic), "p": float(r.pvalue)})

p = np.r_[rng.uniform(0, 1, 8), rng.uniform(0, 0.02, 5), 0.5, 0.5, 1.0, 0.0]
adjusted = {name: multipletests(p, method=method)[1].tolist() for name, method in
            [("bonferroni", "bonferroni"), ("holm", "holm"), ("benjamini_hochberg", "fdr_bh"),
             ("benjamini_yekutieli", "fdr_by")]}

x, y = rng.normal(0.1, 0.6, 24), rng.normal(0, 0.9, 31)
paired = ttost_paired(x, np.zeros(24), -0.4, 0.5)
welch = ttost_ind(x, y, -0.4, 0.5, usevar="unequal")
tost = {"first": x.tolist(), "second": y.tolist(), "low": -0.4, "high": 0.5,
        "paired": [float(v) for v in (paired[0], paired[1][0], paired[1][1], paired[2][0], paired[2][1])],
        "welch": [float(v) for v in (welch[0], welch[1][0], welch[1][1], welch[2][0], welch[2][1])]}

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(
    {"tables": tables, "signed": signed, "groups": groups, "permutations": permutations,
     "p_values": p.tolist(), "adjusted": adjusted, "tost": tost}))
