"""Swin transformers of torchvision and timm; usage: python swin.py [output folder]."""

import pathlib
import sys

from safetensors.numpy import load_file, save_file
from safetensors import safe_open
from timm.models.swin_transformer import SwinTransformer as TimmTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2 as TimmTransformerV2
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

from reference import digest, run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
settings = {"embed_dim": 8, "depths": (2, 2, 1, 2), "num_heads": (2, 4, 4, 2), "num_classes": 5}


def case(stem, model, shape, names):
    modules = {name: model.get_submodule(name) for name in names}
    return run(stem, model, shape, modules, folder, samples=24, libraries=["timm"])


def torchvision(stem, **version):
    model = SwinTransformer(patch_size=[4, 4], window_size=[3, 4], stochastic_depth_prob=0.0, **settings, **version)
    # Neither patches nor windows divide the image, and the last stage is shorter than a window.
    path = case(stem, model, (2, 3, 70, 53), [f"features.{i}" for i in (0, 1, 3, 5, 7)] + ["norm"])
    return model, path


def timm(stem, kind, size=(96, 192), window_size=3, **more):
    model = kind(img_size=size, window_size=window_size, in_chans=1, drop_path_rate=0.0, **settings, **more)
    case(stem, model, (2, 1, *size), ["patch_embed"] + [f"layers.{i}" for i in range(4)] + ["norm"])


torchvision("swin_torchvision")
timm("swin_timm", TimmTransformer)
timm("swin_v2_timm", TimmTransformerV2)
before = ((2, 4), (3, 7), (2, 2), (5, 3))
timm("swin_v2_pretrained", TimmTransformerV2, (96, 160), (3, 5), pretrained_window_sizes=before)
model, path = torchvision("swin_v2_torchvision", block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)
# The places that the file of a network holds are added.
with safe_open(path, "np") as file:
    metadata = file.metadata()
places = digest(model.features[1][0].attn.relative_coords_table, 24)
save_file(load_file(path) | {"places": places}, path, metadata=metadata)
