"""Agreement: scikit-learn, torchmetrics, NumPy and krippendorff on the workloads of benches/metrics_agreement.rs.

usage: metrics_agreement.py kappa | alpha     prints CPU seconds (median of five, one thread) and peak memory

    python tools/bench/metrics_agreement.py kappa
    RAYON_NUM_THREADS=1 cargo bench --bench metrics_agreement
"""
import os
import resource
import statistics
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402


def measure(name, function, repeats=5):
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        value = function()
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{name:40}{statistics.median(seconds):9.4f} s CPU   peak {peak:5.2f} GB   {value}", flush=True)


def kappa():
    rng = np.random.default_rng(13)
    a = rng.integers(0, 5, 10_000_000, dtype=np.int64)
    b = np.where(rng.random(a.size) < 0.6, a, np.clip(a + rng.integers(-2, 3, a.size), 0, 4))

    def numpy_kappa():
        counts = np.bincount(a * 5 + b, minlength=25).reshape(5, 5).astype(float)
        weights = (np.arange(5)[:, None] - np.arange(5)) ** 2.0
        return 1 - (weights * counts).sum() / (weights * np.outer(counts.sum(1), counts.sum(0)) / counts.sum()).sum()

    measure("kappa quadratic 10M x5 numpy", numpy_kappa)
    from sklearn.metrics import cohen_kappa_score

    measure("kappa quadratic 10M x5 scikit-learn", lambda: cohen_kappa_score(a, b, weights="quadratic"))
    import torch
    from torchmetrics.functional.classification import multiclass_cohen_kappa

    torch.set_num_threads(1)
    first, second = torch.from_numpy(a), torch.from_numpy(b)
    measure("kappa quadratic 10M x5 torchmetrics", lambda: multiclass_cohen_kappa(second, first, 5, "quadratic").item())


def alpha():
    import krippendorff

    # 800 units of three continuous ratings would need 32 GB here: 50 units.
    rng = np.random.default_rng(14)
    ratings = 5 * rng.normal(size=50) + rng.normal(size=(3, 50))
    measure("alpha interval 50 x 3 krippendorff", lambda: krippendorff.alpha(ratings, level_of_measurement="interval"))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["kappa"]:
            kappa()
        case ["alpha"]:
            alpha()
        case _:
            sys.exit(__doc__)
