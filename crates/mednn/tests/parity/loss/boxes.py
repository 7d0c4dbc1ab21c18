"""Box overlap losses of torchvision and MONAI, 3D ones and the distribution focal loss written out, with all gradients."""

import math
import pathlib

import monai
import safetensors.torch
import torch
import torch.nn.functional as F
import torchvision
from monai.losses import BoxGIoULoss
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

torch.manual_seed(19)
# MONAI computes overlaps in f32; its arithmetic is wanted in f64 here.
monai.data.box_utils.COMPUTE_DTYPE = torch.float64
monai.losses.giou_loss.COMPUTE_DTYPE = torch.float64


def boxes(count, axes):
    """Pairs that overlap, lie apart and contain each other."""
    low, size = torch.rand(2, count, axes, dtype=torch.float64) * 10, torch.rand(2, count, axes, dtype=torch.float64) * 8 + 1
    low[1, : count // 2] = low[0, : count // 2] + torch.randn(count // 2, axes) * 1.5
    low[0, -1] += 30
    low[1, -2], size[1, -2] = low[0, -2] + 0.2 * size[0, -2], 0.5 * size[0, -2]
    return [torch.cat([low[i], low[i] + size[i]], 1) for i in range(2)]


def iou_3d(a, b, kind, eps=1e-7):
    """IoU, DIoU and CIoU of 3D boxes from their definitions; the aspect term of CIoU is the mean of w/h and w/d."""
    low, high = torch.max(a[:, :3], b[:, :3]), torch.min(a[:, 3:], b[:, 3:])
    sides = [box[:, 3:] - box[:, :3] for box in (a, b)]
    both = (high - low).clamp(min=0).prod(1)
    iou = both / (sides[0].prod(1) + sides[1].prod(1) - both + eps)
    if kind == "iou":
        return 1 - iou
    around = torch.max(a[:, 3:], b[:, 3:]) - torch.min(a[:, :3], b[:, :3])
    centres = (a[:, :3] + a[:, 3:] - b[:, :3] - b[:, 3:]) / 2
    loss = 1 - iou + (centres ** 2).sum(1) / ((around ** 2).sum(1) + eps)
    if kind == "ciou":
        angle = lambda side, axis: torch.atan(side[:, 2] / side[:, axis])
        v = sum(2 / math.pi ** 2 * (angle(sides[0], axis) - angle(sides[1], axis)) ** 2 for axis in (0, 1))
        loss = loss + (v / (1 - iou + v + eps)).detach() * v
    return loss


out = {}
cases = {
    "2d": [("giou", generalized_box_iou_loss), ("diou", distance_box_iou_loss), ("ciou", complete_box_iou_loss)],
    "3d": [("giou", lambda a, b: BoxGIoULoss(reduction="none")(a, b))]
    + [(kind, lambda a, b, kind=kind: iou_3d(a, b, kind)) for kind in ("iou", "diou", "ciou")],
}
for name, kinds in cases.items():
    pair = boxes(13, int(name[0]))
    out[f"{name}.a"], out[f"{name}.b"] = pair
    weight = torch.linspace(-1, 2, 13, dtype=torch.float64)
    out["weight"] = weight
    for kind, function in kinds:
        a, b = (box.clone().requires_grad_() for box in pair)
        value = function(a, b)
        (value * weight).sum().backward()
        out |= {f"{name}.{kind}": value.detach(), f"{name}.{kind}.da": a.grad, f"{name}.{kind}.db": b.grad}
logits = (torch.randn(7, 4, 6, dtype=torch.float64) * 2).requires_grad_()
distances = torch.rand(7, 4, dtype=torch.float64) * 4.9
distances[0] = torch.tensor([0.0, 3.0, 4.0, 4.9])
distances = distances.clamp(0, 4.99)
left = distances.long()
ce = lambda target: F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(7, 4)
value = ce(left) * (left + 1 - distances) + ce(left + 1) * (distances - left)
weight = torch.linspace(-1, 2, 28, dtype=torch.float64).view(7, 4)
(value * weight).sum().backward()
out |= {"dfl.logits": logits.detach(), "dfl.target": distances, "dfl.weight": weight, "dfl": value.detach(), "dfl.dx": logits.grad}
meta = {"made_by": f"boxes.py, seed 19, torch {torch.__version__}, torchvision {torchvision.__version__}, monai {monai.__version__}"}
safetensors.torch.save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
