"""Reference values of Deming's and Passing-Bablok's regression. Writes regression.json.

Deming's line is also SciPy's orthogonal distance regression; intervals are the papers' formulas, by brute force.
"""
import json
from pathlib import Path

import numpy as np
from scipy import optimize, stats

rng = np.random.default_rng(20261127)


def deming(x, y, ratio):
    """The line of least weighted squares to both methods, found by a search over its angle."""
    def cost(angle):
        b = np.tan(angle)
        r = (y - y.mean()) - b * (x - x.mean())
        return (r**2).sum() / (ratio + b**2)
    grid = np.linspace(-np.pi / 2, np.pi / 2, 401)[1:-1]
    best = grid[np.argmin([cost(a) for a in grid])]
    angle = optimize.minimize_scalar(cost, bounds=(best - 0.01, best + 0.01), method="bounded", options={"xatol": 1e-13}).x
    return closed(x, y, ratio), np.tan(angle)


def closed(x, y, ratio):
    sxx, syy, sxy = x.var(), y.var(), ((x - x.mean()) * (y - y.mean())).mean()
    b = (syy - ratio * sxx + np.sqrt((syy - ratio * sxx) ** 2 + 4 * ratio * sxy**2)) / (2 * sxy)
    return np.array([b, y.mean() - b * x.mean()])


def jackknife(x, y, ratio):
    n, whole = len(x), closed(x, y, ratio)
    parts = np.array([closed(np.delete(x, i), np.delete(y, i), ratio) for i in range(n)])
    se = np.std(n * whole - (n - 1) * parts, axis=0, ddof=1) / np.sqrt(n)
    t = stats.t.ppf(0.975, n - 2)
    return [[v, v - t * s, v + t * s] for v, s in zip(whole, se)]


def passing_bablok(x, y):
    slopes = []
    for i in range(len(x)):
        for j in range(i):
            dx, dy = x[i] - x[j], y[i] - y[j]
            if (dx or dy) and not (dx and dy / dx == -1):
                slopes.append(dy / dx if dx else np.inf)
    s, n = np.sort(slopes), len(x)
    count, k = len(s), (np.array(slopes) < -1).sum()
    b = s[(count + 1) // 2 + k - 1] if count % 2 else (s[count // 2 + k - 1] + s[count // 2 + k]) / 2
    c = stats.norm.ppf(0.975) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    m = int(np.floor((count - c) / 2 + 0.5))
    low, high = s[m + k - 1], s[count - m + 1 + k - 1]
    a = lambda b: np.median(y - b * x)
    return [[b, low, high], [a(b), a(high), a(low)]]


cases = []
for n, slope, noise, decimals in [(12, 1.1, 0.5, 6), (41, 0.9, 2, 6), (60, 1.0, 1.5, 0), (25, 2.0, 0.5, 6)]:
    truth = rng.uniform(0, 20, n)
    x = (truth + rng.normal(0, noise, n)).round(decimals)
    y = (slope * truth + 1 + rng.normal(0, noise, n)).round(decimals)
    row = {"first": x.tolist(), "second": y.tolist(), "deming": {}, "passing_bablok": passing_bablok(x, y)}
    for ratio in [1.0, 2.5, 0.3]:
        line, searched = deming(x, y, ratio)
        assert abs(line[0] - searched) < 1e-6 * abs(searched), (line, searched)
        row["deming"][str(ratio)] = jackknife(x, y, ratio)
    cases.append(row)

coverage = []
for n in [15, 40]:
    runs, hits = 2000, np.zeros(2)
    for _ in range(runs):
        truth = rng.uniform(0, 20, n)
        x, y = truth + rng.normal(0, 1, n), truth + rng.normal(0, 1, n)
        for i, line in enumerate([jackknife(x, y, 1.0), passing_bablok(x, y)]):
            hits[i] += line[0][1] <= 1 <= line[0][2]
    row = {name: {"coverage": hit / runs, "runs": runs} for name, hit in zip(["deming", "passing_bablok"], hits)}
    coverage.append({"n": n} | row)
    print(coverage[-1])
Path(__file__).with_suffix(".json").write_text(json.dumps({"cases": cases, "coverage": coverage}, default=float) + "\n")
