"""MONAI SwinUNETR in 2D and 3D; usage: python swin_unetr.py [output folder]."""

import itertools
import pathlib
import sys

import numpy as np
import torch
from monai.networks.nets import SwinUNETR
from monai.networks.nets.swin_unetr import PatchMergingV2, filter_swinunetr
from monai.networks.utils import copy_model_state
from safetensors.numpy import save_file

from reference import digest, fill, parameter, run, tensor

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


def pretrained(stem, name_in_file, extra, load):
    """A network that MONAI gave a transformer from a file with other names; every value is hashed from its name there."""
    shape = (2, 1, 64, 96)
    model = SwinUNETR(1, 3, feature_size=12, spatial_dims=2, mlp_ratio=2, window_size=(3, 4), **few)
    fill(model)
    given = {}
    for name, value in model.swinViT.state_dict().items():
        other = name_in_file(name)
        floats = value.is_floating_point()
        given[other] = torch.from_numpy(parameter(other, tuple(value.shape))) if floats else value.clone()
    load(model, given | {name: torch.ones(3) for name in extra})
    with torch.no_grad():
        output = model.double().eval()(tensor("image", shape).double())
    found = {
        "output.0": digest(output),
        "shape": np.array(shape, dtype=np.int64),
        "parameters": np.array([sum(v.numel() for v in model.parameters())], dtype=np.int64),
    }
    save_file(found, pathlib.Path(folder) / f"{stem}.safetensors", metadata={"state_dict": " ".join([*given, *extra])})


def nested(name):
    """A stage is one level deeper there."""
    stage, number, rest = name.split(".", 2)
    return f"encoder.{name}" if stage == "patch_embed" else f"encoder.{stage}.{number}.0.{rest}"


def disruptive(model, weights):
    _, _, kept = copy_model_state(model, weights, filter_func=filter_swinunetr)
    assert not [name for name in kept if name.startswith("swinViT.")], kept


pretrained(
    "swin_unetr_rotations",
    lambda name: "module." + name.replace("mlp.linear", "mlp.fc"),
    [],
    lambda model, weights: model.load_from({"state_dict": weights}),
)
pretrained("swin_unetr_disruptive", nested, ["encoder.mask_token", "encoder.norm.weight"], disruptive)
