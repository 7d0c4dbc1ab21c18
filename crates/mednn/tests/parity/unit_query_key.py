"""The queries and keys that timm's Swin Transformer V2 multiplies."""

import math

import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 41)


def unit(packed, log_factor):
    q, k, v = packed.unflatten(2, (3, log_factor.shape[0], -1)).unbind(2)
    factor = torch.clamp(log_factor, max=math.log(1.0 / 0.01)).exp()
    q = F.normalize(q, dim=-1) * factor[:, None]
    return torch.stack([q, F.normalize(k, dim=-1), v], 2).flatten(2)


suite.case("plain", unit, [2, 5, 18], [3])
suite.case("wide", unit, [1, 3, 2 * 3 * 19], torch.tensor([4.5, 1.0]))
suite.case("bound", unit, [2, 2, 24], torch.tensor([5.5, -3.0]))
# One query is shorter than the shortest, one key has no length at all.
tokens = torch.randn(2, 2, 24)
tokens[0, 1, :4] = torch.tensor([1e-13, -2e-13, 0.0, 1e-13])
tokens[1, 1, 12:16] = 0.0
suite.case("short", unit, tokens, [2])
suite.save()
