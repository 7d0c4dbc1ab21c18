"""Vision transformers of timm, torchvision and MONAI; usage: python vit.py [output folder]."""

import pathlib
import sys

import torch
from monai.networks.nets import ViT
from timm.layers import SwiGLUPacked
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torchvision.models.vision_transformer import VisionTransformer as VisionVisionTransformer

from reference import run, unused_as_buffers

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent
DEPTH = 5


class HubVisionTransformer(VisionTransformer):
    """Resamples positions as the networks do that DINOv2 published: the scale is that of a slightly longer grid."""

    def _pos_embed(self, x):
        batch, *grid, features = x.shape
        own = self.patch_embed.grid_size
        of_class, places = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        places = places.reshape(1, *own, features).permute(0, 3, 1, 2)
        scale = [(new + 0.1) / old for new, old in zip(grid, own)]
        places = torch.nn.functional.interpolate(places, scale_factor=scale, mode="bicubic")
        assert list(places.shape[2:]) == grid
        places = torch.cat([of_class, places.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
        return torch.cat([self.cls_token.expand(batch, -1, -1), x.flatten(1, 2)], dim=1) + places


class Classifier(ViT):
    """MONAI's network without its hidden states."""

    def forward(self, x):
        return super().forward(x)[0]


def case(stem, model, shape, blocks="blocks.", norm="norm"):
    modules = {f"{blocks}{i}": model.get_submodule(f"{blocks}{i}") for i in range(DEPTH)}
    run(stem, model, shape, modules | {norm: model.get_submodule(norm)}, folder, libraries=["timm"])


def timm(stem, shape, cls=VisionTransformer, **settings):
    settings = {"patch_size": 4, "embed_dim": 12, "num_heads": 3, "depth": DEPTH, "num_classes": 5} | settings
    case(stem, cls(**settings), shape)


def monai(stem, shape, **settings):
    settings = {"hidden_size": 12, "mlp_dim": 20, "num_heads": 3, "num_layers": DEPTH, "num_classes": 5} | settings
    model = Classifier(shape[1], shape[2:], spatial_dims=len(shape) - 2, classification=True, **settings)
    unused_as_buffers(model, "norm_cross_attn")
    if settings.get("pos_embed_type") == "sincos":
        unused_as_buffers(model.patch_embedding, "position_embeddings")
    case(stem, model, shape)


timm("vit_timm", (2, 3, 24, 20), img_size=(20, 12), dynamic_img_size=True)
timm("vit_distilled", (2, 3, 12, 20), cls=VisionTransformerDistilled, img_size=(12, 20))
dino = {"img_size": (20, 20), "init_values": 1e-5, "dynamic_img_size": True}
timm("vit_registers", (2, 1, 16, 24), in_chans=1, reg_tokens=3, no_embed_class=True, **dino)
timm("vit_dinov2_hub", (2, 3, 16, 28), cls=HubVisionTransformer, **dino)
gated = {"mlp_layer": SwiGLUPacked, "act_layer": torch.nn.SiLU, "mlp_ratio": 3.5}
timm("vit_giant", (2, 3, 16, 28), **gated, **dino)
model = VisionVisionTransformer(
    image_size=12, patch_size=4, num_layers=DEPTH, num_heads=3, hidden_dim=12, mlp_dim=20, num_classes=5
)
case("vit_torchvision", model, (2, 3, 12, 12), "encoder.layers.encoder_layer_", "encoder.ln")
monai("vit_monai_2d", (2, 2, 12, 20), patch_size=(4, 5), proj_type="perceptron", pos_embed_type="sincos")
monai("vit_monai_3d", (2, 1, 4, 6, 10), patch_size=(2, 3, 5), qkv_bias=True, post_activation="")
