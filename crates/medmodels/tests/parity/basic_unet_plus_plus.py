"""MONAI BasicUNetPlusPlus in 2D and 3D on odd sizes; usage: python basic_unet_plus_plus.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import BasicUNetPlusPlus

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class DeepestFirst(BasicUNetPlusPlus):
    """The outputs from the deepest U-Net to the shallowest."""

    def forward(self, x):
        return super().forward(x)[::-1]


def case(stem, shape, **settings):
    model = DeepestFirst(spatial_dims=len(shape) - 2, in_channels=shape[1], deep_supervision=True, **settings)
    modules = {name: module for name, module in model.named_children() if not name.startswith("final")}
    run(stem, model, shape, modules, folder, samples=16)


case("basic_unet_plus_plus_2d", (2, 2, 35, 49), out_channels=3, features=(3, 4, 4, 6, 6, 5))
case(
    "basic_unet_plus_plus_3d",
    (2, 1, 17, 33, 18),
    out_channels=2,
    features=(3, 3, 4, 4, 6, 2),
    norm=("group", {"num_groups": 1}),
    bias=False,
)
