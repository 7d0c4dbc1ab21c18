"""The rarer activations and PReLU in PyTorch."""

import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 33)
# Uneven numbers across the bends, none of them on a bend.
x = torch.cat([torch.linspace(-9.03, 9.07, 91), torch.linspace(-30, 30, 22)]) + 0.003
functions = {
    "relu": F.relu,
    "leaky_relu": lambda v: F.leaky_relu(v, 0.1),
    "elu": lambda v: F.elu(v, 1.3),
    "gelu": F.gelu,
    "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu6": F.relu6,
    "selu": F.selu,
    "celu": lambda v: F.celu(v, 0.7),
    "mish": F.mish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "softplus": F.softplus,
    "softplus_sharp": lambda v: F.softplus(v, 2.5, 10.0),
}
for name, function in functions.items():
    suite.case(name, function, x)
suite.case("prelu", F.prelu, [2, 3, 5, 3], [3])
suite.case("prelu_shared", F.prelu, [2, 3, 2, 1, 5], [1])
suite.save()
