"""MONAI FlexibleUNet on small ResNets and EfficientNets in 2D and 3D; usage: python flexible_unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import FlexibleUNet
from monai.networks.nets.efficientnet import EfficientNet, EfficientNetEncoder
from monai.networks.nets.flexible_unet import SegmentationHead, UNetDecoder
from monai.networks.nets.resnet import ResNet, ResNetFeatures

from reference import run, unused_as_buffers

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class SmallFeatures(ResNetFeatures):
    """MONAI's backbone has the features of the full network; here it has those given."""

    def __init__(self, block, layers, planes, dims, in_channels):
        ResNet.__init__(
            self,
            block,
            layers,
            planes,
            spatial_dims=dims,
            n_input_channels=in_channels,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )


class SmallEfficientNet(EfficientNetEncoder):
    """An eighth of the features of the smallest, and fewer blocks."""

    def __init__(self, dims, in_channels, image_size):
        EfficientNet.__init__(
            self,
            [
                "r1_k3_s11_e1_i32_o16_se0.25",
                "r2_k3_s22_e6_i16_o24_se0.25",
                "r2_k5_s22_e6_i24_o40_se0.25",
                "r3_k3_s22_e6_i40_o80_se0.25",
                "r3_k5_s11_e6_i80_o112_se0.25",
                "r4_k5_s22_e6_i112_o192_se0.25",
                "r1_k3_s11_e6_i192_o320_se0.25",
            ],
            spatial_dims=dims,
            in_channels=in_channels,
            num_classes=1000,
            width_coefficient=0.125,
            depth_coefficient=0.3,
            dropout_rate=0.0,
            image_size=image_size,
            drop_connect_rate=0.0,
        )


def case(stem, encoder, channels, modules, shape, classes, decoder, samples=48, **settings):
    dims = len(shape) - 2
    model = FlexibleUNet(shape[1], classes, "resnet10", spatial_dims=dims)
    model.encoder = encoder
    settings = {"upsample": "nontrainable", "interp_mode": "nearest"} | settings
    model.decoder = UNetDecoder(
        dims,
        [shape[1], *channels],
        decoder,
        act="relu",
        norm=("batch", {"eps": 1e-3, "momentum": 0.1}),
        dropout=0.0,
        bias=False,
        pre_conv="default",
        align_corners=None,
        is_pad=True,
        **settings,
    )
    model.segmentation_head = SegmentationHead(dims, decoder[-1], classes)
    # MONAI holds them and never runs them.
    for name in ("encoder._conv_head", "encoder._bn1", "encoder._fc"):
        unused_as_buffers(model, name)
    modules = {f"encoder.{name}": module for name, module in modules.items()}
    modules |= {f"decoder.blocks.{i}": block for i, block in enumerate(model.decoder.blocks)}
    run(stem, model, shape, modules, folder, samples)


def resnet(stem, shape, classes, block, layers, planes, decoder, **settings):
    expansion = 4 if block == "bottleneck" else 1
    encoder = SmallFeatures(block, layers, planes, len(shape) - 2, shape[1])
    modules = {"relu": encoder.act}
    modules |= {f"layer{i}": getattr(encoder, f"layer{i}") for i in range(1, 5)}
    channels = [planes[0]] + [p * expansion for p in planes]
    case(stem, encoder, channels, modules, shape, classes, decoder, **settings)


def efficientnet(stem, shape, image_size, decoder):
    encoder = SmallEfficientNet(len(shape) - 2, shape[1], image_size)
    names = [f"_blocks.{i}" for i in (0, 1, 2, 4, 6)]
    modules = {name: encoder.get_submodule(name) for name in names}
    channels = [[*module][-1]._bn2.num_features for module in modules.values()]
    case(stem, encoder, channels, modules, shape, 3, decoder, samples=16)


resnet("flexible_unet_2d", (2, 3, 64, 96), 2, "basic", [1, 2, 1, 1], [4, 6, 8, 10], (8, 6, 6, 4, 3))
resnet(
    "flexible_unet_3d",
    (2, 1, 32, 64, 32),
    3,
    "bottleneck",
    [1, 1, 1, 1],
    [2, 2, 3, 3],
    (6, 4, 4, 3, 2),
    upsample="deconv",
)
resnet(
    "flexible_unet_linear",
    (2, 1, 32, 64),
    2,
    "basic",
    [1, 1, 1, 1],
    [4, 4, 6, 6],
    (6, 4, 4, 3, 2),
    interp_mode="bilinear",
)
# MONAI pads as for images of this size, whatever they have.
efficientnet("flexible_unet_efficientnet", (2, 3, 96, 128), 224, (8, 6, 6, 4, 3))
efficientnet("flexible_unet_efficientnet_3d", (2, 1, 32, 64, 32), 240, (6, 4, 4, 3, 2))
