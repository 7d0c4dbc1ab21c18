"""MobileNetV3 of torchvision with a quarter of its features; usage: python mobilenet_v3.py [output folder]."""

import pathlib
import sys

from torchvision.models.mobilenetv3 import MobileNetV3, _mobilenet_v3_conf

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


def case(stem, shape, size, samples, **settings):
    rows, last = _mobilenet_v3_conf(f"mobilenet_v3_{size}", width_mult=0.25, **settings)
    model = MobileNetV3(rows, last, num_classes=5, dropout=0.0)
    modules = dict(model.named_modules())
    names = [*(f"features.{i}" for i in range(len(rows) + 2)), "avgpool"]
    run(stem, model, shape, {name: modules[name] for name in names}, folder, samples)


case("mobilenet_v3_small", (2, 3, 69, 75), "small", 28)
# Half a tail of 48 features, which the dilated block before it has too, and no shortcut there.
case("mobilenet_v3_dilated", (2, 3, 47, 50), "small", 28, reduced_tail=True, dilated=True)
case("mobilenet_v3_large", (2, 3, 66, 71), "large", 24)
