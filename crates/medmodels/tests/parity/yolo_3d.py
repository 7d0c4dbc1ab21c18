"""YOLOv8 in three axes, which the ultralytics package does not have; usage: python yolo_3d.py [output folder].

The layers are written out in torch for any number of axes from the table of the architecture. In two axes they are held
against the package, with its names and its numbers; in three they make the fixture.
"""

import math
import pathlib
import sys

import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel, yaml_model_load

from reference import fill, run, tensor

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
KINDS = {2: (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d), 3: (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)}
BINS, DEPTH, WIDTH = 16, 0.1, 0.0625


class Unit(nn.Module):
    def __init__(self, axes, a, b, kernel=1, stride=1):
        super().__init__()
        self.conv = KINDS[axes][0](a, b, kernel, stride, kernel // 2, bias=False)
        self.bn = KINDS[axes][1](b, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return nn.functional.silu(self.bn(self.conv(x)))


class Pair(nn.Module):
    def __init__(self, axes, c, adds):
        super().__init__()
        self.cv1, self.cv2, self.adds = Unit(axes, c, c, 3), Unit(axes, c, c, 3), adds

    def forward(self, x):
        out = self.cv2(self.cv1(x))
        return x + out if self.adds else out


class Stage(nn.Module):
    def __init__(self, axes, a, b, repeats, adds):
        super().__init__()
        self.cv1, self.cv2 = Unit(axes, a, b), Unit(axes, (2 + repeats) * (b // 2), b)
        self.m = nn.ModuleList(Pair(axes, b // 2, adds) for _ in range(repeats))

    def forward(self, x):
        kept = list(self.cv1(x).chunk(2, 1))
        for pair in self.m:
            kept.append(pair(kept[-1]))
        return self.cv2(torch.cat(kept, 1))


class Pools(nn.Module):
    def __init__(self, axes, c):
        super().__init__()
        self.cv1, self.cv2 = Unit(axes, c, c // 2), Unit(axes, 2 * c, c)
        self.pool = KINDS[axes][2](5, 1, 2)

    def forward(self, x):
        kept = [self.cv1(x)]
        for _ in range(3):
            kept.append(self.pool(kept[-1]))
        return self.cv2(torch.cat(kept, 1))


class Head(nn.Module):
    def __init__(self, axes, features, classes):
        super().__init__()
        self.cv2, self.cv3 = nn.ModuleList(), nn.ModuleList()
        boxes, labels = max(features[0] // 4, 2 * axes * BINS), max(features[0], min(classes, 100))
        for c in features:
            for branch, inner, out in ((self.cv2, boxes, 2 * axes * BINS), (self.cv3, labels, classes)):
                last = KINDS[axes][0](inner, out, 1)
                branch.append(nn.Sequential(Unit(axes, c, inner, 3), Unit(axes, inner, inner, 3), last))

    def forward(self, levels):
        return [torch.cat([a(x), b(x)], 1) for a, b, x in zip(self.cv2, self.cv3, levels)]


class Detector(nn.Module):
    """Levels from `finest` to `coarsest`; the first `flat` halvings leave the first axis alone."""

    def __init__(self, axes, channels, classes, finest, coarsest, flat):
        super().__init__()

        def features(level):
            return 8 * math.ceil(min(32 << level, 1024) * WIDTH / 8)

        def repeats(n):
            return max(round(n * DEPTH), 1)

        self.axes, self.finest, self.coarsest = axes, finest, coarsest
        self.strides = {level: (1 if level <= flat else 2, *[2] * (axes - 1)) for level in range(1, coarsest + 1)}
        layers = [Unit(axes, channels, features(1), 3, self.strides[1])]
        for level in range(2, coarsest + 1):
            layers.append(Unit(axes, features(level - 1), features(level), 3, self.strides[level]))
            layers.append(Stage(axes, features(level), features(level), repeats({3: 6, 4: 6}.get(level, 3)), True))
        layers.append(Pools(axes, features(coarsest)))
        below = features(coarsest)
        for level in range(coarsest - 1, finest - 1, -1):
            layers += [nn.Identity(), nn.Identity()]
            layers.append(Stage(axes, below + features(level), features(level), repeats(3), False))
            below = features(level)
        for level in range(finest + 1, coarsest + 1):
            layers.append(Unit(axes, features(level - 1), features(level - 1), 3, self.strides[level]))
            layers.append(nn.Identity())
            layers.append(Stage(axes, features(level - 1) + features(level), features(level), repeats(3), False))
        layers.append(Head(axes, [features(level) for level in range(finest, coarsest + 1)], classes))
        self.model = nn.ModuleList(layers)

    def forward(self, x):
        layers = iter(self.model)
        x, kept = next(layers)(x), {}
        for level in range(2, self.coarsest + 1):
            x = next(layers)(x)
            x = kept[level] = next(layers)(x)
        x = kept[self.coarsest] = next(layers)(x)
        for level in range(self.coarsest - 1, self.finest - 1, -1):
            next(layers), next(layers)
            up = nn.functional.interpolate(x, scale_factor=[float(s) for s in self.strides[level + 1]], mode="nearest")
            x = next(layers)(torch.cat([up, kept[level]], 1))
            kept[level] = x
        found = [x]
        for level in range(self.finest + 1, self.coarsest + 1):
            x = next(layers)(x)
            next(layers)
            x = next(layers)(torch.cat([x, kept[level]], 1))
            found.append(x)
        return next(layers)(found)


settings = yaml_model_load("yolov8n.yaml")
settings["scales"][settings["scale"]] = [DEPTH, WIDTH, 1024]
package = DetectionModel(settings, ch=2, nc=3, verbose=False).train()
own = Detector(2, 2, 3, 3, 5, 0).train()
fill(own)
missing = package.load_state_dict(own.state_dict(), strict=False)
assert [name for name in missing.missing_keys if "dfl" not in name] == [] and not missing.unexpected_keys, missing
said = package(tensor("image", (2, 2, 64, 96)))
flat = torch.cat([level.flatten(2) for level in own(tensor("image", (2, 2, 64, 96)))], 2)
assert torch.allclose(torch.cat([said["boxes"], said["scores"]], 1), flat, atol=1e-5)

detector = Detector(3, 2, 2, 2, 4, 1)
named = {f"model.{i}": detector.model[i] for i in (0, 2, 4, 6, 7, 10, 13, 16, 19)}
run("yolov8_3d", detector, (2, 2, 8, 32, 48), named, folder, samples=8, libraries=("ultralytics",))
