"""Explanations of small networks by captum, MONAI and own hooks; usage: python explain.py [output folder].

Everything is computed in f64 from weights that fit into f16. Class activation maps are written before any scaling, which
the libraries do in ways of their own; that theirs are the same up to scale is asserted here.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop, IntegratedGradients, Occlusion, Saliency
from monai.networks.nets import ResNet
from monai.visualize import GradCAM, GradCAMpp
from pytorch_grad_cam import GradCAM as OtherGradCAM
from pytorch_grad_cam import GradCAMPlusPlus as OtherGradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.numpy import save_file
from timm.models.vision_transformer import VisionTransformer

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
NAMES = ("torch", "monai", "captum", "grad-cam", "timm", "numpy")
VERSIONS = repr({name: importlib.metadata.version(name) for name in NAMES})


def images(shape):
    """Counted values with blobs of either sign, the same in both languages."""
    count = int(np.prod(shape))
    values = ((np.arange(count, dtype=np.int64) * 7919 + 13) % 101).astype(np.float64).reshape(shape) / 64 - 0.75
    return torch.from_numpy(values)


def draw(network, seed):
    """Weights that fit into f16, with norms that are not neutral, so that no term of a gradient is missing."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            drawn = drawn.abs() * 0.5 + 0.5
        elif tensor.ndim == 1 and ("bn" in name or "norm" in name or "downsample.1" in name) and "weight" in name:
            drawn = drawn * 0.3 + 1
        elif tensor.ndim == 1:
            drawn = drawn * 0.2
        else:
            drawn = drawn * (1.5 / np.sqrt(tensor[0].numel()))
        tensor.copy_(drawn.half())
    return network.double().eval()


def save(stem, network, found):
    arrays = {"weight." + name: t.half().numpy() for name, t in network.state_dict().items() if t.is_floating_point()}
    arrays |= {name: t.detach().float().contiguous().numpy() for name, t in found.items()}
    path = folder / f"{stem}.safetensors"
    save_file(arrays, path, metadata={"versions": VERSIONS})
    assert path.stat().st_size <= 64 * 1024, path.stat().st_size


def unit(map):
    """From 0 to 1, item by item."""
    flat = map.flatten(1)
    low, high = flat.min(1, keepdim=True).values, flat.max(1, keepdim=True).values
    return ((flat - low) / (high - low).clamp(min=1e-30)).reshape(map.shape)


def hooked(network, module, x, target):
    """Features of a module and their gradients."""
    kept = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    score = network(x)[:, target].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[-1])
    return kept[-1].detach(), gradient


def spread(map, x):
    mode = {2: "bilinear", 3: "trilinear"}[x.ndim - 2]
    return F.interpolate(map, x.shape[2:], mode=mode, align_corners=False)


def plus_plus(features, gradient, monai):
    dims = tuple(range(2, features.ndim))
    if monai:
        rest = (features * gradient**3).sum(dims, keepdim=True)
    else:
        rest = features.sum(dims, keepdim=True) * gradient**3
    denominator = 2 * gradient**2 + rest
    alpha = torch.where(denominator != 0, gradient**2 / denominator, torch.zeros_like(gradient))
    weights = (alpha * F.relu(gradient)).sum(dims, keepdim=True)
    return F.relu((weights * features).sum(1, keepdim=True))


def close(a, b, tolerance):
    assert (a - b).abs().max() <= tolerance * b.abs().max(), float((a - b).abs().max() / b.abs().max())


# Axes, features of the stages and the shape of the images.
RESNETS = {
    "resnet_2d": (2, [4, 6, 6, 8], (2, 2, 15, 13)),
    "resnet_3d": (3, [3, 4, 4, 5], (1, 1, 9, 10, 9)),
}


def made(dims, features, channels):
    return ResNet(
        "basic", [1, 1, 1, 1], features, dims, n_input_channels=channels, conv1_t_size=3, no_max_pool=True, num_classes=3
    )


