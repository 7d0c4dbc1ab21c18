"""MONAI BasicUNet in 2D and 3D on odd sizes; usage: python basic_unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import BasicUNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
LEVELS = ["conv_0", "down_1", "down_2", "down_3", "down_4", "upcat_4", "upcat_3", "upcat_2", "upcat_1"]


def case(stem, shape, **settings):
    model = BasicUNet(in_channels=shape[1], **settings)
    run(stem, model, shape, {name: getattr(model, name) for name in LEVELS}, folder)


case("basic_unet_2d", (2, 2, 37, 35), spatial_dims=2, out_channels=3, features=(4, 3, 5, 6, 8, 3))
# So many features lie near zero here that some round to its other side in f32; a steep slope makes that harmless.
case(
    "basic_unet_3d",
    (2, 1, 33, 35, 32),
    spatial_dims=3,
    out_channels=2,
    features=(2, 3, 4, 5, 6, 3),
    act=("LeakyReLU", {"negative_slope": 0.8}),
)
case(
    "basic_unet_batch_norm",
    (2, 1, 36, 33),
    spatial_dims=2,
    out_channels=2,
    features=(2, 4, 4, 6, 8, 4),
    norm="batch",
    act=("relu", {"inplace": True}),
    bias=False,
)
case(
    "basic_unet_group_norm",
    (2, 1, 34, 36),
    spatial_dims=2,
    out_channels=2,
    features=(2, 4, 4, 6, 8, 4),
    norm=("group", {"num_groups": 2}),
)
