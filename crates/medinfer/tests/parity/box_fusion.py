"""Weighted boxes fusion of ensemble-boxes 1.0.9 (Solovyev et al. 2021); usage: python box_fusion.py [output folder].

Boxes are noisy copies of some findings, as folds would have them, and boxes of their own; no two scores are equal.
Corners are multiples of 1/1024 and scores of 1/4096, so that both languages read the same numbers.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
from ensemble_boxes import weighted_boxes_fusion, weighted_boxes_fusion_3d
from safetensors.numpy import save_file

assert importlib.metadata.version("ensemble-boxes") == "1.0.9"
folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
found = {}
rng = np.random.default_rng(8)
for axes, fuse in [(2, weighted_boxes_fusion), (3, weighted_boxes_fusion_3d)]:
    low = rng.uniform(0.05, 0.7, (9, axes))
    truth = np.concatenate([low, low + rng.uniform(0.1, 0.25, (9, axes))], 1)
    kinds = rng.integers(0, 2, 9)
    scores = rng.permutation(4000)[:400] / 4096
    boxes_list, scores_list, labels_list, taken = [], [], [], 0
    for model in range(4):
        seen = rng.random(9) < 0.75
        # Some findings are seen twice by the same model.
        seen = np.concatenate([np.flatnonzero(seen), np.flatnonzero(seen)[:2]])
        boxes = truth[seen] + rng.normal(0, 0.012, (len(seen), 2 * axes))
        alone = rng.uniform(0.0, 0.8, (2, axes))
        boxes = np.concatenate([boxes, np.concatenate([alone, alone + 0.15], 1)])
        boxes = np.round(np.clip(boxes, 0, 1) * 1024) / 1024
        labels = np.concatenate([kinds[seen], rng.integers(0, 2, 2)])
        boxes_list.append(boxes)
        labels_list.append(labels)
        scores_list.append(scores[taken : taken + len(boxes)])
        taken += len(boxes)
        found[f"{axes}.given.{model}.boxes"] = boxes
        found[f"{axes}.given.{model}.scores"] = scores_list[-1]
        found[f"{axes}.given.{model}.labels"] = labels.astype(np.int64)
    # The package's function for volumes bounds the boxes of a cluster by the sum of weights, that for images by their
    # number; with weights whose sum is their number both say the same.
    for name, weights, iou in [("plain", [1, 1, 1, 1], 0.55), ("weighted", [2, 1, 0.5, 0.5], 0.4)]:
        boxes, scores_out, labels = fuse(
            boxes_list, scores_list, labels_list, weights=weights, iou_thr=iou, skip_box_thr=0.0
        )
        assert len(np.unique(scores_out)) == len(scores_out)
        # A part of a wider array otherwise, which safetensors would write as it lies in memory.
        found[f"{axes}.{name}.boxes"] = np.ascontiguousarray(boxes, dtype=np.float64)
        found[f"{axes}.{name}.scores"] = np.ascontiguousarray(scores_out, dtype=np.float64)
        found[f"{axes}.{name}.labels"] = np.ascontiguousarray(labels).astype(np.int64)
        print(axes, name, sum(map(len, boxes_list)), "->", len(boxes))
save_file(found, pathlib.Path(folder) / "box_fusion.safetensors")
