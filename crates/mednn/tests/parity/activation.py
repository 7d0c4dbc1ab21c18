"""Activations and their gradients in PyTorch, f64 and f32."""

import pathlib

import safetensors.torch
import torch
import torch.nn.functional as F

torch.manual_seed(11)
x = torch.cat([torch.linspace(-9, 9, 181), torch.tensor([0.0, -0.0, 1e-4, -1e-4])]).double()
g = torch.randn_like(x)
functions = {
    "relu": F.relu,
    "leaky_relu": lambda v: F.leaky_relu(v, 0.1),
    "elu": lambda v: F.elu(v, 1.3),
    "gelu": F.gelu,
    "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
out = {"x": x, "g": g}
for name, function in functions.items():
    v = x.clone().requires_grad_()
    y = function(v)
    y.backward(g)
    out[f"{name}.y"], out[f"{name}.dx"] = y.detach(), v.grad
for name, channels in [("shared", 1), ("each", 3)]:
    v = torch.randn(2, 3, 5, 4, dtype=torch.float64).requires_grad_()
    slopes = torch.rand(channels, dtype=torch.float64).requires_grad_()
    gy = torch.randn_like(v)
    y = F.prelu(v, slopes)
    y.backward(gy)
    out |= {
        f"prelu_{name}.x": v.detach(), f"prelu_{name}.slopes": slopes.detach(), f"prelu_{name}.g": gy,
        f"prelu_{name}.y": y.detach(), f"prelu_{name}.dx": v.grad, f"prelu_{name}.dslopes": slopes.grad,
    }
meta = {"made_by": f"activation.py, seed 11, torch {torch.__version__}"}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
