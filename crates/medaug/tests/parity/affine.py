"""Reference values for medaug's affine changes under other conventions: MONAI, TorchIO and Albumentations.

Albumentations gives the matrix; SciPy reads it, because OpenCV rounds places to 1/32 pixel.
Writes affine.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import monai.transforms as mt
import numpy as np
import torch
import torchio as tio
from albumentations.augmentations.geometric import functional as albumentations
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261124
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


plane = rng.normal(0, 3, (11, 14)).astype(np.float32)
volume = ndimage.gaussian_filter(rng.normal(0, 9, (8, 11, 10)), 0.7).astype(np.float32)
put("plane", plane)
put("volume", volume)


def monai(array, rotate, shear, translate, scale):
    affine = mt.Affine(rotate_params=rotate, shear_params=shear, translate_params=translate, scale_params=scale,
                       mode="bilinear", padding_mode="reflection", image_only=True)
    return affine(torch.from_numpy(array)[None])[0]


put("monai.2d", monai(plane, (0.4,), (0.2, -0.3), (1.5, -2.25), (0.8, 1.3)))
put("monai.3d", monai(volume, (0.4, -0.2, 0.7), (0.2, -0.3, 0.1, 0.05, -0.15, 0.25), (1.5, -2.25, 0.5), (0.8, 1.3, 1.1)))

# TorchIO's arrays run (width, height, depth) in RAS; steps here along depth, height and width, LPS millimetres.
steps = np.array([[0.3, -0.9, 4.8], [0.03, 0.7, 0.15], [0.8, -0.02, -0.05]])
affine = np.eye(4)
affine[:3, :3] = (np.diag([-1, -1, 1]) @ steps.T)[:, ::-1]
affine[:3, 3] = [12.0, -30.5, 800.25]
image = tio.ScalarImage(tensor=torch.from_numpy(volume.transpose(2, 1, 0).copy())[None], affine=affine)
moved = tio.Affine((0.9, 1.2, 1.1), (10, -20, 35), (1.5, -0.75, 3.0), default_pad_value=0)(image)
put("torchio", moved.numpy()[0].transpose(2, 1, 0))

# Thick slices along the height (TorchIO's second axis); a whole number of new voxels, so that none lies outside.
thick = tio.Resample((1, 2.75, 1), image_interpolation="nearest")
flat = tio.ScalarImage(tensor=torch.from_numpy(volume.transpose(2, 1, 0).copy())[None])
back = tio.Resample((flat.spatial_shape, flat.affine))(thick(flat))
put("anisotropy", back.numpy()[0].transpose(2, 1, 0))

height, width = plane.shape
matrix = albumentations.create_affine_transformation_matrix(
    {"x": 3, "y": -2}, {"x": 0, "y": 0}, {"x": 1.2, "y": 0.9}, 35.0, albumentations.center((height, width)))
back = np.linalg.inv(matrix)[:2]
put("shift_scale_rotate", ndimage.affine_transform(plane.astype(float), back[::-1, 1::-1], back[::-1, 2], order=1,
                                                   mode="grid-constant", cval=0))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "affine.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, monai {version('monai')}, torchio {version('torchio')}, "
                  f"albumentations {version('albumentations')}"})
