"""COCO's average precision in Python: 5000 images, 80 classes, 500 000 boxes, seed 7.

The other side of `cargo bench --bench metrics_detection`, whose random numbers are its own.

usage: metrics_detection.py FOLDER [pycocotools|faster|hotcoco ...]

Writes gt.json and dt.json into FOLDER unless they are there, then prints for each library CPU seconds for reading and for
evaluation, wall seconds and peak memory. One library a run tells its memory apart. Threads: RAYON_NUM_THREADS, OMP_NUM_THREADS.
"""
import contextlib, importlib, io, json, pathlib, resource, sys, time

import numpy as np

LIBRARIES = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval", "COCOeval"),
    "faster": ("faster_coco_eval", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": ("hotcoco", "hotcoco", "COCOeval"),
}


def generate(folder, images=5000, classes=80, found=100, seed=7):
    rng = np.random.default_rng(seed)
    truth, results = [], []
    width, height = 640, 480
    for image in range(1, images + 1):
        n = int(np.clip(rng.poisson(7.36), 0, 60))
        sides = np.exp(rng.normal(4.0, 0.9, (n, 2))).clip(4, 400)
        corners = rng.random((n, 2)) * np.maximum(1, [width, height] - sides)
        labels = rng.integers(1, classes + 1, n)
        for corner, side, label in zip(corners, sides, labels):
            box = [round(float(v), 2) for v in (*corner, *side)]
            area = float(round(side[0] * side[1], 2))
            crowd = int(rng.random() < 0.01)
            truth.append(dict(id=len(truth) + 1, image_id=image, category_id=int(label), bbox=box, area=area, iscrowd=crowd))
        near = min(found, 3 * n)
        of = np.repeat(np.arange(n), 3)[:near]
        boxes, names = np.zeros((0, 4)), np.zeros(0, int)
        if near:
            moved = corners[of] + rng.normal(0, 0.06, (near, 2)) * sides[of]
            boxes = np.concatenate([moved, sides[of] * np.exp(rng.normal(0, 0.08, (near, 2)))], axis=1)
            names = np.where(rng.random(near) < 0.85, labels[of], rng.integers(1, classes + 1, near))
        rest = found - near
        wrong = np.exp(rng.normal(4.0, 0.9, (rest, 2))).clip(4, 400)
        boxes = np.concatenate([boxes, np.concatenate([rng.random((rest, 2)) * [width - 4, height - 4], wrong], axis=1)])
        names = np.concatenate([names, rng.integers(1, classes + 1, rest)])
        scores = np.concatenate([rng.beta(4, 2, near), rng.beta(1, 6, rest)])
        for box, name, score in zip(boxes, names, scores):
            box = [round(float(v), 2) for v in box]
            results.append(dict(image_id=image, category_id=int(name), bbox=box, score=round(float(score), 5)))
    listed = [dict(id=i, width=width, height=height, file_name=f"{i}.png") for i in range(1, images + 1)]
    names = [dict(id=c, name=str(c)) for c in range(1, classes + 1)]
    (folder / "gt.json").write_text(json.dumps(dict(images=listed, categories=names, annotations=truth)))
    (folder / "dt.json").write_text(json.dumps(results))


def measure(name, folder):
    coco_module, evaluation_module, evaluation = LIBRARIES[name]
    coco = importlib.import_module(coco_module).COCO
    evaluation = getattr(importlib.import_module(evaluation_module), evaluation)
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        truth = coco(str(folder / "gt.json"))
        results = (getattr(truth, "loadRes", None) or truth.load_res)(str(folder / "dt.json"))
        read = time.process_time() - start
        start, wall = time.process_time(), time.perf_counter()
        run = evaluation(truth, results, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
        cpu, wall = time.process_time() - start, time.perf_counter() - wall
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = np.asarray(run.stats)[:3].round(8).tolist()
    print(f"{name:12} read {read:6.2f} s  evaluate {cpu:6.2f} CPU s {wall:6.2f} s  {memory:6.0f} MiB  {values}", flush=True)


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
if not (folder / "dt.json").exists():
    generate(folder)
for name in sys.argv[2:] or LIBRARIES:
    measure(name, folder)
