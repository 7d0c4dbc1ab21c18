"""ROI align in torchvision; in 3D a composition of PyTorch operations by the same rule along three axes."""

import math

import torch
from torchvision.ops import roi_align

from suite import Suite

suite = Suite(__file__, 20)
ITEMS = [0, 1, 1]
# Lower and upper corners in storage order: inside, partly outside, smaller than a voxel.
PLANE = torch.tensor([[1.3, 0.4, 8.2, 5.9], [-3.0, 2.1, 4.7, 9.5], [2.2, 3.1, 2.9, 3.3]])
VOLUME = torch.tensor([[0.3, 1.2, 0.4, 3.7, 5.1, 4.6], [-2.5, 2.0, 1.1, 2.6, 6.9, 8.8], [1.1, 1.2, 1.3, 1.6, 1.5, 1.9]])


def plane(bins, scale, samples, aligned):
    """torchvision takes the batch item first and the last axis before the other."""
    rois = torch.cat([torch.tensor(ITEMS).unsqueeze(1), PLANE[:, [1, 0, 3, 2]]], 1).double()
    return lambda x: roi_align(x, rois, bins, scale, samples, aligned)


def axis(size, low, high, bins, samples, aligned):
    """The matrix from an axis to the bins of one side of a box."""
    offset = 0.5 if aligned else 0.0
    start, length = low - offset, high - low
    length = length if aligned else max(length, 1.0)
    n = samples if samples > 0 else math.ceil(length / bins)
    matrix = torch.zeros(bins, size, dtype=torch.float64)
    for b in range(bins):
        for s in range(n):
            place = start + (b + (s + 0.5) / n) * length / bins
            if -1 <= place <= size:
                place = min(max(place, 0), size - 1)
                below = int(place)
                matrix[b, below] += (1 - place + below) / n
                matrix[b, min(below + 1, size - 1)] += (place - below) / n
    return matrix


def volume(bins, samples, aligned):
    def run(x):
        out = []
        for item, box in zip(ITEMS, VOLUME.double().tolist()):
            sides = zip(x.shape[2:], box[:3], box[3:], bins)
            d, h, w = (axis(size, low, high, b, samples, aligned) for size, low, high, b in sides)
            out.append(torch.einsum("cdhw,id,jh,kw->cijk", x[item], d, h, w))
        return torch.stack(out)

    return run


features, solid = [2, 2, 6, 7], [2, 2, 3, 5, 6]
suite.case("plane", plane([3, 2], 1.0, -1, True), features)
suite.case("plane_samples", plane([2, 3], 0.75, 2, True), features)
suite.case("plane_corner", plane([3, 2], 0.75, -1, False), features)
suite.case("plane_corner_samples", plane([2, 3], 1.0, 3, False), features)
suite.case("volume", volume([2, 3, 2], -1, True), solid)
suite.case("volume_samples", volume([2, 2, 3], 2, True), solid)
suite.case("volume_corner", volume([2, 3, 2], -1, False), solid)
suite.tensors |= {"plane.boxes": PLANE, "volume.boxes": VOLUME}
suite.save()
