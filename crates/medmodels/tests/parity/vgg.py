"""torchvision's VGG with few features on odd sizes; usage: python vgg.py [output folder]."""

import pathlib
import sys

import torch
from torchvision.models.vgg import VGG, make_layers

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, layers, batch_norm):
    model = VGG(torch.nn.Sequential())
    model.features = make_layers(layers, batch_norm)
    sizes = {0: (layers[-2] * 49, 6), 3: (6, 6), 6: (6, 3)}
    for i, (inputs, outputs) in sizes.items():
        model.classifier[i] = torch.nn.Linear(inputs, outputs)
    # What is dropped is drawn at random.
    model.classifier[2] = model.classifier[5] = torch.nn.Identity()
    modules = {f"features.{i}": m for i, m in enumerate(model.features) if isinstance(m, torch.nn.MaxPool2d)}
    run(stem, model, shape, modules | {"avgpool": model.avgpool}, folder)


case("vgg_11", (2, 3, 35, 66), [4, "M", 5, "M", 6, 6, "M", 8, 8, "M", 8, 8, "M"], False)
case("vgg_13_bn", (2, 3, 65, 39), [4, 4, "M", 5, 5, "M", 6, 6, "M", 8, 8, "M", 8, 8, "M"], True)
