"""Where torchmetrics' Hausdorff distance is right and where it is not. Writes wide_planes.json, with SciPy's beside."""
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


rows = []
for shape in ((40, 40), (32, 96)):
    r, p = blob(shape), blob(shape)
    one_hot = [torch.from_numpy(np.stack([~m, m]))[None].int() for m in (p, r)]
    theirs = hausdorff_distance(*one_hot, num_classes=2, include_background=False, spacing=[.8, .8]).item()
    edges = [m ^ ndimage.binary_erosion(m) for m in (r, p)]
    maps = [ndimage.distance_transform_edt(~e, (.8, .8)) for e in edges]
    rows.append({"shape": shape, "spacing": (.8, .8), "reference": np.packbits(r).tobytes().hex(),
                 "prediction": np.packbits(p).tobytes().hex(), "torchmetrics": theirs,
                 "truth": max(maps[1][edges[0]].max(), maps[0][edges[1]].max())})
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "wide_planes.json").write_text(json.dumps(rows, indent=0) + "\n")
print([(row["torchmetrics"], row["truth"]) for row in rows])
