"""Sums, differences and products of two tensors with repeated axes in PyTorch, forward and backward."""

from suite import Suite

suite = Suite(__file__, 23)
pairs = {
    "equal1": ([2, 3, 5], [2, 3, 5]),
    "equal3": ([2, 3, 3, 2, 3], [2, 3, 3, 2, 3]),
    "gate2": ([2, 3, 1, 1], [2, 3, 4, 5]),
    "gate3": ([2, 3, 3, 2, 3], [2, 3, 1, 1, 1]),
    "channels": ([2, 3, 4, 5], [1, 3, 1, 1]),
    "map": ([2, 3, 4, 5], [2, 1, 4, 5]),
    "tokens": ([1, 5, 7], [2, 5, 7]),
    "last": ([2, 5, 7], [7]),
    "both": ([2, 1, 5], [3, 1]),
    "number": ([3, 5], []),
}
for name, (a, b) in pairs.items():
    suite.case(f"add_{name}", lambda a, b: a + b, a, b)
    suite.case(f"multiply_{name}", lambda a, b: a * b, a, b)
for name in ("equal1", "gate3", "last"):
    suite.case(f"subtract_{name}", lambda a, b: a - b, *pairs[name])
suite.case("twice", lambda x: x + x, [2, 3, 5])
suite.case("square", lambda x: x * x, [2, 3, 5])
suite.case("scale", lambda x: x * -0.3, [2, 3, 5, 3])
suite.save()
