"""SegFormer of Hugging Face's transformers, version 4; usage: python segformer.py [output folder]."""

import pathlib
import sys

import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from reference import run

folder = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent


class Upsampled(SegformerForSemanticSegmentation):
    """Logits at the size of the image, as the reference has them for its loss, and the maps of the stages seen."""

    def __init__(self, config):
        super().__init__(config)
        self.seen = torch.nn.ModuleList([torch.nn.Identity() for _ in config.depths])

    def forward(self, image):
        stages = self.segformer(image, output_hidden_states=True, return_dict=True).hidden_states
        logits = self.decode_head([seen(stage) for seen, stage in zip(self.seen, stages)])
        return torch.nn.functional.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=False)


config = SegformerConfig(
    num_channels=2,
    num_labels=3,
    hidden_sizes=[4, 6, 10, 8],
    depths=[2, 1, 1, 2],
    num_attention_heads=[1, 2, 5, 4],
    decoder_hidden_size=6,
    classifier_dropout_prob=0.0,
    drop_path_rate=0.0,
)
model = Upsampled(config)
modules = {f"segformer.encoder.layer_norm.{i}": seen for i, seen in enumerate(model.seen)}
modules |= {f"decode_head.linear_c.{i}": linear for i, linear in enumerate(model.decode_head.linear_c)}
modules["decode_head"] = model.decode_head
run("segformer", model, (2, 2, 45, 70), modules, folder, samples=24, libraries=["transformers"])
