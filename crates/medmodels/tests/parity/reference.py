"""What the fixture scripts of this folder share: values from hashed names, and digests of large tensors.

Weights and inputs are not stored. Both languages make them from the same hash of the tensor's name and the position of the
element, so a fixture holds results alone; of a large result it holds a digest: its norm, its largest magnitude, four
projections on hashed directions (they see every element) and some elements.
"""

import importlib.metadata
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

SAMPLES = 48


def hashed(name, count):
    """Numbers in [-1, 1) with 24 bits: FNV-1a of the name, then SplitMix64 of hash + position."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def parameter(name, shape):
    """The value of a parameter: weights of convolutions keep the variance, the rest stays near its usual value."""
    values = hashed(name, int(np.prod(shape)))
    if len(shape) > 1:
        values = values * np.sqrt(3.0 / np.prod(shape[1:]))
    elif name.endswith(".weight"):
        values = 1.0 + 0.3 * values
    else:
        values = 0.3 * values
    return values.astype(np.float32).reshape(shape)


def fill(model):
    """Overwrites all parameters of a model; aliases of one parameter take the value of its first name."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(torch.from_numpy(parameter(name, tuple(value.shape))))


def unused_as_buffers(model, name):
    """Makes buffers of the parameters whose name has this part: the reference holds them and never trains them."""
    for path, module in model.named_modules():
        for own in [own for own, _ in module.named_parameters(recurse=False) if name in f"{path}.{own}"]:
            value = getattr(module, own).detach()
            delattr(module, own)
            module.register_buffer(own, value)


def tensor(name, shape):
    """A hashed f32 tensor."""
    return torch.from_numpy(hashed(name, int(np.prod(shape))).astype(np.float32).reshape(shape))


def digest(value, samples=SAMPLES):
    """Norm, largest magnitude, four projections, then all elements or some of them."""
    flat = value.detach().double().numpy().ravel()
    n = flat.size
    projections = [float(flat @ hashed(f"projection.{k}", n)) for k in range(4)]
    picked = flat if n <= samples else flat[(np.arange(samples, dtype=np.int64) * 7919) % n]
    head = [float(np.sqrt(flat @ flat)), float(np.abs(flat).max()), *projections]
    return np.concatenate([head, picked]).astype(np.float32)


def run(stem, model, shape, feature_modules, folder, samples=SAMPLES, libraries=(), inputs=None):
    """Forward and backward in f64; the scalar differentiated is the sum of all outputs weighted with hashed numbers.

    Large networks keep fewer elements of each tensor, and no running statistics. Inputs besides the image are given by name.
    """
    fill(model)
    model.double().train()
    features = {}
    for name, module in feature_modules.items():
        module.register_forward_hook(lambda _m, _i, out, name=name: features.__setitem__(name, out))
    image = tensor("image", shape).double().requires_grad_(True)
    inputs = {name: value.double().requires_grad_(True) for name, value in (inputs or {}).items()}
    outputs = model(image, **inputs)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    loss = sum((out * tensor(f"loss.{i}", tuple(out.shape)).double()).sum() for i, out in enumerate(outputs))
    loss.backward()
    found = {f"output.{i}": digest(out, samples) for i, out in enumerate(outputs)}
    found |= {f"feature.{name}": digest(out, samples) for name, out in features.items()}
    found["gradient.image"] = digest(image.grad, samples)
    given = {name: value.grad for name, value in inputs.items() if value.grad is not None}
    found |= {f"gradient.input.{name}": digest(gradient, samples) for name, gradient in given.items()}
    unused = [name for name, value in model.named_parameters() if value.grad is None]
    assert not unused, unused
    found |= {f"gradient.parameter.{name}": digest(value.grad, samples) for name, value in model.named_parameters()}
    found["shape"] = np.array(shape, dtype=np.int64)
    found["parameters"] = np.array([sum(v.numel() for v in model.parameters())], dtype=np.int64)
    found["samples"] = np.array([samples], dtype=np.int64)
    for name, value in model.named_buffers() if samples == SAMPLES else ():
        found[f"buffer.{name}"] = value.detach().numpy().astype(np.float32).ravel()
    versions = {
        name: importlib.metadata.version(name)
        for name in ("torch", "torchvision", "monai", "dynamic-network-architectures", "numpy", *libraries)
    }
    metadata = {
        "versions": repr(versions),
        "weights": "hashed from names, see reference.py",
        "state_dict": " ".join(model.state_dict()),
    }
    path = pathlib.Path(folder) / f"{stem}.safetensors"
    save_file(found, path, metadata=metadata)
    assert path.stat().st_size <= 64 * 1024, path.stat().st_size
    return path
