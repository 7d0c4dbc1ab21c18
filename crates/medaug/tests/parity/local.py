"""Local changes of intensity as batchgeneratorsv2 makes them: local.safetensors beside this file, or in the folder
named first.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy
import torch
from batchgeneratorsv2.transforms.local.brightness_gradient import BrightnessGradientAdditiveTransform
from batchgeneratorsv2.transforms.local.local_gamma import LocalGammaTransform
from batchgeneratorsv2.transforms.noise.blank_rectangle import BlankRectangleTransform
from safetensors.numpy import save_file

SEED = 20261125
rng = np.random.default_rng(SEED)
tensors = {}
for name, shape, centre, width in (("volume", (7, 9, 12), (0.3, 1.2, -0.1), (0.25, 0.6, 0.4)),
                                   ("slice", (13, 17), (0.5, 0.9), (0.2, 1.0))):
    image = rng.normal(0, 1, shape).astype(np.float32)
    place = dict(loc=lambda shape, d, c=centre: c[d], scale=lambda shape, d, w=width: w[d] * shape[d])
    tensors |= {f"{name}.image": image, f"{name}.centre": np.array(centre), f"{name}.width": np.array(width)}
    batch = torch.from_numpy(image.copy())[None]
    for key, keep in (("added", False), ("centred", True)):
        change = BrightnessGradientAdditiveTransform(max_strength=-2.5, mean_centered=keep, **place)
        tensors[f"{name}.{key}"] = change(image=batch.clone())["image"][0].numpy()
    for key, gamma in (("brighter", 0.3), ("darker", 2.7)):
        tensors[f"{name}.{key}"] = LocalGammaTransform(gamma=gamma, **place)(image=batch.clone())["image"][0].numpy()
    boxes = [([1] * len(shape), [4] * len(shape)), ([2] * len(shape), list(shape))]
    blank = BlankRectangleTransform(3, torch.mean, 2)
    tensors[f"{name}.blank"] = blank._apply_to_image(batch.clone(), apply_channel=[True], rectangles=[boxes])[0].numpy()

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "local.safetensors", metadata={
    "provenance": f"seed {SEED}, batchgeneratorsv2 {version('batchgeneratorsv2')}, numpy {np.__version__}, "
                  f"scipy {scipy.__version__}, torch {torch.__version__}"})
