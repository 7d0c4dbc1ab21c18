"""MONAI SwinUNETR in 2D and 3D; usage: python swin_unetr.py [output folder]."""

import itertools
import pathlib
import sys

import torch
from monai.networks.nets import SwinUNETR
from monai.networks.nets.swin_unetr import PatchMergingV2

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class LegacyMerging(PatchMergingV2):
    """The merging of MONAI before version 1.5."""

    def forward(self, x):
        assert not any(extent % 2 for extent in x.shape[1:-1])
        eight = {place: x[:, place[0] :: 2, place[1] :: 2, place[2] :: 2] for place in itertools.product(range(2), repeat=3)}
        order = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 0, 1), (1, 1, 1)]
        return self.reduction(self.norm(torch.cat([eight[place] for place in order], -1)))


def case(stem, shape, **settings):
    model = SwinUNETR(shape[1], 3, feature_size=12, spatial_dims=len(shape) - 2, mlp_ratio=2, **settings)
    names = [f"swinViT.layers{i}.0" for i in range(1, 5)]
    names += [f"encoder{i}" for i in (1, 2, 3, 4, 10)] + [f"decoder{i}" for i in range(1, 6)]
    run(stem, model, shape, {name: model.get_submodule(name) for name in names}, folder, samples=16)


few = {"depths": (2, 2, 1, 2), "num_heads": (3, 4, 6, 2)}
case("swin_unetr_2d", (2, 2, 96, 64), window_size=(7, 5), normalize=False, norm_name="batch", **few)
case("swin_unetr_3d", (1, 1, 64, 64, 32), qkv_bias=False, **few)
case("swin_unetr_v2", (2, 1, 96, 128), window_size=(3, 4), use_v2=True, **few)
case("swin_unetr_merging_v2", (1, 1, 64, 64, 32), window_size=(3, 4, 5), downsample="mergingv2", **few)
case("swin_unetr_legacy", (1, 1, 64, 32, 32), window_size=2, downsample=LegacyMerging, **few)
