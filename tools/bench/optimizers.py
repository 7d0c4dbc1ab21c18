"""PyTorch's, MONAI's and timm's side of `cargo bench --bench optimizers`: a step on 20 tensors of 1000 x 1000, float32.

usage: [THREADS=2] optimizers.py      prints minimum and median milliseconds of a step, fused and foreach where PyTorch has both
"""
import copy, os, statistics, time, warnings

import torch
from monai.optimizers import Novograd
from timm.optim.lamb import Lamb
from timm.utils import ModelEmaV3

warnings.filterwarnings("ignore")
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
optim = torch.optim
TENSORS, EDGE = 20, 1000


def network():
    gradient = (torch.arange(EDGE * EDGE) * 7919 % 1009).float().reshape(EDGE, EDGE) / 500 - 1
    params = torch.nn.ParameterList(torch.full((EDGE, EDGE), 0.5) for _ in range(TENSORS))
    for p in params:
        p.grad = gradient.clone()
    return params


def report(name, step):
    milliseconds = []
    for _ in range(22):
        start = time.perf_counter()
        step()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    milliseconds = milliseconds[2:]
    print(f"{name:22} min {min(milliseconds):7.1f} ms  median {statistics.median(milliseconds):7.1f} ms", flush=True)


nesterov = dict(momentum=0.99, nesterov=True, weight_decay=3e-5)
for way in ("fused", "foreach"):
    how = {way: True}
    report(f"sgd {way}", optim.SGD(network(), 1e-3, **how).step)
    report(f"sgd_nesterov {way}", optim.SGD(network(), 1e-3, **nesterov, **how).step)
    report(f"adamw {way}", optim.AdamW(network(), 1e-3, **how).step)
    report(f"adamw_amsgrad {way}", optim.AdamW(network(), 1e-3, amsgrad=True, **how).step)
report("rmsprop foreach", optim.RMSprop(network(), 1e-3, foreach=True).step)
report("novograd", Novograd(network(), 1e-3).step)
report("lamb", Lamb(network(), 1e-3).step)
model = network()
ema = ModelEmaV3(copy.deepcopy(model), decay=0.999)
report("ema", lambda: ema.update(model))
