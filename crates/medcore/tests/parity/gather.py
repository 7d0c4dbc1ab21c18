"""Reference values for medcore::resample::Gather: scipy.ndimage.map_coordinates.

Writes gather.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import numpy as np
import scipy
from safetensors.numpy import save_file
from scipy import ndimage

rng = np.random.default_rng(20261123)
tensors = {}
for shape in ((23, 17), (7, 13, 11)):
    key = f"{len(shape)}d"
    image = rng.normal(0, 3, shape).astype(np.float32)
    labels = np.digitize(ndimage.gaussian_filter(rng.normal(0, 3, shape), 1.2), [-0.3, 0.1, 0.5]).astype(np.uint8)
    at = np.stack([rng.uniform(-3, n + 2, 400) for n in shape])
    at[:, :50] = np.round(at[:, :50])
    tensors |= {f"{key}.image": image, f"{key}.labels": labels, f"{key}.at": at}
    wide = image.astype(np.float64)
    for mode in ("nearest", "reflect", "constant"):
        for name, order in (("nearest", 0), ("linear", 1), ("cubic", 3)):
            # Fading over one voxel is SciPy's grid-constant; its constant cuts between samples.
            their = "grid-constant" if (mode, order) == ("constant", 1) else mode
            tensors[f"{key}.{name}.{mode}"] = ndimage.map_coordinates(
                wide, at, order=order, mode=their, cval=7.0).astype(np.float32)
        tensors[f"{key}.labels.nearest.{mode}"] = ndimage.map_coordinates(labels, at, order=0, mode=mode, cval=9)
    votes = [ndimage.map_coordinates((labels == c).astype(float), at, order=1, mode="nearest") for c in range(4)]
    tensors[f"{key}.labels.linear"] = np.argmax(votes, axis=0).astype(np.uint8)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "gather.safetensors",
          metadata={"scipy": scipy.__version__})
