"""Sliding windows of MONAI, and nnU-Net's by its published rules; usage: python sliding_window.py [output folder].

The predictor is no convolution: its output depends on the place inside the window, so a window that lies elsewhere or
counts otherwise changes the result.
"""

import importlib.metadata
import itertools
import math
import pathlib
import sys

import numpy as np
import torch
from monai.data.utils import compute_importance_map
from monai.inferers import sliding_window_inference
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
found = {}


def image(shape):
    """Small whole numbers, the same in both languages."""
    count = int(np.prod(shape))
    return ((np.arange(count, dtype=np.int64) * 7919 + 13) % 101).astype(np.float64).reshape(shape) / 16 - 3


def network(windows):
    """Three classes: the image, a ramp over the window times it, and a curve over the window."""
    spatial = windows.shape[2:]
    ramp = torch.zeros(spatial, dtype=windows.dtype)
    for axis, n in enumerate(spatial):
        shape = [1] * len(spatial)
        shape[axis] = n
        ramp = ramp + (axis + 1) * torch.arange(n, dtype=windows.dtype).reshape(shape) / n
    first = windows[:, :1]
    return torch.cat([first, first * (ramp - 1), (ramp * ramp - windows[:, -1:])], dim=1)


def monai(name, shape, roi, overlap, mode, cval=0.0):
    """In f64; the map of weights in f32, as MONAI makes it by default for such an input too."""
    inputs = torch.from_numpy(image(shape))[None]
    out = sliding_window_inference(inputs, roi, 2, network, overlap=overlap, mode=mode, cval=cval)
    found[name] = out[0].numpy().astype(np.float32)


def nnunet_starts(size, tile, step):
    number = math.ceil((size - tile) / (tile * step)) + 1
    actual = (size - tile) / (number - 1) if number > 1 else 0
    return [int(np.round(actual * i)) for i in range(number)]


def nnunet_gaussian(tile):
    impulse = np.zeros(tile)
    impulse[tuple(i // 2 for i in tile)] = 1
    weights = gaussian_filter(impulse, [i / 8 for i in tile], 0, mode="constant", cval=0)
    weights = (weights / (weights.max() / 10)).astype(np.float16)
    weights[weights == 0] = weights[weights > 0].min()
    return weights.astype(np.float64)


def nnunet(name, shape, tile, step, mirror=()):
    values = image(shape)
    missing = [max(t - n, 0) for n, t in zip(shape[1:], tile)]
    pads = [(m // 2, m - m // 2) for m in missing]
    padded = np.pad(values, [(0, 0), *pads])
    weights = nnunet_gaussian(tile)
    total = np.zeros((3, *padded.shape[1:]))
    count = np.zeros(padded.shape[1:])
    for start in itertools.product(*(nnunet_starts(n, t, step) for n, t in zip(padded.shape[1:], tile))):
        place = tuple(slice(s, s + t) for s, t in zip(start, tile))
        window = torch.from_numpy(padded[(slice(None), *place)].copy())[None]
        logits = torch.zeros((1, 3, *tile), dtype=torch.float64)
        subsets = [c for k in range(len(mirror) + 1) for c in itertools.combinations(mirror, k)]
        for axes in subsets:
            flips = [a + 2 for a in axes]
            logits += torch.flip(network(torch.flip(window, flips)), flips) / len(subsets)
        total[(slice(None), *place)] += logits[0].numpy() * weights
        count[place] += weights
    inside = tuple(slice(p[0], p[0] + n) for p, n in zip(pads, shape[1:]))
    found[name] = (total / count)[(slice(None), *inside)].astype(np.float32)


monai("monai_constant_3d", (2, 9, 12, 9), (4, 6, 5), 0.5, "constant")
monai("monai_gaussian_3d", (1, 10, 13, 9), (5, 6, 4), 0.25, "gaussian")
monai("monai_padded_3d", (1, 5, 12, 7), (8, 7, 8), 0.4, "gaussian", cval=-1.5)
monai("monai_gaussian_2d", (1, 23, 17), (8, 7), 0.6, "gaussian")
nnunet("nnunet_3d", (2, 9, 11, 9), (5, 6, 4), 0.5)
nnunet("nnunet_padded_mirrored_3d", (1, 6, 12, 8), (8, 7, 6), 0.5, mirror=(0, 2))
nnunet("nnunet_2d", (1, 21, 19), (8, 7), 0.5, mirror=(1,))
found["monai_map"] = compute_importance_map((6, 5, 8), mode="gaussian").numpy()
found["nnunet_map"] = nnunet_gaussian((6, 5, 8)).astype(np.float32)
found["nnunet_wide_map_row"] = nnunet_gaussian((24, 20, 28))[3, 2].astype(np.float32)

versions = {name: importlib.metadata.version(name) for name in ("torch", "monai", "scipy", "numpy")}
path = pathlib.Path(folder) / "sliding_window.safetensors"
save_file(found, path, metadata={"versions": repr(versions), "seeds": "none, values are counted"})
assert path.stat().st_size <= 64 * 1024
