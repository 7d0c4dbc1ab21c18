"""Reference values for medaug's smooth deformation: MONAI.

Writes smooth_deform.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import monai
import numpy as np
import torch
from monai import transforms as m
from safetensors.numpy import save_file

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}

for name, shape in (("2d", (9, 14)), ("3d", (5, 8, 11))):
    rank = len(shape)
    image = rng.normal(2, 1, shape).astype(np.float32)
    tensors[f"{name}.image"] = image
    for key, points, pad in (("plain", (3, 4, 5)[:rank], 0), ("padded", (2, 1, 3)[:rank], 1)):
        for mode in ("bilinear", "nearest"):
            deform = m.RandSmoothDeform(shape, points, pad=pad, field_mode=("bilinear", "trilinear")[rank - 2], prob=1,
                                        def_range=0.2, grid_mode=mode, grid_align_corners=True)
            deform.set_random_state(7)
            tensors[f"{name}.{key}_{mode}"] = np.ascontiguousarray(deform(image[None])[0], np.float32)
        tensors[f"{name}.{key}_field"] = deform.sfield.field[0].numpy().astype(np.float32)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "smooth_deform.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, monai {monai.__version__}"})
