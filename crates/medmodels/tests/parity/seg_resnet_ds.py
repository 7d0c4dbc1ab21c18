"""MONAI SegResNetDS in 2D and 3D, anisotropic, with deep supervision; usage: python seg_resnet_ds.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import SegResNetDS

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, **settings):
    model = SegResNetDS(in_channels=shape[1], spatial_dims=len(shape) - 2, **settings)
    modules = {"encoder.conv_init": model.encoder.conv_init}
    modules |= {f"encoder.layers.{i}.blocks": level["blocks"] for i, level in enumerate(model.encoder.layers)}
    modules |= {f"up_layers.{i}.blocks": level["blocks"] for i, level in enumerate(model.up_layers)}
    run(stem, model, shape, modules, folder)


case(
    "seg_resnet_ds_2d",
    (2, 2, 12, 20),
    out_channels=3,
    init_filters=4,
    blocks_down=(1, 2, 1),
    blocks_up=(1, 2),
    dsdepth=1,
    norm="instance",
    upsample_mode="nontrainable",
)
case(
    "seg_resnet_ds_3d",
    (2, 1, 4, 12, 32),
    out_channels=2,
    init_filters=3,
    blocks_down=(1, 1, 1, 1),
    dsdepth=2,
    act=("LeakyReLU", {"negative_slope": 0.3}),
    resolution=(5.0, 2.0, 1.0),
)
