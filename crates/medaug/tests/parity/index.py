"""Reference values for medaug's moves of whole voxels: MONAI, Albumentations and TorchIO.

Writes index.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import monai.transforms as mt
import numpy as np
import torch
import torchio as tio
from albumentations.augmentations.geometric import functional as albumentations
from monai.data import MetaTensor
from safetensors.numpy import save_file

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


plane = rng.permutation(5 * 8).reshape(5, 8).astype(np.float32)
volume = rng.permutation(5 * 7 * 6).reshape(5, 7, 6).astype(np.float32)
put("plane", plane)
put("volume", volume)


def monai(transform, array=volume):
    return np.asarray(transform(torch.from_numpy(array.copy())[None]))[0]


for k in (1, 2, 3):
    put(f"rotate90.{k}", monai(mt.Rotate90(k, (0, 2))))
for name in ("e", "r90", "r180", "r270", "v", "hvt", "h", "t"):
    put(f"d4.{name}", albumentations.d4(plane, name))

# Steps along depth, height and width, LPS millimetres; MONAI's arrays run (width, height, depth) in RAS.
steps = np.array([[0.3, -0.9, 4.8], [0.03, 0.7, 0.15], [0.8, -0.02, -0.05]])
affine = np.eye(4)
affine[:3, :3] = (np.diag([-1, -1, 1]) @ steps.T)[:, ::-1]
meta = MetaTensor(torch.from_numpy(volume.transpose(2, 1, 0).copy())[None], affine=affine)
for code in ("PIR", "SLA"):
    oriented = mt.Orientation(axcodes=code, labels=(("L", "R"), ("P", "A"), ("I", "S")))(meta)
    put(f"orient.{code}", oriented[0].numpy().transpose(2, 1, 0))

put("crop.center", monai(mt.CenterSpatialCrop((3, 4, 5))))
put("crop.scale", monai(mt.CenterScaleCrop((0.5, 0.9, 0.7))))
put("crop.block", monai(mt.SpatialCrop(roi_start=(1, 2, 0), roi_end=(4, 7, 3))))
for name, shape in (("a", (8, 4, 6)), ("b", (2, 12, 5)), ("c", (4, 8, 1))):
    put(f"crop_or_pad.monai.{name}", monai(mt.ResizeWithPadOrCrop(shape, value=-1)))
    padded = tio.CropOrPad(shape, padding_mode=-1)(tio.ScalarImage(tensor=torch.from_numpy(volume)[None]))
    put(f"crop_or_pad.torchio.{name}", padded.numpy()[0])
put("pad.shape", monai(mt.SpatialPad((8, 7, 9), value=-1)))
put("pad.end", monai(mt.SpatialPad((8, 7, 9), method="end", mode="edge")))
put("pad.divisible", monai(mt.DivisiblePad((4, 3, 4), mode="symmetric")))
put("pad.borders", monai(mt.BorderPad((1, 0, 2, 3, 0, 1), value=-1)))

scan = np.zeros((2, 9, 11, 10), np.float32)
scan[0, 3:5, 4, 2:8] = rng.uniform(1, 2, (2, 6))
scan[1, 4, 3:7, 5] = rng.uniform(1, 2, 4)
scan[1, 0, 0, 0] = -3
put("foreground.scan", scan)
for name, options in (("plain", {}), ("margin", dict(margin=(1, 5, 0))), ("inside", dict(margin=5, allow_smaller=True)),
                      ("divisible", dict(margin=1, k_divisible=(4, 3, 16)))):
    put(f"foreground.{name}", np.asarray(mt.CropForeground(**options)(torch.from_numpy(scan))))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "index.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, monai {version('monai')}, torchio {version('torchio')}, "
                  f"albumentations {version('albumentations')}"})
