"""Reference values for medaug's fields, holes and channels: MONAI, TorchIO, Albumentations.

Writes fields.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import albumentations as A
import monai
import numpy as np
import torch
import torchio as tio
from albumentations.augmentations.dropout import functional as dropout
from albumentations.augmentations.pixel import functional as pixel
from monai import transforms as m
from safetensors.numpy import save_file
from torchio.transforms.augmentation.intensity.random_swap import Swap

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


for name, shape in (("2d", (9, 14)), ("3d", (5, 8, 11))):
    rank = len(shape)
    image = rng.normal(2, 1, shape).astype(np.float32)
    put(f"{name}.image", image)

    bias = m.RandBiasField(degree=3, prob=1)
    count = 10 if rank == 2 else 20
    bias._do_transform, bias._coeff = True, list(rng.uniform(-0.3, 0.3, count))
    put(f"{name}.legendre_coefficients", bias._coeff, np.float64)
    put(f"{name}.legendre", bias(image[None], randomize=False)[0])

    # TorchIO knows volumes; a slice is one whose last axis has one voxel.
    coefficients = list(rng.uniform(-0.5, 0.5, 20))
    powers = [(x, y, z) for x in range(4) for y in range(4 - x) for z in range(4 - x - y)]
    volume = torch.from_numpy(image.reshape(shape + (1,) * (3 - rank)))[None]
    field = tio.BiasField(coefficients, 3).generate_bias_field(volume, 3, coefficients)
    kept = [c for c, p in zip(coefficients, powers) if rank == 3 or p[2] == 0]
    put(f"{name}.powers_coefficients", kept, np.float64)
    put(f"{name}.powers", image * field.reshape(shape))

    for key, size, pad in (("smooth", (3, 4, 5)[:rank], 0), ("smooth_padded", (2, 3, 2)[:rank], 1)):
        smooth = m.RandSmoothFieldAdjustIntensity(shape, size, pad=pad, mode=("bilinear", "trilinear")[rank - 2],
                                                  prob=1, gamma=(0.2, 1.4))
        smooth.set_random_state(7)
        put(f"{name}.{key}", smooth(image[None])[0])
        put(f"{name}.{key}_factors", smooth.sfield.field[0, 0])

    smooth = m.RandSmoothFieldAdjustIntensity(shape, (3, 4, 5)[:rank], mode="area", prob=1, gamma=(0.2, 1.4))
    smooth.set_random_state(7)
    put(f"{name}.smooth_area", smooth(image[None])[0])

    hole = m.RandCoarseDropout(holes=3, spatial_size=(2, 3, 4)[:rank], fill_value=-5.0, prob=1)
    hole.set_random_state(11)
    put(f"{name}.holes", hole(image[None].copy())[0])
    put(f"{name}.hole_starts", [[s.start for s in h[1:]] for h in hole.hole_coords], np.float64)
    hole = m.RandCoarseDropout(holes=3, spatial_size=(2, 3, 4)[:rank], fill_value=-5.0, prob=1, dropout_holes=False)
    hole.set_random_state(11)
    put(f"{name}.rest", hole(image[None].copy())[0])

pairs = [((0, 1, 2), (3, 5, 7)), ((1, 0, 0), (2, 4, 6)), ((3, 5, 2), (0, 0, 7))]
image = tio.ScalarImage(tensor=torch.from_numpy(tensors["3d.image"])[None])
put("3d.swapped", Swap((2, 3, 4), pairs)(image).data[0])

picture = rng.random((20, 30, 3)).astype(np.float32)
put("picture", picture.transpose(2, 0, 1))
for key, shift in (("grid", (0, 0)), ("grid_shifted", (2, 3))):
    holes = dropout.generate_grid_holes(picture.shape, (4, 5), 0.5, False, shift, np.random.default_rng(0))
    # Albumentations gives the shift as x, y.
    put(key, dropout.cutout(picture, holes, 0.25, np.random.default_rng(0)).transpose(2, 0, 1))
boxes = np.array([[2, 1, 12, 9], [14, 3, 25, 15], [0, 12, 6, 19], [20, 0, 29, 6]], float)
put("boxes", boxes)
hidden = np.array([[0, 0, 6, 12], [12, 0, 26, 14], [25, 2, 28, 5]])
put("hiding", hidden)
put("seen", dropout.filter_bboxes_by_holes(boxes, hidden, (20, 30), 1.0, 0.2))
put("dropped", dropout.channel_dropout(picture, (0, 2), 0.5).transpose(2, 0, 1))
put("luma", pixel.to_gray_weighted_average(picture))
put("mean", pixel.to_gray_average(picture))
put("max", pixel.to_gray_max(picture))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "fields.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, monai {monai.__version__}, "
                  f"torchio {tio.__version__}, albumentations {A.__version__}"})
