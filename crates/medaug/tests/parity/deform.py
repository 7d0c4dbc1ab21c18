"""Reference values for medaug's deformations: where each voxel looks, and what is read there.

TorchIO and SimpleITK, MONAI, batchgeneratorsv2's order of steps, Albumentations and OpenCV.
Writes deform.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import SimpleITK as sitk
import torch
import torchio
from albumentations.augmentations.geometric import functional as albumentations
from monai.transforms import GridDistortion, Rand3DElastic
from safetensors.numpy import save_file
from scipy import ndimage
from scipy.spatial.transform import Rotation

rng = np.random.default_rng(20261124)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


# B-splines on an oblique grid with three spacings. Displacements along the axes of the grid, storage order, in mm.
shape, spacing = (7, 10, 12), np.array([4.0, 1.0, 1.5])
# ITK lays its lattice along the axes that are nearest to the body's, so a larger turn would change their order.
turn = Rotation.from_euler("xyz", (15, -10, 20), degrees=True).as_matrix()
image = ndimage.gaussian_filter(rng.normal(0, 3, shape), 0.7).astype(np.float32)
picture = sitk.GetImageFromArray(image)
picture.SetSpacing(spacing[::-1].tolist())
picture.SetOrigin([-12.0, 30.5, 800.25])
# Column k of ITK's direction is its axis k, which is storage axis 2 - k.
picture.SetDirection(turn.flatten().tolist())
points = (5, 6, 7)
along = rng.uniform(-1.5, 1.5, (3, *points))
world = np.einsum("wk,kzyx->wzyx", turn, along[::-1])
elastic = torchio.transforms.augmentation.spatial.random_elastic_deformation.ElasticDeformation(
    control_points=np.moveaxis(world, 0, -1).transpose(2, 1, 0, 3), max_displacement=(9, 9, 9))
bspline = elastic.get_bspline_transform(picture)
looks = np.empty((3, *shape))
for index in np.ndindex(shape):
    place = picture.TransformContinuousIndexToPhysicalPoint([float(v) for v in index[::-1]])
    looks[(slice(None), *index)] = picture.TransformPhysicalPointToContinuousIndex(bspline.TransformPoint(place))[::-1]
put("spline.image", image)
put("spline.displacements_mm", along)
put("spline.looks", looks)
for name, order in (("linear", 1), ("cubic", 3)):
    put(f"spline.{name}", ndimage.map_coordinates(image.astype(float), looks, order=order, mode="nearest"))

# Smoothed noise, one number a voxel.
shape = (9, 11, 10)
image = ndimage.gaussian_filter(rng.normal(0, 3, shape), 0.7).astype(np.float32)
elastic = Rand3DElastic((2.0, 2.0), (12.0, 12.0), prob=1.0, padding_mode="border").set_random_state(4)
out = elastic(torch.from_numpy(image)[None])
put("noise.image", image)
put("noise.noise", elastic.rand_offset)
put("noise.out", out[0])

# Grids.
steps = [[1.1, 0.9, 1.05, 0.9], [0.8, 1.1, 1.0, 1.05, 1.3]]
image = ndimage.gaussian_filter(rng.normal(0, 3, (23, 18)), 0.7).astype(np.float32)
put("grid.image", image)
put("grid.steps", np.concatenate(steps), np.float64)
put("grid.monai", GridDistortion((3, 4), steps, padding_mode="border")(torch.from_numpy(image)[None])[0])
put("grid.x", albumentations.generate_grid((23, 18), steps[1], [1.0] * 5, 4)[0][0])
put("grid.y", albumentations.generate_grid((23, 18), [1.0] * 4, steps[0], 3)[1][:, 0])

# Lenses and perspectives: rows, then columns.
for k in (-0.25, 0.4):
    for name, maps in (("camera", albumentations.get_camera_matrix_distortion_maps((13, 18), k)),
                       ("fisheye", albumentations.get_fisheye_distortion_maps((13, 18), k))):
        put(f"{name}.{k}", np.stack(maps[::-1]))
places = np.array([[1.5, 2.0], [23.0, -1.0], [25.0, 18.0], [-2.0, 19.5]], np.float32)
matrix, _, _ = albumentations.compute_perspective_params(places.copy(), (21, 26))
y, x = np.mgrid[:21, :26].astype(float)
looks = cv2.perspectiveTransform(np.stack([x, y], -1), np.linalg.inv(matrix))
put("perspective.looks", looks[..., ::-1].transpose(2, 0, 1))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "deform.safetensors", metadata={
    package: version(package) for package in (
        "torchio", "SimpleITK", "monai", "albumentations", "opencv-python-headless", "scipy", "torch")})
