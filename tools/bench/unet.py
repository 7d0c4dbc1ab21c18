"""PyTorch's side of `cargo bench --bench unet`: MONAI BasicUNet 3D, one channel to 14 classes, 1x1x96x96x96, float32.

usage: unet.py [forward|step]      prints minimum and median seconds for both memory formats, and peak memory
"""
import os, resource, statistics, sys, time

import torch
from monai.networks.nets import BasicUNet

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
what = sys.argv[1] if len(sys.argv) > 1 else "forward"
net = BasicUNet(spatial_dims=3, in_channels=1, out_channels=14, features=(32, 32, 64, 128, 256, 32))
for name, layout in (("contiguous", torch.contiguous_format), ("channels-last", torch.channels_last_3d)):
    net = net.to(memory_format=layout)
    x = torch.randn(1, 1, 96, 96, 96).to(memory_format=layout)
    sgd = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
    seconds = []
    for _ in range(6 if what == "forward" else 4):
        start = time.perf_counter()
        if what == "forward":
            net.eval()
            with torch.inference_mode():
                net(x)
        else:
            net.train()
            loss = net(x).pow(2).mean()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
        seconds.append(time.perf_counter() - start)
    seconds = seconds[1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what:8}{name:>15}  min {min(seconds):6.2f} s  median {statistics.median(seconds):6.2f} s  peak {peak:5.2f} GiB", flush=True)
