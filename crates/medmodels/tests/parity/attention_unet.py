"""MONAI AttentionUnet in 2D and 3D; usage: python attention_unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import AttentionUnet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, **settings):
    model = AttentionUnet(spatial_dims=len(shape) - 2, in_channels=shape[1], **settings)
    top = model.model[1]
    modules = {
        "model.0": model.model[0],
        "model.1.submodule.0": top.submodule[0],
        "model.1.submodule.1.submodule.0": top.submodule[1].submodule[0],
        "model.1.submodule.1.submodule.1.submodule": top.submodule[1].submodule[1].submodule,
        "model.1.submodule.1.submodule.1": top.submodule[1].submodule[1],
        "model.1.submodule.1": top.submodule[1],
        "model.1": top,
    }
    run(stem, model, shape, modules, folder)


case(
    "attention_unet_2d",
    (2, 2, 20, 12),
    out_channels=3,
    channels=(4, 5, 6, 8),
    strides=((2, 1), (1, 2), (2, 2)),
    kernel_size=(3, 5),
    up_kernel_size=(5, 3),
)
case("attention_unet_3d", (2, 1, 8, 16, 24), out_channels=2, channels=(2, 3, 4, 5), strides=(2, 2, 2))
