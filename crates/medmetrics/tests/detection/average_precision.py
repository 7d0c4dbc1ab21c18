"""Writes average_precision.json: VOC's numbers by the package mean-average-precision, ultralytics' by its own functions
(called, not read), those of its former versions by their rule, torchmetrics' per class, and curves of random recalls.

mean-average-precision 2024.1.5.0, ultralytics 8.4.190, torchmetrics 1.9.0, numpy 2.
"""
import json, pathlib, warnings

import numpy as np, torch
from mean_average_precision.mean_average_precision_2d import MeanAveragePrecision2d
from mean_average_precision.utils import compute_average_precision, compute_precision_recall
from torchmetrics.detection import MeanAveragePrecision
from torchvision.ops import box_iou
from ultralytics.models.yolo.detect.val import DetectionValidator
from ultralytics.utils.metrics import ap_per_class, compute_ap

warnings.filterwarnings("ignore")
rng = np.random.default_rng(16)
CLASSES = 3
# The package asks for more than the overlap, VOC for at least as much; one pair overlaps by exactly a half.
AT = 0.5 - 1e-9


def images(count, digits, hard):
    made = []
    for i in range(count):
        annotations, detections = [], []
        for _ in range(int(rng.integers(0, 7))):
            low = np.round(rng.random(2) * 60, digits)
            high = low + np.round(rng.random(2) * 40 + 6, digits)
            label = int(rng.integers(0, CLASSES))
            annotations.append({"class": label, "box": [low.tolist(), high.tolist()], "difficult": int(hard and rng.random() < 0.2)})
            for _ in range(int(rng.integers(0, 4))):
                jitter = np.round(rng.normal(0, 3, (2, 2)), digits)
                corners = np.array([low, high]) + jitter
                corners[1] = np.maximum(corners[1], corners[0] + 1)
                detections.append({"class": label if rng.random() < 0.9 else int(rng.integers(0, CLASSES)), "box": corners.tolist()})
        for _ in range(int(rng.integers(0, 4))):
            low = np.round(rng.random(2) * 60, digits)
            detections.append({"class": int(rng.integers(0, CLASSES)), "box": [low.tolist(), (low + 12).tolist()]})
        made.append(dict(id=i, annotations=annotations, detections=detections))
    everything = [d for image in made for d in image["detections"]]
    for d, score in zip(everything, rng.permutation(len(everything)) + 1.0):
        d["score"] = float(score) / (len(everything) + 1)
    return made


def flat(items, *keys):
    return np.array([[*i["box"][0], *i["box"][1], i["class"], *(i[k] for k in keys)] for i in items], float).reshape(-1, 5 + len(keys))


def voc(made):
    metric = MeanAveragePrecision2d(CLASSES)
    for image in made:
        truth = flat(image["annotations"])
        metric.add(flat(image["detections"], "score"), np.concatenate([truth, np.zeros((len(truth), 2))], axis=1))
    of = lambda points: [float(metric.value([AT], points)[AT][c]["ap"]) for c in range(CLASSES)]
    return dict(voc=of(None), voc07=of(np.linspace(0, 1, 11)))


def difficult(made):
    """VOC's rule for difficult objects, step by step (the package repeats their flags in the wrong order)."""
    values = []
    for label in range(CLASSES):
        rows, truth = [], {}
        for image in made:
            truth[image["id"]] = [[a["difficult"], np.array(a["box"]), False] for a in image["annotations"] if a["class"] == label]
            rows += [(d["score"], image["id"], np.array(d["box"])) for d in image["detections"] if d["class"] == label]
        right = []
        for _, number, box in sorted(rows, key=lambda row: -row[0]):
            overlaps = []
            for _, other, _ in truth[number]:
                sides = np.maximum(np.minimum(box[1], other[1]) - np.maximum(box[0], other[0]) + 1, 0)
                area = lambda b: (b[1] - b[0] + 1).prod()
                overlaps.append(sides.prod() / (area(box) + area(other) - sides.prod()))
            if not overlaps or max(overlaps) < 0.5:
                right.append(False)
                continue
            best = truth[number][int(np.argmax(overlaps))]
            if not best[0]:
                right.append(not best[2])
                best[2] = True
        positives = sum(not flag for boxes in truth.values() for flag, _, _ in boxes)
        recall, precision = compute_precision_recall(np.array(right, float), 1.0 - np.array(right, float), positives)[::-1]
        values.append(float(compute_average_precision(precision, recall)))
    return dict(voc=values)


def ultralytics(made):
    validator = DetectionValidator.__new__(DetectionValidator)
    validator.iouv = torch.linspace(0.5, 0.95, 10)
    right, scores, labels, targets = [], [], [], []
    for image in made:
        found = sorted(image["detections"], key=lambda d: -d["score"])
        truth = flat(image["annotations"])
        boxes = flat(found)
        iou = box_iou(torch.tensor(truth[:, :4]), torch.tensor(boxes[:, :4]))
        if len(truth) and len(boxes):
            matched = validator.match_predictions(torch.tensor(boxes[:, 4]), torch.tensor(truth[:, 4]), iou).numpy()
        else:
            matched = np.zeros((len(boxes), 10), bool)
        right.append(matched)
        scores += [d["score"] for d in found]
        labels += boxes[:, 4].tolist()
        targets += truth[:, 4].tolist()
    values = ap_per_class(np.concatenate(right), np.array(scores), np.array(labels), np.array(targets))
    return np.asarray(values[5], float).tolist()


