"""What `cold_start` measures, in PyTorch: from the start of a process to the first answer of a ResNet-18.

python tools/bench/cold_start.py write resnet18.pt
python tools/bench/cold_start.py resnet18.pt

Nothing is hashed and no golden case is tried; weights are read with `mmap=True` where FAST is set.
"""

import os
import sys
import time

start = time.perf_counter()

import torch
import torchvision

torch.set_num_threads(2)
torch.manual_seed(1)
if sys.argv[1] == "write":
    torch.save(torchvision.models.resnet18().state_dict(), sys.argv[2])
    sys.exit()

# The cheapest way to a network: no values are drawn, and the file's tensors become its own.
with torch.device("meta"):
    network = torchvision.models.resnet18()
state = torch.load(sys.argv[1], weights_only=True, mmap=bool(os.environ.get("FAST")))
network.load_state_dict(state, assign=True)
network.eval()
image = torch.arange(3 * 224 * 224).reshape(1, 3, 224, 224).mul(7919).remainder(251).float() / 250
with torch.inference_mode():
    top = network(image).argmax().item()
print(f"class {top}; answered after {time.perf_counter() - start:.3f} s of Python")
