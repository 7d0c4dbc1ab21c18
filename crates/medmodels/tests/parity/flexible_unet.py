"""MONAI FlexibleUNet on small ResNets in 2D and 3D; usage: python flexible_unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import FlexibleUNet
from monai.networks.nets.flexible_unet import SegmentationHead, UNetDecoder
from monai.networks.nets.resnet import ResNet, ResNetFeatures

from reference import run

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


def case(stem, shape, classes, block, layers, planes, decoder, upsample="nontrainable", interpolation="nearest"):
    dims, expansion = len(shape) - 2, 4 if block == "bottleneck" else 1
    model = FlexibleUNet(shape[1], classes, "resnet10", spatial_dims=dims)
    model.encoder = SmallFeatures(block, layers, planes, dims, shape[1])
    channels = [shape[1], planes[0]] + [p * expansion for p in planes]
    model.decoder = UNetDecoder(
        dims,
        channels,
        decoder,
        act="relu",
        norm=("batch", {"eps": 1e-3, "momentum": 0.1}),
        dropout=0.0,
        bias=False,
        upsample=upsample,
        pre_conv="default",
        interp_mode=interpolation,
        align_corners=None,
        is_pad=True,
    )
    model.segmentation_head = SegmentationHead(dims, decoder[-1], classes)
    modules = {"encoder.relu": model.encoder.act}
    modules |= {f"encoder.layer{i}": getattr(model.encoder, f"layer{i}") for i in range(1, 5)}
    modules |= {f"decoder.blocks.{i}": block for i, block in enumerate(model.decoder.blocks)}
    run(stem, model, shape, modules, folder)


case("flexible_unet_2d", (2, 3, 64, 96), 2, "basic", [1, 2, 1, 1], [4, 6, 8, 10], (8, 6, 6, 4, 3))
case(
    "flexible_unet_3d",
    (2, 1, 32, 64, 32),
    3,
    "bottleneck",
    [1, 1, 1, 1],
    [2, 2, 3, 3],
    (6, 4, 4, 3, 2),
    upsample="deconv",
)
case(
    "flexible_unet_linear",
    (2, 1, 32, 64),
    2,
    "basic",
    [1, 1, 1, 1],
    [4, 4, 6, 6],
    (6, 4, 4, 3, 2),
    interpolation="bilinear",
)