def overlaps(truth, found):
    """Intersection over union of boxes by their corners, 0 between classes."""
    sides = np.minimum(truth[:, None, 2:4], found[None, :, 2:4]) - np.maximum(truth[:, None, :2], found[None, :, :2])
    shared = np.clip(sides, 0, None).prod(-1)
    area = lambda boxes: (boxes[:, 2:4] - boxes[:, :2]).prod(-1)
    return np.where(truth[:, None, 4] == found[None, :, 4], shared / (area(truth)[:, None] + area(found) - shared), 0)


def old_matches(iou, threshold):
    """Pairs by falling overlap; of each detection the first is kept, then of each annotation the one of the detection of
    the highest score. Of equal overlaps the last one comes first."""
    pairs = np.argwhere(iou >= threshold)
    pairs = pairs[np.argsort(iou[tuple(pairs.T)], kind="stable")[::-1]]
    pairs = pairs[np.unique(pairs[:, 1], return_index=True)[1]]
    return pairs[np.unique(pairs[:, 0], return_index=True)[1], 1]


def old_average(right, positives):
    """The envelope from precision 1 at recall 0 to precision 0 at recall 1, read at 101 recalls and joined by lines."""
    tp = np.cumsum(right)
    recall = np.concatenate([[0], tp / positives, [1]])
    precision = np.concatenate([[1], tp / np.arange(1, len(right) + 1), [0]])
    at = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(at, recall, np.maximum.accumulate(precision[::-1])[::-1]), at))


def ultralytics_old(made):
    """Average precision by class and threshold, as ultralytics had it before 8.4, with detections by falling score."""
    rows, positives = [], np.zeros(CLASSES)
    for image in made:
        found = sorted(image["detections"], key=lambda d: -d["score"])
        truth, boxes = flat(image["annotations"]), flat(found)
        iou = overlaps(truth, boxes)
        right = np.zeros((len(found), 10), bool)
        for k, threshold in enumerate(np.linspace(0.5, 0.95, 10)):
            right[old_matches(iou, threshold), k] = True
        rows += [(d["score"], d["class"], r) for d, r in zip(found, right)]
        np.add.at(positives, truth[:, 4].astype(int), 1)
    rows.sort(key=lambda row: -row[0])
    values = []
    for label in np.flatnonzero(positives):
        right = np.array([r for _, c, r in rows if c == label]).reshape(-1, 10)
        values.append([old_average(right[:, k], positives[label]) if len(right) else 0.0 for k in range(10)])
    return values


def contested(count):
    """Boxes of few whole sizes that lie on one another, so that many overlaps are equal and detections compete."""
    made = []
    for i in range(count):
        side = lambda n: [{"class": int(rng.integers(0, CLASSES)), "box": [low.tolist(), (low + size).tolist()]}
                          for low, size in zip(rng.integers(0, 9, (n, 2)) * 1.0, rng.choice([8.0, 10.0, 12.0], (n, 2)))]
        made.append(dict(id=i, annotations=side(int(rng.integers(0, 10))), detections=side(int(rng.integers(0, 25)))))
    everything = [d for image in made for d in image["detections"]]
    for d, score in zip(everything, rng.permutation(len(everything)) + 1.0):
        d["score"] = float(score) / (len(everything) + 1)
    return made


def torchmetrics(made):
    metric = MeanAveragePrecision(class_metrics=True)
    side = lambda items, scored: dict(
        boxes=torch.tensor(flat(items)[:, :4], dtype=torch.float64), labels=torch.tensor(flat(items)[:, 4], dtype=torch.int64),
        **(dict(scores=torch.tensor([d["score"] for d in items], dtype=torch.float64)) if scored else {}))
    for image in made:
        metric.update([side(image["detections"], True)], [side(image["annotations"], False)])
    values = metric.compute()
    scalars = {k: float(v) for k, v in values.items() if v.ndim == 0 and k != "classes"}
    return dict(scalars, map_per_class=values["map_per_class"].tolist(), mar_100_per_class=values["mar_100_per_class"].tolist())


def curve():
    right = rng.random(int(rng.integers(1, 40))) < 0.6
    positives = int(right.sum() + rng.integers(1, 6))
    tp = np.cumsum(right)
    recall, precision = tp / positives, tp / np.arange(1, len(right) + 1)
    return dict(recall=recall.tolist(), precision=precision.tolist(), ultralytics_new=float(compute_ap(recall, precision)[0]))


pixels, hard, plain = images(20, 0, False), images(20, 0, True), images(20, 2, False)
result = dict(
    pixels=dict(images=pixels, **voc(pixels)),
    difficult=dict(images=hard, **difficult(hard)),
    plain=dict(images=plain, ultralytics_new=ultralytics(plain), ultralytics_old=ultralytics_old(plain),
               torchmetrics=torchmetrics(plain)),
    curves=[curve() for _ in range(12)],
)
crowded = contested(30)
result["contested"] = dict(images=crowded, ultralytics_old=ultralytics_old(crowded))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path.stat().st_size, result["pixels"]["voc"], result["plain"]["ultralytics_new"][0][:3], result["plain"]["torchmetrics"]["map"])
