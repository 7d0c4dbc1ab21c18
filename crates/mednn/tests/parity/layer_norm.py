"""Layer and RMS normalisation in PyTorch, ConvNeXt's channels first as timm and torchvision do it."""

import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 31)
suite.case("rows", lambda x, w, b: F.layer_norm(x, [19], w, b, 1e-5), [2, 5, 19], [19], [19])
suite.case("plain", lambda x: F.layer_norm(x, [7], None, None, 1e-6), [2, 3, 7])
suite.case("two_axes", lambda x, w: F.layer_norm(x, [3, 5], w, None, 1e-5), [2, 2, 3, 5], [3, 5])
suite.case("shift_only", lambda x, b: F.layer_norm(x, [6], None, b, 1e-5), [4, 6], [6])
suite.case("long", lambda x, w, b: F.layer_norm(x, [531], w, b, 1e-5), [3, 531], [531], [531])
suite.case("far_from_zero", lambda x: F.layer_norm(x, [33], None, None, 1e-5), 1000 + torch.randn(2, 33))
suite.case("rms", lambda x, w: F.rms_norm(x, [19], w, 1e-6), [2, 5, 19], [19])
suite.case("rms_plain", lambda x: F.rms_norm(x, [3, 5], None, 1e-6), [2, 3, 5])


def channels(x, w=None, b=None):
    return F.layer_norm(x.movedim(1, -1), [x.shape[1]], w, b, 1e-6).movedim(-1, 1)


suite.case("channels1d", channels, [2, 5, 7], [5], [5])
suite.case("channels2d", channels, [2, 5, 3, 7], [5], [5])
suite.case("channels3d", channels, [2, 3, 2, 3, 5], [3], [3])
suite.case("channels_plain", channels, [1, 4, 5])
suite.save()
