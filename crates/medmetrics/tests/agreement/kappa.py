"""Reference values of medmetrics::agreement::Kappa: scikit-learn, statsmodels, torchmetrics, irrCAC. Writes kappa.json.

irrCAC divides variances by n - 1, statsmodels and we by n.
"""
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from irrCAC.raw import CAC
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa
from torchmetrics.functional.classification import multiclass_cohen_kappa

rng = np.random.default_rng(20261123)
NAMES = {"unweighted": None, "linear": "linear", "quadratic": "quadratic"}


def pairs(n, k, agree):
    a = rng.choice(k, n, p=rng.dirichlet(np.ones(k) * 2))
    return a, np.where(rng.random(n) < agree, a, rng.integers(0, k, n))


cases = []
for n, k, agree in [(30, 2, 0.7), (60, 3, 0.5), (200, 5, 0.6), (12, 4, 0.2), (1000, 7, 0.9)]:
    a, b = pairs(n, k, agree)
    table = np.zeros((k, k), int)
    np.add.at(table, (a, b), 1)
    case = {"first": a.tolist(), "second": b.tolist(), "categories": k, "weights": {}}
    for name, wt in NAMES.items():
        want = {"sklearn": cohen_kappa_score(a, b, weights=wt, labels=list(range(k)))}
        r = cohens_kappa(table, wt=wt)
        want |= {"kappa": r.kappa, "var": r.var_kappa, "var0": r.var_kappa0, "low": r.kappa_low, "high": r.kappa_upp}
        want["p"] = r.pvalue_two_sided
        if wt is None:
            want["max"] = r.kappa_max
        tm = multiclass_cohen_kappa(torch.from_numpy(b), torch.from_numpy(a), k, weights=wt)
        want["torchmetrics"] = float(tm)
        cac = CAC(pd.DataFrame({"a": a, "b": b}), weights=wt or "identity", categories=list(range(k)), digits=15)
        for chance, value in {"gwet": cac.gwet(), "brennan_prediger": cac.bp(), "cohen": cac.conger()}.items():
            est = value["est"]
            want[chance] = [est["coefficient_value"], est["se"] * np.sqrt((n - 1) / n)]
        want["scott"] = [cac.fleiss()["est"]["coefficient_value"], cac.fleiss()["est"]["se"] * np.sqrt((n - 1) / n)]
        case["weights"][name] = want
    cases.append(case)

trap_a, trap_b = [0, 0, 1, 1, 3, 3, 3, 0, 1, 3], [0, 1, 1, 3, 3, 3, 1, 0, 0, 0]
trap = {
    "first": trap_a, "second": trap_b, "inferred": cohen_kappa_score(trap_a, trap_b, weights="quadratic"),
    "declared": cohen_kappa_score(trap_a, trap_b, weights="quadratic", labels=[0, 1, 2, 3]),
}

# How often statsmodels' interval holds the true kappa.
coverage = []
for p, n, wt in [
    ([[0.45, 0.1], [0.1, 0.35]], 30, None),
    ([[0.3, 0.05, 0.02], [0.08, 0.2, 0.06], [0.02, 0.07, 0.2]], 50, "quadratic"),
    ([[0.3, 0.05, 0.02], [0.08, 0.2, 0.06], [0.02, 0.07, 0.2]], 300, None),
    ([[0.88, 0.02], [0.03, 0.07]], 40, None),
]:
    p = np.array(p)
    true = cohens_kappa(p * 1e6, wt=wt, return_results=False)
    hits, runs = 0, 4000
    for table in rng.multinomial(n, p.ravel(), runs):
        with np.errstate(all="ignore"):
            r = cohens_kappa(table.reshape(p.shape), wt=wt)
            hits += bool(r.kappa_low <= true <= r.kappa_upp)
    row = {"shares": p.tolist(), "n": n, "weights": wt or "unweighted", "true": true, "coverage": hits / runs, "runs": runs}
    coverage.append(row)
    print(row["n"], true, row["coverage"])
# Ten million pairs of five classes: the workload of benches/metrics_agreement.rs, as counts.
golden = np.random.default_rng(13)
a = golden.integers(0, 5, 10_000_000, dtype=np.int64)
b = np.where(golden.random(a.size) < 0.6, a, np.clip(a + golden.integers(-2, 3, a.size), 0, 4))
million = {"counts": np.bincount(a * 5 + b, minlength=25).reshape(5, 5).tolist()}
million["sklearn"] = cohen_kappa_score(a, b, weights="quadratic")
out = {"cases": cases, "trap": trap, "coverage": coverage, "ten_million": million}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, default=float) + "\n")
