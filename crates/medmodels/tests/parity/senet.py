"""MONAI's SENet with a fraction of its features; usage: python senet.py [output folder]."""

import pathlib
import sys

import torch
from monai.networks.nets import SENet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
STAGES = [*(f"layer{i}" for i in range(5)), "adaptive_avg_pool"]


class SmallSENet(SENet):
    """MONAI's network, the features of its stages divided; the deep stem keeps its 64."""

    def __init__(self, divisor, classes, **settings):
        self.divisor = divisor
        super().__init__(dropout_prob=None, **settings)
        self.last_linear = torch.nn.Linear(self.inplanes, classes)

    def _make_layer(self, block, planes, *arguments, **settings):
        return super()._make_layer(block, planes // self.divisor, *arguments, **settings)


def case(stem, shape, divisor, classes, block, layers, samples, **settings):
    model = SmallSENet(
        divisor,
        classes,
        spatial_dims=len(shape) - 2,
        in_channels=shape[1],
        block=block,
        layers=layers,
        **settings,
    )
    run(stem, model, shape, {name: getattr(model, name) for name in STAGES}, folder, samples)


plain = {"downsample_kernel_size": 1, "input_3x3": False}
case(
    "senet_154",
    (2, 2, 47, 53),
    8,
    5,
    "se_bottleneck",
    [1, 2, 1, 1],
    32,
    groups=4,
    reduction=16,
    inplanes=12,
)
case(
    "senet_resnet",
    (2, 1, 35, 41, 37),
    16,
    3,
    "se_resnet_bottleneck",
    [2, 1, 1, 1],
    32,
    groups=1,
    reduction=8,
    inplanes=6,
    **plain,
)
case(
    "senet_resnext",
    (2, 3, 39, 46),
    4,
    5,
    "se_resnetxt_bottleneck",
    [1, 1, 2, 1],
    32,
    groups=4,
    reduction=16,
    inplanes=8,
    **plain,
)
