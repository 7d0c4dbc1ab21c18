"""Resizing in PyTorch, forward and backward; what PyTorch has in 2D only is composed for other numbers of axes."""

import torch.nn.functional as F

from suite import Suite

suite = Suite(__file__, 14)
line, plane, volume = [2, 3, 7], [2, 1, 5, 4], [1, 2, 3, 5, 4]


def resize(**settings):
    return lambda x: F.interpolate(x, **settings)


def volume_by_planes(size, **settings):
    """Resizes a volume by a rule for planes: rows and columns first, then slices against all columns at once."""

    def run(x):
        b, c, d, h, w = x.shape
        x = F.interpolate(x.reshape(b, c * d, h, w), size=size[1:], **settings)
        x = F.interpolate(x.reshape(b, c, d, -1), size=[size[0], size[1] * size[2]], **settings)
        return x.reshape(b, c, *size)

    return run


def line_by_planes(**settings):
    return lambda x: F.interpolate(x.unsqueeze(2), **settings).squeeze(2)


suite.case("nearest1", resize(size=5, mode="nearest"), line)
suite.case("nearest2", resize(size=[7, 8], mode="nearest"), plane)
suite.case("nearest3", resize(scale_factor=[2, 2, 2], mode="nearest"), volume)
suite.case("nearest3_down", resize(size=[2, 3, 3], mode="nearest"), volume)
suite.case("exact2", resize(size=[3, 9], mode="nearest-exact"), plane)
suite.case("linear1", resize(size=10, mode="linear"), line)
suite.case("linear2", resize(size=[8, 3], mode="bilinear"), plane)
suite.case("linear2_corners", resize(size=[8, 3], mode="bilinear", align_corners=True), plane)
suite.case("linear2_one", resize(size=[1, 6], mode="bilinear", align_corners=True), plane)
suite.case("linear2_factor", resize(scale_factor=[1.7, 2.3], mode="bilinear"), plane)
suite.case("linear3", resize(scale_factor=[2, 2, 2], mode="trilinear"), volume)
suite.case("linear3_corners", resize(size=[5, 7, 6], mode="trilinear", align_corners=True), volume)
suite.case("cubic1", line_by_planes(size=[1, 11], mode="bicubic"), line)
suite.case("cubic2", resize(size=[9, 3], mode="bicubic"), plane)
suite.case("cubic2_corners", resize(size=[3, 9], mode="bicubic", align_corners=True), plane)
suite.case("cubic2_factor", resize(scale_factor=[0.7, 2.3], mode="bicubic"), plane)
suite.case("cubic3", volume_by_planes([5, 3, 6], mode="bicubic"), volume)
suite.case("area1", resize(size=3, mode="area"), line)
suite.case("area2", resize(size=[2, 7], mode="area"), plane)
suite.case("area3", resize(size=[2, 3, 3], mode="area"), volume)
suite.case("antialiased_linear1", line_by_planes(size=[1, 3], mode="bilinear", antialias=True), line)
suite.case("antialiased_linear2", resize(size=[3, 7], mode="bilinear", antialias=True), [2, 1, 7, 5])
suite.case("antialiased_linear2_factor", resize(scale_factor=[0.4, 0.7], mode="bilinear", antialias=True), [2, 1, 7, 5])
suite.case("antialiased_linear3", volume_by_planes([2, 3, 3], mode="bilinear", antialias=True), volume)
suite.case("antialiased_cubic2", resize(size=[3, 7], mode="bicubic", antialias=True), [2, 1, 8, 5])
suite.case("antialiased_cubic2_factor", resize(scale_factor=[0.4, 1.7], mode="bicubic", antialias=True), [2, 1, 7, 5])
suite.case("antialiased_cubic3", volume_by_planes([2, 3, 2], mode="bicubic", antialias=True), volume)
suite.save()
