"""Fixtures of operators, forward and backward, in the form `suite.rs` reads.

A case stores its inputs (`name.x0`, `name.x1`, ...), its output `name.y`, the gradient `name.g` that is sent back, and the
gradients that arrive (`name.dx0`, ...; none for inputs of whole numbers). Inputs are rounded to float32 first, then all is
computed in float64 and stored in float32.
"""

import pathlib

import safetensors.torch
import torch


class Suite:
    """Collects cases and writes them beside the script that makes them."""

    def __init__(self, script, seed):
        self.path = pathlib.Path(script).with_suffix(".safetensors")
        self.seed = seed
        self.tensors = {}
        torch.manual_seed(seed)

    def case(self, name, function, *inputs):
        """Adds a case; an input is a shape (a list of sizes, drawn from a normal distribution) or a tensor."""
        tensors = [torch.randn(i) if isinstance(i, list) else i for i in inputs]
        tensors = [t.float().double().requires_grad_() if t.is_floating_point() else t for t in tensors]
        y = function(*tensors)
        g = torch.randn(y.shape).double()
        y.backward(g)
        self.tensors |= {f"{name}.y": y.detach(), f"{name}.g": g}
        for i, tensor in enumerate(tensors):
            self.tensors[f"{name}.x{i}"] = tensor.detach()
            if tensor.is_floating_point():
                gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
                self.tensors[f"{name}.dx{i}"] = gradient

    def save(self):
        """Writes the fixture."""
        stored = {
            name: (t.float() if t.is_floating_point() else t.to(torch.uint32)).contiguous().clone()
            for name, t in self.tensors.items()
        }
        meta = {"made_by": f"{self.path.stem}.py, seed {self.seed}, torch {torch.__version__}"}
        safetensors.torch.save_file(stored, self.path, meta)
