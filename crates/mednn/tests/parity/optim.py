"""Fifty steps of PyTorch's, MONAI's and timm's optimizers, and averages of weights; writes optim.safetensors.

Parameters start from and gradients are numbers both languages make (`pattern` of support.rs), rounded to float32 and then
computed with in float64. A case stores all parameters in a row after some of the steps.
"""
import json
from pathlib import Path

import monai
import numpy as np
import timm
import torch
from monai.optimizers import Novograd
from safetensors.torch import save_file
from timm.optim.lamb import Lamb
from timm.utils import ModelEmaV3

torch.set_default_dtype(torch.float64)
STEPS, STORED = 50, (1, 2, 10, 50)
PARAMETERS = {"encoder.weight": [3, 5], "encoder.bias": [5], "scale": [], "head.weight": [2, 3, 2, 2], "late": [4, 1], "frozen": [6]}
LATE = 6  # the step in which `late` gets its first gradient

sgd, adam, adamw, rmsprop = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop
lamb = dict(max_grad_norm=None)
CASES = {  # optimizer, base learning rate, settings
    "sgd": (sgd, 0.1, dict()),
    "sgd_momentum": (sgd, 0.1, dict(momentum=0.9, dampening=0.3, weight_decay=0.02)),
    "sgd_nesterov": (sgd, 0.01, dict(momentum=0.99, nesterov=True, weight_decay=3e-5)),
    "adamw": (adamw, 0.05, dict()),
    "adam": (adam, 0.05, dict(weight_decay=0.05, betas=(0.8, 0.95), eps=1e-6)),
    "adamw_amsgrad": (adamw, 0.05, dict(amsgrad=True, betas=(0.9, 0.9))),
    "rmsprop": (rmsprop, 0.01, dict()),
    "rmsprop_centered": (rmsprop, 0.01, dict(centered=True, alpha=0.9, weight_decay=0.01)),
    "rmsprop_momentum": (rmsprop, 0.01, dict(momentum=0.8, eps=1e-3)),
    "rmsprop_both": (rmsprop, 0.01, dict(momentum=0.8, centered=True, eps=1e-4)),
    "novograd": (Novograd, 0.02, dict()),
    "novograd_averaging": (Novograd, 0.05, dict(betas=(0.95, 0.5), weight_decay=0.01, grad_averaging=True, amsgrad=True)),
    "lamb": (Lamb, 0.02, lamb),
    "lamb_decoupled": (Lamb, 0.02, dict(weight_decay=0.05, decoupled_decay=True, always_adapt=True, trust_clip=True, **lamb)),
    "lamb_plain": (Lamb, 0.02, dict(weight_decay=0.05, betas=(0.8, 0.9), bias_correction=False, grad_averaging=False, **lamb)),
}


def pattern(shape, seed):
    """Uneven numbers in [-1, 1)."""
    with np.errstate(over="ignore"):
        i = np.arange(1, int(np.prod(shape, dtype=np.int64)) + 1, dtype=np.uint64)
        bits = i * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        bits ^= bits >> np.uint64(29)
        bits *= np.uint64(0xBF58476D1CE4E5B9)
        bits ^= bits >> np.uint64(32)
    values = (bits >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
    return torch.tensor(values.astype(np.float32).astype(np.float64)).reshape(shape)


def gradient(step, index, shape):
    return pattern(shape, 1000 + 10 * step + index) * (8 if step == 2 else 1) + 0.25


out = {}
for case, (kind, rate, settings) in CASES.items():
    params = {name: torch.nn.Parameter(pattern(shape, i)) for i, (name, shape) in enumerate(PARAMETERS.items())}
    groups = [{"params": [p], "name": name} for name, p in params.items() if name != "frozen"]
    for group in groups:
        name, p = group["name"], group["params"][0]
        if p.ndim <= 1 or name.endswith(".bias"):
            group["weight_decay"] = 0.0
        if name.startswith("head."):
            group["weight_decay"] = 0.2
    optimizer = kind(groups, lr=1.0, **settings)
    for step in range(1, STEPS + 1):
        for i, (name, p) in enumerate(params.items()):
            has_gradient = name != "frozen" and (name != "late" or step >= LATE)
            p.grad = gradient(step, i, p.shape) if has_gradient else None
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + step % 4) / 4 * (0.5 if group["name"].startswith("head.") else 1)
        optimizer.step()
        for group in optimizer.param_groups:
            if group["params"][0].grad is None:
                group.pop("step", None)  # timm counts by group; PyTorch and mednn from a parameter's own first gradient
        if step in STORED:
            out[f"{case}/{step}"] = torch.cat([p.detach().flatten() for p in params.values()])

for case, decay, settings in [("none", 0.9, {}), ("power", 0.95, dict(use_warmup=True, warmup_gamma=2.0, warmup_power=0.75)), ("count", 0.8, {})]:
    model = torch.nn.Linear(5, 3, bias=False)
    model.weight.data = pattern([3, 5], 0)
    ema = ModelEmaV3(model, decay=decay, foreach=False, **settings)
    for step in range(1, STEPS + 1):
        model.weight.data = pattern([3, 5], 5000 + step)
        if case == "count":  # TensorFlow's rule, handed to timm as the decay of this step
            n = step - 1
            ema.decay = min(decay, (1 + n) / (10 + n))
        ema.update(model, step=step if settings else None)
        if step in STORED:
            out[f"ema_{case}/{step}"] = ema.module.weight.detach().clone()

versions = {"torch": torch.__version__, "monai": monai.__version__, "timm": timm.__version__}
about = json.dumps({"script": "optim.py", **versions})
save_file({k: v.float().contiguous() for k, v in out.items()}, Path(__file__).with_suffix(".safetensors"), metadata={"about": about})
