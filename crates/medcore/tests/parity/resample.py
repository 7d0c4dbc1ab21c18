"""Reference values for medcore::resample: SciPy, scikit-image and PyTorch on small odd grids.

Writes resample.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import numpy as np
import scipy
import skimage
import torch
from safetensors.numpy import save_file
from scipy import ndimage
from skimage.transform import resize

SEED = 20261121
VALUE = -3.0
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


def coordinates(matrix, offset, shape):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1).astype(float)
    return np.moveaxis(index @ matrix.T + offset, -1, 0)


def grid_sample(source, at, padding):
    rank = source.ndim
    sizes = np.array(source.shape).reshape([rank] + [1] * rank)
    normal = (2 * at + 1) / sizes - 1
    grid = torch.from_numpy(np.moveaxis(normal, 0, -1)[..., ::-1].copy())[None]
    out = torch.nn.functional.grid_sample(
        torch.from_numpy(source)[None, None], grid, mode="bilinear", padding_mode=padding, align_corners=False)
    return out[0, 0].numpy()


# Maps: along the axes (scaled, flipped) and oblique, reaching out of the source on both sides.
maps = {
    "line": ((9,), (14,), np.array([[0.83]]), np.array([-1.3])),
    "plane_axes": ((7, 11), (9, 8), np.diag([-0.9, 1.7]), np.array([6.9, -0.8])),
    "plane_turned": ((7, 11), (9, 8), np.array([[0.8, 0.35], [-0.5, 1.3]]), np.array([-1.4, 1.6])),
    "volume_axes": ((5, 9, 8), (6, 5, 10), np.diag([0.9, 1.9, -0.93]), np.array([-0.35, 0.3, 8.2])),
    "volume_turned": ((5, 9, 8), (6, 7, 9),
                      np.array([[0.7, 0.2, -0.15], [-0.3, 1.2, 0.35], [0.1, -0.4, 0.9]]),
                      np.array([0.6137, -0.4071, 0.3023])),
}
for name, (shape, out_shape, matrix, offset) in maps.items():
    source = rng.normal(0, 10, shape).astype(np.float32).astype(float)
    at = coordinates(matrix, offset, out_shape)
    put(f"{name}.source", source)
    tensors[f"{name}.matrix"] = matrix
    tensors[f"{name}.offset"] = offset
    for order, method in ((0, "nearest"), (1, "linear"), (3, "cubic")):
        for mode, ours in (("nearest", "edge"), ("reflect", "reflect")):
            put(f"{name}.scipy_{method}_{ours}", ndimage.map_coordinates(source, at, order=order, mode=mode))
    put(f"{name}.scipy_linear_value", ndimage.map_coordinates(source, at, order=1, mode="grid-constant", cval=VALUE))
    # `constant` jumps to cval outside the outermost centres, where medcore follows ITK: NaN marks those.
    put(f"{name}.scipy_cubic_inside", ndimage.map_coordinates(source, at, order=3, mode="constant", cval=np.nan))
    if len(shape) > 1:
        put(f"{name}.torch_linear_zero", grid_sample(source, at, "zeros"))
        put(f"{name}.torch_linear_edge", grid_sample(source, at, "border"))
        put(f"{name}.torch_linear_reflect", grid_sample(source, at, "reflection"))

# nnU-Net's resampling to another spacing: scikit-image's resize, order 3, edge.
source = rng.normal(0, 10, (6, 11, 9))
source = source.astype(np.float32).astype(float)
put("resize.source", source)
put("resize.scipy_zoom", ndimage.zoom(source, (9 / 6, 7 / 11, 14 / 9), order=3, mode="nearest", grid_mode=True))
put("resize.skimage", resize(source, (9, 7, 14), order=3, mode="edge", anti_aliasing=False, clip=False))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
versions = f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-image {skimage.__version__}, torch {torch.__version__}"
save_file(tensors, folder / "resample.safetensors", metadata={"provenance": f"seed {SEED}, {versions}"})
