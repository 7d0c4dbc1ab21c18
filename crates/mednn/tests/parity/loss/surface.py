"""Boundary, Hausdorff and clDice losses of MONAI, with gradients of the logits."""

import pathlib

import monai
import safetensors.torch
import scipy.ndimage
import torch
import torch.nn.functional as F
from monai.losses import BoundaryLoss, HausdorffDTLoss, SoftclDiceLoss

torch.manual_seed(18)
logits3 = torch.randn(2, 3, 4, 5, 7, dtype=torch.float64) * 2
labels3 = torch.randint(0, 2, (2, 4, 5, 7))  # class 2 is absent
logits2 = torch.randn(2, 3, 9, 6, dtype=torch.float64) * 2
labels2 = torch.randint(0, 3, (2, 9, 6))
smooth3 = F.avg_pool3d(torch.randn(2, 2, 6, 7, 9, dtype=torch.float64), 3, 1, 1) * 6
tubes3 = (smooth3[:, 1] + 0.5 * torch.randn(2, 6, 7, 9) > smooth3[:, 0]).long()
out = {
    "logits3": logits3, "labels3": labels3, "logits2": logits2, "labels2": labels2, "smooth3": smooth3, "labels_tubes3": tubes3,
}
index = lambda labels: labels.unsqueeze(1)


def case(name, logits, function):
    x = logits.clone().requires_grad_()
    value = function(x)
    value.backward()
    out[f"{name}.value"], out[f"{name}.dx"] = value.detach(), x.grad


def monai_case(name, logits, labels, loss, **settings):
    case(name, logits, lambda x: loss(to_onehot_y=True, **settings)(x, index(labels)))


def hausdorff_in_millimetres(x, labels, spacing, alpha):
    """MONAI's formula with a spacing and another exponent, distances by scipy."""
    p, g = torch.softmax(x, 1), F.one_hot(labels, x.shape[1]).movedim(-1, 1).double()

    def field(mask):
        if mask.all() or not mask.any():
            return torch.zeros(mask.shape, dtype=torch.float64)
        distance = scipy.ndimage.distance_transform_edt
        return torch.from_numpy(distance(mask, sampling=spacing) + distance(~mask, sampling=spacing))

    each = [[(field((m[i, c] > 0.5).numpy()) ** alpha) for c in range(x.shape[1])] for m in (p.detach(), g) for i in range(len(x))]
    maps = torch.stack([torch.stack(row) for row in each])
    maps = maps[: len(x)] + maps[len(x):]
    return ((p - g) ** 2 * maps).mean()


monai_case("boundary", logits3, labels3, BoundaryLoss, softmax=True)
monai_case("boundary_sigmoid", logits2, labels2, BoundaryLoss, sigmoid=True, include_background=False)
monai_case("hausdorff", logits3, labels3, HausdorffDTLoss, softmax=True)
monai_case("hausdorff_sigmoid", logits2, labels2, HausdorffDTLoss, sigmoid=True, include_background=True, alpha=1.5)
case("hausdorff_mm", logits3, lambda x: hausdorff_in_millimetres(x, labels3, (3.0, 0.7, 1.1), 3.0))
monai_case("cl_dice", smooth3, tubes3, SoftclDiceLoss, softmax=True)
monai_case("cl_dice_2d", logits2, labels2, SoftclDiceLoss, sigmoid=True, include_background=False, iter_=2)
meta = {"made_by": f"surface.py, seed 18, torch {torch.__version__}, monai {monai.__version__}, scipy {scipy.__version__}"}
out = {name: (v.to(torch.uint8) if name.startswith("labels") else v).contiguous() for name, v in out.items()}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
