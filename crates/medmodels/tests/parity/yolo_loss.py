"""What YOLO is trained with; usage: python yolo_loss.py [output folder].

Three sources of numbers: the ultralytics package, run as an oracle; and for what it does not have (YOLOv5's anchors, three
axes) the formulas written out in torch one box at a time. The latter are held against the former where both exist.
"""

import math
import pathlib
import sys
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from ultralytics.nn.tasks import DetectionModel, yaml_model_load
from ultralytics.utils.loss import v8DetectionLoss

from reference import tensor

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
BINS = 16
out = {}

# Boxes of each image as class and corners from the edge of the image, x before y before z: near one another, one inside
# another, one too small for any middle of a cell, and an image without any.
PLANE = [
    [(0, 4, 10, 44, 60), (2, 10, 20, 50, 70), (1, 14, 30, 30, 44), (1, 51, 81, 56, 85)],
    [],
    [(2, 0, 0, 30, 90), (0, 33.5, 40.25, 61, 66.5)],
]
VOLUME = [
    [(0, 4, 5, 2, 20, 26, 9), (1, 8, 10, 3, 24, 30, 11), (1, 26, 3, 12, 29, 6, 14)],
    [(1, 1, 2, 1, 30, 22, 15)],
]


def maps(stem, shapes):
    """Hashed logits, spread widely enough that boxes and classes differ from cell to cell."""
    return [(tensor(f"{stem}.{i}", shape).double() * 4).requires_grad_(True) for i, shape in enumerate(shapes)]


def store(stem, maps, total, parts):
    total.backward()
    out[f"{stem}.total"] = total.detach()
    out[f"{stem}.parts"] = torch.stack([part.detach() for part in parts])
    for i, value in enumerate(maps):
        flat = value.grad.flatten()
        out[f"{stem}.gradient.{i}"] = flat
        value.grad = None


def ciou(a, b, axes):
    """The overlap of two boxes of corners x, y(, z), and what follows from it; the shape's weight is a constant."""
    low, high = torch.maximum(a[:axes], b[:axes]), torch.minimum(a[axes:], b[axes:])
    shared = (high - low).clamp(min=0).prod()
    sides = [box[axes:] - box[:axes] for box in (a, b)]
    iou = shared / (sides[0].prod() + sides[1].prod() - shared + 1e-7)
    around = torch.maximum(a[axes:], b[axes:]) - torch.minimum(a[:axes], b[:axes])
    apart = ((a[:axes] + a[axes:] - b[:axes] - b[axes:]) ** 2).sum() / 4
    angles = [torch.atan(side[0] / side[1:]) for side in sides]
    v = (4 / math.pi**2 * (angles[1] - angles[0]) ** 2).mean()
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-7)
    return iou - apart / ((around**2).sum() + 1e-7) - alpha * v


