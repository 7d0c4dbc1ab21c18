"""DeepLabV3 of torchvision and DeepLabV3Plus of segmentation_models_pytorch on small ResNets; usage: python deep_lab.py [output folder]."""

import pathlib
import sys

import torch
from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder
from segmentation_models_pytorch.encoders.resnet import ResNetEncoder
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabV3
from torchvision.models.segmentation.fcn import FCNHead

from reference import run
from resnet import SmallResNet

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
WIDTH = 6
RATES = (2, 3, 5)


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


class Scales(DeepLabV3):
    """torchvision's network with its outputs in a list."""

    def forward(self, x):
        return list(super().forward(x).values())


def torchvision(stem, shape, classes):
    backbone = SmallResNet(Bottleneck, [1, 1, 2, 2], classes, replace_stride_with_dilation=[False, True, True])
    # torchvision's head has 256 features.
    head = torch.nn.Sequential(
        ASPP(32 * 4, RATES, WIDTH),
        torch.nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        torch.nn.BatchNorm2d(WIDTH),
        torch.nn.ReLU(),
        torch.nn.Conv2d(WIDTH, classes, 1),
    )
    backbone = IntermediateLayerGetter(backbone, return_layers={"layer4": "out", "layer3": "aux"})
    model = without_dropout(Scales(backbone, head, FCNHead(16 * 4, classes)))
    modules = {f"backbone.{name}": backbone[name] for name in ["relu", "layer1", "layer2", "layer3", "layer4"]}
    modules |= {"classifier.0": head[0], "classifier": head}
    run(stem, model, shape, modules, folder, samples=24)


class SmallEncoder(ResNetEncoder, SmallResNet):
    """The library's encoder with a sixteenth of its features."""


class DeepLabV3Plus(torch.nn.Module):
    """The library's network on an encoder that it does not list."""

    def __init__(self, block, stride, separable, classes):
        super().__init__()
        expansion = block.expansion
        channels = [3, 4] + [width * expansion for width in (4, 8, 16, 32)]
        self.encoder = SmallEncoder(channels, block=block, layers=[1, 1, 1, 2], classes=1)
        self.encoder.make_dilated(stride)
        self.decoder = DeepLabV3PlusDecoder(channels, 5, WIDTH, RATES, stride, separable, 0.0)
        self.segmentation_head = torch.nn.Sequential(
            torch.nn.Conv2d(WIDTH, classes, kernel_size=1),
            torch.nn.Upsample(mode="bilinear", scale_factor=4, align_corners=True),
        )

    def forward(self, x):
        return self.segmentation_head(self.decoder(self.encoder(x)))


def plus(stem, shape, *settings):
    model = DeepLabV3Plus(*settings)
    modules = {f"encoder.{name}": getattr(model.encoder, name) for name in ["relu", "layer1", "layer2", "layer3", "layer4"]}
    modules |= {f"decoder.{name}": getattr(model.decoder, name) for name in ["aspp", "block1", "block2"]}
    modules["decoder.aspp.0"] = model.decoder.aspp[0]
    run(stem, model, shape, modules, folder, samples=24, libraries=("segmentation_models_pytorch",))


torchvision("deep_lab_v3", (2, 3, 45, 37), 3)
plus("deep_lab_v3_plus", (2, 3, 48, 32), BasicBlock, 16, True, 2)
plus("deep_lab_v3_plus_8", (2, 3, 24, 40), Bottleneck, 8, False, 3)
