"""PyTorch's side of `cargo bench --bench resize`.

    python tools/bench/resize.py [--threads 2] [--match linear]
"""
import torch
import torch.nn.functional as F

from passes import main, uneven


def moved(edge):
    """Every voxel moved by up to two voxels along each axis."""
    i = torch.arange(edge**3 * 3)
    voxel, axis = i // 3, i % 3
    at = voxel // edge**axis % edge + (i * 7919 % 1009) / 252 - 2
    return ((2 * at + 1) / edge - 1).view(1, edge, edge, edge, 3)


def resize(**how):
    return lambda x: F.interpolate(x, **how)


cases = {}
for name, shape in {"3d_64_24": (1, 64, 24, 24, 24), "3d_32_48": (1, 32, 48, 48, 48)}.items():
    cases[f"linear_{name}"] = ([uneven(*shape)], resize(scale_factor=2, mode="trilinear"))
    cases[f"nearest_{name}"] = ([uneven(*shape)], resize(scale_factor=2, mode="nearest"))
main(__doc__, cases | {
    "linear_2d_64_64_to_256": ([uneven(1, 64, 64, 64)], resize(size=256, mode="bilinear")),
    "cubic_antialiased_2d_3_512_to_224": ([uneven(1, 3, 512, 512)], resize(size=224, mode="bicubic", antialias=True)),
    "grid_sample_3d_1_96": ([uneven(1, 1, 96, 96, 96), moved(96)], lambda x, grid: F.grid_sample(x, grid, align_corners=False)),
})
