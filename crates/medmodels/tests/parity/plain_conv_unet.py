"""PlainConvUNet of dynamic_network_architectures (nnU-Net) in 2D and 3D, anisotropic; usage: python plain_conv_unet.py [output folder]."""

import pathlib
import sys

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, features, kernels, strides, encoder, decoder, classes):
    conv, norm = {
        4: (torch.nn.Conv2d, torch.nn.InstanceNorm2d),
        5: (torch.nn.Conv3d, torch.nn.InstanceNorm3d),
    }[len(shape)]
    model = PlainConvUNet(
        input_channels=shape[1],
        n_stages=len(features),
        features_per_stage=features,
        conv_op=conv,
        kernel_sizes=kernels,
        strides=strides,
        n_conv_per_stage=encoder,
        num_classes=classes,
        n_conv_per_stage_decoder=decoder,
        conv_bias=True,
        norm_op=norm,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=True,
    )
    modules = {f"encoder.stages.{i}": stage for i, stage in enumerate(model.encoder.stages)}
    modules |= {f"decoder.stages.{i}": stage for i, stage in enumerate(model.decoder.stages)}
    run(stem, model, shape, modules, folder)


case(
    "plain_conv_unet_2d",
    (2, 2, 24, 20),
    [4, 5, 6, 8],
    [(3, 3), (3, 3), (1, 3), (3, 3)],
    [(1, 1), (2, 2), (2, 1), (2, 2)],
    [2, 1, 2, 2],
    [1, 2, 1],
    3,
)
case(
    "plain_conv_unet_3d",
    (2, 1, 12, 16, 24),
    [3, 4, 5, 6],
    [(1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)],
    [(1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 2, 2)],
    [2, 2, 1, 2],
    [2, 1, 2],
    2,
)
