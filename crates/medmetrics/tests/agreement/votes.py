"""Reference values of STAPLE (SimpleITK) and pairwise Dice on random outlines. Writes votes.json.

ITK stops where it still moves by about 1e-7, up to 1e-4 from the end: the same steps to the end stand beside it.
"""
import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(20261128)
cases = []


def to_the_end(masks):
    m = np.array([mask.ravel() for mask in masks], float)
    prior, p, q = m.mean(), np.full(len(m), 0.99999), np.full(len(m), 0.99999)
    for _ in range(3000):
        a = prior * np.where(m == 1, p[:, None], 1 - p[:, None]).prod(0)
        b = (1 - prior) * np.where(m == 1, 1 - q[:, None], q[:, None]).prod(0)
        w = a / (a + b)
        p, q = (m * w).sum(1) / w.sum(), ((1 - m) * (1 - w)).sum(1) / (1 - w).sum()
    return [p.tolist(), q.tolist(), w.sum()]


for readers, shape, noise in [(3, (20, 24), 1.0), (5, (9, 12, 14), 1.5), (4, (18, 18), 1.2)]:
    axes = np.indices(shape) - (np.array(shape) / 2)[(...,) + (None,) * len(shape)]
    distance = np.sqrt((axes**2).sum(0)) - min(shape) / 3.5
    masks = [(distance + rng.normal(0, noise) / 2 + rng.normal(0, noise, shape) < 0).astype(np.uint8) for _ in range(readers)]
    staple = sitk.STAPLEImageFilter()
    probability = sitk.GetArrayFromImage(staple.Execute([sitk.GetImageFromArray(m) for m in masks]))
    dice = [[2 * (a & b).sum() / (a.sum() + b.sum()) for b in masks] for a in masks]
    cases.append({
        "shape": shape, "masks": [m.ravel().tolist() for m in masks], "sensitivity": staple.GetSensitivity(),
        "specificity": staple.GetSpecificity(), "probability": probability.ravel().round(12).tolist(), "dice": dice,
        "end": to_the_end(masks), "majority": int((sum(m.astype(int) for m in masks) * 2 > readers).sum()),
    })
    print(staple.GetElapsedIterations(), staple.GetSensitivity(), staple.GetSpecificity())
Path(__file__).with_suffix(".json").write_text(json.dumps({"cases": cases}, default=float) + "\n")
