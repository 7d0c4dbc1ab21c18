"""Reference values for medaug's other grids: MONAI, PyTorch, torchvision and scikit-image.

Writes resize.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import monai.transforms as mt
import numpy as np
import skimage
import torch
import torchvision
from monai.data import MetaTensor
from safetensors.numpy import save_file
from torchvision.transforms.v2 import functional

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


shapes = {"2d": ((7, 10), (5, 13)), "3d": ((5, 7, 6), (8, 4, 10))}
for name, (shape, to) in shapes.items():
    image = rng.normal(0, 3, shape).astype(np.float32)
    tensor = torch.from_numpy(image)[None]
    linear = "bilinear" if len(shape) == 2 else "trilinear"
    put(f"{name}.image", image)
    for mode in ("nearest-exact", linear, "area"):
        key = "linear" if mode == linear else mode
        put(f"{name}.{key}", mt.Resize(to, mode=mode)(tensor)[0])
    put(f"{name}.cubic", skimage.transform.resize(image.astype(float), to, order=3, mode="edge", anti_aliasing=False,
                                                  clip=False))
    if len(shape) == 2:
        fewer = (4, 3)
        put(f"{name}.torchvision", functional.resize(tensor, fewer, antialias=True)[0])
    else:
        fewer = (2, 7, 3)
    put(f"{name}.monai", mt.Resize(fewer, mode=linear, anti_aliasing=True)(tensor)[0])
    put(f"{name}.skimage", skimage.transform.resize(image.astype(float), fewer, order=1, mode="reflect",
                                                    anti_aliasing=True))
    put(f"{name}.longest", mt.Resize(15, size_mode="longest", mode=linear)(tensor)[0])
    for zoom in (1.3, 0.65):
        for keep in (True, False):
            put(f"{name}.zoom.{zoom}.{keep}".lower(), mt.Zoom(zoom, mode=linear, keep_size=keep)(tensor)[0])

plane = torch.from_numpy(tensors["2d.image"])[None]
put("2d.crop", functional.resized_crop(plane, 1, 2, 5, 6, [9, 8], antialias=False)[0])

# MONAI's arrays run (width, height, depth) in RAS; steps here along depth, height and width, LPS millimetres.
volume = torch.from_numpy(tensors["3d.image"].transpose(2, 1, 0).copy())[None].double()


def affine(steps, origin):
    matrix = np.eye(4)
    matrix[:3, :3] = (np.diag([-1, -1, 1]) @ np.array(steps).T)[:, ::-1]
    matrix[:3, 3] = np.diag([-1, -1, 1]) @ origin
    return matrix


straight = affine([[0, 0, 4.0], [0, 0.8, 0], [0.8, 0, 0]], [0, 0, 0])
spaced = mt.Spacing(pixdim=(0.7, 1.1, 2.5), mode="bilinear", padding_mode="border")(MetaTensor(volume, affine=straight))
put("3d.spacing", spaced[0].numpy().transpose(2, 1, 0))

oblique = affine([[0.3, -0.9, 4.8], [0.03, 0.7, 0.15], [0.8, -0.02, -0.05]], [-12.0, 30.5, 800.25])
other = affine([[0.1, -0.5, 2.9], [0.1, 1.0, 0.2], [0.9, -0.05, 0.1]], [-11.7, 30.0, 801.0])
resampled = mt.SpatialResample(mode="bilinear", padding_mode="border", dtype=np.float64)(
    MetaTensor(volume, affine=oblique), dst_affine=other, spatial_size=(5, 4, 6))
put("3d.resampled", resampled[0].numpy().transpose(2, 1, 0))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "resize.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, monai {version('monai')}, torch {torch.__version__}, "
                  f"torchvision {torchvision.__version__}, scikit-image {skimage.__version__}"})
