"""Softmax and its logarithm in PyTorch f64 along several axes, forward and backward."""

import pathlib

import safetensors.torch
import torch

torch.manual_seed(15)
out = {}
for name, shape, axis in [
    ("channels3", [2, 3, 3, 2, 5], 1), ("channels2", [1, 5, 4, 3], 1), ("last", [3, 2, 37], 2), ("first", [4, 3], 0),
]:
    for log in [False, True]:
        x = (torch.randn(shape, dtype=torch.float64) * 4).requires_grad_()
        y = torch.log_softmax(x, axis) if log else torch.softmax(x, axis)
        g = torch.randn_like(y)
        y.backward(g)
        key = f"{name}.{'log' if log else 'linear'}"
        out |= {f"{key}.x": x.detach(), f"{key}.y": y.detach(), f"{key}.g": g, f"{key}.dx": x.grad}
meta = {"made_by": f"softmax.py, seed 15, torch {torch.__version__}"}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
