"""Pooling in PyTorch, forward and backward, also among ties."""

import torch
import torch.nn.functional as F

from suite import Suite

suite = Suite(__file__, 13)
cases = [
    ("max2", 2, [2, 3, 7, 6], dict(kernel_size=[2, 2])),
    ("max2_overlap", 2, [1, 2, 7, 9], dict(kernel_size=[3, 2], stride=[2, 1], padding=[1, 1])),
    ("max2_ceil", 2, [1, 2, 5, 8], dict(kernel_size=[2, 3], stride=[2, 3], ceil_mode=True)),
    ("max2_ceil_pad", 2, [1, 1, 6, 6], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], ceil_mode=True)),
    ("max2_short", 2, [2, 2, 2, 3], dict(kernel_size=[3, 5], stride=[2, 3], ceil_mode=True)),
    ("max3_short", 3, [1, 2, 1, 2, 4], dict(kernel_size=[3, 4, 3], stride=[3, 2, 2], padding=[0, 1, 1], ceil_mode=True)),
    ("max3", 3, [1, 2, 4, 5, 6], dict(kernel_size=[2, 2, 2])),
    ("max3_flat", 3, [1, 2, 3, 6, 9], dict(kernel_size=[1, 2, 3])),
    ("max3_overlap", 3, [1, 2, 5, 6, 7], dict(kernel_size=[3, 3, 3], stride=[2, 2, 2], padding=[1, 1, 1])),
    ("avg2", 2, [2, 2, 7, 6], dict(kernel_size=[2, 2])),
    ("avg2_pad", 2, [1, 2, 7, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1])),
    ("avg2_nopad", 2, [1, 2, 7, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], count_include_pad=False)),
    ("avg2_ceil", 2, [1, 2, 6, 8], dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 0], ceil_mode=True)),
    ("avg2_ceil_nopad", 2, [1, 2, 6, 8],
     dict(kernel_size=[3, 3], stride=[2, 2], padding=[1, 0], ceil_mode=True, count_include_pad=False)),
    ("avg2_short", 2, [2, 2, 2, 3], dict(kernel_size=[3, 5], stride=[2, 3], ceil_mode=True)),
    ("max1", 1, [2, 3, 8], dict(kernel_size=3, stride=2, padding=1)),
    ("avg1", 1, [2, 3, 8], dict(kernel_size=3, stride=2, padding=1)),
    ("avg3", 3, [1, 2, 4, 5, 6], dict(kernel_size=[2, 1, 3])),
    ("avg3_pad", 3, [1, 2, 5, 4, 6], dict(kernel_size=[3, 2, 3], stride=[1, 2, 2], padding=[1, 1, 0])),
]
for name, dims, shape, settings in cases:
    pool = getattr(F, f"{name[:3]}_pool{dims}d")
    suite.case(name, lambda x: pool(x, **settings), shape)
    if name.startswith("max"):
        # Whole numbers make ties.
        suite.case(f"{name}_ties", lambda x: pool(x, **settings), torch.randint(-4, 5, shape).double())
suite.save()
