"""Windows, shift masks and relative positions of timm (2D) and MONAI (3D)."""

import monai.networks.nets.swin_unetr as monai_swin
import timm
import timm.models.swin_transformer as timm_swin
import timm.models.swin_transformer_v2 as timm_swin_v2
import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 36)


def moved(x, shift):
    return torch.roll(x, [-s for s in shift], list(range(1, 1 + len(shift))))


def padded(x, window):
    """Zeros at the end of each axis up to a multiple of the window."""
    room = [-n % w for n, w in zip(x.shape[1:-1], window)]
    return F.pad(x, [0, 0] + [r for pair in zip([0] * len(room), room[::-1]) for r in pair])


def partition2d(x, window, shift):
    return timm_swin.window_partition(moved(padded(x, window), shift), window).flatten(1, 2)


def partition3d(x, window, shift):
    return monai_swin.window_partition(moved(padded(x, window), shift), window)


def reverse2d(windows, window, shift, size):
    full = [-(-n // w) * w for n, w in zip(size, window)]
    y = timm_swin.window_reverse(windows.unflatten(1, window), window, *full)
    return torch.roll(y, shift, [1, 2])[:, : size[0], : size[1]]


def reverse3d(windows, window, shift, size):
    full = [-(-n // w) * w for n, w in zip(size, window)]
    batch = windows.shape[0] // (full[0] // window[0] * full[1] // window[1] * full[2] // window[2])
    y = monai_swin.window_reverse(windows.view(-1, *window, windows.shape[-1]), window, [batch, *full])
    return torch.roll(y, shift, [1, 2, 3])[:, : size[0], : size[1], : size[2]]


suite.case("plain2d", lambda x: partition2d(x, (2, 3), (0, 0)), [2, 4, 6, 3])
suite.case("shifted2d", lambda x: partition2d(x, (4, 3), (2, 1)), [2, 8, 6, 2])
suite.case("padded2d", lambda x: partition2d(x, (4, 3), (1, 2)), [1, 5, 7, 2])
suite.case("shifted3d", lambda x: partition3d(x, (2, 3, 2), (1, 1, 0)), [2, 4, 3, 4, 2])
suite.case("padded3d", lambda x: partition3d(x, (2, 3, 4), (1, 2, 3)), [1, 3, 5, 4, 2])
suite.case("back2d", lambda x: reverse2d(x, (4, 3), (1, 2), (5, 7)), [6, 12, 2])
suite.case("back3d", lambda x: reverse3d(x, (2, 3, 2), (1, 1, 0), (4, 3, 3)), [8, 12, 2])

index2d = timm_swin.get_relative_position_index(3, 4)
suite.case("bias2d", lambda t: t[index2d.flatten()].unflatten(0, (12, 12)).permute(2, 0, 1), [35, 3])
attention3d = monai_swin.WindowAttention(4, 2, (2, 3, 2))
index3d = attention3d.relative_position_index
suite.case("bias3d", lambda t: t[index3d.flatten()].unflatten(0, (12, 12)).permute(2, 0, 1), [45, 2])

block = timm_swin.SwinTransformerBlock(4, (8, 9), num_heads=2, window_size=(4, 3), shift_size=(2, 1))
suite.tensors |= {
    "index2d": index2d,
    "index3d": index3d,
    "mask2d": (block.attn_mask == 0).long(),
    "mask3d": (monai_swin.compute_mask((4, 6, 4), (2, 3, 4), (1, 1, 0), "cpu") == 0).long(),
}

for name, window in ("coordinates2d", (3, 4)), ("coordinates_long", (8, 16)):
    attention = timm_swin_v2.WindowAttention(4, window, 2)
    suite.tensors[name] = attention.relative_coords_table.flatten(0, 2)
longer = timm_swin_v2.WindowAttention(4, (5, 4), 2, pretrained_window_size=(3, 7))
suite.tensors["coordinates_unit"] = longer.relative_coords_table.flatten(0, 2)
suite.save()
