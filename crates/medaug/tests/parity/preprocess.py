"""Reference values for medaug's preprocessing: MONAI's chain, and nnU-Net's resampling by its own recipe.

nnU-Net's is written out with scikit-image and SciPy as nnunetv2.preprocessing.resampling.default_resampling does it
(2.8.1): in-plane cubic with clipping, then the nearest slice; labels by one indicator for each class, order 1.
Writes preprocess.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import monai
import numpy as np
import scipy
import skimage
import torch
from monai.data import MetaTensor
from monai.transforms import CropForeground, Orientation, ScaleIntensityRange, Spacing
from safetensors.numpy import save_file
from scipy import ndimage
from skimage.transform import resize

SEED = 20261121
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


# A scan stored as [depth, height, width] in LPS; MONAI reads it as (X, Y, Z) with a RAS affine.
shape, spacing = (7, 14, 11), np.array([3.0, 0.9, 1.1])
scan = (ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.0) * 600).astype(np.float32)
scan[:2], scan[:, :3], scan[:, :, -2:] = -1000, -1000, -1000
labels = np.digitize(ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.2), [-0.1, 0.05]).astype(np.uint8)
a, b, c = 0.15, -0.1, 0.2
rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
direction = rz @ ry @ rx  # columns: x, y, z axes of the array in LPS
origin = np.array([-31.0, 12.5, 400.0])
put("scan", scan)
put("labels", labels, np.uint8)
put("origin", origin, np.float64)
put("steps", (direction * spacing[::-1]).T[::-1], np.float64)  # storage order: depth, height, width

lps = np.eye(4)
lps[:3, :3], lps[:3, 3] = direction * spacing[::-1], origin
affine = np.diag([-1, -1, 1, 1]) @ lps
for key, array, mode in (("monai_image", scan, "bilinear"), ("monai_labels", labels.astype(np.float32), "nearest")):
    tensor = MetaTensor(torch.from_numpy(array.T.copy())[None], affine=torch.from_numpy(affine))
    tensor = Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))(tensor)
    tensor = Spacing((1.4, 1.2, 2.0), mode=mode)(tensor)
    if key == "monai_image":
        tensor = ScaleIntensityRange(-160, 240, 0, 1, clip=True)(tensor)
        put("monai_affine_lps", np.diag([-1, -1, 1, 1]) @ tensor.affine.numpy(), np.float64)
        cropped = CropForeground(select_fn=lambda x: x > 0, margin=0)(tensor)
        put("monai_cropped", cropped.numpy()[0].T)
        put("monai_cropped_affine_lps", np.diag([-1, -1, 1, 1]) @ cropped.affine.numpy(), np.float64)
    put(key, tensor.numpy()[0].T, np.float32 if key == "monai_image" else np.uint8)


# nnU-Net: crop to non-zero is skipped here (the scan has no zeros), normalise, resample.
def by_class(array, shape, order):
    """The class with the largest indicator; the closest voxel's on ties."""
    classes = np.unique(array)
    scores = np.stack([resize((array == k).astype(float), shape, order, mode="edge", clip=True, anti_aliasing=False)
                       for k in classes])
    closest = resize(array, shape, 0, mode="edge", clip=True, anti_aliasing=False, preserve_range=True).astype(np.uint8)
    tied = scores > scores.max(0) - 1e-6
    closest_is_tied = (tied & (classes.reshape([-1] + [1] * array.ndim) == closest)).any(0)
    return np.where(closest_is_tied, closest, classes[scores.argmax(0)]).astype(np.uint8)


def slices(volume, depth):
    scale = volume.shape[0] / depth
    at = np.mgrid[:depth, :volume.shape[1], :volume.shape[2]].astype(float)
    at[0] = scale * (at[0] + 0.5) - 0.5
    return ndimage.map_coordinates(volume, at, order=0, mode="nearest")


normal = (np.clip(scan, -900, 500) - np.float32(20)) / np.float32(250)
for key, target in (("anisotropic", (1.7, 1.3, 0.9)), ("isotropic", (2.4, 1.3, 0.9))):
    new = [int(round(n * o / t)) for n, o, t in zip(shape, spacing, target)]
    # A ratio of 3.0 / 0.9 is above nnU-Net's limit of 3: within the slices, then the nearest slice.
    # The other recipe is the one below the limit.
    if key == "anisotropic":
        flat = np.stack([resize(s.astype(float), new[1:], 3, mode="edge", clip=True, anti_aliasing=False) for s in normal])
        put("nnunet_anisotropic", slices(flat, new[0]))
        flat = np.stack([by_class(s, new[1:], 1) for s in labels])
        put("nnunet_anisotropic_labels", slices(flat, new[0]), np.uint8)
    else:
        cube = resize(normal.astype(float), new, 3, mode="edge", clip=False, anti_aliasing=False)
        put("nnunet_isotropic", np.clip(cube, normal.min(), normal.max()))
        put("nnunet_isotropic_labels", by_class(labels, new, 1), np.uint8)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "preprocess.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, scipy {scipy.__version__}, scikit-image {skimage.__version__}, "
                  f"torch {torch.__version__}, monai {monai.__version__}"})
