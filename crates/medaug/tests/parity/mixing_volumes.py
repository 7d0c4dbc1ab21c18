"""Reference values for medaug's mixing in volumes: MONAI given the drawn parameters, and SciPy for pasted parts.

Writes mixing_volumes.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import monai
import numpy as np
import scipy
import torch
from monai.transforms import CutMix, CutOut, MixUp
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261124
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(np.asarray(array), kind)


shape = (7, 9, 11)
images = torch.from_numpy(rng.normal(0.2, 1.3, (2, 1, *shape)).astype(np.float32))
put("images", images)
weights, order = torch.tensor([0.37, 0.64]), np.array([1, 0])
corner = [torch.tensor([v]) for v in (2, 3, 5)]
for name, transform in (("mix_up", MixUp(2)), ("cut_mix", CutMix(2)), ("cut_out", CutOut(2))):
    transform._params = (weights, order, corner)
    put(name, transform.apply(images)[0])
put("corner", [0.37, 2, 3, 5])

# A part with a feathered edge, by its definition: all of it within, falling linearly to nothing over 3.5 mm.
spacing, feather = (2.4, 0.9, 1.1), 3.5
labels = np.zeros(shape, np.uint8)
labels[2:4, 3:6, 4:7] = 3
labels[3, 6, 5] = 3
labels[0, 0, 0] = 3
put("labels", labels, np.uint8)
put("spacing", [*spacing, feather])
part = ndimage.label(labels == 3)[0] == 2
share = np.clip(1 - ndimage.distance_transform_edt(~part, spacing) / feather, 0, 1)
shift = (1, -1, 2)
# Shifted without wrapping: what leaves the image is lost, nothing comes in.
moved = lambda a: ndimage.shift(a, shift, order=0, mode="constant", cval=0, prefilter=False)
source, receiver = images[1, 0].numpy().astype(np.float64), images[0, 0].numpy().astype(np.float64)
alpha = moved(share)
put("pasted", receiver + alpha * (moved(source) - receiver))
put("pasted.labels", np.where(moved(part.astype(np.uint8)) > 0, 3, 0), np.uint8)
put("shift", shift)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "mixing_volumes.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}, "
                  f"monai {monai.__version__}"})
