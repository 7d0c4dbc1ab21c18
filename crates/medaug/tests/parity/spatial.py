"""Reference values for medaug's spatial transforms: batchgeneratorsv2 in voxels, SciPy in millimetres.

Writes spatial.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy
import torch
from batchgeneratorsv2.transforms.spatial.spatial import (
    SpatialTransform, _convert_my_grid_to_grid_sample_grid, _create_centered_identity_grid2,
    create_affine_matrix_2d, create_affine_matrix_3d)
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261121
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


# name: shape, patch, centre in voxels (torch's, voxel i covers i..i+1), degrees, scales, flipped axes
cases = {
    "2d": ((19, 23), (12, 15), (9.0, 12.5), (37.0,), (0.8, 1.3), (1,)),
    "3d": ((13, 17, 15), (9, 10, 11), (6.25, 8.5, 7.0), (25.0, -40.0, 110.0), (0.9, 0.9, 0.9), (0, 2)),
}
for name, (shape, patch, centre, degrees, scales, flips) in cases.items():
    image = ndimage.gaussian_filter(rng.normal(0, 3, shape), 0.8).astype(np.float32)
    labels = np.digitize(ndimage.gaussian_filter(rng.normal(0, 3, shape), 1.5), [-0.3, 0.1, 0.5])
    labels[labels == 2] = 7
    radians = np.deg2rad(degrees)
    affine = create_affine_matrix_2d(radians[-1], scales) if len(shape) == 2 else create_affine_matrix_3d(radians, scales)
    transform = SpatialTransform(patch, 0, False, padding_mode_image="zeros", border_mode_seg="zeros")
    grid = torch.matmul(_create_centered_identity_grid2(patch).double(), torch.from_numpy(affine.T))
    grid = grid + torch.tensor([c - s / 2 for c, s in zip(centre, shape)])
    grid = _convert_my_grid_to_grid_sample_grid(grid.float(), shape)
    out = transform._apply_to_image(torch.from_numpy(image)[None], grid=grid)[0].numpy()
    seg = transform._apply_to_segmentation(torch.from_numpy(labels.astype(np.int16))[None], grid=grid)[0].numpy()
    put(f"{name}.image", image)
    put(f"{name}.labels", labels, np.uint8)
    put(f"{name}.patch", np.flip(out, flips))
    put(f"{name}.patch_labels", np.flip(seg, flips), np.uint8)

# A rotation in millimetres on an anisotropic grid: index = middle + diag(1/spacing) R diag(spacing) (index - middle).
spacing = np.array([4.0, 1.0, 1.5])
shape = (7, 16, 12)
image = ndimage.gaussian_filter(rng.normal(0, 3, shape), 0.7).astype(np.float32)
rotation = create_affine_matrix_3d(np.deg2rad([20.0, 15.0, -30.0]), (1, 1, 1))
matrix = np.diag(1 / spacing) @ rotation @ np.diag(spacing)
middle = (np.array(shape) - 1) / 2
put("millimetres.image", image)
for key, order in (("linear", 1), ("cubic", 3)):
    put(f"millimetres.{key}", ndimage.affine_transform(image.astype(float), matrix, middle - matrix @ middle,
                                                       order=order, mode="nearest"))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "spatial.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}, "
                  f"batchgeneratorsv2 {version('batchgeneratorsv2')}"})
