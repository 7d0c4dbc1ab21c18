"""Writes truth.json and results.json, COCO files of polygons and run lengths, and numbers.json, what pycocotools
makes of them as boxes and as masks.

pycocotools 2.0.11, numpy 2.
"""
import contextlib, copy, io, json, pathlib

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

HEIGHT, WIDTH = 150, 200
FOLDER = pathlib.Path(__file__).parent
random = np.random.default_rng(11)


def ring(centre, radii, corners):
    """A polygon round an ellipse, with corners between pixels, as annotators draw them."""
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    x = np.clip(centre[0] + radii[0] * np.cos(angles), 0, WIDTH)
    y = np.clip(centre[1] + radii[1] * np.sin(angles), 0, HEIGHT)
    return [round(float(v), 2) for pair in zip(x, y) for v in pair]


def drawn(rings):
    return masks.decode(masks.merge(masks.frPyObjects(rings, HEIGHT, WIDTH)))


def counts(mask):
    """Run lengths as a list, the form of crowds."""
    flat = mask.flatten(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return ([0] if flat[0] else []) + runs


def tight(mask):
    return [float(v) for v in masks.toBbox(masks.encode(np.asfortranarray(mask)))]


def written(mask):
    coded = masks.encode(np.asfortranarray(mask))
    return {"size": coded["size"], "counts": coded["counts"].decode()}


def shifted(mask, down, right):
    moved = np.zeros_like(mask)
    source = mask[max(-down, 0):HEIGHT - max(down, 0), max(-right, 0):WIDTH - max(right, 0)]
    moved[max(down, 0):max(down, 0) + source.shape[0], max(right, 0):max(right, 0) + source.shape[1]] = source
    return moved


images = [{"id": 10 + i, "file_name": f"{i}.png", "height": HEIGHT, "width": WIDTH} for i in range(7)]
categories = [{"id": 2, "name": "nucleus"}, {"id": 5, "name": "vessel"}, {"id": 9, "name": "absent"}]
annotations, results = [], []
for image in images[:-1]:
    for _ in range(random.integers(3, 7)):
        category = int(random.choice([2, 5]))
        size = random.choice([11.0, 26.0, 80.0])
        centre = random.uniform([15, 15], [WIDTH - 15, HEIGHT - 15])
        rings = [ring(centre, size * random.uniform(0.7, 1.3, 2), int(random.integers(5, 14)))]
        if random.random() < 0.3:
            rings.append(ring(centre + 12, (8, 6), 7))
        mask = drawn(rings)
        crowd = bool(random.random() < 0.15)
        x, y, w, h = tight(mask)
        entry = {
            "id": len(annotations) + 1,
            "image_id": image["id"],
            "category_id": category,
            "iscrowd": int(crowd),
            "area": float(mask.sum()),
            "bbox": [round(x + 0.13, 2), round(y + 0.07, 2), round(w * 0.993, 3), round(h * 0.987, 3)],
            "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts(mask)} if crowd else rings,
        }
        annotations.append(entry)
        for _ in range(random.integers(0, 3)):
            down, right = (int(v) for v in random.integers(-3, 4, 2) * (1 + int(size) // 30))
            found = shifted(mask, down, right)
            if found.any():
                label = category if random.random() < 0.9 else 7 - category
                results.append((image["id"], label, found))
for image in images:
    for _ in range(2):
        blob = drawn([ring(random.uniform([0, 0], [WIDTH, HEIGHT]), (15, 12), 9)])
        if blob.any():
            results.append((image["id"], int(random.choice([2, 5])), blob))
results = [
    {
        "image_id": image,
        "category_id": category,
        "score": round(float(random.uniform(0.05, 1)), 2),
        "bbox": [round(v + float(random.uniform(-0.4, 0.4)), 2) for v in tight(mask)],
        "segmentation": written(mask),
    }
    for image, category, mask in results
]


def evaluated(kind):
    """COCO's numbers; as Detectron2 has it, masks are evaluated without the boxes, whose area they would take."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy({"images": images, "categories": categories, "annotations": annotations})
        truth.createIndex()
        kept = [{k: v for k, v in entry.items() if kind == "bbox" or k != "bbox"} for entry in results]
        evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(kept)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"]
    classes = {}
    for place, category in enumerate(evaluation.params.catIds):
        found = precision[:, :, place, 0, 2]
        name = next(c["name"] for c in categories if c["id"] == category)
        classes[name] = float(found[found > -1].mean()) if (found > -1).any() else None
    return {"summary": evaluation.stats.tolist(), "classes": classes}


truth = {"images": images, "categories": categories, "annotations": annotations}
numbers = {kind: evaluated(kind) for kind in ("bbox", "segm")}
for name, value in [("truth", truth), ("results", results), ("numbers", numbers)]:
    (FOLDER / f"{name}.json").write_text(json.dumps(value) + "\n")
print(len(annotations), len(results), json.dumps(numbers, indent=1))
