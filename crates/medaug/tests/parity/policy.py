"""Reference values for medaug's policies and their tones: torchvision's transforms v2.

Writes policy.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file
from scipy import ndimage
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import AugMix, RandAugment, TrivialAugmentWide
from torchvision.transforms.v2 import functional as F

SEED = 20261125
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


picture = ndimage.gaussian_filter(rng.normal(0, 1, (3, 8, 11)), (0.4, 0.8, 0.8))
picture = torch.from_numpy(np.clip(0.5 + 0.35 * picture, 0.02, 0.97).astype(np.float32))
put("picture", picture)

for factor in (0.0, 0.4, 1.7):
    put(f"sharpness.{factor}", F.adjust_sharpness(picture, factor))
put("autocontrast", F.autocontrast(picture))
wide = torch.from_numpy(rng.beta(2, 5, (1, 23, 30)).astype(np.float32))
put("wide", wide)
put("wide.equalized", F.equalize(wide))
few = torch.from_numpy(rng.random((1, 8, 11)).astype(np.float32))
put("few", few)
put("few.equalized", F.equalize(few))

for name, policy, bins, magnitude, kinds in (
        ("rand", RandAugment(), 31, 11, RandAugment._AUGMENTATION_SPACE),
        ("trivial", TrivialAugmentWide(), 31, 3, ("ShearX", "TranslateY", "Rotate", "Contrast", "Posterize")),
        ("augmix", AugMix(), 10, 2, ("ShearY", "TranslateX", "Rotate", "Posterize"))):
    for kind in kinds:
        if kind == "Identity":
            continue
        magnitudes, signed = policy._AUGMENTATION_SPACE[kind]
        magnitudes = magnitudes(bins, *picture.shape[1:])
        for sign in (1, -1) if signed else (1,):
            value = 0.0 if magnitudes is None else float(magnitudes[magnitude]) * sign
            out = policy._apply_image_or_video_transform(
                picture, kind, value, interpolation=InterpolationMode.BILINEAR, fill={type(picture): None, "others": None})
            put(f"{name}.{kind}.{'+' if sign > 0 else '-'}", out)

mixed = 0.4 * picture + 0.35 * F.autocontrast(picture) + 0.25 * F.posterize(F.solarize(picture, 0.6), 3)
put("mixed", mixed)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "policy.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}"})
