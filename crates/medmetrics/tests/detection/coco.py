"""Writes coco.json: random images with pycocotools' whole precision array (as a hash of its bits) and its summary,
and volumes with MONAI's COCOMetric.

pycocotools 2.0.11, MONAI 1.6.1, numpy 2.
"""
import contextlib, io, json, pathlib, struct

import numpy as np
from monai.apps.detection.metrics.coco import COCOMetric
from monai.apps.detection.metrics.matching import matching_batch
from monai.data.box_utils import box_iou
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def fingerprint(array):
    """FNV-1a over the 64-bit words of an array, in its order."""
    value = 0xCBF29CE484222325
    for word in np.ascontiguousarray(array, dtype=np.float64).view(np.uint64).ravel().tolist():
        value = ((value ^ word) * 0x100000001B3) % 2**64
    return str(value)


def reference(images, settings):
    categories = sorted({a["class"] for image in images for a in image["annotations"]})
    truth, found = [], []
    for image in images:
        for a in image["annotations"]:
            entry = dict(id=a["id"], image_id=image["id"], category_id=a["class"], bbox=a["box"], area=a["area"], iscrowd=a["crowd"])
            if "mask" in a:
                entry["segmentation"] = dict(size=a["mask"]["size"], counts=a["mask"]["counts"])
            truth.append(entry)
        for d in image["detections"]:
            entry = dict(image_id=image["id"], category_id=d["class"], score=d["score"])
            if "mask" in d:
                entry["segmentation"] = dict(size=d["mask"]["size"], counts=d["mask"]["counts"].encode())
            else:
                entry["bbox"] = d["box"]
            found.append(entry)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(images=[dict(id=i["id"], height=40, width=50) for i in images],
                            categories=[dict(id=c, name=str(c)) for c in categories], annotations=truth)
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), settings["overlap"])
        evaluation.params.maxDets = settings["max_detections"]
        if settings.get("thresholds"):
            evaluation.params.iouThrs = np.array(settings["thresholds"])
        if settings.get("ranges"):
            evaluation.params.areaRng = settings["ranges"]
            evaluation.params.areaRngLbl = ["all", "small", "medium", "large"][: len(settings["ranges"])]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # class, range, number of detections, threshold, recall
    precision = evaluation.eval["precision"].transpose(2, 3, 4, 0, 1)
    recall = evaluation.eval["recall"].transpose(1, 2, 3, 0)
    per_class = [None if (p := precision[k, 0, -1]).max() < 0 else float(p.mean()) for k in range(len(categories))]
    return dict(classes=categories, precision=fingerprint(precision), recall_sum=float(recall.sum()),
                summary=[float(v) for v in evaluation.stats], per_class=per_class)


