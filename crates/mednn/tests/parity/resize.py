"""Resizing and padding in PyTorch, forward and backward."""

import pathlib

import safetensors.torch
import torch
import torch.nn.functional as F

torch.manual_seed(14)
out = {}


def case(name, shape, function):
    x = torch.randn(shape, dtype=torch.float64).requires_grad_()
    y = function(x)
    g = torch.randn_like(y)
    y.backward(g)
    out.update({f"{name}.x": x.detach(), f"{name}.y": y.detach(), f"{name}.g": g, f"{name}.dx": x.grad})


plane, volume = [2, 1, 5, 4], [1, 2, 3, 5, 4]
case("nearest2", plane, lambda x: F.interpolate(x, size=[7, 8], mode="nearest"))
case("nearest3", volume, lambda x: F.interpolate(x, scale_factor=[2, 2, 2], mode="nearest"))
case("nearest3_down", volume, lambda x: F.interpolate(x, size=[2, 3, 3], mode="nearest"))
case("exact2", plane, lambda x: F.interpolate(x, size=[3, 9], mode="nearest-exact"))
case("linear2", plane, lambda x: F.interpolate(x, size=[8, 3], mode="bilinear"))
case("linear2_corners", plane, lambda x: F.interpolate(x, size=[8, 3], mode="bilinear", align_corners=True))
case("linear2_one", plane, lambda x: F.interpolate(x, size=[1, 6], mode="bilinear", align_corners=True))
case("linear2_factor", plane, lambda x: F.interpolate(x, scale_factor=[1.7, 2.3], mode="bilinear"))
case("linear3", volume, lambda x: F.interpolate(x, scale_factor=[2, 2, 2], mode="trilinear"))
case("linear3_corners", volume, lambda x: F.interpolate(x, size=[5, 7, 6], mode="trilinear", align_corners=True))
case("pad_constant2", plane, lambda x: F.pad(x, [1, 2, 0, 3], value=1.5))
case("pad_zero3", volume, lambda x: F.pad(x, [1, 2, 0, 3, 2, 0]))
case("pad_reflect2", plane, lambda x: F.pad(x, [3, 1, 2, 4], mode="reflect"))
case("pad_reflect3", volume, lambda x: F.pad(x, [3, 1, 2, 4, 1, 2], mode="reflect"))
case("pad_replicate3", volume, lambda x: F.pad(x, [1, 2, 0, 3, 4, 1], mode="replicate"))
out = {name: value.float() for name, value in out.items()}
meta = {"made_by": f"resize.py, seed 14, torch {torch.__version__}"}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
