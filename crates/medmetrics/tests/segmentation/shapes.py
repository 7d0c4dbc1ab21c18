"""Reference values for overlap, boundaries, centre lines, components, lesions and instances. Writes shapes.json.

Masks are packed bits in hexadecimal, instance maps one digit a voxel. MONAI, torchmetrics, scikit-image, panoptica and
scikit-learn give the values; COCO's and MetricsReloaded's boundary IoU and BraTS' lesion-wise scores are written out
below with SciPy from their publications, as they are in no package. Where MONAI's cells tie (SciPy breaks ties its own
way) the masks are drawn again.
"""
import json
import sys
import warnings
from pathlib import Path

import cc3d
import numpy as np
import torch
from faster_coco_eval.core import mask as coco_mask
from monai.metrics import DiceMetric, GeneralizedDiceScore, compute_panoptic_quality
from panoptica import InputType, MaxBipartiteMatching, NaiveThresholdMatching, Panoptica_Evaluator
from panoptica.metrics import Metric
from scipy import ndimage
from sklearn.metrics import fbeta_score
from skimage.morphology import skeletonize
from torchmetrics.functional.segmentation import generalized_dice_score

warnings.filterwarnings("ignore")
# surface-distance 0.1 was written for NumPy 1 and older SciPy.
np.Inf, np.NaN = np.inf, np.nan
ndimage.filters, ndimage.morphology = ndimage, ndimage
import surface_distance  # noqa: E402

SEED = 20261123
rng = np.random.default_rng(SEED)


def blob(shape, sigma, share):
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return field > np.quantile(field, 1 - share)


def packed(mask):
    return np.packbits(mask).tobytes().hex()


def digits(labels):
    return "".join("0123456789abcdefghijklmnopqrstuvwxyz"[v] for v in labels.ravel())


def number(v):
    v = float(v)
    return v if np.isfinite(v) else None


def full(rank):
    return ndimage.generate_binary_structure(rank, rank)


# Generalised Dice: classes 1 to 4, the last one absent from the reference in the second case, nothing in the third.
def generalised(reference, prediction):
    one_hot = [torch.nn.functional.one_hot(torch.from_numpy(m).long(), 5).movedim(-1, 0)[None] for m in
               (prediction, reference)]
    row = {"reference": digits(reference), "prediction": digits(prediction), "shape": reference.shape}
    for name, theirs in {"square": "square", "simple": "simple", "uniform": "linear"}.items():
        monai = GeneralizedDiceScore(include_background=False, reduction="sum", weight_type=name)
        row[f"monai_{name}"] = number(monai(*one_hot).item())
        row[f"torchmetrics_{name}"] = number(generalized_dice_score(*one_hot, 5, include_background=False,
                                                                    weight_type=theirs)[0])
    return row


def labels(shape):
    fields = np.stack([ndimage.gaussian_filter(rng.normal(size=shape), 1.5) for _ in range(5)])
    return fields.argmax(0)


a, b = labels((6, 9, 11)), labels((6, 9, 11))
b = np.where(blob(a.shape, 1, .6), a, b)
without = np.where(a == 4, 0, a)
rows = {"generalised": [generalised(a, b), generalised(without, b), generalised(np.zeros_like(a), np.zeros_like(a)),
                        generalised(np.zeros_like(a), b)]}


# F-beta and specificity by scikit-learn.
reference, prediction = blob((7, 8, 9), 1, .3), blob((7, 8, 9), 1, .4)
rows["scores"] = {"reference": packed(reference), "prediction": packed(prediction), "shape": reference.shape,
                  "f_beta": {str(v): fbeta_score(reference.ravel(), prediction.ravel(), beta=v) for v in (.5, 1, 2)},
                  "specificity": 1 - prediction[~reference].mean(), "sensitivity": prediction[reference].mean()}


# Boundary IoU. COCO: the square erosion as in the paper's code, in 2D also as faster-coco-eval has it.
def coco_band(mask, ratio):
    steps = max(1, int(round(ratio * np.sqrt(np.sum(np.square(mask.shape))))))
    return mask & ~ndimage.binary_erosion(mask, full(mask.ndim), iterations=steps)


