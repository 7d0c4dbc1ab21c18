"""scikit-image's, MONAI's, torchmetrics' and SciPy's side of `benches/metrics_quality.rs`, on the same voxels.

CPU seconds, minimum and median, and peak memory of a process for each rival.

    cargo bench --bench metrics_quality && python tools/bench/metrics_quality.py
"""

import resource
import statistics
import subprocess
import sys
import time

import numpy as np

REPETITIONS = 3


def volumes():
    i = np.arange(128 ** 3, dtype=np.uint64)
    noise = (i * np.uint64(2654435761) >> np.uint64(7)) & np.uint64(255)
    more = noise + i * np.uint64(7919) % np.uint64(13)
    return [v.astype(np.float32).reshape(128, 128, 128) for v in (noise, more)]


def organs():
    labels = np.zeros((300, 512, 512), np.uint8)
    for organ in range(15):
        centre = 50 + 100 * (organ % 3), 50 + 100 * (organ // 3), 100 + 20 * organ
        radii = 20 + 10 * (organ % 3), 25 + organ, 30 + 2 * organ
        box = tuple(slice(max(0, c - r), min(n, c + r + 1)) for c, r, n in zip(centre, radii, labels.shape))
        at = np.ogrid[box]
        labels[box][sum(((a - c) / r) ** 2 for a, c, r in zip(at, centre, radii)) <= 1] = organ + 1
    return labels


def scikit_image_uniform():
    from skimage.metrics import structural_similarity

    x, y = volumes()
    return lambda: structural_similarity(x, y, data_range=255.0)


def scikit_image_gaussian():
    from skimage.metrics import structural_similarity

    x, y = volumes()
    return lambda: structural_similarity(x, y, data_range=255.0, gaussian_weights=True, use_sample_covariance=False)


def tensors():
    import torch

    torch.set_num_threads(1)
    return [torch.from_numpy(v)[None, None] for v in volumes()]


def monai():
    from monai.metrics.regression import SSIMMetric

    x, y = tensors()
    return lambda: SSIMMetric(spatial_dims=3, data_range=255.0)(y, x).item()


def torchmetrics():
    from torchmetrics.functional.image import structural_similarity_index_measure

    x, y = tensors()
    return lambda: structural_similarity_index_measure(y, x, data_range=255.0).item()


def scipy_diameters():
    """The largest diameter of each organ from the hull of its boundary voxels' corners; no library has it ready."""
    from scipy import ndimage
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist

    labels = organs()
    spacing = np.array([1.5, 0.8, 0.8])
    corners = np.array(np.meshgrid(*[[-0.5, 0.5]] * 3)).reshape(3, -1).T

    def run():
        found = []
        for organ, box in enumerate(ndimage.find_objects(labels), 1):
            mask = labels[box] == organ
            surface = np.argwhere(mask ^ ndimage.binary_erosion(mask))
            points = (surface[:, None] + corners).reshape(-1, 3) * spacing
            found.append(pdist(points[ConvexHull(points).vertices]).max())
        return found[0]

    return run


RIVALS = [scikit_image_uniform, scikit_image_gaussian, monai, torchmetrics, scipy_diameters]


def measure(rival):
    run = rival()
    seconds = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        value = run()
        seconds.append(time.process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{rival.__name__:24s} CPU s min {min(seconds):7.3f} median {statistics.median(seconds):7.3f}"
          f"  peak {memory:.2f} GB  {value:.9f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(next(rival for rival in RIVALS if rival.__name__ == sys.argv[1]))
    else:
        for rival in RIVALS:
            subprocess.run([sys.executable, __file__, rival.__name__], check=True)
