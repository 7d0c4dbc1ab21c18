"""Rows times constants, what dropout is made of, in PyTorch.

The random choice itself is keyed by the name of the layer and has no counterpart there.
"""

import torch
from suite import Suite

suite = Suite(__file__, 39)
suite.case("elements", lambda x: x * torch.tensor([0.0, 2.0, 1.5, 0.0, -1.0, 0.5]).view(2, 3), [2, 3])
suite.case("channels", lambda x: x * torch.tensor([0.0, 1.25, 1.25, 1.25, 0.0, 1.25]).view(2, 3, 1, 1), [2, 3, 5, 3])
suite.case("items", lambda x: x * torch.tensor([0.0, 2.0, 2.0]).view(3, 1, 1), [3, 5, 2])
suite.save()
