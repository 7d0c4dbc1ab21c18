"""Where torchmetrics' Hausdorff distance is right and where it is not. Writes wide_planes.json, with SciPy's beside.

torchmetrics' value is null where it ends in an exception: tall planes, volumes.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torchmetrics.functional.segmentation import hausdorff_distance

rng = np.random.default_rng(20261123)


def blob(shape):
    field = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    return field > np.quantile(field, .7)


def torchmetrics(r, p, spacing):
    one_hot = [torch.from_numpy(np.stack([~m, m]))[None].int() for m in (p, r)]
    try:
        return hausdorff_distance(*one_hot, num_classes=2, include_background=False, spacing=list(spacing)).item()
    except (IndexError, ValueError):
        return None


rows = []
for shape, spacing in (((40, 40), (.8, .8)), ((32, 96), (.8, .8)), ((17, 17), (.5, 2.1)), ((15, 16), (1.7, .6)),
                       ((9, 40), (1.2, .7)), ((1, 30), (1, 1)), ((3, 64), (.4, 2.5)), ((20, 33), (.9, 1.3)),
                       ((16, 15), (1, 1)), ((30, 1), (1, 1)), ((6, 9, 9), (2, 1, 1))):
    r, p = blob(shape), blob(shape)
    edges = [m ^ ndimage.binary_erosion(m) for m in (r, p)]
    maps = [ndimage.distance_transform_edt(~e, spacing) for e in edges]
    rows.append({"shape": shape, "spacing": spacing, "reference": np.packbits(r).tobytes().hex(),
                 "prediction": np.packbits(p).tobytes().hex(), "torchmetrics": torchmetrics(r, p, spacing),
                 "truth": max(maps[1][edges[0]].max(), maps[0][edges[1]].max())})
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "wide_planes.json").write_text(json.dumps(rows, indent=0) + "\n")
print([(row["torchmetrics"], row["truth"]) for row in rows])
