"""MONAI VNet in 2D and 3D with fewer features; usage: python vnet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets.vnet import DownTransition, InputTransition, OutputTransition, UpTransition, VNet
from torch.nn.modules.dropout import _DropoutNd

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def narrow(model, dims, in_channels, out_channels, width, act, bias):
    """MONAI's network has 16 features in its first level; here it has `width`."""
    model.in_tr = InputTransition(dims, in_channels, width, act, bias=bias)
    for i, (name, down, up) in enumerate([("32", 1, 1), ("64", 2, 1), ("128", 3, 2), ("256", 2, 2)]):
        from_above, to = width << i, width << (i + 1)
        setattr(model, f"down_tr{name}", DownTransition(dims, from_above, down, act, bias=bias))
        from_below = to if name == "256" else 2 * to
        setattr(model, f"up_tr{name}", UpTransition(dims, from_below, to, up, act))
    model.out_tr = OutputTransition(dims, 2 * width, out_channels, act, bias=bias)


def case(stem, shape, classes, width, act, bias):
    dims = len(shape) - 2
    settings = {"spatial_dims": dims, "in_channels": shape[1], "out_channels": classes, "act": act, "bias": bias}
    model = VNet(**settings)
    names = [name for name, _ in model.named_parameters()]
    narrow(model, dims, shape[1], classes, width, act, bias)
    assert names == [name for name, _ in model.named_parameters()]
    for module in model.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
    stages = [name for name, _ in model.named_children() if name != "out_tr"]
    run(stem, model, shape, {name: getattr(model, name) for name in stages}, folder, samples=16)


case("vnet_2d", (2, 2, 32, 48), 3, 4, "prelu", True)
case("vnet_3d", (2, 1, 16, 32, 32), 2, 2, ("elu", {"inplace": True}), False)