def random_images(rng, count, classes, whole, mask=False, first=1):
    images, number = [], first
    digits = 0 if whole else 2
    for i in range(count):
        annotations, detections = [], []
        objects = int(rng.integers(0, 9)) if i % 5 else 0
        for _ in range(objects):
            size = np.round(np.exp(rng.normal(3.4, 0.8, 2)).clip(2, 150), digits)
            if rng.random() < 0.15:
                size = np.array([32.0, 32.0])
            box = [*np.round(rng.random(2) * 100, digits).tolist(), *size.tolist()]
            area = float(np.round(size[0] * size[1] * rng.choice([1.0, 1.0, 0.7]), 2))
            annotations.append({"class": int(rng.choice(classes)), "box": box, "area": area, "crowd": int(rng.random() < 0.15), "id": number})
            number += 1
        for a in annotations:
            for _ in range(int(rng.integers(0, 4))):
                shift = rng.normal(0, 0.12, 2) * a["box"][2:]
                size = np.maximum(np.round(a["box"][2:] * np.exp(rng.normal(0, 0.15, 2)), digits), 1)
                if rng.random() < 0.3:
                    shift, size = np.zeros(2), np.array(a["box"][2:])
                box = [*np.round(a["box"][:2] + shift, digits).tolist(), *size.tolist()]
                same = rng.random() < 0.85
                detections.append({"class": a["class"] if same else int(rng.choice(classes)), "box": box})
        for _ in range(int(rng.integers(0, 6))):
            box = [*np.round(rng.random(2) * 150, digits).tolist(), *np.round(rng.random(2) * 60 + 1, digits).tolist()]
            detections.append({"class": int(rng.choice(classes)), "box": box})
        order = rng.permutation(len(detections))
        detections = [detections[k] for k in order]
        for d in detections:
            d["score"] = float(np.round(rng.random(), 1 if whole else 3))
        if mask:
            for item in [*annotations, *detections]:
                x, y, w, h = (int(v) // 3 for v in item["box"])
                pixels = np.zeros((40, 50), np.uint8, order="F")
                pixels[y:y + h + 2, x:x + w + 2] = rng.random((40, 50))[y:y + h + 2, x:x + w + 2] < 0.9
                if pixels.sum() == 0:
                    pixels[0, 0] = 1
                rle = masks.encode(pixels)
                item["mask"] = dict(size=[40, 50], counts=rle["counts"].decode())
                if "id" in item:
                    item["area"] = float(masks.area(rle))
                del item["box"]
                if "id" in item:
                    item["box"] = masks.toBbox(rle).tolist()
        images.append(dict(id=100 - 3 * i, annotations=annotations, detections=detections))
    return images


rng = np.random.default_rng(6)
usual = dict(overlap="bbox", max_detections=[1, 10, 100])
cases = []
for name, settings, images in [
    ("decimals", usual, random_images(rng, 24, [3, 5, 90], False)),
    ("whole numbers and ties", usual, random_images(rng, 24, [1, 2], True)),
    ("other settings", dict(usual, max_detections=[2, 3, 5], thresholds=[0.3, 0.5, 0.6, 0.75],
                            ranges=[[0, 1e10], [0, 600], [600, 1024], [1024, 1e10]]), random_images(rng, 16, [1, 2, 7], True)),
    ("ids from 0", usual, random_images(rng, 12, [1], True, first=0)),
    ("masks", dict(usual, overlap="segm"), random_images(rng, 14, [1, 2], True, mask=True)),
]:
    case = dict(name=name, settings=settings, images=images, pycocotools=reference(images, settings))
    if name == "ids from 0":
        from_one = json.loads(json.dumps(images))
        for image in from_one:
            for a in image["annotations"]:
                a["id"] += 1
        case["standard"] = reference(from_one, settings)
    cases.append(case)

perfect = [dict(id=1, annotations=[{"class": 1, "box": [10.0 + 60 * i, 10, 50, 50], "area": 2500.0, "crowd": 0, "id": i} for i in range(3)],
                detections=[{"class": 1, "box": [10.0 + 60 * i, 10, 50, 50], "score": 0.9 - 0.1 * i} for i in range(3)])]
cases.append(dict(name="perfect, ids from 0", settings=usual, images=perfect, pycocotools=reference(perfect, usual)))


def corners(boxes):
    return np.array([[*b[0], *b[1]] for b in boxes], dtype=np.float32).reshape(-1, 6)


def volumes(empty_class):
    classes = 3
    images = []
    for i in range(10):
        annotations, detections = [], []
        for _ in range(int(rng.integers(0, 5))):
            low = rng.integers(0, 60, 3)
            high = low + rng.integers(3, 20, 3)
            label = int(rng.integers(0, classes - int(empty_class)))
            annotations.append({"class": label, "box": [low.tolist(), high.tolist()]})
            for _ in range(int(rng.integers(0, 3))):
                moved = low + rng.integers(-3, 4, 3)
                grown = np.maximum(moved + 1, high + rng.integers(-3, 4, 3))
                detections.append({"class": label, "box": [moved.tolist(), grown.tolist()], "score": float(np.round(rng.random(), 3))})
        for _ in range(3):
            low = rng.integers(0, 60, 3)
            detections.append({"class": int(rng.integers(0, classes)), "box": [low.tolist(), (low + 5).tolist()], "score": float(np.round(rng.random(), 3))})
        images.append(dict(id=i, annotations=annotations, detections=detections))
    metric = COCOMetric(classes=["0", "1", "2"], iou_list=[0.1, 0.5], max_detection=[1, 5, 100])
    side = lambda key, of: [np.array([d[of] for d in image[key]], dtype=np.float64) for image in images]
    matched = matching_batch(
        iou_fn=box_iou, iou_thresholds=metric.iou_thresholds,
        pred_boxes=[corners([d["box"] for d in image["detections"]]) for image in images],
        pred_classes=[np.array([d["class"] for d in image["detections"]], dtype=int) for image in images],
        pred_scores=side("detections", "score"),
        gt_boxes=[corners([a["box"] for a in image["annotations"]]) for image in images],
        gt_classes=[np.array([a["class"] for a in image["annotations"]], dtype=int) for image in images],
    )
    values, _ = metric(matched)
    return dict(images=images, monai={k: float(v) for k, v in values.items()})


result = dict(cases=cases, volumes=[volumes(False), volumes(True)])
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path.stat().st_size, [(c["name"], c["pycocotools"]["summary"][:3]) for c in cases])