def reloaded_band(mask, width):
    border = mask ^ ndimage.binary_erosion(mask)
    return mask & (ndimage.distance_transform_edt(~border) < width)


def mm_band(mask, spacing, width):
    inside = ndimage.distance_transform_edt(np.pad(mask, 1), spacing)
    return mask & (inside[tuple(slice(1, -1) for _ in mask.shape)] <= width * (1 + 1e-7))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


rows["boundary"] = []
for shape, spacing in (((41, 60), (1.5, .7)), ((12, 30, 33), (3.0, .8, .9))):
    r = blob(shape, 3, .4)
    p = r ^ blob(shape, 1.5, .12)
    row = {"reference": packed(r), "prediction": packed(p), "shape": shape, "spacing": spacing}
    for ratio in (.02, .05):
        row[f"coco_{ratio}"] = iou(coco_band(r, ratio), coco_band(p, ratio))
        if len(shape) == 2:
            rle = [coco_mask.encode(np.asfortranarray(m.astype(np.uint8))) for m in (r, p)]
            decoded = [coco_mask.decode(coco_mask.rleToBoundary(m, ratio)).astype(bool) for m in rle]
            theirs = iou(*decoded)
            assert theirs == row[f"coco_{ratio}"], (theirs, row)
    for width in (1, 2.5):
        row[f"metrics_reloaded_{width}"] = iou(reloaded_band(r, width), reloaded_band(p, width))
    for width in (1.0, 2.4):
        row[f"mm_{width}"] = iou(mm_band(r, spacing, width), mm_band(p, spacing, width))
    rows["boundary"].append(row)


# Centre lines: scikit-image's thinning, and clDice of its skeletons.
rows["skeletons"] = []
for shape, sigma, share in (((14, 22, 26), 2, .35), ((10, 14, 18), 1, .5), ((9, 12, 13), .6, .6), ((40, 52), 2.5, .4),
                            ((26, 31), .8, .55), ((1, 20, 25), 1.2, .5), ((8, 1, 30), .8, .6), ((7, 9, 10), .01, .5)):
    r = blob(shape, sigma, share)
    p = r ^ blob(shape, sigma, .1)
    lines = [skeletonize(m, method="lee").astype(bool) for m in (r, p)]
    precision, sensitivity = (lines[1] & r).sum() / lines[1].sum(), (lines[0] & p).sum() / lines[0].sum()
    rows["skeletons"].append({"reference": packed(r), "prediction": packed(p), "shape": shape,
                              "line": packed(lines[0]), "other_line": packed(lines[1]),
                              "cldice": 2 * precision * sensitivity / (precision + sensitivity)})


# MONAI's Dice per component.
def has_ties(r, p):
    numbered, n = ndimage.label(r, full(r.ndim))
    distances = np.stack([ndimage.distance_transform_edt(numbered != k) for k in range(1, n + 1)])
    nearest = np.sort(distances, 0)
    return n > 1 and bool(((nearest[0] == nearest[1]) & p & ~r).any())


rows["components"] = []
for shape in ((9, 16, 18), (30, 36), (12, 15, 11)):
    while True:
        r = blob(shape, 1.2, .12)
        p = (r & blob(shape, 2, .8)) | blob(shape, 1, .04)
        if not has_ties(r, p):
            break
    tensors = [torch.from_numpy(np.stack([~m, m]).astype(np.float32))[None] for m in (p, r)]
    dice = DiceMetric(include_background=False, per_component=True, reduction="none")(*tensors).item()
    rows["components"].append({"reference": packed(r), "prediction": packed(p), "shape": shape, "monai": dice,
                               "n": ndimage.label(r, full(r.ndim))[1]})


