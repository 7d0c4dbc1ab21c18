"""MeshNet as a sequence of MONAI's convolutions, in 2D and 3D; usage: python mesh_net.py [output folder]."""

import pathlib
import sys

import torch
from monai.networks.blocks import Convolution
from monai.networks.layers import Conv

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class MeshNet(torch.nn.Module):
    def __init__(self, dims, in_channels, out_channels, features, dilations):
        super().__init__()
        widths = [in_channels] + [features] * len(dilations)
        layers = [
            Convolution(dims, a, b, kernel_size=3, dilation=d, adn_ordering="NAD", act="relu", norm="batch")
            for a, b, d in zip(widths, widths[1:], dilations)
        ]
        self.layers = torch.nn.ModuleList(layers)
        self.final_conv = Conv[Conv.CONV, dims](features, out_channels, kernel_size=1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.final_conv(x)


def case(stem, shape, *settings):
    model = MeshNet(len(shape) - 2, shape[1], *settings)
    run(stem, model, shape, {f"layers.{i}": layer for i, layer in enumerate(model.layers)}, folder)


case("mesh_net_2d", (2, 2, 19, 13), 3, 5, [1, 2, 4, 8, 16, 16, 8, 4, 2])
case("mesh_net_3d", (2, 1, 7, 12, 9), 2, 4, [1, 1, 1, 2, 4, 8, 1])
