"""Reads a model card that `hub.rs` expects with the hub's own library; usage: python hub.py [hub.md | folder].

Of a folder it also loads the weights into torchvision's network.
"""

import json
import pathlib
import sys

from huggingface_hub import ModelCard

given = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "hub.md")
card = ModelCard.load(given / "README.md" if given.is_dir() else given)
data = card.data
assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "medinfer", "image-classification")
assert data.tags == ["medical", "CR", "DX"] and data.model_name == "chest"
first, second = data.eval_results
assert (first.metric_type, first.metric_value, first.dataset_type) == ("auc", 0.97, "sha256:ab12")
assert first.metric_name == "auc of pneumonia, 95 % interval 0.95 to 0.98" and first.dataset_name == "test set, 200 cases"
assert (second.metric_type, second.metric_value) == ('brier: "all"', 0.125)
assert card.text.lstrip().startswith("# chest 1.2.0")
if given.is_dir():
    import torch
    from safetensors.torch import load_file
    from torchvision.models import ResNet
    from torchvision.models.resnet import BasicBlock
    from transformers import PretrainedConfig

    config = PretrainedConfig.from_dict(json.loads((given / "config.json").read_text()))
    assert config.id2label == {0: 'nodule "small"', 1: "pneumonia"} and config.num_labels == 2
    weights = load_file(given / "model.safetensors")
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    names = set(ResNet(BasicBlock, [2, 2, 2, 2]).state_dict())
    assert set(shapes) == names, set(shapes) ^ names
print("ok")
