"""Fifteen ellipsoid organs on 300 x 512 x 512 voxels: what MONAI, DeepMind's surface-distance and SciPy measure.

Writes organs.json (the ellipsoids, so that they can be drawn again elsewhere, and the values) beside this file, or
into the folder named by the first argument. Takes some minutes.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from monai.metrics import compute_surface_dice
from scipy import ndimage

# surface-distance 0.1 was written for NumPy 1 and older SciPy.
np.Inf, np.NaN = np.inf, np.nan
ndimage.filters, ndimage.morphology = ndimage, ndimage
import surface_distance  # noqa: E402

SHAPE, SPACING, ORGANS, SEED = (300, 512, 512), (1.5, 0.8, 0.8), 15, 20240501
rng = np.random.default_rng(SEED)
volumes = [np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)]
drawn = []


def draw(volume, organ, centre, radii):
    low = np.maximum(0, np.floor(centre - radii).astype(int))
    high = np.minimum(SHAPE, np.ceil(centre + radii).astype(int) + 1)
    box = tuple(slice(a, b) for a, b in zip(low, high))
    d, h, w = np.ogrid[box]
    d, h, w = (((v - c) / r)**2 for v, c, r in zip((d, h, w), centre, radii))
    part = volume[box]
    part[(d + h + w <= 1) & (part == 0)] = organ


for organ in range(1, ORGANS + 1):
    radii = np.array([rng.uniform(8, 45), rng.uniform(12, 70), rng.uniform(12, 70)])
    centre = np.array([rng.uniform(radii[a] + 2, SHAPE[a] - radii[a] - 2) for a in range(3)])
    moved = centre + rng.normal(0, 1.5, 3)
    scaled = radii * rng.uniform(.95, 1.05, 3)
    drawn.append([centre.tolist(), radii.tolist(), moved.tolist(), scaled.tolist()])
    draw(volumes[0], organ, centre, radii)
    draw(volumes[1], organ, moved, scaled)

reference, prediction = volumes
values = []
cross = ndimage.generate_binary_structure(3, 1)
for organ in range(1, ORGANS + 1):
    boxes = [ndimage.find_objects((v == organ).astype(np.uint8))[0] for v in volumes]
    box = tuple(slice(max(0, min(a.start, b.start) - 1), max(a.stop, b.stop) + 1) for a, b in zip(*boxes))
    r, p = reference[box] == organ, prediction[box] == organ
    edges = [m ^ ndimage.binary_erosion(m, cross) for m in (r, p)]
    maps = [ndimage.distance_transform_edt(~e, SPACING) for e in edges]
    a, b = maps[1][edges[0]], maps[0][edges[1]]
    found = surface_distance.compute_surface_distances(r, p, SPACING)
    tensors = [torch.from_numpy(m)[None, None] for m in (p, r)]
    values.append({
        "dice": 2 * np.sum(r & p) / (r.sum() + p.sum()),
        "hd": max(a.max(), b.max()),
        "hd95": max(np.percentile(a, 95), np.percentile(b, 95)),
        "pooled_hd95": np.percentile(np.concatenate([a, b]), 95),
        "assd": (a.sum() + b.sum()) / (a.size + b.size),
        "masd": (a.mean() + b.mean()) / 2,
        "nsd2": ((a <= 2).sum() + (b <= 2).sum()) / (a.size + b.size),
        "deepmind_hd95": surface_distance.compute_robust_hausdorff(found, 95),
        "deepmind_nsd2": surface_distance.compute_surface_dice_at_tolerance(found, 2.0),
        "monai_subvoxel_nsd2": compute_surface_dice(*tensors, [2.0], include_background=True, spacing=SPACING,
                                                    use_subvoxels=True).item(),
    })
    print(organ, values[-1], flush=True)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
rows = {"seed": SEED, "organs": drawn, "values": [{k: float(v) for k, v in row.items()} for row in values]}
(folder / "organs.json").write_text(json.dumps(rows, indent=0) + "\n")
