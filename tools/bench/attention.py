"""PyTorch's side of `cargo bench --bench attention`.

    python tools/bench/attention.py [--threads 2] [--match vit]
"""
import torch.nn.functional as F

from passes import main, uneven


def self_attention(heads):
    """From the output of the linear layer that makes queries, keys and values to the input of the next."""

    def run(packed, bias=None):
        batch, tokens, width = packed.shape
        q, k, v = packed.view(batch, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return y.transpose(1, 2).reshape(batch, tokens, width // 3)

    return run


main(__doc__, {
    "vit_4x12x197x64": ([uneven(4, 197, 3 * 12 * 64)], self_attention(12)),
    "swin_bias_64x3x49x32": ([uneven(64, 49, 3 * 3 * 32), uneven(3, 49, 49)], self_attention(3)),
    "long_8x4096x64": ([uneven(1, 8, 4096, 64)] * 3, F.scaled_dot_product_attention),
    "channels_14_96": ([uneven(1, 14, 96, 96, 96)], lambda x: x.softmax(1)),
    "rows_2364x197": ([uneven(12 * 197, 197)], lambda x: x.softmax(1)),
})
