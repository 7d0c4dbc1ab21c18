"""MONAI SegResNetVAE in 2D and 3D with given noise; usage: python seg_resnet_vae.py [output folder]."""

import pathlib
import sys

import torch
from monai.networks.nets import SegResNetVAE

from reference import run, tensor

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent

torch.randn_like = lambda like: tensor("noise", tuple(like.shape)).to(like.dtype)


def case(stem, shape, **settings):
    model = SegResNetVAE(shape[2:], in_channels=shape[1], spatial_dims=len(shape) - 2, **settings)
    if not settings.get("vae_estimate_std"):
        # A layer that has no gradient then.
        model.vae_fc2.requires_grad_(False)
    modules = {"convInit": model.convInit}
    modules |= {f"down_layers.{i}": level for i, level in enumerate(model.down_layers)}
    modules["vae.mean"] = model.vae_fc1
    modules["vae.image"] = model.vae_conv_final
    run(stem, model, shape, modules, folder, samples=24)


case("seg_resnet_vae_2d", (2, 2, 16, 24), out_channels=3, blocks_down=(1, 1, 1), blocks_up=(1, 1), vae_nz=6, vae_estimate_std=True)
