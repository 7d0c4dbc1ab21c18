"""Binary cross-entropy, soft targets, focal, generalised Dice and Tversky of PyTorch and MONAI, with gradients of the logits."""

import pathlib

import monai
import safetensors.torch
import torch
import torch.nn.functional as F
from monai.losses import (
    DeepSupervisionLoss, DiceFocalLoss, DiceLoss, FocalLoss, GeneralizedDiceLoss, TverskyLoss,
)

torch.manual_seed(17)
# MONAI's focal loss computes in f32; its arithmetic is wanted in f64 here.
torch.Tensor.float = torch.Tensor.double
IGNORE = 255
logits3 = torch.randn(2, 4, 3, 5, 2, dtype=torch.float64) * 2
labels3 = torch.randint(0, 3, (2, 3, 5, 2))  # class 3 is absent
ignored3 = torch.where(torch.rand(2, 3, 5, 2) < 0.3, IGNORE, labels3)
logits2 = torch.randn(3, 3, 7, 5, dtype=torch.float64)
labels2 = torch.randint(0, 3, (3, 7, 5))
shares2 = torch.softmax(torch.randn(3, 3, 7, 5, dtype=torch.float64) * 2, 1)
scores = torch.randn(5, 3, dtype=torch.float64) * 3
findings = (torch.rand(5, 3) < 0.4).double()
out = {
    "logits3": logits3, "labels3": labels3, "ignored3": ignored3, "logits2": logits2, "labels2": labels2,
    "shares2": shares2, "scores": scores, "findings": findings, "labels0": torch.tensor([2, 0, 1, 1, 0]),
    "binary2": (labels2 == 1).long(),
}
index = lambda labels: labels.unsqueeze(1)
hot = lambda labels, classes: F.one_hot(labels, classes).movedim(-1, 1).double()


def case(name, logits, function):
    x = logits.clone().requires_grad_()
    value = function(x)
    value.backward()
    out[f"{name}.value"], out[f"{name}.dx"] = value.detach(), x.grad


def monai_case(name, logits, labels, loss, **settings):
    case(name, logits, lambda x: loss(to_onehot_y=True, **settings)(x, index(labels)))


weights = torch.tensor([0.2, 1.5, 0.7], dtype=torch.float64)
case("ce_shares", logits2, lambda x: F.cross_entropy(x, shares2))
case("ce_shares_all", logits2, lambda x: F.cross_entropy(x, shares2, weights, label_smoothing=0.2))
case("ce_classification", scores, lambda x: F.cross_entropy(x, out["labels0"], weights, label_smoothing=0.1))
bce = F.binary_cross_entropy_with_logits
case("bce", scores, lambda x: bce(x, findings))
case("bce_positive", scores, lambda x: bce(x, findings, pos_weight=weights))
case("bce_labels", logits2, lambda x: bce(x, hot(labels2, 3), pos_weight=weights.view(3, 1, 1)))
case("bce_shares", logits2, lambda x: bce(x, shares2))
case("bce_single", logits2[:, :1], lambda x: bce(x, index(out["binary2"]).double()))
monai_case("focal", logits3, labels3, FocalLoss)
monai_case("focal_alpha", logits2, labels2, FocalLoss, gamma=0.7, alpha=0.25, include_background=False, weight=[0.5, 2.0])
monai_case("focal_softmax", logits3, labels3, FocalLoss, use_softmax=True)
monai_case("focal_softmax_alpha", logits2, labels2, FocalLoss, use_softmax=True, gamma=1.3, alpha=0.25, weight=[0.5, 2.0, 1.0])
monai_case("focal_ignore", logits3, ignored3, FocalLoss, ignore_index=IGNORE)
case("focal_single", logits2[:, :1], lambda x: FocalLoss(alpha=0.3)(x, index(out["binary2"]).double()))
monai_case("dice_focal", logits3, labels3, DiceFocalLoss, softmax=True)
monai_case("dice_focal_sigmoid", logits2, labels2, DiceFocalLoss, sigmoid=True, lambda_dice=0.7, lambda_focal=1.6, gamma=3.0,
           include_background=False)
monai_case("dice_sigmoid", logits3, labels3, DiceLoss, sigmoid=True)
case("dice_shares", logits2, lambda x: DiceLoss(softmax=True)(x, shares2))
monai_case("gdl", logits3, labels3, GeneralizedDiceLoss, softmax=True)
monai_case("gdl_simple", logits2, labels2, GeneralizedDiceLoss, sigmoid=True, w_type="simple", include_background=False)
monai_case("gdl_batch", logits3, labels3, GeneralizedDiceLoss, softmax=True, batch=True)
monai_case("tversky", logits3, labels3, TverskyLoss, softmax=True, alpha=0.3, beta=0.7)
monai_case("tversky_ignore", logits3, ignored3, TverskyLoss, softmax=True, alpha=0.3, beta=0.7, ignore_index=IGNORE,
           include_background=False, batch=True)
ratio = lambda x, labels: TverskyLoss(softmax=True, to_onehot_y=True, alpha=0.3, beta=0.7, reduction="none")(x, index(labels))
case("focal_tversky", logits3, lambda x: ratio(x, labels3).pow(0.75).mean())
levels = [torch.randn(2, 3, size, size - 2, dtype=torch.float64) for size in (8, 4, 3)]
soft = torch.softmax(torch.randn(2, 3, 8, 6, dtype=torch.float64), 1)
out |= {f"level{i}": level for i, level in enumerate(levels)} | {"level_shares": soft}
out["deep.value"] = DeepSupervisionLoss(torch.nn.CrossEntropyLoss())(levels, soft)
meta = {"made_by": f"segmentation.py, seed 17, torch {torch.__version__}, monai {monai.__version__}"}
small = ("labels", "ignored", "binary")
out = {name: (v.to(torch.uint8) if name.startswith(small) else v).contiguous() for name, v in out.items()}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
