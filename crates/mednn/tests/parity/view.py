"""Reshaping, permutation and narrowing in PyTorch, forward and backward."""

from suite import Suite

suite = Suite(__file__, 29)
suite.case("reshape", lambda x: x.reshape(6, 4, 5), [2, 3, 4, 5])
suite.case("flatten", lambda x: x.flatten(2), [2, 3, 3, 2, 5])
orders = {
    "last1": ([2, 5, 7], (0, 2, 1)),
    "last2": ([2, 3, 4, 5], (0, 2, 3, 1)),
    "first2": ([2, 4, 5, 3], (0, 3, 1, 2)),
    "last3": ([1, 9, 3, 3, 2], (0, 2, 3, 4, 1)),
    "first3": ([1, 3, 3, 2, 9], (0, 4, 1, 2, 3)),
    "heads": ([2, 5, 3, 4], (0, 2, 1, 3)),
    "reversed": ([2, 3, 4, 5], (3, 2, 1, 0)),
    "short": ([2, 3, 1, 5], (0, 2, 1, 3)),
    "squares": ([1, 19, 2, 21], (0, 3, 2, 1)),
    "eight": ([2, 1, 3, 2, 2, 1, 3, 2], (7, 2, 5, 0, 3, 6, 1, 4)),
}
for name, (shape, axes) in orders.items():
    suite.case(f"permute_{name}", lambda x, axes=axes: x.permute(axes), shape)
suite.case("narrow_batch", lambda x: x.narrow(0, 1, 1), [2, 3, 4, 5])
suite.case("narrow_channels", lambda x: x.narrow(1, 1, 3), [2, 5, 3, 2, 2])
suite.case("narrow_last", lambda x: x.narrow(2, 0, 4), [2, 3, 7])
suite.save()
