"""The rivals of `cargo bench --bench metrics_statistics`: bootstrap of an AUC, DeLong's variance.

    OMP_NUM_THREADS=1 python tools/bench/metrics_statistics.py

Prints the CPU seconds of the fastest of three runs and the peak of resident memory (process-wide, in GB) after each.
scikit-learn's bootstrap is a loop of 300 replicates, scaled to 10 000.
"""
import resource
import time

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score


def report(name, run, repeats=3, scale=1.0):
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{name:45s} {min(seconds) * scale:9.4f} CPU s   {peak:5.2f} GB   {result}", flush=True)


def cases(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.2
    return labels, 1 / (1 + np.exp(-(rng.normal(size=count) + 1.2 * labels - 1)))


def delong(labels, scores):
    positive, negative = scores[labels], scores[~labels]
    m, n = len(positive), len(negative)
    pooled = stats.rankdata(np.r_[positive, negative])
    v10 = (pooled[:m] - stats.rankdata(positive)) / n
    v01 = 1 - (pooled[m:] - stats.rankdata(negative)) / m
    return float(v10.mean()), float(np.sqrt(v10.var(ddof=1) / m + v01.var(ddof=1) / n))


def sklearn_loop(labels, scores, replicates=300):
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(labels), len(labels)) for _ in range(replicates))
    return np.percentile([roc_auc_score(labels[i], scores[i]) for i in drawn], [2.5, 97.5])


def numpy_weights(labels, scores, replicates=10_000):
    rng, order = np.random.default_rng(0), np.argsort(scores, kind="stable")
    positive, count = labels[order].astype(float), len(labels)
    aucs = np.empty(replicates)
    for i in range(replicates):
        times = np.bincount(rng.integers(0, count, count), minlength=count)[order]
        weights = times * positive
        others = times - weights
        below = np.cumsum(others) - others
        aucs[i] = (weights * below).sum() / (weights.sum() * others.sum())
    return np.percentile(aucs, [2.5, 97.5])


labels, scores = cases(100_000, 14)
report("DeLong 100k, SciPy midranks", lambda: delong(labels, scores))
labels, scores = cases(5000, 12)
report("bootstrap AUC 10k x 5k, scikit-learn", lambda: sklearn_loop(labels, scores), 1, 10_000 / 300)
report("bootstrap AUC 10k x 5k, NumPy weights", lambda: numpy_weights(labels, scores))
