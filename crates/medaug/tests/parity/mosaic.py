"""Reference values for medaug's mosaic: ultralytics as it is installed, its drawn centre replaced, called and not read.

Writes mosaic.safetensors into the folder named by the first argument, by default beside this file.
"""
import random
import sys
from pathlib import Path

import numpy as np
import ultralytics
from safetensors.numpy import save_file
from ultralytics.data.augment import Mosaic
from ultralytics.utils.instance import Instances

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}
size, centre = 16, (13, 18)
shapes = [(16, 12), (10, 16), (16, 16), (14, 16)]
boxes = [[1, 2, 6, 9], [3, 3, 15, 9], [0, 0, 5, 5], [2, 2, 12, 13]]  # x0, y0, x1, y1 of pixel edges


def sample(number):
    image = rng.integers(0, 255, (*shapes[number], 3)).astype(np.uint8)
    tensors[f"image.{number}"] = image[..., 0].astype(np.float32)
    tensors[f"box.{number}"] = np.array(boxes[number], np.float32)
    instances = Instances(np.array([boxes[number]], np.float32), np.zeros((0, 1000, 2), np.float32), None,
                          bbox_format="xyxy", normalized=False)
    return {"img": image, "resized_shape": shapes[number], "ori_shape": shapes[number], "im_file": str(number),
            "cls": np.array([[number]], np.float32), "instances": instances, "rect_shape": None}


samples = [sample(number) for number in range(4)]


class Others:
    cache, buffer, left = False, [0, 1, 2, 3], iter(samples[1:])

    def __len__(self):
        return 4

    def get_image_and_label(self, _):
        return next(self.left)


draws = iter(centre)
random.uniform = lambda low, high: 0.0 if (low, high) == (0, 1) else next(draws)
out = Mosaic(Others(), imgsz=size, p=1.0, n=4)(samples[0])
tensors["centre"] = np.array(centre, np.float32)
tensors["canvas"] = out["img"][..., 0].astype(np.float32)
tensors["canvas.boxes"] = np.ascontiguousarray(out["instances"].bboxes, np.float32)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / "mosaic.safetensors",
          metadata={"provenance": f"seed {SEED}, numpy {np.__version__}, ultralytics {ultralytics.__version__}"})