def resnet(stem, dims, features, shape, target):
    network = draw(made(dims, features, shape[1]), 5 + dims)
    # captum puts hooks on every rectifier, of which blocks here use one twice.
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    x = images(shape)
    found = {"logits": network(x)}
    for layer in ("layer2", "layer4"):
        raw = GradCAM(network, layer, postprocessing=lambda map: map)(x, class_idx=target)
        features_of, gradient = hooked(network, getattr(network, layer), x, target)
        found[f"grad_cam.{layer}"] = raw
        found[f"signed.{layer}"] = spread((gradient.mean(tuple(range(2, x.ndim)), keepdim=True) * features_of).sum(1, keepdim=True), x)
        for name, monai in (("paper", False), ("monai", True)):
            found[f"plus_plus.{name}.{layer}"] = spread(plus_plus(features_of, gradient, monai), x)
        monai = GradCAMpp(network, layer, postprocessing=lambda map: map)
        theirs = torch.cat([monai(item[None], class_idx=target) for item in x])
        close(unit(theirs), unit(found[f"plus_plus.monai.{layer}"]), 1e-2)
        if dims == 2:
            for other, name in ((OtherGradCAM, "grad_cam"), (OtherGradCAMPlusPlus, "plus_plus.paper")):
                with other(network, [getattr(network, layer)]) as cam:
                    theirs = cam(x.clone(), [ClassifierOutputTarget(target)] * len(x))
                # Theirs go through 8 bits of a resize of another library.
                close(torch.from_numpy(theirs)[:, None].double(), unit(found[f"{name}.{layer}"]), 0.2)
    found["gradient"] = Saliency(network).attribute(x, target=target, abs=False)
    separate = separated(network)
    found["guided"] = GuidedBackprop(separate).attribute(x, target=target)
    found["guided_grad_cam"] = found["guided"] * found["grad_cam.layer4"]
    baseline = torch.full_like(x, 0.125)
    for name, method in (("middle", "riemann_middle"), ("trapezoid", "riemann_trapezoid")):
        ig = IntegratedGradients(network)
        found[f"integrated.{name}"] = ig.attribute(x, baseline, target=target, n_steps=9, method=method)
    # captum weighs its nine points as nine steps, of which there are eight: its trapezoid adds up to 8 ninths.
    found["integrated.trapezoid"] *= 9 / 8
    window, stride = ((5, 4), (3, 3)) if dims == 2 else ((4, 5, 3), (3, 4, 3))
    occlusion = Occlusion(network)
    shape = (x.shape[1], *window)
    found["occlusion"] = occlusion.attribute(
        x, sliding_window_shapes=shape, strides=(x.shape[1], *stride), baselines=0.25, target=target
    )[:, :1]
    save(stem, network, found)


def separated(network):
    """The same network with a rectifier module for each use, which captum's hooks need."""
    import copy

    network = copy.deepcopy(network)
    for module in network.modules():
        if module.__class__.__name__ == "ResNetBlock":
            module.second = torch.nn.ReLU()

            def forward(x, m=module):
                residual = x
                out = m.bn2(m.conv2(m.act(m.bn1(m.conv1(x)))))
                residual = m.downsample(x) if m.downsample is not None else x
                return m.second(out + residual)

            module.forward = forward
    return network


def vit():
    network = VisionTransformer(
        img_size=(24, 32), patch_size=8, in_chans=1, num_classes=3, embed_dim=12, depth=3, num_heads=2, mlp_ratio=2
    )
    draw(network, 11)
    x = images((2, 1, 24, 32))
    found = {"logits": network(x)}
    features, gradient = hooked(network, network.blocks[-1].norm1, x, 1)
    grid = lambda tokens: tokens[:, 1:].transpose(1, 2).reshape(len(x), 12, 3, 4)
    cam = (grid(gradient).mean((2, 3), keepdim=True) * grid(features)).sum(1, keepdim=True)
    found["grad_cam"] = spread(F.relu(cam), x)
    for head_fusion in ("mean", "max", "min"):
        weights = []
        for block in network.blocks:
            block.attn.fused_attn = False
            block.attn.attn_drop.register_forward_hook(lambda _m, _i, output: weights.append(output.detach()))
        network(x)
        for block in network.blocks:
            block.attn.attn_drop._forward_hooks.clear()
        rollout = None
        for attention in weights:
            fused = attention.mean(1) if head_fusion == "mean" else getattr(attention, head_fusion)(1).values
            fused = (fused + torch.eye(fused.shape[-1])) / 2
            fused = fused / fused.sum(-1, keepdim=True)
            rollout = fused if rollout is None else fused @ rollout
        found[f"rollout.{head_fusion}"] = spread(rollout[:, 0, 1:].reshape(len(x), 1, 3, 4), x)
    save("vit", network, found)


if __name__ == "__main__":
    for stem, (dims, features, shape) in RESNETS.items():
        resnet(stem, dims, features, shape, 2)
    vit()
