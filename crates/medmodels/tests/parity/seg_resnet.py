"""MONAI SegResNet in 2D and 3D; usage: python seg_resnet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import SegResNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, **settings):
    model = SegResNet(in_channels=shape[1], spatial_dims=len(shape) - 2, **settings)
    modules = {"convInit": model.convInit}
    modules |= {f"down_layers.{i}": level for i, level in enumerate(model.down_layers)}
    modules |= {f"up_layers.{i}": level for i, level in enumerate(model.up_layers)}
    run(stem, model, shape, modules, folder)


case("seg_resnet_2d", (2, 2, 12, 20), out_channels=3, blocks_down=(1, 2, 1), blocks_up=(1, 2))
case(
    "seg_resnet_3d",
    (2, 1, 8, 12, 4),
    out_channels=2,
    init_filters=3,
    blocks_down=(1, 1, 2),
    blocks_up=(1, 1),
    norm="batch",
    act=("LeakyReLU", {"negative_slope": 0.3}),
    upsample_mode="deconv",
)
