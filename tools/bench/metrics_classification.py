"""The rivals' side of `cargo bench --bench metrics_classification`: scikit-learn, torchmetrics, MONAI and NumPy, one thread.

usage: metrics_classification.py NAME    one of the names below; prints CPU seconds, peak memory and the value
One name a run, so that the peak is its own.
"""
import os
import resource
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import numpy as np  # noqa: E402

warnings.filterwarnings("ignore")


def cases(count, seed):
    """Logistic scores of cases of which one in five is positive."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < 0.2).astype(np.int8)
    return truth, 1 / (1 + np.exp(-(rng.normal(size=count) + 1.2 * truth - 1)))


def labels(count):
    rng = np.random.default_rng(13)
    truth = rng.integers(0, 5, count)
    return truth, np.where(rng.random(count) < 0.6, truth, rng.integers(0, 5, count))


def tensors(count, seed):
    import torch

    torch.set_num_threads(1)
    truth, scores = cases(count, seed)
    return torch.from_numpy(scores), torch.from_numpy(truth.astype(np.int64))


def auc_sklearn():
    from sklearn.metrics import roc_auc_score

    truth, scores = cases(10_000_000, 11)
    return lambda: roc_auc_score(truth, scores)


def auc_torchmetrics():
    from torchmetrics.functional.classification import binary_auroc

    scores, truth = tensors(10_000_000, 11)
    scores = scores.float()
    return lambda: binary_auroc(scores, truth).item()


def auc_monai_1m():
    from monai.metrics import compute_roc_auc

    scores, truth = tensors(1_000_000, 11)
    truth = truth.float()
    return lambda: float(compute_roc_auc(scores, truth))


def average_precision_sklearn():
    from sklearn.metrics import average_precision_score

    truth, scores = cases(10_000_000, 11)
    return lambda: average_precision_score(truth, scores)


def average_precision_torchmetrics():
    from torchmetrics.functional.classification import binary_average_precision

    scores, truth = tensors(10_000_000, 11)
    scores = scores.float()
    return lambda: binary_average_precision(scores, truth).item()


def bootstrap_sklearn_300():
    """300 of the 10 000 replicates: times 33.3."""
    from sklearn.metrics import roc_auc_score

    truth, scores = cases(5000, 12)

    def run():
        rng = np.random.default_rng(0)
        drawn = (rng.integers(0, 5000, 5000) for _ in range(300))
        return np.percentile([roc_auc_score(truth[i], scores[i]) for i in drawn], [2.5, 97.5])

    return run


def bootstrap_numpy():
    """Sorted once; a replicate is a weighted sum. Right only because no scores are tied."""
    truth, scores = cases(5000, 12)

    def run():
        order = np.argsort(scores, kind="stable")
        positive, rng, areas = truth[order].astype(float), np.random.default_rng(0), np.empty(10_000)
        for replicate in range(10_000):
            times = np.bincount(rng.integers(0, 5000, 5000), minlength=5000)[order]
            found = times * positive
            others = times - found
            below = np.cumsum(others) - others
            areas[replicate] = (found * below).sum() / (found.sum() * others.sum())
        return np.percentile(areas, [2.5, 97.5])

    return run


def delong_numpy():
    truth, scores = cases(100_000, 14)

    def midranks(values):
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        start = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        end = np.r_[start[1:], len(values)]
        ranks = np.empty(len(values))
        ranks[order] = np.repeat((start + end - 1) / 2 + 1, end - start)
        return ranks

    def run():
        positive, negative = scores[truth == 1], scores[truth == 0]
        m, n = len(positive), len(negative)
        pooled = midranks(np.r_[positive, negative])
        of_positives = (pooled[:m] - midranks(positive)) / n
        of_negatives = 1 - (pooled[m:] - midranks(negative)) / m
        return of_positives.mean(), np.sqrt(of_positives.var(ddof=1) / m + of_negatives.var(ddof=1) / n)

    return run


def macro_f1_sklearn():
    from sklearn.metrics import f1_score

    truth, decided = labels(10_000_000)
    return lambda: f1_score(truth, decided, average="macro")


def macro_f1_torchmetrics():
    import torch
    from torchmetrics.functional.classification import multiclass_f1_score

    torch.set_num_threads(1)
    truth, decided = map(torch.from_numpy, labels(10_000_000))
    return lambda: multiclass_f1_score(decided, truth, 5, average="macro").item()


TASKS = [auc_sklearn, auc_torchmetrics, auc_monai_1m, average_precision_sklearn, average_precision_torchmetrics,
         bootstrap_sklearn_300, bootstrap_numpy, delong_numpy, macro_f1_sklearn, macro_f1_torchmetrics]
for task in TASKS:
    if task.__name__ in sys.argv[1:]:
        run = task()
        seconds = []
        for _ in range(3):
            start = time.process_time()
            value = run()
            seconds.append(time.process_time() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{task.__name__:32} {min(seconds):8.3f} s CPU   peak {peak:.2f} GB   {value}", flush=True)
if len(sys.argv) < 2:
    print(*(task.__name__ for task in TASKS), sep="\n")
