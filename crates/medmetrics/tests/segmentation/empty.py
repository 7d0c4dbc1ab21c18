"""What each library says of empty masks. Writes empty.json: null for NaN, "inf", or the name of the exception.

MetricsReloaded is not on any index; its values are those of its revision cb38dfc, in the table below.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torchmetrics.functional.segmentation as tm
from medpy.metric import binary as medpy
from monai.metrics import (compute_average_surface_distance, compute_dice, compute_hausdorff_distance, compute_iou,
                           compute_surface_dice)
from panoptica.metrics import Metric
from panoptica.utils.edge_case_handling import EdgeCaseHandler
from scipy import ndimage

warnings.filterwarnings("ignore")
# surface-distance 0.1 was written for NumPy 1 and older SciPy.
np.Inf, np.NaN = np.inf, np.nan
ndimage.filters, ndimage.morphology = ndimage, ndimage
import surface_distance  # noqa: E402

none, some = np.zeros((9, 11), bool), np.zeros((9, 11), bool)
some[3:6, 2:7] = True
CASES = {"both": (none, none), "prediction": (some, none), "reference": (none, some)}


def value(f):
    try:
        found = float(f())
    except Exception as e:  # noqa: BLE001: which exception a library ends in is the result
        return type(e).__name__
    return None if np.isnan(found) else "inf" if np.isinf(found) else found


def monai(r, p, ignore_empty):
    r, p = (torch.from_numpy(m.astype(np.float32))[None, None] for m in (r, p))
    over = {"include_background": True}
    return {
        "dice": value(lambda: compute_dice(p, r, ignore_empty=ignore_empty, **over)),
        "iou": value(lambda: compute_iou(p, r, ignore_empty=ignore_empty, **over)),
        "hd": value(lambda: compute_hausdorff_distance(p, r, **over)),
        "hd95": value(lambda: compute_hausdorff_distance(p, r, percentile=95, **over)),
        "average": value(lambda: compute_average_surface_distance(p, r, symmetric=True, **over)),
        "nsd": value(lambda: compute_surface_dice(p, r, [1.0], **over)),
    }


def torchmetrics(r, p):
    r, p = (torch.from_numpy(np.stack([~m, m]))[None].int() for m in (r, p))
    return {
        "dice": value(lambda: tm.dice_score(p, r, 2, include_background=False, average="none")[0, 0]),
        "iou": value(lambda: tm.mean_iou(p, r, 2, include_background=False, per_class=True)[0, 0]),
        "hd": value(lambda: tm.hausdorff_distance(p, r, 2, include_background=False)),
    }


def deepmind(r, p):
    found = surface_distance.compute_surface_distances(r, p, (1, 1))
    return {
        "dice": value(lambda: surface_distance.compute_dice_coefficient(r, p)),
        "hd": value(lambda: surface_distance.compute_robust_hausdorff(found, 100)),
        "hd95": value(lambda: surface_distance.compute_robust_hausdorff(found, 95)),
        "average": value(lambda: np.mean(surface_distance.compute_average_surface_distance(found))),
        "nsd": value(lambda: surface_distance.compute_surface_dice_at_tolerance(found, 1)),
    }


def of_medpy(r, p):
    return {"dice": value(lambda: medpy.dc(p, r)), "iou": value(lambda: medpy.jc(p, r)),
            "hd": value(lambda: medpy.hd(p, r)), "hd95": value(lambda: medpy.hd95(p, r)),
            "average": value(lambda: medpy.assd(p, r))}


def panoptica(r, p):
    counts = {"tp": 0, "n_pred_instances": int(p.any()), "n_ref_instances": int(r.any())}
    names = {"dice": Metric.DSC, "iou": Metric.IOU, "average": Metric.ASSD, "hd": Metric.HD, "hd95": Metric.HD95,
             "nsd": Metric.NSD}
    return {k: value(lambda m=m: EdgeCaseHandler().handle_zero_tp(m, *counts.values())[1]) for k, m in names.items()}


rows = {
    "metrics_reloaded": {
        "both": {"dice": 1.0, "iou": None, "hd": 0.0, "hd95": 0.0, "average": 0.0, "nsd": 1.0},
        "prediction": {"dice": 0.0, "iou": 0.0, "hd": None, "hd95": None, "average": None, "nsd": 0.0},
        "reference": {"dice": 0.0, "iou": 0.0, "hd": None, "hd95": None, "average": None, "nsd": 0.0},
    }
}
for case, (r, p) in CASES.items():
    for name, measured in {"monai": monai(r, p, True), "monai_keep_empty": monai(r, p, False),
                           "torchmetrics": torchmetrics(r, p), "deep_mind": deepmind(r, p), "med_py": of_medpy(r, p),
                           "panoptica": panoptica(r, p)}.items():
        rows.setdefault(name, {})[case] = measured
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "empty.json").write_text(json.dumps(rows, indent=1) + "\n")
