"""Masks, polygons and boxes as pycocotools and the Label Studio SDK see them.

Needs pycocotools, label-studio-sdk (its converter/brush.py alone), numpy and pillow.
"""

import base64
import importlib.util
import io
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

SEED = 20261122


def brush_module():
    spec = importlib.util.find_spec("label_studio_sdk")
    path = Path(spec.submodule_search_locations[0]) / "converter" / "brush.py"
    loaded = importlib.util.spec_from_file_location("brush", path)
    module = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(module)
    return module


def rows(mask):
    """Runs along rows, outside first."""
    runs, inside, length = [], 0, 0
    for value in mask.reshape(-1):
        if value != inside:
            runs.append(length)
            inside, length = value, 0
        length += 1
    return runs + [int(length)]


def blob(rng, height, width):
    """A mask with runs of many lengths."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(3):
        cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.3, 0.3 + max(height, width) / 3)
        mask ^= (y - cy) ** 2 + (x - cx) ** 2 < r * r
    mask ^= rng.random((height, width)) < 0.02
    return mask.astype(np.uint8)


def main(folder):
    rng = np.random.default_rng(SEED)
    brush = brush_module()
    masks = []
    for height, width in [(1, 1), (1, 9), (7, 1), (5, 4), (23, 31), (40, 25), (64, 48)]:
        for mask in [blob(rng, height, width), np.ones((height, width), np.uint8), np.zeros((height, width), np.uint8)]:
            encoded = coco.encode(np.asfortranarray(mask))
            png = io.BytesIO()
            Image.fromarray(mask.astype(bool)).save(png, "PNG")
            masks.append(
                {
                    "size": [height, width],
                    "rows": rows(mask),
                    "columns": rows(mask.T),
                    "coco": encoded["counts"].decode(),
                    "area": int(coco.area(encoded)),
                    "box": coco.toBbox(encoded).tolist(),
                    "brush": brush.mask2rle(mask * 255),
                    "png": base64.b64encode(png.getvalue()).decode(),
                }
            )
    polygons = []
    size = (37, 53)
    for case in range(40):
        parts = []
        for _ in range(1 + case % 3):
            corners = 3 + int(rng.integers(0, 9))
            ring = rng.uniform([-8, -8], [size[1] + 8, size[0] + 8], (corners, 2))
            ring = ring.round([0, 1, 3, 12][case % 4])
            if case % 5 == 0:
                ring[1] = ring[0]  # an edge without length
            parts.append(ring.reshape(-1).tolist())
        encoded = coco.merge(coco.frPyObjects(parts, *size))
        polygons.append(
            {"size": size, "parts": parts, "coco": encoded["counts"].decode(), "area": int(coco.area(encoded))}
        )
    made = {
        "versions": {name: version(name) for name in ["pycocotools", "label-studio-sdk", "numpy", "pillow"]},
        "seed": SEED,
        "masks": masks,
        "polygons": polygons,
    }
    (folder / "annotations.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
