"""Instance, group and batch normalisation in PyTorch f64, forward and backward, with and without activation."""

import pathlib

import safetensors.torch
import torch
import torch.nn.functional as F

torch.manual_seed(12)
out = {}


def case(name, x, function, affine):
    channels = x.shape[1]
    x = x.clone().requires_grad_()
    w = (torch.rand(channels, dtype=torch.float64) + 0.5).requires_grad_()
    b = torch.randn(channels, dtype=torch.float64).requires_grad_()
    y = function(x, w, b) if affine else function(x, None, None)
    g = torch.randn_like(y)
    y.backward(g)
    out.update({f"{name}.x": x.detach(), f"{name}.g": g, f"{name}.y": y.detach(), f"{name}.dx": x.grad})
    if affine:
        out.update({f"{name}.w": w.detach(), f"{name}.b": b.detach(), f"{name}.dw": w.grad, f"{name}.db": b.grad})


x3 = torch.randn(2, 4, 3, 3, 2, dtype=torch.float64) * 2 + 30
x2 = torch.randn(2, 6, 4, 3, dtype=torch.float64) - 3
x1 = torch.randn(3, 4, 7, dtype=torch.float64)
leaky = lambda v: F.leaky_relu(v, 0.1)
case("instance", x3, lambda x, w, b: F.instance_norm(x, weight=w, bias=b), True)
case("instance_plain", x2, lambda x, w, b: F.instance_norm(x), False)
case("instance_leaky", x3, lambda x, w, b: leaky(F.instance_norm(x, weight=w, bias=b)), True)
case("instance_relu", x1, lambda x, w, b: F.relu(F.instance_norm(x, weight=w, bias=b)), True)
case("instance_silu", x2, lambda x, w, b: F.silu(F.instance_norm(x, weight=w, bias=b)), True)
case("group", x2, lambda x, w, b: F.group_norm(x, 3, w, b), True)
case("group_leaky", x3, lambda x, w, b: leaky(F.group_norm(x, 2, w, b)), True)
case("group_plain", x1, lambda x, w, b: F.group_norm(x, 1), False)
case("batch", x2, lambda x, w, b: F.batch_norm(x, None, None, w, b, True), True)
case("batch_leaky", x3, lambda x, w, b: leaky(F.batch_norm(x, None, None, w, b, True)), True)
mean, var = torch.randn(4, dtype=torch.float64) + 30, torch.rand(4, dtype=torch.float64) + 0.5
out["running_mean"], out["running_var"] = mean, var
case("batch_eval", x3, lambda x, w, b: F.relu(F.batch_norm(x, mean, var, w, b, False)), True)

# A layer over three training steps, then in evaluation; momentum 0.1 and the cumulative average.
for name, momentum in [("layer", 0.1), ("layer_average", None)]:
    layer = torch.nn.BatchNorm2d(3, momentum=momentum)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    out[f"{name}.weight"], out[f"{name}.bias"] = layer.weight.detach().clone(), layer.bias.detach().clone()
    for step in range(3):
        x = torch.randn(2, 3, 4, 3) * (step + 1) + step
        out[f"{name}.x{step}"] = x
        out[f"{name}.y{step}"] = layer(x).detach()
    out[f"{name}.running_mean"], out[f"{name}.running_var"] = layer.running_mean, layer.running_var
    out[f"{name}.num_batches_tracked"] = layer.num_batches_tracked
    layer.eval()
    out[f"{name}.y_eval"] = layer(x).detach()

meta = {"made_by": f"norm.py, seed 12, torch {torch.__version__}"}
out = {name: value.contiguous() for name, value in out.items()}
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"), meta)