def anchor_free(maps, strides, truths, classes):
    """YOLOv8's loss by its formulas, cell by cell; everything in cells of the finest level."""
    axes = maps[0].dim() - 2
    finest = torch.tensor(strides[0]).double()
    total = torch.zeros(3, dtype=torch.float64)
    weight, surprise, boxes_loss, distances_loss = 0.0, 0.0, 0.0, 0.0
    for image, objects in enumerate(truths):
        cells = []
        for level, stride in zip(maps, strides):
            ratio = torch.tensor(stride).double() / finest
            grid = [torch.arange(n).double() + 0.5 for n in reversed(level.shape[2:])]
            rows = level[image].flatten(1).T
            # Storage order has the last axis fastest; names go x, y, z.
            middles = torch.cartesian_prod(*reversed(grid)).flip(1)
            for row, middle in zip(rows, middles):
                bins = row[: 2 * axes * BINS].reshape(2 * axes, BINS)
                sides = bins.softmax(1) @ torch.arange(BINS).double()
                box = torch.cat([middle - sides[:axes], middle + sides[axes:]])
                cells.append((middle, ratio, bins, box, row[2 * axes * BINS:]))
        objects = [(c, torch.tensor(b).double() / finest.repeat(2)) for c, *b in objects]
        scores, overlaps = {}, {}
        for g, (label, truth) in enumerate(objects):
            centre, half = (truth[:axes] + truth[axes:]) / 2, (truth[axes:] - truth[:axes]).clamp(min=2.0) / 2
            for n, (middle, ratio, _, box, logits) in enumerate(cells):
                if ((middle * ratio - centre).abs() < half - 1e-9).all():
                    overlap = ciou(box.detach() * ratio.repeat(2), truth, axes).clamp(min=0).item()
                    overlaps[g, n] = overlap
                    scores[g, n] = logits[label].sigmoid().item() ** 0.5 * overlap**6
        chosen = {}
        for g in range(len(objects)):
            ranked = sorted((n for h, n in scores if h == g), key=lambda n: -scores[g, n])[:10]
            for n in ranked:
                chosen.setdefault(n, []).append(g)
        for n, rivals in chosen.items():
            if len(rivals) > 1:
                rivals[:] = [max((h for h in range(len(objects)) if (h, n) in overlaps), key=lambda h: overlaps[h, n])]
        wanted = torch.zeros(len(cells), classes, dtype=torch.float64)
        for g, (label, truth) in enumerate(objects):
            own = [n for n in chosen if chosen[n] == [g]]
            if not own:
                continue
            best = max(scores[g, n] for n in own)
            fit = max(overlaps[g, n] for n in own)
            for n in own:
                w = scores[g, n] * fit / (best + 1e-9)
                middle, ratio, bins, box, _ = cells[n]
                wanted[n, label] = w
                weight += w
                here = truth / ratio.repeat(2)
                boxes_loss = boxes_loss + w * (1 - ciou(box, here, axes))
                sides = torch.cat([middle - here[:axes], here[axes:] - middle]).clamp(0, BINS - 1.01)
                left = sides.floor().long()
                logs = bins.log_softmax(1)
                pair = torch.stack([logs.gather(1, left[:, None])[:, 0], logs.gather(1, left[:, None] + 1)[:, 0]])
                share = torch.stack([left + 1 - sides, sides - left])
                distances_loss = distances_loss - w * (pair * share).sum(0).mean()
        logits = torch.stack([cell[4] for cell in cells])
        surprise = surprise + F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
    weight = max(weight, 1.0)
    total = torch.stack([7.5 * boxes_loss / weight, 0.5 * surprise / weight, 1.5 * distances_loss / weight])
    return total.sum() * len(truths), total


def anchored(maps, strides, truths, classes, anchors, smoothing):
    """YOLOv5's loss by its formulas, match by match; where several boxes want one anchor the best overlap is its objectness."""
    parts = [torch.zeros((), dtype=torch.float64) for _ in range(3)]
    for level, stride, shapes, balance in zip(maps, strides, anchors, (4.0, 1.0, 0.4)):
        batch, _, height, width = level.shape
        said = level.reshape(batch, len(shapes), 5 + classes, height, width)
        there = torch.zeros(batch, len(shapes), height, width, dtype=torch.float64)
        lacking, labels = [], []
        for image, objects in enumerate(truths):
            for label, *box in objects:
                x1, y1, x2, y2 = (v / stride[0] for v in box)
                x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
                places = [(math.floor(x), math.floor(y))]
                if x % 1 < 0.5 and x > 1:
                    places.append((math.floor(x) - 1, math.floor(y)))
                elif (width - x) % 1 < 0.5 and width - x > 1:
                    places.append((math.floor(x) + 1, math.floor(y)))
                if y % 1 < 0.5 and y > 1:
                    places.append((math.floor(x), math.floor(y) - 1))
                elif (height - y) % 1 < 0.5 and height - y > 1:
                    places.append((math.floor(x), math.floor(y) + 1))
                for k, (aw, ah) in enumerate(shapes):
                    aw, ah = aw / stride[0], ah / stride[0]
                    if max(w / aw, aw / w, h / ah, ah / h) >= 4:
                        continue
                    for column, row in places:
                        answer = said[image, k, :, row, column]
                        share = answer[:4].sigmoid() * 2
                        cx, cy = share[0] - 0.5 + column, share[1] - 0.5 + row
                        bw, bh = share[2] ** 2 * aw, share[3] ** 2 * ah
                        found = torch.stack([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2])
                        overlap = ciou(found, torch.tensor([x1, y1, x2, y2]).double(), 2)
                        lacking.append(1 - overlap)
                        there[image, k, row, column] = max(there[image, k, row, column].item(), overlap.item(), 0)
                        wanted = torch.full((classes,), smoothing / 2, dtype=torch.float64)
                        wanted[label] = 1 - smoothing / 2
                        labels.append((answer[5:], wanted))
        parts[2] = parts[2] + balance * F.binary_cross_entropy_with_logits(said[:, :, 4], there)
        if lacking:
            parts[0] = parts[0] + torch.stack(lacking).mean()
            logits, wanted = (torch.stack(column) for column in zip(*labels))
            parts[1] = parts[1] + F.binary_cross_entropy_with_logits(logits, wanted)
    per_level = 3 / len(maps)
    area = maps[0].shape[2] * maps[0].shape[3] * strides[0][0] ** 2
    weights = [0.05 * per_level, 0.5 * classes / 80 * per_level, area / 640**2 * per_level]
    parts = [part * weight for part, weight in zip(parts, weights)]
    return sum(parts) * len(truths), parts