# BraTS 2023, lesion by lesion.
def brats(r, p, spacing, steps, least):
    grow = ndimage.generate_binary_structure(3, 2)

    def grown(m):
        return ndimage.binary_dilation(m, grow, iterations=steps) if steps else m

    lesions = cc3d.connected_components(grown(r), connectivity=26) * r
    parts = cc3d.connected_components(p, connectivity=26)
    volume = np.prod(spacing)
    dices, distances, explained, found, missed = [], [], set(), 0, 0
    for k in range(1, lesions.max() + 1):
        lesion = lesions == k
        mine = set(np.unique(parts[grown(lesion)])) - {0}
        explained |= mine
        if lesion.sum() * volume <= least:
            continue
        union = np.isin(parts, list(mine))
        dices.append(2 * (union & lesion).sum() / (union.sum() + lesion.sum()))
        surfaces = surface_distance.compute_surface_distances(lesion, union, spacing)
        distance = surface_distance.compute_robust_hausdorff(surfaces, 95)
        distances.append(374 if np.isinf(distance) else distance)
        found, missed = found + bool(mine), missed + (not mine)
    invented = len(set(range(1, parts.max() + 1)) - explained)
    n = len(dices) + invented
    return {"dice": sum(dices) / n if n else None, "hd95": (sum(distances) + 374 * invented) / n if n else None,
            "tp": found, "fn": missed, "fp": invented}


rows["lesions"] = []
for shape, share, extra in (((14, 26, 30), .06, .03), ((14, 26, 30), .10, .02), ((10, 20, 22), .05, .0),
                            ((10, 20, 22), .0, .05)):
    r, spacing = blob(shape, 1.2, share), (2.0, 1.0, 1.2)
    r &= share > 0
    p = (r & blob(shape, 2.5, .6)) | (blob(shape, 1.1, extra) if extra else np.zeros(shape, bool))
    row = {"reference": packed(r), "prediction": packed(p), "shape": shape, "spacing": spacing}
    row["brats"] = [{"steps": s, "least": v, **brats(r, p, spacing, s, v)} for s, v in ((3, 50), (1, 50), (1, 2), (0, 0))]
    (ref, n_ref), (pre, n_pre) = ndimage.label(r), ndimage.label(p)
    row["metrics_reloaded"] = {"tp": len(set(ref[p]) - {0}), "fn": n_ref - len(set(ref[p]) - {0}),
                               "fp": n_pre - len(set(pre[r]) - {0})}
    rows["lesions"].append(row)


# Panoptic quality.
def instances(shape, share):
    r = ndimage.label(blob(shape, 1.6, share))[0]
    r[r > 35] = 0
    p = np.where(blob(shape, 2.5, .75), r, 0) | np.where(blob(shape, 1, .05), 1, 0)
    cut = ndimage.label(p > 0)[0]
    return r, np.where(cut > 35, 0, cut)


def panoptica(r, p, matcher):
    evaluator = Panoptica_Evaluator(expected_input=InputType.UNMATCHED_INSTANCE, instance_matcher=matcher,
                                    instance_metrics=[Metric.IOU, Metric.DSC, Metric.ASSD])
    result = evaluator.evaluate(p.astype(np.uint16), r.astype(np.uint16), verbose=False)["ungrouped"]
    return {k: number(getattr(result, k)) for k in ("tp", "fp", "fn", "rq", "sq", "pq", "sq_dsc", "sq_assd")}


rows["instances"] = []
for shape in ((10, 18, 20), (34, 40), (12, 14, 16)):
    r, p = instances(shape, .25)
    row = {"reference": digits(r), "prediction": digits(p), "shape": shape}
    for threshold in (.5, .3, .1):
        tensors = [torch.from_numpy(m.astype(np.int32)) for m in (p, r)]
        counts = compute_panoptic_quality(*tensors, match_iou_threshold=threshold, output_confusion_matrix=True)
        quality = {m: compute_panoptic_quality(*tensors, metric_name=m, match_iou_threshold=threshold).item()
                   for m in ("pq", "sq", "rq")}
        row[f"monai_{threshold}"] = {**dict(zip(("tp", "fp", "fn"), counts.tolist())), **quality}
        row[f"naive_{threshold}"] = panoptica(r, p, NaiveThresholdMatching(matching_threshold=threshold))
        row[f"bipartite_{threshold}"] = panoptica(r, p, MaxBipartiteMatching(matching_threshold=threshold))
    rows["instances"].append(row)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "shapes.json").write_text(json.dumps({"seed": SEED, **rows}, indent=0, default=number) + "\n")
