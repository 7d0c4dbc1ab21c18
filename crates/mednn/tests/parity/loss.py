"""Segmentation losses of PyTorch and MONAI, and nnU-Net's formulas written out, with the gradients of the logits."""

import pathlib

import monai
import safetensors.torch
import torch
import torch.nn.functional as F
from monai.losses import DeepSupervisionLoss, DiceCELoss, DiceLoss

torch.manual_seed(16)
IGNORE = 255
logits3 = torch.randn(2, 4, 3, 5, 2, dtype=torch.float64) * 2
labels3 = torch.randint(0, 3, (2, 3, 5, 2))  # class 3 is absent
ignored3 = torch.where(torch.rand(2, 3, 5, 2) < 0.3, IGNORE, labels3)
logits2 = torch.randn(3, 3, 7, 6, dtype=torch.float64)
labels2 = torch.randint(0, 3, (3, 7, 6))
weights = torch.tensor([0.2, 1.5, 0.7, 2.0], dtype=torch.float64)
out = {
    "logits3": logits3, "labels3": labels3, "ignored3": ignored3, "logits2": logits2, "labels2": labels2,
    "weights": weights,
}
index = lambda labels: labels.unsqueeze(1)


def case(name, logits, function):
    x = logits.clone().requires_grad_()
    value = function(x)
    value.backward()
    out[f"{name}.value"], out[f"{name}.dx"] = value.detach(), x.grad


def nnunet_dice(probabilities, truth, mask, batch, background, smooth=1e-5):
    """dynamic reimplementation of the formula of MemoryEfficientSoftDiceLoss (nnU-Net 2.8)."""
    if not background:
        probabilities, truth = probabilities[:, 1:], truth[:, 1:]
    axes = tuple(range(2, probabilities.ndim))
    mask = torch.ones_like(probabilities[:, :1]) if mask is None else mask
    both, p, g = ((v * mask).sum(axes) for v in (probabilities * truth, probabilities, truth))
    if batch:
        both, p, g = both.sum(0), p.sum(0), g.sum(0)
    return -((2 * both + smooth) / torch.clip(g + p + smooth, 1e-8)).mean()


def nnunet_dc_and_ce(x, labels, batch, ignore=None):
    mask = None if ignore is None else index(labels != ignore).double()
    clean = labels if ignore is None else torch.where(labels == ignore, 0, labels)
    truth = F.one_hot(clean, x.shape[1]).movedim(-1, 1).double()
    dice = nnunet_dice(torch.softmax(x, 1), truth, mask, batch, False)
    return dice + F.cross_entropy(x, labels, ignore_index=-100 if ignore is None else ignore)


def nnunet_dc_and_bce(x, regions, mask, batch):
    dice = nnunet_dice(torch.sigmoid(x), regions, mask, batch, True)
    if mask is None:
        return dice + F.binary_cross_entropy_with_logits(x, regions)
    bce = F.binary_cross_entropy_with_logits(x, regions, reduction="none")
    return dice + (bce * mask).sum() / torch.clip(mask.sum(), min=1e-8)


case("ce", logits3, lambda x: F.cross_entropy(x, labels3))
case("ce_weighted", logits3, lambda x: F.cross_entropy(x, labels3, weights))
case("ce_ignore", logits3, lambda x: F.cross_entropy(x, ignored3, weights, ignore_index=IGNORE))
case("ce_smooth", logits3, lambda x: F.cross_entropy(x, ignored3, weights, ignore_index=IGNORE, label_smoothing=0.2))
dice = dict(to_onehot_y=True, softmax=True)
case("dice", logits3, lambda x: DiceLoss(**dice)(x, index(labels3)))
case("dice_nobg_squared", logits2,
     lambda x: DiceLoss(**dice, include_background=False, squared_pred=True)(x, index(labels2)))
case("dice_batch", logits3, lambda x: DiceLoss(**dice, batch=True, smooth_nr=0.0, smooth_dr=1e-3)(x, index(labels3)))
case("dice_ce", logits3, lambda x: DiceCELoss(**dice)(x, index(labels3)))
case("dice_ce_weights", logits2,
     lambda x: DiceCELoss(**dice, include_background=False, lambda_dice=0.7, lambda_ce=1.6)(x, index(labels2)))
case("dice_ce_sigmoid", logits2[:, :1],
     lambda x: DiceCELoss(sigmoid=True)(x, index(labels2 == 1).double()))
case("nnunet", logits3, lambda x: nnunet_dc_and_ce(x, labels3, False))
case("nnunet_batch", logits2, lambda x: nnunet_dc_and_ce(x, labels2, True))
case("nnunet_ignore", logits3, lambda x: nnunet_dc_and_ce(x, ignored3, True, IGNORE))
region = lambda labels: torch.stack([(labels == 1) | (labels == 2), labels == 2], 1).double()
case("regions", logits3[:, :2], lambda x: nnunet_dc_and_bce(x, region(labels3), None, False))
case("regions_ignore", logits3[:, :2],
     lambda x: nnunet_dc_and_bce(x, region(ignored3), index(ignored3 != IGNORE).double(), True))
levels = [torch.randn(2, 3, size, size - 2, dtype=torch.float64) for size in (8, 4, 3)]
target = torch.randint(0, 3, (2, 8, 6))
out |= {f"level{i}": level for i, level in enumerate(levels)} | {"level_labels": target}
out["deep.value"] = DeepSupervisionLoss(DiceCELoss(**dice))(levels, index(target).double())
meta = {"made_by": f"loss.py, seed 16, torch {torch.__version__}, monai {monai.__version__}"}
out = {name: (v.to(torch.uint8) if "labels" in name or "ignored" in name else v).contiguous() for name, v in out.items()}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
