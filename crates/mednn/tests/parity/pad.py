"""Padding in PyTorch, forward and backward; other widths on every side."""

import torch.nn.functional as F

from suite import Suite

suite = Suite(__file__, 16)
line, plane, volume = [2, 3, 5], [2, 1, 5, 4], [1, 2, 3, 5, 4]


def pad(widths, mode, value=None):
    """PyTorch counts the last axis first."""
    return lambda x: F.pad(x, widths, mode=mode, value=value)


suite.case("constant1", pad([2, 1], "constant", -0.5), line)
suite.case("constant2", pad([1, 2, 0, 3], "constant", 1.5), plane)
suite.case("constant3", pad([1, 2, 0, 3, 2, 0], "constant", 0.25), volume)
suite.case("zero3", pad([1, 2, 0, 3, 2, 0], "constant", 0.0), volume)
for mode in ["reflect", "replicate", "circular"]:
    suite.case(f"{mode}1", pad([3, 2], mode), line)
    suite.case(f"{mode}2", pad([3, 1, 2, 4], mode), plane)
    suite.case(f"{mode}3", pad([3, 1, 2, 4, 1, 2], mode), volume)
suite.case("replicate2_wide", pad([7, 6, 5, 9], "replicate"), plane)
suite.case("circular2_whole", pad([4, 4, 5, 0], "circular"), plane)
suite.save()
