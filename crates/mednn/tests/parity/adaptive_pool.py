"""Adaptive pooling, pooling with indices and unpooling in PyTorch, forward and backward."""

import torch
import torch.nn.functional as F

from suite import Suite

suite = Suite(__file__, 17)
line, plane, volume = [2, 3, 7], [2, 3, 7, 5], [1, 2, 4, 5, 7]


def adaptive(kind, size):
    return lambda x: getattr(F, f"adaptive_{kind}_pool{len(size)}d")(x, size)


for kind in ["avg", "max"]:
    suite.case(f"{kind}3", adaptive(kind, [2, 3, 4]), volume)
    suite.case(f"{kind}3_global", adaptive(kind, [1, 1, 1]), volume)
    suite.case(f"{kind}2", adaptive(kind, [3, 2]), plane)
    suite.case(f"{kind}2_more", adaptive(kind, [9, 5]), [1, 2, 7, 5])
    suite.case(f"{kind}2_global", adaptive(kind, [1, 1]), plane)
    suite.case(f"{kind}1", adaptive(kind, [4]), line)


def indices(name, pool, shape, **settings):
    # Whole numbers make ties.
    x = torch.randint(-4, 5, shape).double()
    suite.tensors |= {f"{name}.x": x, f"{name}.indices": pool(x, return_indices=True, **settings)[1]}


indices("indices3", F.max_pool3d, volume, kernel_size=[3, 2, 3], stride=[2, 2, 1], padding=[1, 0, 1])
indices("indices2", F.max_pool2d, plane, kernel_size=[3, 2], stride=[2, 1], padding=[1, 1], ceil_mode=True)
indices("indices1", F.max_pool1d, line, kernel_size=3, stride=2, padding=1)
indices("adaptive_indices2", F.adaptive_max_pool2d, plane, output_size=[3, 2])

for name, pool, unpool, shape, kernel in [
    ("unpool3", F.max_pool3d, F.max_unpool3d, volume, [2, 2, 3]),
    ("unpool2", F.max_pool2d, F.max_unpool2d, plane, [2, 2]),
    ("unpool1", F.max_pool1d, F.max_unpool1d, line, 3),
]:
    x, i = pool(torch.randn(shape), kernel, return_indices=True)
    run = lambda x, i, unpool=unpool, kernel=kernel, shape=shape: unpool(x, i, kernel, output_size=shape)
    suite.case(name, run, x, i)
suite.save()
