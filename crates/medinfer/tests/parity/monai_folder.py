"""Reads the description that `monai_folder.rs` expects with MONAI's own parser (1.6.1).

Usage: python monai_folder.py [monai_folder.json | folder]; of a folder it also loads the weights into torchvision's network.
"""

import pathlib
import sys

import torch
from monai.bundle import ConfigParser
from monai.bundle.scripts import _get_fake_spatial_shape, _get_net_io_info
from monai.bundle.utils import DEFAULT_METADATA

given = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "monai_folder.json")
parser = ConfigParser()
parser.read_meta(str(given / "configs/metadata.json" if given.is_dir() else given))
parser.read_config({})
meta = parser.get("_meta_")
# Every key of MONAI's own template is there, and none is empty but for the packages it needs.
for key in DEFAULT_METADATA:
    assert key in meta, key
    assert meta[key] or key == "required_packages_version", key
assert meta["version"] in meta["changelog"] and meta["name"] == "chest"
# What MONAI itself asks of a description before it tries a network.
channels, shape, dtype, classes, scores = _get_net_io_info(parser=parser)
assert (channels, _get_fake_spatial_shape(shape), classes) == (1, (32, 40), 2)
assert (dtype, scores) == (torch.float32, torch.float32)
# The keys that the specification wants of every tensor.
wanted = "type format modality num_channels spatial_shape dtype value_range is_patch_data channel_def".split()
for side in ("inputs", "outputs"):
    for name, tensor in parser.get(f"_meta_#network_data_format#{side}").items():
        assert set(wanted) == set(tensor), name
        assert len(tensor["channel_def"]) == tensor["num_channels"], name
if given.is_dir():
    from safetensors.torch import load_file
    from torchvision.models import ResNet
    from torchvision.models.resnet import BasicBlock

    weights = load_file(given / "models" / "model.safetensors")
    names = set(ResNet(BasicBlock, [2, 2, 2, 2]).state_dict())
    assert set(weights) == names, set(weights) ^ names
    assert (given / "docs" / "README.md").is_file()
print("ok")
