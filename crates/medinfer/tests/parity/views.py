"""MONAI's TestTimeAugmentation, view by view, and their mean and variance in numpy; usage: python views.py [output folder].

A voxel counts in the views that show at least half of what it is interpolated from, which a network of ones tells; MONAI itself
counts what a view does not show as 0.
"""

import importlib.metadata
import pathlib
import sys
import warnings

import numpy as np
import torch
from monai.data import TestTimeAugmentation
from monai.transforms import Compose, RandAffined, RandFlipd, RandRotate90d, ScaleIntensityd
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
found = {}


def image(shape):
    count = int(np.prod(shape))
    return ((np.arange(count) * 7919 + 13) % 101 / 16 - 3).astype(np.float32).reshape(shape)


def network(x):
    """Three classes, one of which knows where it is along the last axis."""
    ramp = torch.arange(x.shape[-1], dtype=torch.float32) / x.shape[-1]
    return torch.softmax(torch.cat([x, x * x - 1, ramp * x + 1], 1), 1)


def ones(x):
    return torch.ones_like(x).repeat(1, 3, *[1] * (x.ndim - 2))


def seen(given, transform, inferrer):
    several = TestTimeAugmentation(
        transform, batch_size=1, inferrer_fn=inferrer, image_key="image", orig_key="image",
        nearest_interp=False, return_full_data=True, progress=False,
    )
    out = several({"image": torch.from_numpy(given)}, num_examples=1)
    return np.asarray(out)[0].astype(np.float64)


def case(name, shape, views):
    given = image(shape)
    values = [network(torch.from_numpy(given)[None])[0].numpy().astype(np.float64)]
    shown = [np.ones_like(values[0])]
    for view in views:
        transform = Compose(view)
        values.append(seen(given, transform, network))
        shown.append(seen(given, transform, ones))
    values, shown = np.stack(values), np.stack(shown)
    counts = shown >= 0.5
    # Whether a voxel counts must not hang on rounding.
    assert (np.abs(shown - 0.5) > 1e-4).all()
    values = np.where(counts, values / np.maximum(shown, 0.5), 0)
    n = counts.sum(0)
    mean = values.sum(0) / n
    variance = (np.where(counts, values - mean, 0) ** 2).sum(0) / n
    print(name, "counted in all views:", (n == len(values)).mean())
    found[f"{name}.mean"] = mean.astype(np.float32)
    found[f"{name}.variance"] = variance.astype(np.float32)


def affine(rotate, scale):
    # `scale_range` is added to 1.
    return RandAffined(
        "image", prob=1.0, rotate_range=[(r, r) for r in rotate], scale_range=[(s - 1, s - 1) for s in scale],
        mode="bilinear", padding_mode="zeros",
    )


case("flat", (1, 19, 19), [
    [RandFlipd("image", prob=1.0, spatial_axis=1)],
    [RandRotate90d("image", prob=1.0, max_k=1)],
    [affine([0.2], [1.1, 0.9]), ScaleIntensityd("image", minv=None, maxv=None, factor=0.5)],
])
case("deep", (1, 6, 13, 13), [
    [RandRotate90d("image", prob=1.0, max_k=1, spatial_axes=(1, 2))],
    [affine([0.1, 0.0, 0.0], [1.0, 1.2, 1.1])],
])

versions = {name: importlib.metadata.version(name) for name in ("torch", "monai", "numpy")}
path = pathlib.Path(folder) / "views.safetensors"
save_file(found, path, metadata={"versions": repr(versions), "seeds": "none, values are counted"})
assert path.stat().st_size <= 64 * 1024
