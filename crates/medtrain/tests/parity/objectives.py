"""Losses and gradients of torch 2.15.0 for objectives written out: distillation, domains, proximal terms, fixed batch norms.

Double precision, from weights that are exact in single precision.
"""

import copy

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, kl_div, log_softmax, normalize

torch.manual_seed(4)
torch.set_num_threads(1)
out = {}


class Net(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, channels, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(channels)
        self.fc = torch.nn.Linear(channels, 3)
        torch.nn.init.normal_(self.bn.weight, 1, 0.3)
        torch.nn.init.normal_(self.bn.bias, 0, 0.3)
        self.bn.running_mean.normal_(0, 0.3)
        self.bn.running_var.uniform_(0.5, 2)

    def forward(self, x):
        hidden = torch.relu(self.bn(self.conv(x)))
        pooled = hidden.mean((2, 3))
        return self.fc(pooled), hidden, pooled


def network(name, channels):
    net = Net(channels)
    for key, value in net.state_dict().items():
        out[f"{name}/{key}"] = value.clone()
    return net.double()


def keep(case, loss, modules):
    """The loss, and the gradients of all parameters."""
    loss.backward()
    out[f"{case}/loss"] = loss.detach()
    for prefix, module in modules:
        for key, value in module.named_parameters():
            if value.grad is not None:
                out[f"{case}/{prefix}{key}"] = value.grad.clone()


student, teacher, wide = network("student", 4), network("teacher", 4).eval(), network("wide", 6).eval()
image = torch.randn(7, 1, 5, 6)
out["image"] = image.clone()
image = image.double()
targets = torch.tensor([0, 2, 1, 1, 0, 2, 2])
out["targets"] = targets.to(torch.uint32)


def soft(student, teacher, temperature):
    student, teacher = log_softmax(student / temperature, 1), log_softmax(teacher / temperature, 1)
    return temperature**2 * kl_div(student, teacher, reduction="batchmean", log_target=True)


# Hinton's loss alone, with values of a teacher of the same size, and with the attention of a wider one.
for case, of, hint in [("hinton", teacher, None), ("values", teacher, "values"), ("attention", wide, "attention")]:
    net = copy.deepcopy(student)
    logits, hidden, pooled = net(image)
    with torch.no_grad():
        taught = of(image)
    loss = 0.7 * cross_entropy(logits, targets) + 0.3 * soft(logits, taught[0], 2.5)
    if hint == "values":
        loss = loss + 0.5 * torch.nn.functional.mse_loss(pooled, taught[2])
    if hint == "attention":
        places = [normalize(h.pow(2).mean(1).flatten(1)) for h in (hidden, taught[1])]
        loss = loss + 20 * (places[0] - places[1]).pow(2).mean()
    keep(case, loss, [("", net)])


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def discrepancy(source, target, unbiased, kernels=5, factor=2.0):
    both = torch.cat([source, target])
    distances = (both[:, None] - both[None]).pow(2).sum(2)
    n, m = len(source), len(both)
    width = distances.detach().sum() / (m * m - m)
    kernel = sum(torch.exp(-distances / (width * factor ** (i - kernels // 2))) for i in range(kernels))

    def within(k):
        return (k.sum() - k.diag().sum()) / (len(k) * (len(k) - 1)) if unbiased else k.mean()

    return within(kernel[:n, :n]) + within(kernel[n:, n:]) - 2 * kernel[:n, n:].mean()


judge = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
for number, layer in [(0, judge[0]), (1, judge[2])]:
    out[f"judge/judge.{number}.weight"] = layer.weight.detach().clone()
    out[f"judge/judge.{number}.bias"] = layer.bias.detach().clone()
judge = judge.double()

# Four labelled samples, three of the other domain.
domain = torch.tensor([0, 0, 0, 0, 1, 1, 1])
for case in ["adversarial", "biased", "unbiased", "coral"]:
    net, own = copy.deepcopy(student), copy.deepcopy(judge)
    logits, hidden, pooled = net(image)
    loss = cross_entropy(logits[:4], targets[:4])
    source, target = pooled[:4], pooled[4:]
    if case == "adversarial":
        loss = loss + 0.8 * cross_entropy(own(Reversed.apply(pooled, 0.7)), domain)
    elif case == "coral":
        loss = loss + 30 * (torch.cov(source.T) - torch.cov(target.T)).pow(2).sum() / (4 * 4**2)
    else:
        loss = loss + 0.8 * discrepancy(source, target, case == "unbiased")
    keep(case, loss, [("", net), ("judge.0.", own[0]), ("judge.1.", own[2])])

# Three steps of FedProx.
net = copy.deepcopy(student)
common = copy.deepcopy(teacher)
optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
for step in range(3):
    optimizer.zero_grad()
    loss = cross_entropy(net(image)[0], targets)
    for own, other in zip(net.parameters(), common.parameters()):
        loss = loss + 0.5 * 0.4 * (own - other.detach()).pow(2).sum()
    out[f"proximal/loss{step}"] = loss.detach()
    loss.backward()
    optimizer.step()
for key, value in net.named_parameters():
    out[f"proximal/{key}"] = value.detach().clone()

# A batch norm in evaluation within a network in training.
net = copy.deepcopy(student)
net.bn.eval()
keep("fixed", cross_entropy(net(image)[0], targets), [("", net)])

print(torch.__version__)
save_file({name: value.contiguous() for name, value in out.items()}, __file__.replace(".py", ".safetensors"))
