"""Reference values for medaug's deformations and matched quantiles: batchgeneratorsv2, MONAI, SciPy, torchvision, SimpleITK.

Writes bends.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from monai.transforms import Rand2DElastic
from monai.transforms.utils import create_control_grid
from safetensors.numpy import save_file
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

SEED = 20261127
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


def smooth(shape):
    return ndimage.gaussian_filter(rng.normal(0, 3, shape), 0.7).astype(np.float32)


# Elastic deformation of nnU-Net's augmentation: offsets of every voxel, whose mean it takes away.
torch.manual_seed(5)
np.random.seed(5)
for name, shape in (("flat", (19, 24)), ("deep", (7, 10, 12))):
    image = smooth(shape)
    transform = SpatialTransform(shape, 0, False, p_elastic_deform=1, elastic_deform_scale=(0.1, 0.2),
                                 elastic_deform_magnitude=(1.5, 2.5), p_rotation=0, p_scaling=0)
    parameters = transform.get_parameters(image=torch.from_numpy(image)[None])
    put(f"elastic.{name}.image", image)
    offsets = np.moveaxis(parameters["elastic_offsets"].numpy(), -1, 0)
    put(f"elastic.{name}.offsets", offsets)
    put(f"elastic.{name}.out", transform._apply_to_image(torch.from_numpy(image)[None], **parameters)[0])

# MONAI's control points: what they add to where each pixel looks without them.
for name, shape, spacing in (("odd", (21, 26), (6.0, 5.0)), ("fraction", (24, 19), (5.5, 7.0))):
    elastic = Rand2DElastic(spacing, (0.5, 0.5), prob=1.0).set_random_state(3)
    elastic.randomize(shape)
    seen = []
    elastic.resampler = lambda img, grid, **_: seen.append(np.array(grid)) or img
    image = torch.zeros((1, *shape))
    points = create_control_grid(shape, spacing).shape[1:]
    offsets = []
    for magnitude in (0.5, 0.0):
        elastic.deform_grid.magnitude = (magnitude, magnitude)
        elastic.set_random_state(7)
        elastic(image, spatial_size=shape)
        offsets.append(elastic.deform_grid.rand_mag * elastic.deform_grid.random_offset)
    put(f"control.{name}.spacing", spacing, np.float64)
    put(f"control.{name}.offsets", offsets[0][:2])
    assert offsets[0].shape[1:] == points
    put(f"control.{name}.moved", (seen[0] - seen[1])[:2])

# Thin plate splines of SciPy, in shares of the image.
places = rng.uniform(0, 1, (9, 2))
displacements = rng.normal(0, 0.04, (9, 2))
grid = np.stack(np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, 17), indexing="ij"), -1).reshape(-1, 2)
moved = RBFInterpolator(places, displacements, kernel="thin_plate_spline", degree=1)(grid)
put("plate.places", places, np.float64)
put("plate.displacements", displacements, np.float64)
put("plate.field", (moved * (12, 16)).T.reshape(2, 13, 17))

# torchvision's perspective: which places are shown at the corners, and the picture.
image = smooth((21, 26))
corners = [[2, 1], [23, 3], [24, 18], [1, 19]]  # x, y, clockwise
ends = [[0, 0], [25, 0], [25, 20], [0, 20]]
put("perspective.image", image)
put("perspective.corners", corners, np.float64)
put("perspective.out", F.perspective(torch.from_numpy(image)[None], corners, ends, InterpolationMode.BILINEAR)[0])

# Histograms matched at a few quantiles.
shape = (5, 9, 11)
source, reference = rng.gamma(2.0, 60, shape).astype(np.float32), rng.normal(500, 130, shape).astype(np.float32)
source[:, :3] = rng.uniform(0, 5, (5, 3, 11))
reference[:2] = rng.uniform(0, 30, (2, 9, 11))
put("match.source", source)
put("match.reference", reference)
for levels, points, mean in ((1024, 7, True), (64, 3, False), (20, 1, True)):
    filter_ = sitk.HistogramMatchingImageFilter()
    filter_.SetNumberOfHistogramLevels(levels)
    filter_.SetNumberOfMatchPoints(points)
    filter_.SetThresholdAtMeanIntensity(mean)
    out = filter_.Execute(sitk.GetImageFromArray(source), sitk.GetImageFromArray(reference))
    put(f"match.{levels}.{points}", sitk.GetArrayFromImage(out))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "bends.safetensors", metadata={
    "provenance": f"seed {SEED}, " + ", ".join(f"{package} {version(package)}" for package in (
        "batchgeneratorsv2", "monai", "scipy", "torchvision", "SimpleITK", "numpy"))})
