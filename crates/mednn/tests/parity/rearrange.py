"""Pixel shuffle in PyTorch and MONAI, and patches as MONAI's embedding lays them out, forward and backward."""

import math

import torch.nn.functional as F
from monai.networks.utils import pixelshuffle, pixelunshuffle

from suite import Suite

suite = Suite(__file__, 19)
suite.case("shuffle2", lambda x: F.pixel_shuffle(x, 3), [2, 18, 2, 3])
suite.case("shuffle3", lambda x: pixelshuffle(x, 3, 2), [2, 16, 1, 2, 3])
suite.case("unshuffle2", lambda x: F.pixel_unshuffle(x, 2), [2, 3, 4, 6])
suite.case("unshuffle3", lambda x: pixelunshuffle(x, 3, 2), [2, 3, 2, 4, 6])


def patches(x, patch):
    """Splits every axis into patches and voxels of a patch, and puts the patches first."""
    d = len(patch)
    shape = [n for size, p in zip(x.shape[2:], patch) for n in (size // p, p)]
    x = x.reshape(*x.shape[:2], *shape)
    x = x.permute(0, *range(2, 2 + 2 * d, 2), 1, *range(3, 3 + 2 * d, 2))
    return x.reshape(x.shape[0], -1, x.shape[1 + d] * math.prod(patch))


suite.case("patches1", lambda x: patches(x, [3]), [2, 3, 6])
suite.case("patches2", lambda x: patches(x, [2, 3]), [2, 3, 4, 6])
suite.case("patches3", lambda x: patches(x, [2, 1, 3]), [2, 3, 4, 2, 6])
suite.save()
