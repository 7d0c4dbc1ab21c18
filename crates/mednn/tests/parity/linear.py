"""The linear map in PyTorch."""

import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 32)
suite.case("tokens", F.linear, [2, 5, 7], [9, 7], [9])
suite.case("rows", F.linear, [13, 5], [3, 5])
suite.case("vector", F.linear, [11], [6, 11], [6])
suite.case("image", F.linear, [2, 3, 2, 4], [1, 4], [1])
suite.case("wide", F.linear, [3, 33], [67, 33], [67])
suite.save()
