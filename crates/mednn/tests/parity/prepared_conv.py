"""Convolution, batch normalisation in evaluation, residual and activation as PyTorch computes them one after the other."""

import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 61)


def layers(name, convolution, norm):
    """Draws all parameters and statistics and stores them."""
    for layer, tensors in ((convolution, "weight bias"), (norm, "weight bias running_mean running_var")):
        for which in tensors.split():
            tensor = getattr(layer, which)
            if tensor is None:
                continue
            values = torch.rand(tensor.shape) + 0.3 if which == "running_var" else torch.randn(tensor.shape)
            tensor.data = values.float().double()
            suite.tensors[f"{name}.{'conv' if layer is convolution else 'norm'}.{which}"] = tensor.data
    return convolution.double(), norm.double().eval()


conv, norm = layers("resnet", torch.nn.Conv2d(5, 19, 3, 2, 1, bias=False), torch.nn.BatchNorm2d(19, eps=1e-3))
suite.case("resnet", lambda x, r: F.relu(norm(conv(x)) + r), [2, 5, 7, 6], [2, 19, 4, 3])

conv, norm = layers("yolo", torch.nn.Conv3d(3, 4, (2, 3, 1), padding=(1, 1, 0)), torch.nn.BatchNorm3d(4))
suite.case("yolo", lambda x, r: F.silu(norm(conv(x))) + r, [2, 3, 4, 5, 3], [2, 4, 5, 5, 3])

conv, norm = layers("mobile", torch.nn.Conv1d(6, 6, 5, padding=2, groups=6), torch.nn.BatchNorm1d(6, affine=False))
suite.case("mobile", lambda x: F.hardswish(norm(conv(x))), [2, 6, 11])

conv, norm = layers("project", torch.nn.Conv2d(7, 17, 1, bias=False), torch.nn.BatchNorm2d(17))
suite.case("project", lambda x, r: norm(conv(x)) + r, [2, 7, 5, 3], [2, 17, 5, 3])
suite.save()
