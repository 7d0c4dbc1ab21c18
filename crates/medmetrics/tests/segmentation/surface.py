"""Reference values for medmetrics: MONAI, DeepMind's surface-distance and pooled percentiles as MedPy takes them.

Writes surface.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import monai
import numpy as np
import scipy
import torch
from monai.metrics import (compute_average_surface_distance, compute_dice, compute_hausdorff_distance, compute_iou,
                           compute_surface_dice)
from safetensors.numpy import save_file
from scipy import ndimage

# surface-distance 0.1 was written for NumPy 1 and older SciPy.
np.Inf, np.NaN = np.inf, np.nan
ndimage.filters, ndimage.morphology = ndimage, ndimage
import surface_distance  # noqa: E402

SEED = 20261121
rng = np.random.default_rng(SEED)
tensors = {}


def blob(shape, sigma, share):
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return field > np.quantile(field, 1 - share)


def measure(name, reference, prediction, spacing):
    tensors[f"{name}.reference"] = np.packbits(reference)
    tensors[f"{name}.prediction"] = np.packbits(prediction)
    tensors[f"{name}.shape"] = np.array(reference.shape, np.float64)
    tensors[f"{name}.spacing"] = np.array(spacing, np.float64)
    r, p = (torch.from_numpy(m.astype(np.float32))[None, None] for m in (reference, prediction))
    over = {"spacing": list(spacing), "include_background": True}
    values = {
        "dice": compute_dice(p, r, include_background=True),
        "iou": compute_iou(p, r, include_background=True),
        "hd": compute_hausdorff_distance(p, r, **over),
        "hd95": compute_hausdorff_distance(p, r, percentile=95, **over),
        "hd30": compute_hausdorff_distance(p, r, percentile=30, **over),
        "assd": compute_average_surface_distance(p, r, symmetric=True, **over),
        "from_prediction": compute_average_surface_distance(p, r, **over),
        "from_reference": compute_average_surface_distance(r, p, **over),
        "nsd1": compute_surface_dice(p, r, [1.0], **over),
        "nsd25": compute_surface_dice(p, r, [2.5], **over),
    }
    values = {k: v.item() for k, v in values.items()}
    cross = ndimage.generate_binary_structure(reference.ndim, 1)
    edges = [m ^ ndimage.binary_erosion(m, cross) for m in (reference, prediction)]
    maps = [ndimage.distance_transform_edt(~e, spacing) for e in edges]
    both = np.concatenate([maps[1][edges[0]], maps[0][edges[1]]])
    values["medpy_hd95"] = np.percentile(both, 95)
    values["masd"] = (maps[1][edges[0]].mean() + maps[0][edges[1]].mean()) / 2
    found = surface_distance.compute_surface_distances(reference, prediction, spacing)
    values["deepmind_hd"] = surface_distance.compute_robust_hausdorff(found, 100)
    values["deepmind_hd95"] = surface_distance.compute_robust_hausdorff(found, 95)
    values["deepmind_hd40"] = surface_distance.compute_robust_hausdorff(found, 40)
    values["deepmind_from_reference"], values["deepmind_from_prediction"] = (
        surface_distance.compute_average_surface_distance(found))
    values["deepmind_nsd1"] = surface_distance.compute_surface_dice_at_tolerance(found, 1.0)
    values["deepmind_nsd25"] = surface_distance.compute_surface_dice_at_tolerance(found, 2.5)
    for key, value in values.items():
        tensors[f"{name}.{key}"] = np.array([value], np.float64)


# Blobs that reach the image's border, on odd grids.
shape = (9, 17, 22)
reference = blob(shape, 2.0, 0.3)
measure("volume", reference, reference ^ (blob(shape, 1.0, 0.1)), (3.0, 0.8, 0.9))
measure("rough", blob(shape, 0.7, 0.4), blob(shape, 0.7, 0.4), (1.3, 0.7, 2.1))
measure("apart", np.pad(np.ones((1, 2, 2), bool), ((0, 8), (0, 15), (0, 20))),
        np.pad(np.ones((2, 1, 3), bool), ((7, 0), (16, 0), (19, 0))), (2.0, 1.0, 0.5))
measure("plane", blob((21, 34), 2.0, 0.3), blob((21, 34), 2.0, 0.25), (0.5, 1.7))
measure("same", reference, reference, (3.0, 0.8, 0.9))
measure("one_voxel", np.pad(np.ones((1, 1, 1), bool), 1), np.pad(np.ones((1, 1, 1), bool), ((1, 1), (1, 1), (0, 2))),
        (1.0, 1.0, 1.5))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
versions = f"numpy {np.__version__}, scipy {scipy.__version__}, monai {monai.__version__}, surface-distance 0.1"
save_file(tensors, folder / "surface.safetensors", metadata={"provenance": f"seed {SEED}, {versions}"})
