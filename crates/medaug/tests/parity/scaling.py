"""Reference values for medaug's scales, shifts and noise: MONAI, TorchIO, Albumentations, scikit-image.

Writes scaling.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import albumentations as A
import monai
import numpy as np
import skimage
import torch
import torchio as tio
from monai import transforms as m
from safetensors.numpy import save_file

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(array, kind)


ct = rng.normal(40, 300, (2, 5, 7, 6)).astype(np.float32)
mr = np.where(rng.random((2, 5, 7, 6)) < 0.4, 0, rng.gamma(3, 80, (2, 5, 7, 6))).astype(np.float32)
labels = rng.integers(0, 4, (5, 7, 6)).astype(np.uint8)
put("ct", ct)
put("mr", mr)
put("labels", labels, np.uint8)

put("range", m.ScaleIntensityRange(-160, 240, -1, 3)(ct))
put("range_clipped", m.ScaleIntensityRange(-160, 240, -1, 3, clip=True)(ct))
put("to_range", m.ScaleIntensity(-2, 5)(ct))
put("to_range_each", m.ScaleIntensity(-2, 5, channel_wise=True)(ct))
put("percentiles", m.ScaleIntensityRangePercentiles(3, 92.5, -1, 2)(ct))
put("percentiles_relative", m.ScaleIntensityRangePercentiles(3, 92.5, -1, 2, True, True, channel_wise=True)(ct))
put("clip_percentiles", m.ClipIntensityPercentiles(5, 80)(ct))
put("clip_lower_each", m.ClipIntensityPercentiles(12, None, channel_wise=True)(ct))
put("soft", m.ClipIntensityPercentiles(5, 80, sharpness_factor=0.02)(ct))
put("soft_upper", m.ClipIntensityPercentiles(None, 80, sharpness_factor=0.02)(ct))
put("score_all", m.NormalizeIntensity()(mr.copy()))
put("score_nonzero", m.NormalizeIntensity(nonzero=True, channel_wise=True)(mr.copy()))
put("score_given", m.NormalizeIntensity([10.0, 20.0], [3.0, 0.0], channel_wise=True)(mr.copy()))
put("above", m.ThresholdIntensity(30, True, -7)(ct))
put("below", m.ThresholdIntensity(30, False, 11)(ct))
put("fixed_mean", m.ScaleIntensityFixedMean(0.3)(ct[:1]))
put("fixed_mean_preserved", m.ScaleIntensityFixedMean(0.3, preserve_range=True)(ct[:1]))
put("masked", m.MaskIntensity(labels[None])(ct))
put("otsu", np.array([skimage.filters.threshold_otsu(mr), skimage.filters.threshold_otsu(ct)]))

put("shift", m.ShiftIntensity(12.5)(ct))
put("std_shift", m.StdShiftIntensity(0.7, channel_wise=True)(ct.copy()))
put("std_shift_masked", m.StdShiftIntensity(-0.4, nonzero=True, channel_wise=True)(mr.copy()))
put("scaled", m.ScaleIntensity(None, None, factor=-0.3)(ct))
unit = ((ct - ct.min()) / (ct.max() - ct.min())).astype(np.float32)[:1]
put("unit", unit)
put("contrast", m.AdjustContrast(2.7)(unit))
put("contrast_statistics", m.AdjustContrast(0.6, invert_image=True, retain_stats=True)(unit))
put("contrast_narrow", m.AdjustContrast(2.0)(unit * np.float32(3e-7)) * 1e7)
put("narrow", unit * np.float32(3e-7))

shift = m.RandHistogramShift(7, prob=1)
shift.set_random_state(3)
put("histogram", shift(ct[:1]))
put("histogram_points", shift.floating_control_points, np.float64)


# TorchIO measures all channels together.
def subject(array):
    return tio.Subject(image=tio.ScalarImage(tensor=torch.from_numpy(array.copy())),
                       mask=tio.LabelMap(tensor=torch.from_numpy(labels[None].copy())))


def run(transform, array):
    return transform(subject(array))["image"].data.numpy()


put("tio_score", run(tio.ZNormalization(), mr))
put("tio_score_mean", run(tio.ZNormalization(masking_method=tio.ZNormalization.mean), mr))
put("tio_score_labels", run(tio.ZNormalization(masking_method="mask"), mr[:1]))
put("tio_rescale", run(tio.RescaleIntensity((-1, 2), (4, 93)), ct))
put("tio_rescale_labels", run(tio.RescaleIntensity((-1, 2), (4, 93), masking_method="mask"), ct[:1]))
put("tio_rescale_input", run(tio.RescaleIntensity((0, 1), in_min_max=(-200, 900)), ct))
put("tio_clamp", run(tio.Clamp(-100, 250), ct))

# Albumentations: pictures of floats within 0..1, channels last.
picture = rng.random((9, 11, 3)).astype(np.float32)
put("picture", picture.transpose(2, 0, 1))
for key, by_max in (("bright_max", True), ("bright_mean", False)):
    transform = A.RandomBrightnessContrast((0.15, 0.15), (-0.2, -0.2), brightness_by_max=by_max, p=1)
    put(key, transform(image=picture)["image"].transpose(2, 0, 1))

# Noise, given its field.
rician = m.RandRicianNoise(prob=1, std=9.0, sample_std=False)
rician.set_random_state(4)
put("rician", rician(ct[:1]))
put("rician_real", rician._noise1)
put("rician_imaginary", rician._noise2)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "scaling.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, monai {monai.__version__}, "
                  f"torchio {tio.__version__}, albumentations {A.__version__}, scikit-image {skimage.__version__}"})
