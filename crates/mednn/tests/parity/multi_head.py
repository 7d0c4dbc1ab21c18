"""Multi-head attention of PyTorch (to itself and to others) and the window attention of timm."""

import timm.models.swin_transformer as timm_swin
import torch
from suite import Suite

suite = Suite(__file__, 37)
layer = torch.nn.MultiheadAttention(12, 3, batch_first=True).double()
for name, parameter in layer.named_parameters():
    torch.nn.init.normal_(parameter, std=0.5)
    parameter.data = parameter.data.float().double()
    suite.tensors[f"torch.{name}"] = parameter.data
    parameter.requires_grad_(False)
suite.case("self", lambda x: layer(x, x, x)[0], [2, 5, 12])
suite.case("cross", lambda q, x: layer(q, x, x)[0], [2, 3, 12], [2, 5, 12])

window = timm_swin.WindowAttention(12, 3, window_size=(2, 3)).double()
for name, parameter in window.named_parameters():
    torch.nn.init.normal_(parameter, std=0.5)
    parameter.data = parameter.data.float().double()
    suite.tensors[f"timm.{name}"] = parameter.data
block = timm_swin.SwinTransformerBlock(12, (4, 6), num_heads=3, window_size=(2, 3), shift_size=(1, 1))
mask = block.attn_mask.double()
suite.case("window", lambda x: window(x, mask), [8, 6, 12])
table = window.relative_position_bias_table
suite.tensors["window.dtable"] = table.grad
suite.save()
