"""Images joined with tables, on backbones of torchvision, MONAI and timm; usage: python fusion.py [output folder].

No library has these networks. The backbones are the libraries' own, the layers that attend are PyTorch's
`TransformerDecoderLayer`, and what joins is written here from the formulas of the papers: gated multimodal units
(https://arxiv.org/abs/1702.01992, section 3.2), feature-wise linear modulation (https://arxiv.org/abs/1709.07871, equations
1 and 2, the scale around 1), tokens of columns (https://arxiv.org/abs/2106.11959, section 3.3).
"""

import pathlib
import sys

import torch
from monai.networks.nets import DenseNet, ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models.resnet import BasicBlock

from reference import run, tensor
from resnet import SmallResNet

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
CLASSES = 3
# Name, entries, and whether it is a number that may be missing.
COLUMNS = [("age", 1, False), ("hba1c", 2, True), ("systolic", 2, True), ("sex", 2, False), ("smoking", 4, False)]
ENTRIES = sum(width for _, width, _ in COLUMNS)
STAGES = ["layer1", "layer2", "layer3", "layer4"]


class Vision(SmallResNet):
    def __init__(self):
        super().__init__(BasicBlock, [1, 1, 1, 1], 1)
        self.channels = self.fc.in_features
        del self.fc

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in STAGES:
            x = getattr(self, stage)(x)
        return None, x.flatten(2).transpose(1, 2)


class Monai(ResNet):
    def __init__(self):
        super().__init__("basic", [1, 1, 1, 1], [4, 6, 8, 10], n_input_channels=1, conv1_t_stride=2, feed_forward=False)
        self.channels = 10

    def forward(self, x):
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))
        for stage in STAGES:
            x = getattr(self, stage)(x)
        return None, x.flatten(2).transpose(1, 2)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = DenseNet(3, 1, 1, init_features=6, growth_rate=4, block_config=(2, 1, 2), bn_size=2).features
        self.relu = nn.ReLU()
        self.channels = self.features.norm5.num_features

    def forward(self, x):
        return None, self.relu(self.features(x)).flatten(2).transpose(1, 2)


class Transformer(VisionTransformer):
    def __init__(self):
        sizes = {"img_size": (20, 12), "patch_size": 4, "embed_dim": 12, "num_heads": 3, "depth": 5, "reg_tokens": 2}
        super().__init__(num_classes=0, no_embed_class=True, **sizes)
        self.channels = 12

    def forward(self, x):
        tokens = self.forward_features(x)
        return tokens[:, 0], tokens[:, 3:]


def split(table):
    columns = []
    for entries, (_, _, may_be_missing) in zip(table.split([width for _, width, _ in COLUMNS], dim=1), COLUMNS):
        if may_be_missing:
            value, missing = entries[:, :1], entries[:, 1:]
            entries = torch.cat([value * (1 - missing), missing], 1)
        columns.append(entries)
    return columns


class Network(nn.Module):
    def __init__(self, image, features, table=None):
        super().__init__()
        self.image = image
        self.table = nn.ModuleList([nn.Linear(ENTRIES, 7), nn.Linear(7, 6)]) if table is None else table
        self.fusion = nn.Module()
        self.joined = nn.Identity()
        self.head = nn.Linear(features, CLASSES)

    def mlp(self, columns):
        out = torch.cat(columns, 1)
        for layer in self.table:
            out = torch.relu(layer(out))
        return out

    def forward(self, image, table, **tokens):
        of_class, positions = self.image(image)
        vector = positions.mean(1) if of_class is None else of_class
        return self.head(self.joined(self.join(vector, positions, split(table), **tokens)))


class Concatenation(Network):
    def __init__(self, image):
        super().__init__(image, 8)
        self.fusion.hidden = nn.Linear(image.channels + 6, 8)

    def join(self, vector, positions, columns):
        return torch.relu(self.fusion.hidden(torch.cat([vector, self.mlp(columns)], 1)))


