"""DeLong's and Obuchowski's covariances from the full matrix of pairs, written to delong.json.

Also the golden 100 000 cases in numbers, and the coverage of both intervals in 20 000 samples.
"""
import json
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(88)


def pairs(scores, labels):
    x, y = scores[labels][:, None], scores[~labels][None, :]
    return (x > y) + 0.5 * (x == y)


def covariance(curves, labels):
    psi = [pairs(s, labels) for s in curves]
    m, n = psi[0].shape
    return np.atleast_2d(np.cov([p.mean(1) for p in psi])) / m + np.atleast_2d(np.cov([p.mean(0) for p in psi])) / n


def clustered(curves, labels, ids):
    psi = [pairs(s, labels) for s in curves]
    m, n = psi[0].shape
    units = np.unique(ids)
    of_pos, of_neg = ids[labels], ids[~labels]
    i10, i01, i = len(np.unique(of_pos)), len(np.unique(of_neg)), len(units)
    v10 = np.array([[(p.mean(1) - p.mean())[of_pos == u].sum() for u in units] for p in psi])
    v01 = np.array([[(p.mean(0) - p.mean())[of_neg == u].sum() for u in units] for p in psi])
    s10 = i10 / ((i10 - 1) * m) * v10 @ v10.T
    s01 = i01 / ((i01 - 1) * n) * v01 @ v01.T
    s11 = i / (i - 1) * v10 @ v01.T
    return s10 / m + s01 / n + (s11 + s11.T) / (m * n)


def case(n, curves, ties):
    labels = rng.random(n) < 0.4
    patient = np.sort(rng.integers(0, n // 3, n))
    effect = rng.normal(size=n)[patient] * 0.5
    common = rng.normal(size=n) + effect
    scores = [common + (1.2 + 0.3 * c) * labels + rng.normal(size=n) for c in range(curves)]
    scores = [np.round(s * ties) / ties for s in scores]
    psi = [pairs(s, labels) for s in scores]
    cov, clu = covariance(scores, labels), clustered(scores, labels, patient)
    aucs = np.array([p.mean() for p in psi])
    contrast = np.eye(curves)[:-1] - np.eye(curves)[-1]
    chi = (contrast @ aucs) @ np.linalg.solve(contrast @ cov @ contrast.T, contrast @ aucs)
    a, se = aucs[0], np.sqrt(cov[0, 0])
    logit = np.log(a / (1 - a))
    return {
        "scores": [s.tolist() for s in scores], "labels": labels.tolist(), "patients": patient.tolist(),
        "aucs": aucs.tolist(), "covariance": cov.tolist(), "clustered": clu.tolist(),
        "plain": [max(a - 1.959963984540054 * se, 0), min(a + 1.959963984540054 * se, 1)],
        "logit": [float(1 / (1 + np.exp(-(logit + s * 1.959963984540054 * se / (a * (1 - a)))))) for s in (-1, 1)],
        "chi_squared": float(chi), "p": float(stats.chi2.sf(chi, curves - 1)),
    }


def coverage(m, n, truth, samples=20000):
    shift = np.sqrt(2) * stats.norm.ppf(truth)
    hits = np.zeros(2)
    for _ in range(samples):
        psi = rng.normal(shift, 1, m)[:, None] > rng.normal(0, 1, n)[None, :]
        a = psi.mean()
        if a == 1:
            hits += 0.05 ** (1 / min(m, n)) <= truth
            continue
        half = 1.959963984540054 * np.sqrt(psi.mean(1).var(ddof=1) / m + psi.mean(0).var(ddof=1) / n)
        hits[0] += abs(a - truth) <= half
        logit, at = np.log(a / (1 - a)), np.log(truth / (1 - truth))
        hits[1] += abs(logit - at) <= half / (a * (1 - a))
    return {"positives": m, "negatives": n, "truth": truth, "samples": samples,
            "plain": hits[0] / samples, "logit": hits[1] / samples}


rng14 = np.random.default_rng(14)
y = rng14.random(100_000) < 0.2
s = 1 / (1 + np.exp(-(rng14.normal(size=100_000) + 1.2 * y - 1)))
ranks, own = stats.rankdata(s), np.empty(s.size)
m, n = y.sum(), (~y).sum()
own[y], own[~y] = stats.rankdata(s[y]), stats.rankdata(s[~y])
v10, v01 = (ranks - own)[y] / n, 1 - (ranks - own)[~y] / m
large = {"auc": float(v10.mean()), "standard_error": float(np.sqrt(v10.var(ddof=1) / m + v01.var(ddof=1) / n))}
print(large)

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({
    "cases": [case(40, 2, 1000), case(60, 3, 2), case(90, 4, 1), case(25, 2, 4)],
    "coverage": [coverage(20, 30, 0.95), coverage(15, 15, 0.8), coverage(50, 100, 0.9)],
}))
