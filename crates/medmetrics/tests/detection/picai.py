"""Writes picai.json: random cases with the score of picai_eval 1.4.13."""
import json, pathlib

import numpy as np
from picai_eval import evaluate
from scipy import ndimage

rng = np.random.default_rng(36)
SHAPE = (6, 16, 16)


def blocks(near=None, sides=(4, 8)):
    """Blocks as connected components; some meet a lesion twice."""
    mask = np.zeros(SHAPE, bool)
    for k in range(int(rng.integers(0, 5 if near is None else 9))):
        low = rng.integers(0, [3, 11, 11])
        if near is not None and near.any() and rng.random() < 0.7:
            places = np.argwhere(near)
            low = np.clip(places[rng.integers(len(places))] - rng.integers(0, 2, 3), 0, [4, 13, 13])
        high = low + rng.integers(*sides, 3)
        mask[tuple(slice(a, b) for a, b in zip(low, high))] = True
    if near is not None and rng.random() < 0.5:
        # The lesions themselves, cut in two.
        mask |= near
        mask[:, :, [4, 9]] = False
    return ndimage.label(mask, structure=np.ones((3, 3, 3)))


def voxels(labels, count):
    return [np.flatnonzero(labels == k + 1).tolist() for k in range(count)]


def cases(count):
    made, truth, found = [], [], []
    for i in range(count):
        lesions, lesion_count = blocks() if i % 3 else (np.zeros(SHAPE, int), 0)
        marks, mark_count = blocks(lesions > 0, (2, 6))
        scores = [float(v) / 32 for v in rng.integers(1, 33, mark_count)]
        truth.append((lesions > 0).astype(np.int32))
        found.append(np.array([0, *scores], np.float32)[marks])
        made.append(dict(lesions=voxels(lesions, lesion_count), marks=voxels(marks, mark_count), scores=scores))
    values = {}
    for name, allowed in (("dropped", True), ("false", False)):
        metrics = evaluate(found, truth, num_parallel_calls=1, allow_unmatched_candidates_with_minimal_overlap=allowed)
        values[name] = dict(score=float(metrics.score), auroc=float(metrics.auroc), ap=float(metrics.AP))
    assert values["dropped"]["ap"] > values["false"]["ap"]
    return dict(shape=SHAPE, cases=made, **values)


result = [cases(14), cases(20)]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path.stat().st_size, [(r["dropped"], r["false"]) for r in result])
