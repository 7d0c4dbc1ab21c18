"""YOLOv8 and YOLOv5 as the ultralytics package builds them; usage: python yolo.py [output folder].

The package is run here as an oracle; nothing of it is in this repository.
"""

import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from ultralytics.nn.tasks import DetectionModel, yaml_model_load

from reference import parameter, run, tensor

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class Maps(torch.nn.Module):
    """The layers of a detector up to what its head says of each level."""

    def __init__(self, name, depth, width, channels, classes):
        super().__init__()
        settings = yaml_model_load(name)
        scale = settings["scale"]
        settings["scales"][scale] = [depth, width, settings["scales"][scale][2]]
        detector = DetectionModel(settings, ch=channels, nc=classes, verbose=False)
        self.model = detector.model
        # Its weights are fixed and have no gradient.
        self.model[-1].dfl = torch.nn.Identity()

    def forward(self, image):
        kept = []
        for layer in self.model[:-1]:
            sources = [layer.f] if isinstance(layer.f, int) else layer.f
            inputs = [(kept[f] if f != -1 else (kept[-1] if kept else image)) for f in sources]
            kept.append(layer(inputs[0] if isinstance(layer.f, int) else inputs))
        head = self.model[-1]
        levels = [kept[f] for f in head.f]
        return [torch.cat([head.cv2[i](x), head.cv3[i](x)], 1) for i, x in enumerate(levels)]


def case(stem, name, layers, shape, depth=0.1, width=0.0625, classes=3):
    model = Maps(name, depth, width, shape[1], classes)
    features = {f"model.{i}": model.model[i] for i in layers}
    run(stem, model, shape, features, folder, samples=8, libraries=("ultralytics",))


case("yolov8", "yolov8n.yaml", (0, 2, 4, 6, 8, 9, 12, 15, 18, 21), (2, 2, 96, 64))
case("yolov8_p2", "yolov8n-p2.yaml", (0, 8, 9, 12, 15, 18, 21, 24, 27), (1, 1, 64, 96))
case("yolov5u", "yolov5nu.yaml", (0, 2, 4, 6, 8, 9, 10, 13, 17, 20, 23), (2, 1, 64, 96))


def decoded(stem, name, shape, classes=3):
    """Boxes of every cell, corners in pixels from the image's edge, with the score of each class."""
    settings = yaml_model_load(name)
    scale = settings["scale"]
    settings["scales"][scale] = [0.1, 0.0625, settings["scales"][scale][2]]
    detector = DetectionModel(settings, ch=shape[1], nc=classes, verbose=False)
    with torch.no_grad():
        for key, value in detector.named_parameters():
            if "dfl" not in key:
                value.copy_(torch.from_numpy(parameter(key, tuple(value.shape))))
        said = detector.double().eval()(tensor("image", shape).double())
    said = said[0] if isinstance(said, (list, tuple)) else said
    centre, extent = said[:, :2], said[:, 2:4]
    boxes = torch.cat([centre - extent / 2, centre + extent / 2, said[:, 4:]], 1).permute(0, 2, 1)
    save_file({"cells": boxes.float().contiguous().numpy(), "shape": np.array(shape, dtype=np.int64)},
              pathlib.Path(folder) / f"{stem}.safetensors")


decoded("yolov8_cells", "yolov8n.yaml", (2, 2, 64, 96))
