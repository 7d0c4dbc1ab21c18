"""ResidualEncoderUNet of dynamic_network_architectures (nnU-Net) in 2D and 3D, anisotropic; usage: python res_enc_unet.py [output folder]."""

import pathlib
import sys

import torch
from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def build(in_channels, features, kernels, strides, encoder, decoder, classes):
    conv, norm = {
        2: (torch.nn.Conv2d, torch.nn.InstanceNorm2d),
        3: (torch.nn.Conv3d, torch.nn.InstanceNorm3d),
    }[len(strides[0])]
    return ResidualEncoderUNet(
        input_channels=in_channels,
        n_stages=len(features),
        features_per_stage=features,
        conv_op=conv,
        kernel_sizes=kernels,
        strides=strides,
        n_blocks_per_stage=encoder,
        num_classes=classes,
        n_conv_per_stage_decoder=decoder,
        conv_bias=True,
        norm_op=norm,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=True,
    )


def case(stem, shape, *settings):
    model = build(shape[1], *settings)
    modules = {"encoder.stem": model.encoder.stem}
    modules |= {f"encoder.stages.{i}": stage for i, stage in enumerate(model.encoder.stages)}
    modules |= {f"decoder.stages.{i}": stage for i, stage in enumerate(model.decoder.stages)}
    run(stem, model, shape, modules, folder)


if __name__ == "__main__":
    # The third stage strides without a change of features: its shortcut pools alone.
    case(
        "res_enc_unet_2d",
        (2, 2, 24, 20),
        [4, 5, 5, 6],
        [(3, 3), (3, 3), (1, 3), (3, 3)],
        [(1, 1), (2, 2), (2, 1), (2, 2)],
        [1, 2, 1, 1],
        [1, 2, 1],
        3,
    )
    # The second stage changes features without striding.
    case(
        "res_enc_unet_3d",
        (2, 1, 8, 12, 16),
        [3, 4, 5],
        [(1, 3, 3), (3, 3, 3), (3, 3, 3)],
        [(1, 1, 1), (1, 1, 1), (2, 2, 2)],
        [1, 2, 1],
        [1, 1],
        2,
    )
