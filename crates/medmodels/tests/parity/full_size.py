"""The networks of every speed comparison at their full size, in evaluation. Makes full_size.safetensors.

Parameters and images come from hashed names (reference.py), so only digests of the results are kept. Outputs are those of a
pass in f64. Needs ultralytics besides what reference.py needs, for the numbers of its networks alone.
"""

import pathlib
import sys
import warnings

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from reference import digest, fill, tensor

warnings.filterwarnings("ignore")


def networks():
    import monai.networks.nets as nets
    import timm
    import torchvision.models as tv
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from ultralytics.nn.tasks import DetectionModel

    image, volume = (1, 3, 224, 224), (1, 1, 96, 96, 96)
    features = (32, 32, 64, 128, 256, 32)
    yield "resnet18", tv.resnet18(weights=None), image
    yield "resnet50", tv.resnet50(weights=None), image
    yield "densenet121", tv.densenet121(weights=None), image
    yield "efficientnet_b0", tv.efficientnet_b0(weights=None), image
    yield "vit_base_patch16_224", timm.create_model("vit_base_patch16_224", pretrained=False), image
    yield "swin_tiny", tv.swin_t(weights=None), image
    yield "basic_unet_2d", nets.BasicUNet(2, 1, 2, features), (1, 1, 256, 256)
    yield "basic_unet_3d", nets.BasicUNet(3, 1, 14, features), volume
    yield "segresnet_3d", nets.SegResNet(spatial_dims=3, init_filters=16, in_channels=1, out_channels=14), volume
    yield "swin_unetr", nets.SwinUNETR(in_channels=1, out_channels=14, feature_size=24), volume
    yield "nnunet_plain_3d", PlainConvUNet(
        1, 5, (32, 64, 128, 256, 320), nn.Conv3d, 3, (1, 2, 2, 2, 2), (2,) * 5, 14, (2,) * 4,
        conv_bias=True, norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
    ), volume
    yield "yolov8n", DetectionModel("yolov8n.yaml", verbose=False), (1, 3, 640, 640)
    yield "yolov5mu", DetectionModel("yolov5m.yaml", verbose=False), (1, 3, 640, 640)


def levels(name, model, image):
    """What a detector says of each cell, boxes before classes; of another network what it gives."""
    if not name.startswith("yolo"):
        return [model(image)]
    kept = []
    for layer in model.model[:-1]:
        sources = [layer.f] if isinstance(layer.f, int) else layer.f
        inputs = [(kept[f] if f != -1 else (kept[-1] if kept else image)) for f in sources]
        kept.append(layer(inputs[0] if isinstance(layer.f, int) else inputs))
    head = model.model[-1]
    levels = [kept[f] for f in head.f]
    return [torch.cat([head.cv2[i](x), head.cv3[i](x)], 1) for i, x in enumerate(levels)]


# With names as arguments these networks alone are computed again.
path = pathlib.Path(__file__).parent / "full_size.safetensors"
asked = sys.argv[1:]
found = load_file(path) if asked else {}
found |= {"shape": np.array([1], dtype=np.int64), "parameters": np.array([0], dtype=np.int64)}
for name, model, shape in networks():
    if asked and name not in asked:
        continue
    fill(model)
    model.double().eval()
    with torch.no_grad():
        for number, output in enumerate(levels(name, model, tensor("image", shape).double())):
            print(name, number, tuple(output.shape), flush=True)
            found[f"{name}.{number}"] = digest(output)
versions = {"versions": f"torch {torch.__version__}", "state_dict": "none"}
save_file(found, path, metadata=versions)
