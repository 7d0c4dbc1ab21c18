"""EfficientNet of torchvision, timm and MONAI with an eighth of its features; usage: python efficientnet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets.efficientnet import EfficientNet as MonaiEfficientNet
from timm.models.efficientnet import _gen_efficientnet, _gen_efficientnet_lite
from torchvision.models.efficientnet import EfficientNet, _efficientnet_conf

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
WIDTH, DEPTH = 0.125, 0.3


def case(stem, shape, model, names, samples):
    modules = dict(model.named_modules())
    run(stem, model, shape, {name: modules[name] for name in names}, folder, samples, ("timm",))


def vision():
    stages, last = _efficientnet_conf("efficientnet_b0", width_mult=WIDTH, depth_mult=DEPTH)
    model = EfficientNet(stages, dropout=0.0, stochastic_depth_prob=0.0, num_classes=5, last_channel=last)
    names = [*(f"features.{i}" for i in range(9)), "avgpool"]
    case("efficientnet_2d", (2, 3, 69, 77), model, names, 48)


def timm(stem, shape, make, width, **settings):
    model = make("tf_efficientnet_b0", width, DEPTH, num_classes=5, **settings)
    names = ["bn1", *(f"blocks.{i}" for i in range(7)), "bn2", "global_pool"]
    case(stem, shape, model, names, 32)


def monai(stem, shape, image_size, **settings):
    blocks = [
        "r1_k3_s11_e1_i32_o16_se0.25",
        "r2_k3_s22_e6_i16_o24_se0.25",
        "r2_k5_s22_e6_i24_o40_se0.25",
        "r3_k3_s22_e6_i40_o80_se0.25",
        "r3_k5_s11_e6_i80_o112_se0.25",
        "r4_k5_s22_e6_i112_o192_se0.25",
        "r1_k3_s11_e6_i192_o320_se0.25",
    ]
    model = MonaiEfficientNet(
        blocks,
        spatial_dims=len(shape) - 2,
        in_channels=shape[1],
        num_classes=3,
        width_coefficient=WIDTH,
        depth_coefficient=DEPTH,
        dropout_rate=0.0,
        image_size=image_size,
        drop_connect_rate=0.0,
    )
    names = [*(f"_blocks.{i}" for i in range(7)), "_swish", "_avg_pooling"]
    case(stem, shape, model, names, 32)


vision()
timm("efficientnet_tensorflow", (2, 3, 66, 75), _gen_efficientnet, WIDTH, pad_type="same", bn_eps=1e-3)
# The stem and the head of Lite have all their features.
timm("efficientnet_lite", (2, 3, 71, 65), _gen_efficientnet_lite, WIDTH)
# MONAI pads as for images of this size, whatever they have.
monai("efficientnet_1d", (2, 2, 131), 224)
monai("efficientnet_3d", (2, 1, 39, 50, 45), 240)
