"""Sums, means and maxima over axes in PyTorch, forward and backward."""

import torch

from suite import Suite

suite = Suite(__file__, 31)
cases = {
    "spatial2": ([2, 3, 4, 5], (2, 3), False),
    "spatial3": ([2, 3, 3, 2, 5], (2, 3, 4), True),
    "tokens": ([2, 5, 7], (1,), False),
    "last": ([2, 5, 19], (2,), True),
    "channels": ([2, 3, 4, 5], (1,), True),
    "ends": ([2, 3, 4, 5], (3, 0), False),
    "all": ([3, 5, 7], (0, 1, 2), False),
}
for name, (shape, axes, keep) in cases.items():
    suite.case(f"sum_{name}", lambda x, a=axes, k=keep: x.sum(a, k), shape)
    suite.case(f"mean_{name}", lambda x, a=axes, k=keep: x.mean(a, k), shape)
    suite.case(f"max_{name}", lambda x, a=axes, k=keep: x.amax(a, k), shape)
ties = torch.tensor([[1.0, 3.0, 3.0, -2.0], [0.0, 0.0, 0.0, 0.0]])
suite.case("max_ties", lambda x: x.amax(1), ties)
suite.save()
