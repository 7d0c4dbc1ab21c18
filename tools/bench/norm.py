"""PyTorch's side of `cargo bench --bench norm`.

    python tools/bench/norm.py [--threads 2] [--match instance]
"""
import torch.nn.functional as F

from passes import main, uneven

cases = {}
for name, shape in {"3d_32_96": (1, 32, 96, 96, 96), "3d_64_48": (1, 64, 48, 48, 48), "2d_8x64_56": (8, 64, 56, 56)}.items():
    inputs = [uneven(*shape), uneven(shape[1]), uneven(shape[1])]
    cases |= {
        f"instance_{name}": (inputs, lambda x, w, b: F.instance_norm(x, None, None, w, b)),
        f"instance_leaky_{name}": (inputs, lambda x, w, b: F.leaky_relu(F.instance_norm(x, None, None, w, b), 0.01)),
        f"group_{name}": (inputs, lambda x, w, b: F.group_norm(x, 8, w, b)),
        f"batch_{name}": (inputs, lambda x, w, b: F.batch_norm(x, None, None, w, b, True)),
    }
for shape in (8, 197, 768), (1, 4096, 384):
    name = "x".join(map(str, shape))
    inputs = [uneven(*shape), uneven(shape[2]), uneven(shape[2])]
    cases |= {
        f"layer_{name}": (inputs, lambda x, w, b: F.layer_norm(x, w.shape, w, b)),
        f"rms_{name}": (inputs[:2], lambda x, w: F.rms_norm(x, w.shape, w, 1e-5)),
    }
main(__doc__, cases)
