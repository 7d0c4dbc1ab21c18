"""Losses of grades of coral-pytorch (CORAL with importance weights, CORN), with gradients."""

import pathlib

import coral_pytorch
import safetensors.torch
import torch
from coral_pytorch.dataset import levels_from_labelbatch
from coral_pytorch.losses import coral_loss, corn_loss

torch.manual_seed(25)
flat = torch.randn(9, 4, dtype=torch.float64) * 3
flat[0, 0], flat[1, 3] = 300.0, -300.0
grades = torch.tensor([0, 1, 2, 3, 4, 4, 0, 2, 1])
maps = torch.randn(2, 3, 5, 3, dtype=torch.float64) * 2
map_grades = torch.randint(0, 4, (2, 5, 3))
weights = torch.tensor([1.0, 0.5, 0.0, 2.0], dtype=torch.float64)
out = {
    "flat": flat,
    "grades": grades.to(torch.uint8),
    "maps": maps,
    "map_grades": map_grades.to(torch.uint8),
}


def case(name, logits, function):
    logits = logits.clone().requires_grad_()
    value = function(logits)
    value.backward()
    out[f"{name}.value"] = value.detach()
    out[f"{name}.d0"] = logits.grad


def rows(x):
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def levels(y, n):
    return levels_from_labelbatch(y, n).to(torch.float64)


case("cumulative", flat, lambda x: coral_loss(x, levels(grades, 5)))
case("cumulative_weighted", flat, lambda x: coral_loss(x, levels(grades, 5), importance_weights=weights))
case("cumulative_dense", maps, lambda x: coral_loss(rows(x), levels(map_grades.flatten(), 4)))
case("conditional", flat, lambda x: corn_loss(x, grades, 5))
case("conditional_dense", maps, lambda x: corn_loss(rows(x), map_grades.flatten(), 4))
# Grade 1 does not count: its rows are left out.
kept = grades != 1
case("cumulative_ignored", flat, lambda x: coral_loss(x[kept], levels(grades[kept], 5)))
case("conditional_ignored", flat, lambda x: corn_loss(x[kept], grades[kept], 5))
meta = {"made_by": f"ordinal.py, seed 25, torch {torch.__version__}, coral-pytorch {coral_pytorch.__version__}"}
safetensors.torch.save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
