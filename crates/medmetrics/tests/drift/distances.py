"""Distances and tests of SciPy, evidently's rules and run lengths of detectors, for tests/drift/: writes distances.json."""
import json, pathlib

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon, pdist, squareform

rng = np.random.default_rng(21)


def two_samples(r, c, exact):
    d = stats.ks_2samp(r, c, method="exact").statistic
    en = len(r) * len(c) / (len(r) + len(c))
    p = stats.ks_2samp(r, c, method="exact").pvalue if exact else stats.kstwobign.sf(np.sqrt(en) * d)
    u = stats.mannwhitneyu(c, r, method="asymptotic")
    return {"r": r.tolist(), "c": c.tolist(), "ks": [d, p], "wasserstein": stats.wasserstein_distance(r, c),
            "energy": stats.energy_distance(r, c), "mann_whitney": [u.statistic, u.pvalue], "deviation": r.std()}


samples = [
    two_samples(np.round(rng.normal(size=80), 1), np.round(rng.normal(0.4, 1.2, 60), 1), True),
    two_samples(rng.normal(size=30), rng.normal(size=30), True),
    two_samples(np.array([1.0, 2, 3]), np.array([10.0, 11]), True),
    two_samples(np.round(rng.normal(size=1200), 2), np.round(rng.normal(0.05, 1, 900), 2), False),
]


def counts(r, c):
    r, c = np.array(r), np.array(c)
    p, q = r / r.sum(), c / c.sum()
    out = {"r": r.tolist(), "c": c.tolist(), "js": jensenshannon(p, q), "tv": abs(p - q).sum() / 2,
           "hellinger": np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)}
    keep = r + c > 0
    chi = stats.chi2_contingency(np.stack([r, c])[:, keep], correction=False)
    out["chi2"] = [chi.statistic, chi.pvalue]
    if (r > 0).all() and (c > 0).all():
        out |= {"psi": ((q - p) * np.log(q / p)).sum(), "kl": stats.entropy(q, p), "kl_reversed": stats.entropy(p, q)}
    return out


def evidently_psi(r, c):
    """Its rule: Sturges' bins over both; empty cells at 0.0001 or a millionth of the smallest share."""
    edges = np.histogram_bin_edges(np.concatenate([r, c]), bins="sturges")
    p, q = np.histogram(r, edges)[0] / len(r), np.histogram(c, edges)[0] / len(c)
    p, q = (np.where(v == 0, v[v > 0].min() / 1e6 if v[v > 0].min() <= 1e-4 else 1e-4, v) for v in (p, q))
    return ((q - p) * np.log(q / p)).sum()


def decile_psi(r, c):
    edges = np.concatenate([[-np.inf], np.percentile(r, np.arange(10, 100, 10)), [np.inf]])
    p, q = np.histogram(r, edges)[0] / len(r), np.histogram(c, edges)[0] / len(c)
    return ((q - p) * np.log(q / p)).sum()


big = np.random.default_rng(0)
r, c = big.normal(0, 1, 10_000), big.normal(1, 1, 10_000)
published = [(r, c, 1.028493), (r, np.append(c, 1e4), 0.019342)]
assert abs(decile_psi(r, c) - 0.931522) < 1e-6 and all(abs(evidently_psi(a, b) - want) < 1e-6 for a, b, want in published)
golden = []
for a, b, want in published:
    e = np.histogram_bin_edges(np.concatenate([a, b]), bins="sturges")
    golden.append({"r": np.histogram(a, e)[0].tolist(), "c": np.histogram(b, e)[0].tolist(), "psi": evidently_psi(a, b)})
r, c = r[:600], c[:500]
psi = {"r": r.tolist(), "c": c.tolist(), "evidently": evidently_psi(r, c),
       "evidently_outlier": evidently_psi(r, np.append(c, 1e4)),
       "deciles": decile_psi(r, c), "deciles_outlier": decile_psi(r, np.append(c, 1e4))}

x, y = rng.normal(size=(25, 3)), rng.normal(0.45, 1, size=(20, 3))
d = pdist(np.concatenate([x, y]))
k = np.exp(-squareform(d) ** 2 / (2 * np.median(d) ** 2))


def mmd(k, member):
    n, m = (~member).sum(), member.sum()
    a, b, ab = k[~member][:, ~member].sum(), k[member][:, member].sum(), k[~member][:, member].mean()
    return a / n**2 + b / m**2 - 2 * ab, (a - n) / (n * (n - 1)) + (b - m) / (m * (m - 1)) - 2 * ab


member = np.arange(45) >= 25
biased, unbiased = mmd(k, member)
deals = [mmd(k, rng.permutation(member))[1] for _ in range(20_000)]
kernel = {"x": x.tolist(), "y": y.tolist(), "biased": biased, "unbiased": unbiased,
          "p": (1 + sum(v >= unbiased for v in deals)) / 20_001}


def run_length(step, shift, runs=4000):
    """Mean number of normal numbers until an alarm."""
    random, state, alive, lengths = np.random.default_rng(5), None, np.ones(runs, bool), np.zeros(runs)
    for t in range(1, 6000):
        state, alarm = step(state, random.normal(shift, 1, runs), t)
        lengths[alive] += 1
        alive &= ~alarm
        if not alive.any():
            break
    return lengths.mean()


def cusum(s, z, t):
    up, down = s if s else (0 * z, 0 * z)
    up, down = np.maximum(up + z - 0.5, 0), np.maximum(down - z - 0.5, 0)
    return (up, down), np.maximum(up, down) > 5


def ewma(s, z, t):
    s = 0.2 * z + 0.8 * (s if s is not None else 0 * z)
    return s, abs(s) > 3 * np.sqrt(0.2 / 1.8 * (1 - 0.8 ** (2 * t)))


lengths = {name: [run_length(step, shift) for shift in (0, 1)] for name, step in (("cusum", cusum), ("ewma", ewma))}
out = {"samples": samples, "counts": [counts([10, 20, 30, 25], [5, 30, 40, 9]), counts([10, 0, 30, 0, 4], [0, 12, 30, 0, 9])],
       "psi": psi, "golden": golden, "kernel": kernel, "run_lengths": lengths}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
