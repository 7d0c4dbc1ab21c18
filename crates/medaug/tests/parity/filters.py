"""Reference values for medaug's filters: SciPy, MONAI, TorchIO, Albumentations.

Writes filters.safetensors into the folder named by the first argument, by default beside this file.
"""
import random
import sys
from importlib.metadata import version
from pathlib import Path

import albumentations as A
import monai
import numpy as np
import scipy
import torch
import torchio as tio
from albumentations.augmentations.blur.functional import create_motion_kernel
from albumentations.augmentations.pixel.functional import convolve, unsharp_mask
from batchgeneratorsv2.transforms.noise.sharpen import SharpeningTransform
from monai import transforms as m
from safetensors.numpy import save_file
from scipy import ndimage
from torchvision.transforms.v2 import functional

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


for name, shape in (("2d", (9, 21)), ("3d", (5, 8, 19))):
    image = rng.normal(0.3, 1.2, shape).astype(np.float32)
    rank = len(shape)
    put(f"{name}.image", image)
    put(f"{name}.median", m.MedianSmooth(1)(image[None])[0])
    put(f"{name}.median_uneven", ndimage.median_filter(image, (3, 1, 5)[-rank:] if rank == 3 else (3, 5), mode="reflect"))
    put(f"{name}.median_wide", ndimage.median_filter(image, (5,) * rank, mode="nearest"))
    put(f"{name}.smooth", m.GaussianSmooth(1.3)(image[None])[0])
    put(f"{name}.smooth_uneven", m.GaussianSmooth((0.4, 0.0001, 2.1)[:rank])(image[None])[0])
    put(f"{name}.sharpen", m.GaussianSharpen((0.9, 0.6, 0.7)[:rank], 0.5, 12.0)(image[None])[0])
    sharpening = SharpeningTransform()
    for key, clamp in (("laplacian", False), ("laplacian_clipped", True)):
        put(f"{name}.{key}", sharpening._apply_to_image(
            torch.from_numpy(image)[None].clone(), apply_channel=[True], strengths=[0.37], clamp_intensities=[clamp])[0])
    put(f"{name}.box", ndimage.uniform_filter(image.astype(float), (3, 5, 7)[:rank], mode="mirror"))

# TorchIO's blur on an uneven grid: arrays run x, y, z there; axes are kept in their order here.
shape, spacing, sigma = (5, 8, 19), (4.0, 0.8, 1.25), (3.1, 0.0, 1.7)
image = tio.ScalarImage(tensor=torch.from_numpy(tensors["3d.image"])[None], affine=np.diag((*spacing, 1)))
put("3d.blur", tio.Blur(sigma)(image).data[0])

# Albumentations: a picture whose results stay within 0..1, so that its clipping shows nowhere.
picture = (0.5 + 0.02 * ndimage.gaussian_filter(rng.normal(0, 3, (15, 22)), 0.6)).astype(np.float32)
put("picture", picture)
wide = np.linspace(0, 0.999, 157, dtype=np.float32).reshape(1, -1)
put("wide", wide)


def inside(name, array):
    assert array.min() > 0 and array.max() < 1, name
    put(name, array)


inside("sharpened", A.Sharpen((0.35, 0.35), (0.8, 0.8), p=1)(image=picture)["image"])
inside("unsharp", A.Sharpen((0.45, 0.45), method="gaussian", kernel_size=5, sigma=1.0, p=1)(image=picture)["image"])
inside("unsharp_threshold", unsharp_mask(picture, 5, 1.0, 1.3, 2))
inside("boxed", A.Blur((5, 5), p=1)(image=picture)["image"])

put("inverted", functional.invert(torch.from_numpy(wide)))
put("solarized", functional.solarize(torch.from_numpy(wide), 0.62))
put("posterized", functional.posterize(torch.from_numpy(wide), 3))


class Fixed(random.Random):
    """Gives the shift of the line: this share of its range along x, then along y."""

    def __init__(self, *shares):
        super().__init__()
        self.shares = list(shares)

    def uniform(self, low, high):
        return self.shares.pop(0)


for i, (size, angle, direction, shift) in enumerate(
        ((3, 0.0, 0.0, None), (7, 33.0, 0.0, None), (7, 250.0, -0.6, None), (5, 111.0, 0.8, (0.9, -0.4)))):
    kernel = create_motion_kernel(size, angle, direction, shift is not None, Fixed(*(shift or ())))
    inside(f"motion{i}", convolve(picture, kernel=kernel.astype(np.float32) / kernel.sum()))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "filters.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, scipy {scipy.__version__}, monai {monai.__version__}, "
                  f"torchio {tio.__version__}, albumentations {A.__version__}, "
                  f"batchgeneratorsv2 {version('batchgeneratorsv2')}, torchvision {version('torchvision')}"})
