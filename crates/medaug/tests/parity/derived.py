"""Reference values for what medaug derives from a sample, and for nnU-Net's cascade: MONAI, TorchIO, batchgeneratorsv2.

Writes derived.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import batchgeneratorsv2.transforms.nnunet.random_binary_operator as binary
import monai
import numpy as np
import torch
import torchio as tio
from batchgeneratorsv2.transforms.nnunet.remove_connected_components import (
    RemoveRandomConnectedComponentFromOneHotEncodingTransform)
from monai import transforms as m
from monai.apps.detection.transforms.box_ops import convert_box_to_mask, convert_mask_to_box
from monai.transforms.utils import extreme_points_to_image
from safetensors.numpy import save_file
from scipy import ndimage

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.float32):
    tensors[name] = np.ascontiguousarray(np.asarray(array), kind)


for name, shape in (("2d", (11, 14)), ("3d", (7, 9, 8))):
    rank = len(shape)
    image = rng.normal(0.3, 1.2, (4 - rank, *shape)).astype(np.float32)
    put(f"{name}.image", image)
    put(f"{name}.coordinates", m.AddCoordinateChannels(tuple(range(rank)))(image))
    put(f"{name}.last_coordinate", m.AddCoordinateChannels((rank - 1,))(image)[-1])
    put(f"{name}.sobel", m.SobelGradients()(image))
    put(f"{name}.sobel_wide", m.SobelGradients(5, (0, rank - 1), normalize_kernels=False)(image))
    mask = (ndimage.gaussian_filter(image, (0, *(1,) * rank)) > 0.2).astype(np.float32)
    put(f"{name}.mask", mask)
    put(f"{name}.distance", m.DistanceTransformEDT()(mask))
    put(f"{name}.distance_mm", m.DistanceTransformEDT([0.8, 2.5, 1.3][:rank])(mask))

    noise = ndimage.gaussian_filter(rng.normal(size=shape), 1.0)
    labels = (np.digitize(noise, np.quantile(noise, (0.5, 0.7, 0.85)))).astype(np.uint8)
    put(f"{name}.labels", labels, np.uint8)
    points = [tuple(int(v) for v in rng.integers(0, shape)) for _ in range(4)]
    put(f"{name}.points", points)
    sigma = [1.0, 1.7, 0.6][:rank]
    put(f"{name}.extreme", extreme_points_to_image(points, labels[None], sigma, -1.0, 1.0))
    places = np.array(points) + rng.uniform(-0.45, 0.45, (4, rank))
    places = np.clip(places, 0, np.array(shape) - 1.01)
    put(f"{name}.places", places, np.float64)
    put(f"{name}.heatmap", m.GenerateHeatmap(sigma, shape)(places.astype(np.float32)))
    gaps = np.array([0, 7, 3, 200], np.uint8)[labels]
    put(f"{name}.gaps", gaps, np.uint8)
    volume = torch.from_numpy(gaps)[None] if rank == 3 else torch.from_numpy(gaps)[None, None]
    put(f"{name}.sequential", tio.SequentialLabels()(tio.LabelMap(tensor=volume)).data.reshape(shape), np.uint8)

    boxes = np.array([[1, 2, 0, 6, 9, 5], [3, 0, 2, 4, 6, 7], [5, 4, 3, 7, 8, 6]])
    boxes = np.concatenate([boxes[:, :rank], boxes[:, 3:3 + rank]], 1)
    classes = np.array([0, 2, 1])
    put(f"{name}.boxes", boxes)
    for form, ellipse in (("box", False), ("ellipsoid", True)):
        masks = convert_box_to_mask(boxes, classes, shape, bg_label=-1, ellipse_mask=ellipse)
        painted = np.zeros(shape, np.uint8)
        for one in masks:
            painted = np.where(one >= 0, one + 1, painted)
        put(f"{name}.painted_{form}", painted, np.uint8)
    channels = np.stack([np.where(labels == c, c, -1) for c in (1, 2, 3)]).astype(np.int16)
    found, of_class = convert_mask_to_box(channels)
    assert list(of_class) == [1, 2, 3]
    put(f"{name}.around_classes", found)

    # nnU-Net's cascade: classes as channels, changed in this order.
    hot = torch.from_numpy(np.stack([labels == c for c in (1, 2, 3)]).astype(np.float32))
    operator = binary.ApplyRandomBinaryOperatorTransform([0, 1, 2])
    changed = operator._apply_to_image(hot.clone(), apply_to_channels=[2, 0, 1], strel_size=[1, 2, 1], operators=[
        binary.binary_dilation_torch, binary.binary_closing_torch, binary.binary_opening_torch])
    assert changed.sum(0).max() == 1
    put(f"{name}.cascade", (changed * torch.tensor([1, 2, 3]).reshape(3, *(1,) * rank)).sum(0), np.uint8)
    eroded = operator._apply_to_image(hot.clone(), apply_to_channels=[0], strel_size=[2],
                                      operators=[binary.binary_dilation_torch])
    put(f"{name}.dilated", (eroded * torch.tensor([1, 2, 3]).reshape(3, *(1,) * rank)).sum(0), np.uint8)
    choice, uniform = np.random.choice, np.random.uniform
    np.random.choice, np.random.uniform = lambda options: options[min(1, len(options) - 1)], lambda: 1.0
    remove = RemoveRandomConnectedComponentFromOneHotEncodingTransform([0, 1, 2], 0.0, 0.15)
    kept = remove._apply_to_image(hot.clone(), apply_to_channels=[2, 1])
    np.random.choice, np.random.uniform = choice, uniform
    put(f"{name}.lost", (kept * torch.tensor([1, 2, 3]).reshape(3, *(1,) * rank)).sum(0), np.uint8)
    parts = []
    for c in (3, 2):
        numbered, count = ndimage.label(labels == c, np.ones((3,) * rank))
        gone = np.unique(numbered[(labels == c) & (kept[c - 1].numpy() == 0)])
        assert len(gone) == 1 and 0 < gone[0] and count > 1, (name, c, gone, count)
        parts.append(gone[0] - 1)
    put(f"{name}.parts", parts)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "derived.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, monai {monai.__version__}, torchio {tio.__version__}, "
                  f"batchgeneratorsv2 {version('batchgeneratorsv2')}"})
