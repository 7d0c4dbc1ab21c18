"""Pooling in PyTorch f64, forward and backward; whole numbers in the input make ties."""

import pathlib

import safetensors.torch
import torch
import torch.nn.functional as F

torch.manual_seed(13)
cases = [
    ("max2", 2, [2, 3, 7, 6], dict(kernel_size=[2, 2])),
    ("max2_overlap", 2, [1, 2, 7, 9], dict(kernel_size=[3, 2], stride=[2, 1], padding=[1, 1])),
    ("max2_ceil", 2, [1, 2, 5, 8], dict(kernel_size=[2, 3], stride=[2, 3], ceil_mode=True)),
    ("max2_ceil_pad", 2, [1, 1, 6, 6], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], ceil_mode=True)),
    ("max3", 3, [2, 2, 4, 5, 6], dict(kernel_size=[2, 2, 2])),
    ("max3_flat", 3, [1, 2, 3, 6, 9], dict(kernel_size=[1, 2, 3])),
    ("max3_overlap", 3, [1, 2, 5, 6, 7], dict(kernel_size=[3, 3, 3], stride=[2, 2, 2], padding=[1, 1, 1])),
    ("avg2", 2, [2, 2, 7, 6], dict(kernel_size=[2, 2])),
    ("avg2_pad", 2, [1, 2, 7, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1])),
    ("avg2_nopad", 2, [1, 2, 7, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], count_include_pad=False)),
    ("avg2_ceil", 2, [1, 2, 6, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 0], ceil_mode=True)),
    ("avg2_ceil_nopad", 2, [1, 2, 6, 8],
     dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 0], ceil_mode=True, count_include_pad=False)),
    ("avg3", 3, [2, 2, 4, 5, 6], dict(kernel_size=[2, 1, 3])),
    ("avg3_pad", 3, [1, 2, 5, 4, 6], dict(kernel_size=[3, 2, 3], stride=[1, 2, 2], padding=[1, 1, 0])),
]
out = {}
for name, dims, shape, settings in cases:
    x = torch.randint(-4, 5, shape).double().requires_grad_()
    function = getattr(F, f"{name[:3]}_pool{dims}d")
    y = function(x, **settings)
    g = torch.randn_like(y)
    y.backward(g)
    out |= {f"{name}.x": x.detach(), f"{name}.y": y.detach(), f"{name}.g": g, f"{name}.dx": x.grad}
out = {name: value.float() for name, value in out.items()}
meta = {"made_by": f"pool.py, seed 13, torch {torch.__version__}"}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
