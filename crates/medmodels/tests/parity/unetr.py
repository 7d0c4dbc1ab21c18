"""MONAI UNETR in 2D and 3D; usage: python unetr.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import UNETR

from reference import run, unused_as_buffers

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, **settings):
    model = UNETR(shape[1], 3, shape[2:], spatial_dims=len(shape) - 2, hidden_size=12, mlp_dim=20, num_heads=3, **settings)
    unused_as_buffers(model, "norm_cross_attn")
    names = [f"vit.blocks.{i}" for i in (3, 6, 9)] + ["vit.norm"]
    names += [f"encoder{i}" for i in range(1, 5)] + [f"decoder{i}" for i in range(2, 6)]
    run(stem, model, shape, {name: model.get_submodule(name) for name in names}, folder, samples=16)


case("unetr_2d", (2, 2, 32, 48), feature_size=3)
case("unetr_2d_plain", (2, 1, 48, 32), feature_size=2, norm_name="batch", conv_block=False, res_block=False)
case("unetr_3d", (2, 1, 32, 16, 48), feature_size=2, proj_type="perceptron", qkv_bias=True, res_block=False)
