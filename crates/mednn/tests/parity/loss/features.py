"""Regression, distillation, contrastive and domain losses of PyTorch and MONAI or written out, with all gradients."""

import pathlib

import monai
import safetensors.torch
import torch
import torch.nn.functional as F
from monai.losses import ContrastiveLoss

torch.manual_seed(20)
a, b = torch.randn(2, 7, 5, dtype=torch.float64) * 2
c = torch.randn(4, 5, dtype=torch.float64) + 0.5
dense = torch.randn(2, 2, 4, 3, 2, 5, dtype=torch.float64) * 3
labels = torch.tensor([0, 1, 1, 2, 0, 1, 3])
out = {"a": a, "b": b, "c": c, "student": dense[0], "teacher": dense[1], "labels": labels.to(torch.uint8)}


def case(name, inputs, function):
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = function(*inputs)
    value.backward()
    out[f"{name}.value"] = value.detach()
    for i, x in enumerate(inputs):
        if x.grad is not None:
            out[f"{name}.d{i}"] = x.grad


def supervised_contrastive(x, labels, temperature):
    """L_out of Khosla et al. 2020 from its definition; anchors without positives do not count."""
    z = F.normalize(x)
    similarity = z @ z.T / temperature
    itself = torch.eye(len(x), dtype=torch.bool)
    logarithms = similarity - torch.logsumexp(similarity.masked_fill(itself, -torch.inf), 1, keepdim=True)
    positives = (labels[:, None] == labels[None]) & ~itself
    anchors = positives.any(1)
    each = -(logarithms * positives).sum(1)[anchors] / positives.sum(1)[anchors]
    return each.mean()


def discrepancy(x, y, kernels, factor, bandwidth):
    """Biased squared maximum mean discrepancy with a sum of Gaussian kernels."""
    both = torch.cat([x, y])
    squared = ((both[:, None] - both[None]) ** 2).sum(2)
    n = len(both)
    middle = squared.detach().sum() / (n * n - n) if bandwidth is None else bandwidth
    k = sum(torch.exp(-squared / (middle * factor ** (i - kernels // 2))) for i in range(kernels))
    m = len(x)
    return k[:m, :m].mean() + k[m:, m:].mean() - 2 * k[:m, m:].mean()


case("huber", [a, b], lambda x, y: F.huber_loss(x, y, delta=1.7))
case("smooth_l1", [a, b], lambda x, y: F.smooth_l1_loss(x, y, beta=0.6))
case("l1", [a, b], lambda x, y: F.smooth_l1_loss(x, y, beta=0.0))
soft = lambda x, t: F.log_softmax(x / t, 1)
case("distillation", [a, b], lambda x, y: 9 * F.kl_div(soft(x, 3), soft(y.detach(), 3), reduction="batchmean", log_target=True))
flat = lambda x: x.movedim(1, -1).reshape(-1, 4)
case("distillation_dense", [dense[0], dense[1]], lambda x, y: 4 * F.kl_div(
    soft(flat(x), 2), soft(flat(y.detach()), 2), reduction="batchmean", log_target=True))
case("nt_xent", [a, b], lambda x, y: ContrastiveLoss(temperature=0.5)(x, y))
case("info_nce", [a, b], lambda x, y: F.cross_entropy(F.normalize(x) @ F.normalize(y).T / 0.2, torch.arange(7)))
case("supervised", [a], lambda x: supervised_contrastive(x, labels, 0.1))
case("mmd", [a, c], lambda x, y: discrepancy(x, y, 5, 2.0, None))
case("mmd_fixed", [a, c], lambda x, y: discrepancy(x, y, 2, 3.0, 4.0))
meta = {"made_by": f"features.py, seed 20, torch {torch.__version__}, monai {monai.__version__}"}
safetensors.torch.save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
