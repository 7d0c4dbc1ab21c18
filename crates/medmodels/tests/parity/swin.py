"""Swin transformers of torchvision and timm; usage: python swin.py [output folder]."""

import pathlib
import sys

from timm.models.swin_transformer import SwinTransformer as TimmTransformer
from torchvision.models.swin_transformer import SwinTransformer

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
settings = {"embed_dim": 8, "depths": (2, 2, 1, 2), "num_heads": (2, 4, 4, 2), "num_classes": 5}


def case(stem, model, shape, names):
    run(stem, model, shape, {name: model.get_submodule(name) for name in names}, folder, samples=24, libraries=["timm"])


model = SwinTransformer(patch_size=[4, 4], window_size=[3, 4], stochastic_depth_prob=0.0, **settings)
# Neither patches nor windows divide the image, and the last stage is shorter than a window.
case("swin_torchvision", model, (2, 3, 70, 53), [f"features.{i}" for i in (0, 1, 3, 5, 7)] + ["norm"])
model = TimmTransformer(img_size=(96, 192), window_size=3, in_chans=1, drop_path_rate=0.0, **settings)
case("swin_timm", model, (2, 1, 96, 192), ["patch_embed"] + [f"layers.{i}" for i in range(4)] + ["norm"])
