"""ConvNeXt of torchvision and of timm with few features; usage: python convnext.py [output folder]."""

import pathlib
import sys

from timm.models.convnext import ConvNeXt as TimmConvNeXt
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
BLOCKS, FEATURES = (1, 2, 2, 1), (8, 12, 16, 20)


def case(stem, shape, model, names):
    modules = dict(model.named_modules())
    run(stem, model, shape, {name: modules[name] for name in names}, folder, libraries=("timm",))


vision = ConvNeXt([CNBlockConfig(*row) for row in zip(FEATURES, (*FEATURES[1:], None), BLOCKS)], num_classes=5)
case("convnext_2d", (2, 3, 71, 66), vision, [*(f"features.{i}" for i in range(8)), "avgpool"])
timm = TimmConvNeXt(in_chans=2, num_classes=5, depths=BLOCKS, dims=FEATURES)
names = ["stem", *(f"stages.{i}" for i in range(4)), "stages.2.downsample", "head.global_pool"]
case("convnext_timm", (2, 2, 65, 79), timm, names)
