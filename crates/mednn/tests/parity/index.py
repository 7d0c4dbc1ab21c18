"""Selection by index, scattered sums and the largest elements in PyTorch."""

import torch
from suite import Suite

suite = Suite(__file__, 34)


def index(below, shape):
    return torch.randint(0, below, shape)


suite.case("select_rows", lambda x, i: x.index_select(0, i), [5, 3, 2], index(5, [7]))
suite.case("select_middle", lambda x, i: x.index_select(1, i), [2, 5, 3], index(5, [4]))
suite.case("select_last", lambda x, i: x.index_select(2, i), [2, 3, 5], index(5, [9]))
suite.case("gather_middle", lambda x, i: x.gather(1, i), [2, 5, 3], index(5, [2, 7, 3]))
suite.case("gather_last", lambda x, i: x.gather(3, i), [2, 1, 3, 5], index(5, [2, 1, 3, 4]))
suite.case("gather_vector", lambda x, i: x.gather(0, i), [5], index(5, [8]))
suite.case("scatter_middle", lambda x, s, i: x.scatter_add(1, i, s), [2, 5, 3], [2, 7, 3], index(5, [2, 7, 3]))
suite.case("scatter_first", lambda x, s, i: x.scatter_add(0, i, s), [3, 2], [6, 2], index(3, [6, 2]))
suite.case("top_last", lambda x: x.topk(3, 2).values, [2, 3, 7])
suite.case("top_middle", lambda x: x.topk(2, 1, largest=False).values, [2, 5, 3])
suite.case("top_all", lambda x: x.topk(6, 0).values, [6, 2])
suite.case("each_middle", lambda x: torch.stack([x[0, [4, 0, 2, 2]], x[1, [1, 3, 0, 4]]]), [2, 5, 3])
suite.case("each_of_rows", lambda x: torch.stack([x[0, [1]], x[1, [0]], x[2, [2]]]), [3, 4])
suite.save()
