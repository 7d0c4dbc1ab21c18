"""Suppression by torchvision (2D) and MONAI (3D), and weighted box clustering written out from the paper in NumPy."""

import pathlib

import numpy as np
import safetensors.torch
import torch
import torchvision
from monai.data.box_utils import non_max_suppression

torch.manual_seed(38)
out = {}


def boxes_around(centres, count, spread, dim):
    """Boxes in clouds around a few centres, lower corner then upper corner."""
    middle = torch.rand(centres, dim).mul(60)[torch.randint(0, centres, (count,))] + torch.randn(count, dim) * spread
    half = torch.rand(count, dim) * 5 + 4
    return torch.cat([middle - half, middle + half], 1).double()


for dim in [2, 3]:
    boxes = boxes_around(6, 80, 3.0, dim)
    # Scores with many ties, which stable sorting resolves in order.
    scores = (torch.rand(80) * 20).floor().double() / 20
    classes = torch.randint(0, 3, (80,))
    out |= {f"boxes{dim}": boxes, f"scores{dim}": scores, f"classes{dim}": classes}
    distinct = scores + torch.rand(80).double() * 1e-3
    out[f"distinct{dim}"] = distinct
    for threshold in [0.1, 0.5]:
        if dim == 2:
            kept = torchvision.ops.nms(boxes, distinct, threshold)
            out[f"batched{dim}.{threshold}"] = torchvision.ops.batched_nms(boxes, distinct, classes, threshold)
        else:
            kept = torch.as_tensor(non_max_suppression(boxes, distinct, threshold))
        out[f"kept{dim}.{threshold}"] = kept


def overlap(a, b, dim):
    sides = np.maximum(np.minimum(a[dim:], b[dim:]) - np.maximum(a[:dim], b[:dim]), 0)
    shared = sides.prod()
    return shared / ((a[dim:] - a[:dim]).prod() + (b[dim:] - b[:dim]).prod() - shared)


def cluster(boxes, scores, centre, coverage, view, models, dim, threshold=1e-5, least=0.01):
    left, found = sorted(range(len(boxes)), key=lambda i: (-scores[i], i)), []
    while left:
        joined = [i for i in left if overlap(boxes[i], boxes[left[0]], dim) > threshold]
        f = np.array([overlap(boxes[i], boxes[left[0]], dim) for i in joined])
        a = np.array([(boxes[i][dim:] - boxes[i][:dim]).prod() for i in joined])
        w, s = f * a * centre[joined], scores[joined]
        missing = max(0.0, models * coverage[joined].mean() - len(set(view[joined])))
        score = (s * w).sum() / (w.sum() + missing * w.mean())
        if score > least:
            found.append((score, (boxes[joined] * (s * w)[:, None]).sum(0) / (s * w).sum()))
        left = [i for i in left if i not in joined]
    return sorted(found, key=lambda c: -c[0])


for dim in [2, 3]:
    boxes = out[f"boxes{dim}"].numpy()
    scores = out[f"distinct{dim}"].numpy()
    centre, coverage = torch.rand(80).double(), torch.randint(1, 5, (80,)).double()
    view = torch.randint(0, 9, (80,))
    found = cluster(boxes, scores, centre.numpy(), coverage.numpy(), view.numpy(), 3, dim)
    out |= {
        f"centre{dim}": centre, f"coverage{dim}": coverage, f"view{dim}": view,
        f"cluster_scores{dim}": torch.tensor([c[0] for c in found]).double(),
        f"cluster_boxes{dim}": torch.tensor(np.array([c[1] for c in found])),
    }
stored = {n: (t if t.is_floating_point() else t.to(torch.uint32)).contiguous().clone() for n, t in out.items()}
meta = {"made_by": f"detection.py, seed 38, torch {torch.__version__}, torchvision {torchvision.__version__}"}
safetensors.torch.save_file(stored, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
