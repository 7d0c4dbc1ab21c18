"""Reference values for medaug's mixing: torchvision v2, given the drawn parameters.

Writes mixing.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file
from torchvision.transforms import v2

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(np.asarray(array), np.float32)


def run(transform, images, labels, parameters):
    """What torchvision does with a batch under these parameters."""
    transform.make_params = lambda inputs: parameters
    return transform(images, labels)


shape = (13, 18)
images = torch.from_numpy(rng.normal(0.2, 1.3, (2, 3, *shape)).astype(np.float32))
labels = torch.from_numpy(rng.dirichlet([1.0] * 5, 2).astype(np.float32))
put("images", images)
put("targets", labels)
mixed, target = run(v2.MixUp(), images, labels, {"lam": 0.37})
put("mix_up", mixed[1])
put("mix_up.target", target[1])

# The draws are replaced one level deeper, so that the block is torchvision's own.
for index, (lam, voxel) in enumerate(((0.6, (5, 9)), (0.2, (1, 16)), (0.85, (12, 0)))):
    class Fixed:
        def sample(self, _):
            return lam

    transform = v2.CutMix()
    transform._dist = Fixed()
    draws = iter([voxel[1], voxel[0]])
    real, torch.randint = torch.randint, lambda *_, **__: torch.tensor([next(draws)])
    mixed, target = transform(images, labels)
    torch.randint = real
    put(f"cut_mix.{index}.parameters", [lam, *voxel])
    put(f"cut_mix.{index}", mixed[1])
    put(f"cut_mix.{index}.target", target[1])

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "mixing.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}"})