class Gated(Network):
    def __init__(self, image):
        super().__init__(image, 8)
        self.fusion.image = nn.Linear(image.channels, 8, bias=False)
        self.fusion.table = nn.Linear(6, 8, bias=False)
        self.fusion.gate = nn.Linear(image.channels + 6, 8, bias=False)
        self.sigmoid = nn.Sigmoid()

    def join(self, vector, positions, columns):
        of_table = self.mlp(columns)
        gate = self.sigmoid(self.fusion.gate(torch.cat([vector, of_table], 1)))
        return gate * torch.tanh(self.fusion.image(vector)) + (1 - gate) * torch.tanh(self.fusion.table(of_table))


class Film(Network):
    def __init__(self, image):
        super().__init__(image, image.channels)
        self.fusion.generator = nn.Linear(6, 2 * image.channels)

    def join(self, vector, positions, columns):
        scale, shift = self.fusion.generator(self.mlp(columns)).unsqueeze(1).chunk(2, dim=2)
        return torch.relu((1 + scale) * positions + shift).mean(1)


class CrossAttention(Network):
    def __init__(self, image, token_width=None, features=8, heads=2, depth=2):
        columns = nn.ModuleDict({name: nn.Linear(width, features) for name, width, _ in COLUMNS})
        super().__init__(image, features, columns)
        settings = {"dim_feedforward": 2 * features, "dropout": 0.0, "activation": "gelu"}
        layer = lambda: nn.TransformerDecoderLayer(features, heads, batch_first=True, norm_first=True, **settings)
        if token_width is not None:
            self.tokens = nn.Linear(token_width, features)
        self.fusion.class_token = nn.Parameter(torch.zeros(1, 1, features))
        self.fusion.image = nn.Linear(image.channels, features)
        self.fusion.image_norm = nn.LayerNorm(features)
        self.fusion.layers = nn.ModuleList(layer() for _ in range(depth))
        self.fusion.norm = nn.LayerNorm(features)

    def join(self, vector, positions, columns, tokens=None, absent_tokens=None):
        positions = self.fusion.image_norm(self.fusion.image(positions))
        sequence = [self.fusion.class_token.expand(positions.shape[0], -1, -1)]
        sequence += [self.table[name](entries).unsqueeze(1) for (name, _, _), entries in zip(COLUMNS, columns)]
        sequence = torch.cat(sequence, 1)
        hidden = None
        if tokens is not None:
            there = torch.zeros(sequence.shape[:2], dtype=torch.bool)
            hidden = torch.cat([there, absent_tokens > 0.5], 1)
            sequence = torch.cat([sequence, self.tokens(tokens)], 1)
        for layer in self.fusion.layers:
            sequence = layer(sequence, positions, tgt_key_padding_mask=hidden)
        return self.fusion.norm(sequence[:, 0])


def case(stem, model, shape, shown, **inputs):
    modules = {name: model.get_submodule(path) for name, path in shown.items()} | {"fusion": model.joined}
    table = tensor("table", (shape[0], ENTRIES))
    # The second patient's HbA1c and the first one's blood pressure are missing.
    table[:, 2], table[:, 4] = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    run(stem, model, shape, modules, folder, libraries=["timm"], inputs={"table": table} | inputs)


def inside(*names, **renamed):
    return {f"image.{name}": f"image.{renamed.get(name, name)}" for name in names}


if __name__ == "__main__":
    levels = inside("relu", *STAGES)
    case("fusion_concatenation", Concatenation(Vision()), (2, 3, 45, 67), levels)
    blocks = inside("features.relu0", "features.denseblock1", "features.denseblock2", "features", features="relu")
    case("fusion_gated_3d", Gated(Dense()), (2, 1, 34, 35, 39), blocks | {"fusion.gate": "sigmoid"})
    case("fusion_film_3d", Film(Monai()), (2, 1, 33, 37, 40), inside("relu", *STAGES, relu="act"))
    absent = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    tokens = {"tokens": tensor("tokens", (2, 3, 5)), "absent_tokens": absent}
    case("fusion_cross_attention", CrossAttention(Vision(), token_width=5), (2, 3, 45, 67), levels, **tokens)
    blocks = inside(*(f"blocks.{i}" for i in range(5)), "norm")
    case("fusion_transformer", CrossAttention(Transformer()), (2, 3, 20, 12), blocks)
