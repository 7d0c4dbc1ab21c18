"""Grid sampling and affine grids in PyTorch, forward and backward by input and grid."""

import torch
import torch.nn.functional as F

from suite import Suite

suite = Suite(__file__, 18)
plane, volume = [2, 2, 5, 4], [1, 2, 3, 4, 5]
# Places inside, and up to more than one image size outside.
plane_grid, volume_grid = [2, 3, 4, 2], [1, 2, 3, 3, 3]


def sample(mode, padding, corners):
    return lambda x, grid: F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=corners)


def line(x, grid):
    """A line is a plane one row high."""
    grid = torch.cat([grid, torch.zeros_like(grid)], -1).unsqueeze(1)
    return F.grid_sample(x.unsqueeze(2), grid, align_corners=False).squeeze(2)


for padding in ["zeros", "border", "reflection"]:
    for corners in [False, True]:
        key = f"{padding}{'_corners' if corners else ''}"
        suite.case(f"linear2_{key}", sample("bilinear", padding, corners), plane, plane_grid)
        suite.case(f"linear3_{key}", sample("bilinear", padding, corners), volume, volume_grid)
        suite.case(f"cubic2_{key}", sample("bicubic", padding, corners), plane, plane_grid)
suite.case("nearest2_zeros", sample("nearest", "zeros", False), plane, plane_grid)
suite.case("nearest2_border_corners", sample("nearest", "border", True), plane, plane_grid)
suite.case("nearest3_reflection", sample("nearest", "reflection", False), volume, volume_grid)
suite.case("linear1_zeros", line, [2, 3, 6], [2, 5, 1])


def tricubic(x, z, y, w):
    """Samples every slice at a grid of rows and columns, then every column at depths; an axis of columns stands for both."""
    b, c, d = x.shape[:3]
    grid = torch.stack(torch.meshgrid(y, w, indexing="ij"), -1).flip(-1)
    planes = x.reshape(b * d * c, 1, *x.shape[3:])
    settings = dict(mode="bicubic", padding_mode="border", align_corners=True)
    planes = F.grid_sample(planes, grid.expand(len(planes), -1, -1, -1), **settings)
    columns = planes.reshape(b, c, d, -1)
    across = torch.linspace(-1, 1, columns.shape[3]).double()
    grid = torch.stack(torch.meshgrid(z, across, indexing="ij"), -1).flip(-1)
    out = F.grid_sample(columns, grid.expand(b, -1, -1, -1), **settings)
    return out.reshape(b, c, len(z), len(y), len(w))


x = torch.randn(volume)
z, y, w = (torch.rand(n) * 2 - 1 for n in [2, 3, 2])
grid = torch.stack(torch.meshgrid(z, y, w, indexing="ij"), -1).flip(-1).unsqueeze(0)
suite.tensors["tricubic.grid"] = grid.float()
suite.case("tricubic", lambda x: tricubic(x, z.double(), y.double(), w.double()), x)

for corners in [False, True]:
    key = "_corners" if corners else ""
    grids = lambda size: lambda maps: F.affine_grid(maps, size, align_corners=corners)
    suite.case(f"affine3{key}", grids([2, 1, 2, 3, 4]), [2, 3, 4])
    suite.case(f"affine2{key}", grids([2, 1, 1, 5]), [2, 2, 3])
suite.save()
