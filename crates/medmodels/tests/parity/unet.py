"""MONAI UNet in 2D and 3D, with and without residual units; usage: python unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import UNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def levels(model, name="model"):
    """The modules of the way down, the bottom and the way up by their names."""
    below = model[1].submodule
    inner = f"{name}.1.submodule"
    found = {f"{name}.0": model[0], f"{name}.2": model[2]}
    is_level = len(below) == 3 and hasattr(below[1], "submodule") if hasattr(below, "__len__") else False
    return found | (levels(below, inner) if is_level else {inner: below})


def case(stem, shape, **settings):
    model = UNet(in_channels=shape[1], spatial_dims=len(shape) - 2, **settings)
    run(stem, model, shape, levels(model.model), folder)


case(
    "unet_2d",
    (2, 2, 20, 12),
    out_channels=3,
    channels=(4, 5, 6, 8),
    strides=((2, 1), (1, 2), (2, 2)),
    kernel_size=(3, 5),
    up_kernel_size=(5, 3),
    num_res_units=2,
)
case(
    "unet_3d",
    (2, 1, 8, 16, 24),
    out_channels=2,
    channels=(3, 4, 5, 6),
    strides=(2, 2, 2),
    num_res_units=1,
    norm="batch",
)
case(
    "unet_plain",
    (2, 1, 24, 40),
    out_channels=2,
    channels=(4, 6, 6, 8),
    strides=(2, 2, 2),
    act=("LeakyReLU", {"negative_slope": 0.2}),
    norm=("group", {"num_groups": 2}),
    adn_ordering="AN",
    bias=False,
)
