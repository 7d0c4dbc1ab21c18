"""ResNet of torchvision (2D) and of MONAI (1D to 3D) on odd sizes; usage: python resnet.py [output folder]."""

import pathlib
import sys

import torch
from monai.networks.nets import ResNet
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.resnet import ResNet as VisionResNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
STAGES = ["maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool"]


class PaperResNet(ResNet):
    """MONAI cuts the gradient of shortcuts without weights (`out.data`); here it flows, as in the paper."""

    def _downsample_basic_block(self, x, planes, stride, spatial_dims=3):
        out = x[(slice(None), slice(None)) + (slice(None, None, stride),) * spatial_dims]
        missing = out.new_zeros(out.shape[0], planes - out.shape[1], *out.shape[2:])
        # Forward this is MONAI's.
        assert torch.equal(super()._downsample_basic_block(x, planes, stride, spatial_dims), torch.cat([out, missing], 1))
        return torch.cat([out, missing], 1)


class SmallResNet(VisionResNet):
    """torchvision's network with a sixteenth of its features."""

    def __init__(self, block, layers, classes, **settings):
        super().__init__(block, layers, **settings)
        self.fc = torch.nn.Linear(self.inplanes, classes)

    def _make_layer(self, block, planes, *arguments, **settings):
        if planes == 64:
            self.inplanes = 4
            self.conv1 = torch.nn.Conv2d(3, 4, kernel_size=7, stride=2, padding=3, bias=False)
            self.bn1 = torch.nn.BatchNorm2d(4)
        return super()._make_layer(block, planes // 16, *arguments, **settings)


class TopPlacesResNet(SmallResNet):
    """The first class has score 0, the others the mean of the highest three tenths of their scores of all places."""

    def __init__(self, block, layers, classes, **settings):
        super().__init__(block, layers, classes, **settings)
        self.fc = torch.nn.Linear(self.fc.in_features, classes - 1, bias=False)

    def _forward_impl(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        scores = self.fc(x.flatten(2).transpose(1, 2))
        found = scores.topk(round(0.3 * scores.shape[1]), 1).values.mean(1)
        return torch.cat([torch.zeros_like(found[:, :1]), found], 1)


def case(stem, shape, model, relu):
    stages = STAGES[:-1] if isinstance(model, TopPlacesResNet) else STAGES
    run(stem, model, shape, {"relu": relu} | {name: getattr(model, name) for name in stages}, folder)


def vision(stem, shape, block, layers, network=SmallResNet, **settings):
    model = network(block, layers, 5, **settings)
    case(stem, shape, model, model.relu)


def monai(stem, shape, block, layers, **settings):
    model = PaperResNet(
        block,
        layers,
        [4, 6, 8, 10],
        spatial_dims=len(shape) - 2,
        n_input_channels=shape[1],
        num_classes=3,
        **settings,
    )
    case(stem, shape, model, model.act)


if __name__ == "__main__":
    vision("resnet_2d", (2, 3, 45, 37), BasicBlock, [2, 1, 1, 1])
    vision("resnet_top_places", (2, 3, 65, 77), BasicBlock, [1, 1, 1, 1], network=TopPlacesResNet)
    vision("resnet_next", (2, 3, 33, 38), Bottleneck, [1, 1, 1, 1], groups=4, width_per_group=32)
    monai("resnet_1d", (2, 2, 67), "bottleneck", [1, 2, 1, 1])
    monai("resnet_3d", (2, 1, 17, 23, 21), "bottleneck", [2, 1, 1, 1], conv1_t_stride=(1, 2, 2))
    monai("resnet_medical_net", (2, 1, 35, 27, 21), "basic", [2, 1, 1, 1], conv1_t_stride=2, shortcut_type="A")
