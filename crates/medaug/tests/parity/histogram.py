"""Reference values for medaug's transforms of histograms: scikit-image, MONAI, TorchIO and OpenCV.

Writes histogram.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
import torchio as tio
from monai.transforms import HistogramNormalize
from safetensors.numpy import save_file
from skimage.exposure import equalize_adapthist, equalize_hist, match_histograms

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


def textured(shape):
    """Waves, noise and a flat corner."""
    index = np.indices(shape)
    image = sum(np.sin(i / (3.0 + a)) for a, i in enumerate(index)) + rng.normal(0, 0.3, shape)
    image[tuple(slice(0, n // 3) for n in shape)] = -1.0
    return image.astype(np.float32)


for rank, shape in ((2, (17, 22)), (3, (7, 9, 8))):
    name = f"{rank}d"
    image = textured(shape)
    put(f"{name}.image", image)
    reference = rng.gamma(2.0, 30.0, 300).astype(np.float32).round(1)
    put(f"{name}.reference", reference)
    put(f"{name}.matched", match_histograms(image.reshape(-1), reference).reshape(shape))
    levels = (rng.integers(0, 40, shape) ** 2 % 97).astype(np.float32)
    put(f"{name}.levels", levels)
    put(f"{name}.levels_matched", match_histograms(levels.reshape(-1), reference.round(-1)).reshape(shape))
    mask = image > -0.9
    put(f"{name}.equalized", equalize_hist(image.reshape(-1), 100).reshape(shape))
    put(f"{name}.equalized_masked", equalize_hist(image.reshape(-1), 64, mask.reshape(-1)).reshape(shape))
    put(f"{name}.normalized", HistogramNormalize()(image[None])[0])
    put(f"{name}.normalized_masked", HistogramNormalize(50, -1, 3, mask[None])(image[None])[0])
    unit = (image - image.min()) / (image.max() - image.min())
    put(f"{name}.unit", unit)
    put(f"{name}.clahe", equalize_adapthist(unit))
    tile = [5, 7] if rank == 2 else [4, 3, 5]
    put(f"{name}.clahe_tiles", equalize_adapthist(unit, tile, 0.03, 128))
    put(f"{name}.clahe_free", equalize_adapthist(unit, tile, 0.0))

levels = np.round((textured((32, 40)) + 2.5) / 5 * 255).clip(0, 255).astype(np.uint8)
tensors["levels"] = levels
for name, cut in (("even", levels), ("odd", levels[:29, :37])):
    for limit in (2.0, 40.0, 0.0):
        tensors[f"opencv.{name}.{limit:.0f}"] = cv2.createCLAHE(limit, (4, 8)).apply(np.ascontiguousarray(cut))

scans = [rng.gamma(shape, scale, (6, 7, 8)).astype(np.float32) for shape, scale in ((2, 40), (3, 11), (1.5, 90))]
scans[0][:3] = 0
with tempfile.TemporaryDirectory() as folder:
    paths = []
    for i, scan in enumerate(scans):
        put(f"nyul.scan{i}", scan)
        paths.append(Path(folder) / f"{i}.nii")
        tio.ScalarImage(tensor=torch.from_numpy(scan)[None]).save(paths[-1])
    landmarks = tio.HistogramStandardization.train(paths, progress=False)
    wider = tio.HistogramStandardization.train(paths, (0.05, 0.95), progress=False)
    positive = tio.HistogramStandardization.train(paths, masking_function=lambda image: image > 0, progress=False)
for name, values in (("landmarks", landmarks), ("landmarks_wider", wider), ("landmarks_positive", positive)):
    tensors[f"nyul.{name}"] = values
subject = tio.Subject(scan=tio.ScalarImage(tensor=torch.from_numpy(scans[0])[None]))
for name, masking in (("standard", None), ("standard_masked", lambda image: image != 0),
                      ("standard_bright", tio.ZNormalization.mean)):
    transform = tio.HistogramStandardization({"scan": landmarks}, masking_method=masking)
    put(f"nyul.{name}", transform(subject)["scan"].data[0].numpy())

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "histogram.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, " + ", ".join(
        f"{name} {version(name)}" for name in ("torch", "torchio", "monai", "opencv-python-headless", "scikit-image"))})
