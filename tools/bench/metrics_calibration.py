"""The rivals' side of `cargo bench --bench metrics_calibration`: ECE of ten million scores in 15 bins.

usage: metrics_calibration.py [name ...]      prints CPU seconds (median of three, one thread), peak memory and the error;
                                              for a library's own peak name it alone
"""
import os, resource, statistics, sys, time, warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

warnings.filterwarnings("ignore")
N, BINS = 10_000_000, 15
rng = np.random.default_rng(11)
y = rng.random(N) < 0.2
p = 1 / (1 + np.exp(-(rng.normal(size=N) + 1.2 * y - 1)))


def torchmetrics(dtype):
    import torch
    from torchmetrics.functional.classification import binary_calibration_error

    torch.set_num_threads(1)
    scores, labels = torch.from_numpy(p).to(getattr(torch, dtype)), torch.from_numpy(y.astype(np.int64))
    return lambda: binary_calibration_error(scores, labels, n_bins=BINS).item()


def scikit_learn():
    from sklearn.calibration import calibration_curve

    # No error of its own: the curve without its counts.
    return lambda: calibration_curve(y, p, n_bins=BINS)[0].mean()


def numpy():
    def ece():
        b = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        return np.abs(np.bincount(b, p, BINS) - np.bincount(b, y, BINS)).sum() / N

    return ece


cases = {
    "torchmetrics_f64": lambda: torchmetrics("float64"),
    "torchmetrics_f32": lambda: torchmetrics("float32"),
    "scikit_learn": scikit_learn,
    "numpy": numpy,
}
for name in sys.argv[1:] or cases:
    run, seconds = cases[name](), []
    for _ in range(3):
        start = time.process_time()
        value = run()
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:18} {statistics.median(seconds):8.3f} CPU s  peak {peak:7.0f} MiB  {value:.10f}", flush=True)
