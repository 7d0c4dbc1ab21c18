"""Reference values for medaug's transforms of colour: torchvision, OpenCV, Albumentations 2.0.8 and scikit-image.

Writes colour.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import albumentations.augmentations.pixel.functional as albumentations
import cv2
import numpy as np
import torch
import torchvision.transforms.v2.functional as torchvision
from safetensors.numpy import save_file
from skimage.color import hed2rgb, rgb2hed

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


# Colours, greys, black, white and equal channels, channel first.
image = rng.uniform(0, 1, (3, 13, 17)).astype(np.float32)
image[:, 0] = rng.uniform(0, 1, 17)
image[:, 1, :2] = [[0, 1]] * 3
image[0, 2] = image[1, 2]
image[2, 3] = image[0, 3]
image[:, 4] *= 0.02
put("image", image)
tensor = torch.from_numpy(image)
last = np.ascontiguousarray(image.transpose(1, 2, 0))

for name, factor in (("brightness", 1.3), ("contrast", 0.6), ("contrast_up", 1.4), ("saturation", 1.7), ("hue", 0.31)):
    put(name, getattr(torchvision, f"adjust_{name.split('_')[0]}")(tensor, factor).numpy())
chain = tensor
for name, factor in (("hue", -0.12), ("contrast", 1.3), ("brightness", 0.8), ("saturation", 0.4), ("contrast", 0.7)):
    chain = getattr(torchvision, f"adjust_{name}")(chain, factor)
put("chain", chain.numpy())


def hsv(hue, saturation, value):
    h, s, v = cv2.split(cv2.cvtColor(last, cv2.COLOR_RGB2HSV))
    h = np.mod(h + np.float32(hue), 360)
    s = np.where(s == 0, 0, np.clip(s * saturation[0] + saturation[1], 0, 1)).astype(np.float32)
    v = np.clip(v * value[0] + value[1], 0, 1).astype(np.float32)
    return cv2.cvtColor(cv2.merge((h, s, v)), cv2.COLOR_HSV2RGB).transpose(2, 0, 1)


put("hsv", hsv(47.5, (1.2, -0.1), (0.8, 0.15)))
# So narrow that OpenCV rounds every pixel: wider rows are done in vectors, which drop the fraction.
levels = rng.integers(0, 256, (3, 137, 13)).astype(np.uint8)
tensors["levels"] = levels
for name, (hue, saturation, value) in {"hsv_levels": (17.3, 25.0, -14.0), "hsv_levels_down": (-130.0, -60.4, 33.6)}.items():
    changed = albumentations.shift_hsv(np.ascontiguousarray(levels.transpose(1, 2, 0)), hue, saturation, value)
    tensors[name] = np.ascontiguousarray(changed.transpose(2, 0, 1))
put("hsv_floats", albumentations.shift_hsv(last, 12.0, -20.0, 31.0).transpose(2, 0, 1))

stains = rgb2hed(last.astype(np.float64))
put("hed", hed2rgb(stains * [1.04, 0.93, 1.2] + [0.02, -0.01, 0.005]).transpose(2, 0, 1))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "colour.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, " + ", ".join(
        f"{name} {version(name)}" for name in
        ("torch", "torchvision", "opencv-python-headless", "albumentations", "scikit-image"))})
