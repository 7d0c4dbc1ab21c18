"""Cases as nnU-Net's DefaultPreprocessor leaves them, and what its fingerprint says of them.

Writes nnunet_case.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import scipy
import skimage
from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
from nnunetv2.preprocessing.cropping.cropping import crop_to_nonzero
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261124
rng = np.random.default_rng(SEED)
tensors = {}


def case(name, shape, spacing, target, forward, body):
    """A head of two channels on black: zeros inside it are closed off, one channel is dark in its lower half."""
    at = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    head = (at ** 2).sum(0) < body
    smooth = [ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.0) for _ in range(4)]
    data = np.stack([300 + 400 * smooth[0], 900 + 500 * smooth[1]]).astype(np.float32)
    data[:, ~head] = 0
    data[:, (at ** 2).sum(0) < 0.05] = 0  # ventricles: a hole
    data[1, at[0] > 0.2] = 0
    labels = np.digitize(smooth[2], [0.05, 0.25]).astype(np.int16)
    labels[~head] = 0
    resampling = dict(order_z=0, force_separate_z=None)
    plans = SimpleNamespace(
        transpose_forward=forward, foreground_intensity_properties_per_channel={"0": {}, "1": {}},
        get_label_manager=lambda _: SimpleNamespace(has_regions=False, foreground_labels=[1, 2], has_ignore_label=False))
    configuration = SimpleNamespace(
        spacing=list(target), normalization_schemes=["ZScoreNormalization"] * 2, use_mask_for_norm=[True] * 2,
        resampling_fn_data=partial(resample_data_or_seg_to_shape, is_seg=False, order=3, **resampling),
        resampling_fn_seg=partial(resample_data_or_seg_to_shape, is_seg=True, order=1, **resampling))
    properties = {"spacing": list(spacing)}
    got, seg, properties = DefaultPreprocessor(verbose=False).run_case_npy(
        data, labels[None], properties, plans, configuration, {})
    assert seg.min() == -1
    cropped, cropped_seg, _ = crop_to_nonzero(data, labels[None].copy())
    _, known = DatasetFingerprintExtractor.collect_foreground_intensities(cropped_seg, cropped, num_samples=100)
    keys = ("mean", "median", "min", "max", "percentile_00_5", "percentile_99_5")
    put = {"data": data, "labels": labels.astype(np.uint8), "spacing": np.array(spacing), "target": np.array(target),
           "forward": np.array(forward, np.uint8), "image": got.astype(np.float32),
           "seg": np.where(seg[0] < 0, 255, seg[0]).astype(np.uint8),
           "box": np.array(properties["bbox_used_for_cropping"], np.uint8),
           "cropped": np.array(cropped.shape[1:], np.uint8),
           "kept": np.array([np.prod(cropped.shape[1:]) / labels.size]),
           "known": np.array([[float(channel[k]) for k in keys] for channel in known])}
    tensors.update({f"{name}.{k}": np.ascontiguousarray(v) for k, v in put.items()})


case("thick", (13, 9, 15), (0.9, 3.3, 1.1), (3.0, 1.2, 1.0), [1, 0, 2], 0.6)
# Axes as they are, with the coarsest last or in the middle.
case("last", (10, 11, 6), (1.0, 0.9, 3.5), (1.2, 1.3, 2.5), [0, 1, 2], 0.8)
case("middle", (9, 6, 10), (1.0, 3.5, 0.9), (0.9, 2.7, 1.1), [0, 1, 2], 0.8)
case("even", (11, 12, 13), (1.0, 1.5, 1.2), (1.1, 1.3, 1.3), [1, 0, 2], 0.7)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "nnunet_case.safetensors", metadata={
    "provenance": f"seed {SEED}, nnunetv2 {version('nnunetv2')}, batchgenerators {version('batchgenerators')}, "
                  f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-image {skimage.__version__}"})
