"""Scaled dot product attention in PyTorch: lengths that differ, bias, masks, causal, rows that see nothing, packed tokens."""

import torch
import torch.nn.functional as F
from suite import Suite

suite = Suite(__file__, 35)


def plain(q, k, v, bias=None, mask=None, causal=False, scale=None):
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        repeated = mask.repeat(q.shape[0] // mask.shape[0], 1, 1)[:, None]
        scores = scores + repeated if mask.is_floating_point() else scores.masked_fill(repeated == 0, -torch.inf)
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~seen, -torch.inf)
    blind = (scores == -torch.inf).all(-1, keepdim=True)
    weights = scores.masked_fill(blind, 0).softmax(-1)
    return weights.masked_fill(blind, 0) @ v


q, k, v, bias = [2, 3, 5, 4], [2, 3, 7, 4], [2, 3, 7, 6], [3, 5, 7]
suite.case("plain", plain, q, k, v)
suite.case("library", F.scaled_dot_product_attention, [1, 2, 3, 5], [1, 2, 3, 5], [1, 2, 3, 5])
suite.case("scaled", lambda *x: plain(*x, scale=0.3), q, k, v)
suite.case("causal", lambda *x: plain(*x, causal=True), [1, 2, 5, 3], [1, 2, 4, 3], [1, 2, 4, 3])
suite.case("bias", plain, q, k, v, bias)

# Windows: two masks for a batch of four, the second blind in one row; whole numbers, as the library takes u8.
windows = (torch.rand(2, 5, 5) > 0.3).long()
windows[1, 2] = 0
suite.case("windows", lambda q, k, v, b, m: plain(q, k, v, b, m), *[[4, 2, 5, 3]] * 3, [2, 5, 5], windows)
padding = torch.tensor([[[1, 1, 0, 1]], [[0, 1, 1, 1]]])
suite.case("padding", lambda q, k, v, m: plain(q, k, v, mask=m), [2, 1, 3, 4], [2, 1, 4, 4], [2, 1, 4, 4], padding)
suite.case("blind", lambda q, k, v, m: plain(q, k, v, mask=m), *[[1, 2, 3, 4]] * 3, torch.zeros(1, 1, 3).long())


def heads(x, parts, count):
    """[batch, tokens, parts * heads * dim] to parts of [batch, heads, tokens, dim]."""
    return x.unflatten(-1, (parts, count, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def tokens(y):
    return y.transpose(1, 2).flatten(2)


suite.case("self", lambda x: tokens(plain(*heads(x, 3, 2))), [2, 5, 18])
suite.case("self_bias", lambda x, b: tokens(plain(*heads(x, 3, 2), b)), [9, 3, 12], [2, 3, 3])
suite.case("self_causal", lambda x: tokens(plain(*heads(x, 3, 1), causal=True)), [1, 4, 9])
suite.case("cross", lambda q, kv: tokens(plain(*heads(q, 1, 2), *heads(kv, 2, 2))), [2, 3, 6], [2, 5, 12])
suite.case("cross_bias", lambda q, kv, b: tokens(plain(*heads(q, 1, 2), *heads(kv, 2, 2), b)), [2, 3, 6], [2, 4, 12], [2, 3, 4])
suite.save()