# YOLOv8 by the package, and by the formulas.
shape = (3, 96, 64)
settings = yaml_model_load("yolov8n.yaml")
settings["scales"][settings["scale"]] = [0.1, 0.0625, 1024]
detector = DetectionModel(settings, ch=1, nc=3, verbose=False).double()
detector.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
strides = [8, 16, 32]
said = maps("free", [(3, 67, 96 // s, 64 // s) for s in strides])
flat = torch.cat([level.flatten(2) for level in said], 2)
boxes = [(image, label, box) for image, objects in enumerate(PLANE) for label, *box in objects]
corners = torch.tensor([box for _, _, box in boxes]).double()
extent = torch.tensor([64, 96, 64, 96]).double()
batch = {
    "batch_idx": torch.tensor([image for image, _, _ in boxes]).double(),
    "cls": torch.tensor([[label] for _, label, _ in boxes]).double(),
    "bboxes": torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1) / extent,
}
# The package keeps targets in single precision.
batch = {name: value.float() for name, value in batch.items()}
loss, _ = v8DetectionLoss(detector)({"boxes": flat[:, :64], "scores": flat[:, 64:], "feats": said}, batch)
own, parts = anchor_free(said, [[float(s)] * 2 for s in strides], PLANE, 3)
assert torch.allclose(loss.detach().double() / 3, parts.detach(), rtol=1e-5), (loss / 3, parts)
store("free", said, loss.sum(), loss / 3)

# In three axes, slices thick.
strides = [[4.0, 4.0, 2.0], [8.0, 8.0, 4.0], [16.0, 16.0, 8.0]]
said = maps("volume", [(2, 96 + 2, 16 // int(z), 32 // int(y), 32 // int(x)) for x, y, z in strides])
store("volume", said, *anchor_free(said, strides, VOLUME, 2))

# YOLOv5 with anchors.
anchors = [[(10, 13), (16, 30), (33, 23)], [(30, 61), (62, 45), (59, 119)], [(116, 90), (156, 198), (373, 326)]]
strides = [[8.0] * 2, [16.0] * 2, [32.0] * 2]
said = maps("anchors", [(3, 24, 96 // s, 64 // s) for s in (8, 16, 32)])
store("anchors", said, *anchored(said, strides, PLANE, 3, anchors, 0.1))

shrunk = {}
for name, value in out.items():
    # Of a long gradient its norm, its largest magnitude and some elements.
    shrunk[name] = value.float().reshape(-1) if value.numel() <= 1500 else torch.cat(
        [value.norm()[None], value.abs().max()[None], value[(torch.arange(400) * 7919) % value.numel()]]).float()
path = folder / "yolo_loss.safetensors"
save_file(shrunk, path, {"made_by": f"yolo_loss.py, torch {torch.__version__}, ultralytics as an oracle"})
assert path.stat().st_size <= 64 * 1024, path.stat().st_size
for name, value in shrunk.items():
    if "gradient" not in name:
        print(name, value)
