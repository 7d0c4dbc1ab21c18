"""The rivals' side of `benches/surface_metrics.rs`: fifteen ellipsoid organs on 300 x 512 x 512 voxels, one thread.

CPU and wall seconds (medians) and the peak memory of the process, one task a run so that peaks do not mix. `edt` and
`scipy` get the boxes cut out for them, MONAI, surface-distance and MedPy take whole volumes as their users give them.

    python tools/bench/metrics_segmentation.py dice_numpy [--repeats 3]
    for t in dice_numpy dice_monai hausdorff_monai nsd_monai nsd_monai_subvoxels deepmind edt scipy medpy; do
        python tools/bench/metrics_segmentation.py $t; done
"""
import argparse
import resource
import statistics
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
SHAPE, SPACING, ORGANS, SEED = (300, 512, 512), (1.5, 0.8, 0.8), 15, 20240501


def draw(volume, organ, centre, radii):
    low = np.maximum(0, np.floor(centre - radii).astype(int))
    high = np.minimum(SHAPE, np.ceil(centre + radii).astype(int) + 1)
    box = tuple(slice(a, b) for a, b in zip(low, high))
    d, h, w = (((v - c) / r)**2 for v, c, r in zip(np.ogrid[box], centre, radii))
    part = volume[box]
    part[(d + h + w <= 1) & (part == 0)] = organ


def organs():
    rng = np.random.default_rng(SEED)
    reference, prediction = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for organ in range(1, ORGANS + 1):
        radii = np.array([rng.uniform(8, 45), rng.uniform(12, 70), rng.uniform(12, 70)])
        centre = np.array([rng.uniform(radii[a] + 2, SHAPE[a] - radii[a] - 2) for a in range(3)])
        draw(reference, organ, centre, radii)
        draw(prediction, organ, centre + rng.normal(0, 1.5, 3), radii * rng.uniform(.95, 1.05, 3))
    return reference, prediction


def each(masks, measure):
    """A measure of each organ on whole volumes."""
    return [measure(*(m == organ for m in masks)) for organ in range(1, ORGANS + 1)]


def dice_numpy(r, p):
    table = np.bincount(r.ravel().astype(np.uint16) << 4 | p.ravel(), minlength=256).reshape(16, 16)
    return (2 * np.diag(table) / (table.sum(0) + table.sum(1)))[1:]


def dice_monai(r, p):
    import torch
    from monai.metrics import DiceHelper
    helper = DiceHelper(include_background=False, num_classes=16, apply_argmax=False, get_not_nans=False, reduction="none")
    return helper(*(torch.from_numpy(m)[None, None] for m in (p, r)))[0].tolist()


def of_monai(function, *settings, **named):
    import torch
    over = {"include_background": True, "spacing": SPACING, **named}

    def measure(r, p):
        return function(*(torch.from_numpy(m)[None, None] for m in (p, r)), *settings, **over).item()

    return measure


def hausdorff_monai(*masks):
    from monai.metrics import compute_hausdorff_distance
    return each(masks, of_monai(compute_hausdorff_distance, percentile=95))


def nsd_monai(*masks):
    from monai.metrics import compute_surface_dice
    return each(masks, of_monai(compute_surface_dice, [2.0]))


def nsd_monai_subvoxels(*masks):
    from monai.metrics import compute_surface_dice
    return each(masks, of_monai(compute_surface_dice, [2.0], use_subvoxels=True))


def deepmind(*masks):
    from scipy import ndimage
    # surface-distance 0.1 was written for NumPy 1 and older SciPy.
    np.Inf, np.NaN, ndimage.filters, ndimage.morphology = np.inf, np.nan, ndimage, ndimage
    import surface_distance

    def measure(r, p):
        found = surface_distance.compute_surface_distances(r, p, SPACING)
        return (surface_distance.compute_robust_hausdorff(found, 95),
                surface_distance.compute_surface_dice_at_tolerance(found, 2.0))

    return each(masks, measure)


def boxed(masks, transform):
    """HD95 and surface Dice from distance transforms of each organ's box."""
    from scipy import ndimage
    boxes = [ndimage.find_objects(m, ORGANS) for m in masks]
    values = []
    for organ, pair in enumerate(zip(*boxes), 1):
        box = tuple(slice(max(0, min(a.start, b.start) - 1), max(a.stop, b.stop) + 1) for a, b in zip(*pair))
        inside = [m[box] == organ for m in masks]
        edges = [m ^ ndimage.binary_erosion(m) for m in inside]
        maps = [transform(~edge) for edge in edges]
        a, b = maps[1][edges[0]], maps[0][edges[1]]
        near = (a <= 2).sum() + (b <= 2).sum()
        values.append((max(np.percentile(a, 95), np.percentile(b, 95)), near / (a.size + b.size)))
    return values


def edt(*masks):
    import edt as library
    return boxed(masks, lambda m: library.edt(m, anisotropy=SPACING, black_border=False, parallel=1))


def scipy(*masks):
    from scipy import ndimage
    return boxed(masks, lambda m: ndimage.distance_transform_edt(m, SPACING))


def medpy(r, p):
    """One organ alone."""
    from medpy.metric import binary
    return [binary.hd95(p == 1, r == 1, SPACING)]


TASKS = (dice_numpy, dice_monai, hausdorff_monai, nsd_monai, nsd_monai_subvoxels, deepmind, edt, scipy, medpy)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {task.__name__: task for task in TASKS}
    parser.add_argument("task", choices=tasks)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if "monai" in options.task:
        import torch
        torch.set_num_threads(1)
    masks = organs()
    wall, cpu = [], []
    for _ in range(options.repeats):
        start, used = time.perf_counter(), time.process_time()
        values = tasks[options.task](*masks)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    shown = np.round(np.ravel(values)[:4].astype(float), 4).tolist()
    print(f"{options.task} cpu {statistics.median(cpu):.3f} wall {statistics.median(wall):.3f} peak_gb {peak:.2f} {shown}")
