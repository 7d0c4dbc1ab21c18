"""Reference values for medaug's overlaid elements and turned boxes: Albumentations and OpenCV.

Writes overlay.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
from safetensors.numpy import save_file

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}

# Elements at places that Albumentations draws; the mask of the second has a class, those of the others none.
picture = rng.random((19, 26, 3)).astype(np.float32)
labels = rng.integers(0, 3, (19, 26)).astype(np.uint8)
tensors["picture"] = np.ascontiguousarray(picture.transpose(2, 0, 1))
tensors["labels"] = labels.astype(np.float32)
metadata = []
for number, shape in enumerate(((4, 7), (6, 5), (3, 3))):
    element = rng.random((*shape, 3)).astype(np.float32)
    mask = (rng.random(shape) < 0.6).astype(np.uint8)
    entry = {"image": element, "mask": mask}
    if number == 1:
        entry["mask_id"] = 7
    metadata.append(entry)
    tensors[f"element.{number}"] = np.ascontiguousarray(element.transpose(2, 0, 1))
    tensors[f"mask.{number}"] = mask.astype(np.float32)
overlay = A.OverlayElements(p=1)
overlay.set_random_seed(5)
drawn = overlay.get_params_dependent_on_data({"shape": picture.shape}, {"overlay_metadata": metadata})
data = drawn["overlay_data"]
tensors["starts"] = np.array([entry["offset"] for entry in data], np.float64)
tensors["laid"] = np.ascontiguousarray(overlay.apply(picture.copy(), data).transpose(2, 0, 1))
tensors["laid_labels"] = overlay.apply_to_mask(labels.copy(), data).astype(np.float32)

# Rectangles, an affine map from places of the result to places of the source, and what becomes of them.
count = 12
boxes = np.stack([rng.uniform(20, 80, count), rng.uniform(20, 80, count), rng.uniform(8, 30, count),
                  rng.uniform(3, 9, count), rng.uniform(-90, 90, count)], 1)
matrix = np.array([[0.9, 0.35], [-0.2, 1.2]])
offset = np.array([4.0, -7.5])
corners, moved, fitted = [], [], []
for row, column, height, width, degrees in boxes:
    turn = np.radians(degrees)
    down = np.array([np.cos(turn), np.sin(turn)]) * height / 2
    right = np.array([-np.sin(turn), np.cos(turn)]) * width / 2
    middle = np.array([row, column])
    four = np.stack([middle - down - right, middle + down - right, middle + down + right, middle - down + right])
    after = np.linalg.solve(matrix, (four - offset).T).T
    corners.append(four)
    moved.append(after)
    (x, y), size, _ = cv2.minAreaRect(after[:, ::-1].astype(np.float32))
    fitted.append([y, x, *sorted(size)])
for key, values in (("boxes", boxes), ("matrix", matrix), ("offset", offset), ("corners", corners), ("moved", moved),
                    ("fitted", fitted)):
    tensors[f"turned.{key}"] = np.ascontiguousarray(values, np.float64)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "overlay.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, albumentations {A.__version__}, opencv {cv2.__version__}"})
