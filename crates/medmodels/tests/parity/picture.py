"""torchvision's preparation of pictures: resize, crop, normalise. Makes picture.safetensors."""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from reference import digest, tensor

CASES = [
    ((3, 47, 61), 32, 28, False),
    ((3, 61, 47), 33, 28, True),
    ((3, 20, 31), 32, 31, False),
    ((3, 20, 20), 45, 44, True),
]

found = {"shape": np.array([1], dtype=np.int64), "parameters": np.array([0], dtype=np.int64)}
for number, (shape, resize, crop, bicubic) in enumerate(CASES):
    mode = InterpolationMode.BICUBIC if bicubic else InterpolationMode.BILINEAR
    prepare = ImageClassification(resize_size=resize, crop_size=crop, interpolation=mode)
    picture = tensor(f"picture.{number}", shape) * 0.5 + 0.5
    found[f"output.{number}"] = digest(prepare(picture.double()))
versions = {"versions": f"torch {torch.__version__}", "state_dict": "none"}
save_file(found, pathlib.Path(__file__).parent / "picture.safetensors", metadata=versions)
