"""Reference values for what cameras and files do to pictures, and for filters by name: OpenCV, Albumentations, MONAI.

Writes camera.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import albumentations as A
import cv2
import monai
import numpy as np
import torch
from albumentations.augmentations.pixel import functional as pixel
from monai.transforms import ForegroundMask, GridSplit, ImageFilter
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261126
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


def picture(shape):
    """Smooth colours with edges, in levels."""
    image = ndimage.gaussian_filter(rng.normal(0, 1, (*shape, 3)), (2.5, 2.5, 0.6)) * 320 + 120
    image[shape[0] // 3:, : shape[1] // 2] += (60, -30, 20)
    return np.clip(image, 0, 255).astype(np.uint8)


# JPEG: even blocks of luma and chroma, and odd shapes.
for name, shape in (("even", (32, 48)), ("odd", (19, 27))):
    colours = picture(shape)
    put(f"{name}.colours", colours.transpose(2, 0, 1), np.uint8)
    for quality in (15, 75):
        flag = (cv2.IMWRITE_JPEG_QUALITY, quality)
        coded = cv2.imencode(".jpg", cv2.cvtColor(colours, cv2.COLOR_RGB2BGR), flag)[1]
        decoded = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        put(f"{name}.colours.{quality}", decoded.transpose(2, 0, 1), np.uint8)
        coded = cv2.imencode(".jpg", colours[..., 1], flag)[1]
        put(f"{name}.grey.{quality}", cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)

# A camera's noise: the drawn numbers are replaced by given ones, degrees of hue and parts of the way to white.
image = np.clip(rng.beta(2, 2, (7, 11, 3)), 0.01, 0.99).astype(np.float32)
image[2, 3:6] = 0.4
degrees = rng.normal(0, 12, (7, 11)).astype(np.float32)
lifts = (rng.poisson(6, (7, 11)) / 255).astype(np.float32)


# OpenCV misreads hues below 0 and from 360 degrees on.
hues = cv2.cvtColor(image, cv2.COLOR_RGB2HLS)[..., 0]
degrees = np.where((hues + degrees < 0) | (hues + degrees >= 360), -degrees, degrees)
assert ((hues + degrees >= 0) & (hues + degrees < 360)).all()


class Given:
    def poisson(self, mean, size):
        return lifts

    def normal(self, mean, deviation, size):
        return degrees


put("iso.image", image.transpose(2, 0, 1))
put("iso.degrees", degrees)
put("iso.lifts", lifts)
put("iso.noised", pixel.iso_noise(image.copy(), 1.0, 1.0, Given()).transpose(2, 0, 1))

smooth = (0.5 + 0.02 * ndimage.gaussian_filter(rng.normal(0, 3, (15, 22)), 0.6)).astype(np.float32)
put("smooth", smooth)
embossed = A.Emboss((0.35, 0.35), (0.6, 0.6), p=1)(image=smooth)["image"]
assert embossed.min() > 0 and embossed.max() < 1
put("embossed", embossed)
levels = (rng.beta(2, 5, (23, 30)) * 255).astype(np.uint8)
put("levels", levels, np.uint8)
put("equalized", cv2.equalizeHist(levels), np.uint8)

# Filters by name.
for name, shape in (("2d", (9, 14)), ("3d", (5, 7, 9))):
    image = torch.from_numpy(rng.normal(0.2, 1, shape).astype(np.float32))
    put(f"{name}.image", image)
    for kind in ("mean", "laplace", "elliptical", "sharpen"):
        put(f"{name}.{kind}", ImageFilter(kind, 5)(image[None])[0])

# Masks: a slide of three channels.
slide = np.full((3, 16, 20), 0.92) + rng.normal(0, 0.02, (3, 16, 20))
slide[:, 4:12, 5:15] -= np.array([0.2, 0.55, 0.25])[:, None, None] * rng.uniform(0.7, 1.1, (8, 10))
slide = np.clip(slide, 0, 1).astype(np.float32)
put("slide", slide)
put("slide.otsu", ForegroundMask()(slide), np.uint8)
put("slide.green", ForegroundMask({"G": 0.6, "R": 0.5})(slide), np.uint8)
put("slide.hsv", ForegroundMask("otsu", {"S": 0.2, "H": "otsu"})(slide), np.uint8)
put("slide.inverted", ForegroundMask({"R": "otsu"}, invert=True)(slide), np.uint8)

for name, (grid, size) in {"fitting": ((2, 3), None), "overlapping": ((2, 3), (9, 8))}.items():
    put(f"split.{name}", np.stack(GridSplit(grid, size)(slide[:1]))[:, 0])

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "camera.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, opencv {cv2.__version__}, monai {monai.__version__}, "
                  f"albumentations {A.__version__}, scikit-image {version('scikit-image')}"})
