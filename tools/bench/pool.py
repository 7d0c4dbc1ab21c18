"""PyTorch's side of `cargo bench --bench pool`.

    python tools/bench/pool.py [--threads 2] [--match max]
"""
import torch.nn.functional as F

from passes import main, uneven

volume, images = [uneven(1, 32, 96, 96, 96)], [uneven(8, 64, 112, 112)]
main(__doc__, {
    "max_2_3d_32_96": (volume, lambda x: F.max_pool3d(x, 2)),
    "avg_2_3d_32_96": (volume, lambda x: F.avg_pool3d(x, 2)),
    "max_3_stride_2_2d_8x64_112": (images, lambda x: F.max_pool2d(x, 3, 2, 1)),
    "avg_3_stride_2_2d_8x64_112": (images, lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "global_2d_8x2048_7": ([uneven(8, 2048, 7, 7)], lambda x: F.adaptive_avg_pool2d(x, 1)),
    "global_3d_256_12": ([uneven(1, 256, 12, 12, 12)], lambda x: F.adaptive_avg_pool3d(x, 1)),
})
