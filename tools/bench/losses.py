"""PyTorch's and MONAI's side of `cargo bench --bench losses`: value and gradient on the same logits and labels, float32.

usage: losses.py [name ...]      prints minimum and median milliseconds for each loss
"""
import os, statistics, sys, time, warnings

import torch
import torch.nn.functional as F
from monai import losses

warnings.filterwarnings("ignore")
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
EDGE = 96


def patches(batch, classes):
    voxel = torch.arange(EDGE**3)
    block = [voxel // EDGE**axis % EDGE // 12 for axis in range(3)]
    label = (block[0] + 3 * block[1] + 5 * block[2]) % classes
    i = torch.arange(batch * classes * EDGE**3)
    logits = (i * 7919 % 1009).float() / 250 - 2 + 2 * (label[i % EDGE**3] == i // EDGE**3 % classes)
    shape = (EDGE, EDGE, EDGE)
    return logits.view(batch, classes, *shape).requires_grad_(), label.expand(batch, -1).reshape(batch, 1, *shape)


hot = dict(to_onehot_y=True)
soft = dict(softmax=True, **hot)
cases = {
    "cross_entropy": lambda x, y: F.cross_entropy(x, y[:, 0]),
    "binary_cross_entropy": lambda x, y: F.binary_cross_entropy_with_logits(x, F.one_hot(y[:, 0], x.shape[1]).movedim(-1, 1).float()),
    "focal_sigmoid": losses.FocalLoss(**hot),
    "focal_softmax": losses.FocalLoss(use_softmax=True, **hot),
    "dice": losses.DiceLoss(**soft),
    "generalized_dice": losses.GeneralizedDiceLoss(**soft),
    "tversky": losses.TverskyLoss(alpha=0.3, beta=0.7, **soft),
    "dice_cross_entropy": losses.DiceCELoss(**soft),
    "dice_focal": losses.DiceFocalLoss(**soft),
    "boundary": losses.BoundaryLoss(**soft),
    "hausdorff": losses.HausdorffDTLoss(**soft),
    "cl_dice": losses.SoftclDiceLoss(**soft),
}
for name in sys.argv[1:] or cases:
    x, y = patches(*((1, 2) if name == "cl_dice" else (2, 14)))
    runs = 2 if name in ("boundary", "hausdorff") else 5
    milliseconds = []
    for _ in range(runs + 1):
        x.grad = None
        start = time.perf_counter()
        value = cases[name](x, y)
        value.backward()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    milliseconds = milliseconds[1:]
    print(f"{name:22} {value.item():9.5f}  min {min(milliseconds):9.1f} ms  median {statistics.median(milliseconds):9.1f} ms", flush=True)
