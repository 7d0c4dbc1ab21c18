"""MONAI DynUNet in 2D and 3D, anisotropic, plain and residual; usage: python dyn_unet.py [output folder]."""

import pathlib
import sys

from monai.networks.nets import DynUNet

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class DynUNetOfScales(DynUNet):
    """MONAI resizes the logits of lower resolutions and stacks them; here they stay as they are."""

    def forward(self, x):
        out = self.output_block(self.skip_layers(x))
        return [out, *self.heads] if self.deep_supervision else out


def case(stem, shape, **settings):
    model = DynUNetOfScales(
        spatial_dims=len(shape) - 2,
        in_channels=shape[1],
        upsample_kernel_size=settings["strides"][1:],
        **settings,
    )
    modules = {"input_block": model.input_block, "bottleneck": model.bottleneck}
    modules |= {f"downsamples.{i}": block for i, block in enumerate(model.downsamples)}
    modules |= {f"upsamples.{i}": block for i, block in enumerate(model.upsamples)}
    run(stem, model, shape, modules, folder)


case(
    "dyn_unet_2d",
    (2, 2, 24, 20),
    out_channels=3,
    filters=[4, 5, 6, 8],
    kernel_size=[[3, 3], [5, 3], [1, 3], [3, 3]],
    strides=[[1, 1], [3, 2], [2, 1], [2, 2]],
    norm_name="batch",
    act_name=("leakyrelu", {"negative_slope": 0.2}),
    trans_bias=True,
)
case(
    "dyn_unet_3d",
    (2, 1, 8, 16, 24),
    out_channels=2,
    filters=[3, 4, 4, 6, 6],
    kernel_size=[[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
    strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2], [1, 1, 1], [2, 2, 2]],
    deep_supervision=True,
    deep_supr_num=2,
    res_block=True,
)
case(
    "dyn_unet_group_norm",
    (2, 1, 12, 20),
    out_channels=2,
    filters=[4, 6, 6, 8],
    kernel_size=[[3, 3]] * 4,
    strides=[[1, 1], [2, 2], [1, 1], [2, 2]],
    norm_name=("group", {"num_groups": 2}),
    res_block=True,
    deep_supervision=True,
)
