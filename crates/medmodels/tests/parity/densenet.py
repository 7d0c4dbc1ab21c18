"""DenseNet of torchvision (2D) and of MONAI (1D to 3D) on odd sizes; usage: python densenet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import DenseNet
from torchvision.models import DenseNet as VisionDenseNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, model):
    wanted = ("pool0", "denseblock", "transition")
    modules = {f"features.{n}": m for n, m in model.features.named_children() if n.startswith(wanted)}
    run(stem, model, shape, modules, folder)


def monai(stem, shape, blocks):
    model = DenseNet(len(shape) - 2, shape[1], 3, init_features=6, growth_rate=4, block_config=blocks, bn_size=2)
    case(stem, shape, model)


model = VisionDenseNet(growth_rate=4, block_config=(2, 3, 2, 1), num_init_features=6, num_classes=5)
case("densenet_2d", (2, 3, 65, 47), model)
monai("densenet_1d", (2, 2, 71), (1, 2, 1))
monai("densenet_3d", (2, 1, 29, 17, 22), (2, 1, 2))
