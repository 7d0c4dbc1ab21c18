"""MONAI's RetinaNet: the network, its anchors, what it is trained with and the boxes it finds.

Usage: python retinanet.py [output folder]
"""

import pathlib
import sys

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
from monai.apps.detection.utils.anchor_utils import AnchorGenerator, AnchorGeneratorWithAnchorShape
from monai.networks.blocks.backbone_fpn_utils import BackboneWithFPN
from monai.networks.nets import resnet
from safetensors.torch import save_file

from reference import run, tensor

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)


def network(axes, layers, classes, anchors, stride, channels):
    """A small detector: one basic block a stage, 16 features in the pyramid."""
    features = [4, 6, 8, 8]
    body = resnet.ResNet("basic", [1, 1, 1, 1], features, axes, channels, 7, stride, feed_forward=False)
    names = {f"layer{layer}": str(i) for i, layer in enumerate(layers)}
    extractor = BackboneWithFPN(body, names, [features[layer - 1] for layer in layers], 16, axes)
    return RetinaNet(axes, classes, anchors, extractor, use_list_output=True)


def case(stem, axes, layers, shape, stride):
    model = network(axes, layers, 3, 2, stride, shape[1])
    parts = {f"feature_extractor.body.layer{layer}": model.feature_extractor.body[f"layer{layer}"] for layer in layers}
    for i in range(len(layers)):
        for name in ("inner_blocks", "layer_blocks"):
            block = getattr(model.feature_extractor.fpn, name)[i]
            parts[f"feature_extractor.fpn.{name}.{i}"] = block
    run(stem, model, shape, parts, folder, samples=12)


case("retinanet_2d", 2, (1, 2, 3), (2, 2, 64, 96), (2, 2))
case("retinanet_3d", 3, (1, 2), (2, 1, 16, 32, 24), (1, 2, 2))

# Sizes of whole networks, the second with the settings of the model zoo's lung nodule detector.
counts = []
for layers, anchors, stride in (((1, 2, 3), 3, 1), ((1, 2), 3, (2, 2, 1))):
    body = resnet.resnet50(pretrained=False, spatial_dims=3, n_input_channels=1, conv1_t_stride=stride)
    extractor = resnet_fpn_feature_extractor(body, 3, False, layers, None)
    counts.append(sum(p.numel() for p in RetinaNet(3, 1, anchors, extractor).parameters()))

out = {"counts": torch.tensor(counts)}
generator = AnchorGenerator(sizes=((10, 13), (20, 26)), aspect_ratios=((0.5, 1.5), (0.5, 1.5)))
maps = [torch.zeros(1, 1, 4, 3), torch.zeros(1, 1, 2, 2)]
out["anchors.sizes"] = generator(torch.zeros(1, 1, 16, 12), maps)[0]
generator = AnchorGenerator(sizes=((10,), (20,)), aspect_ratios=(((0.5, 2.0),), ((0.5, 2.0),)))
maps = [torch.zeros(1, 1, 2, 2, 3), torch.zeros(1, 1, 1, 1, 1)]
out["anchors.sizes_3d"] = generator(torch.zeros(1, 1, 8, 8, 9), maps)[0]

SHAPES = {2: [[10, 16], [20, 8]], 3: [[4, 8, 6], [5, 6, 8]]}
TRUTHS = {
    2: [([[4, 10, 20, 34], [30, 40, 58, 77], [28, 44, 52, 70]], [0, 2, 1]), ([[10, 3, 17, 14.5]], [1])],
    3: [([[2, 4, 5, 7, 12, 12]], [0]), ([[1, 3, 2, 9, 20, 13], [8, 19, 14, 13, 27, 21]], [2, 1])],
}
for axes, extent, cells in (
    (2, (64, 96), [(16, 24), (8, 12), (4, 6)]),
    (3, (16, 32, 24), [(16, 16, 12), (8, 8, 6), (4, 4, 3)]),
):
    anchors = AnchorGeneratorWithAnchorShape((1, 2, 4), SHAPES[axes])
    stub = torch.nn.Module()
    stub.spatial_dims, stub.num_classes, stub.size_divisible = axes, 3, 1
    stub.num_anchors, stub.cls_key, stub.box_reg_key = 2, "classification", "box_regression"
    detector = RetinaNetDetector(stub, anchors)
    # Logits of classes spread widely, codes of boxes near the anchors.
    said = [tensor(f"said.{axes}.{i}", (2, 6, *shape)).double() * 3 - 3 for i, shape in enumerate(cells)]
    codes = [tensor(f"codes.{axes}.{i}", (2, 4 * axes, *shape)).double() * 0.4 for i, shape in enumerate(cells)]
    leaves = [value.requires_grad_(True) for value in said + codes]
    heads = {"classification": said, "box_regression": codes}
    image = torch.zeros(2, 1, *extent)
    detector.generate_anchors(image, heads)
    places = [torch.tensor(shape).prod().item() for shape in cells]
    rows = {name: detector._reshape_maps(values) for name, values in heads.items()}
    targets = [{"boxes": torch.tensor(boxes).double(), "labels": torch.tensor(labels)} for boxes, labels in TRUTHS[axes]]
    detector.set_target_keys("boxes", "labels")
    anchors = [value.double() for value in detector.anchors]
    for name, within in (("anywhere", False), ("inside", True)):
        detector.set_atss_matcher(num_candidates=4, center_in_gt=within)
        matched = detector.compute_anchor_matched_idxs(anchors, targets, places)
        # Image, anchor and object of each match.
        places_of = (torch.stack(matched) >= 0).nonzero()
        objects = torch.stack(matched)[places_of[:, 0], places_of[:, 1]]
        out[f"{axes}.matched.{name}"] = torch.cat([places_of, objects[:, None]], 1).to(torch.int32)
    out[f"{axes}.anchors"] = anchors[0][(torch.arange(60) * 7919) % len(anchors[0])]
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    for name, sampler in (("all", False), ("hard", True)):
        if sampler:
            # From a pool as large as what is wanted nothing is drawn at random.
            detector.set_hard_negative_sampler(64, 0.3, min_neg=16, pool_size=1)
        losses = detector.compute_loss(rows, targets, anchors, places)
        values = [losses["classification"], losses["box_regression"]]
        gradients = torch.autograd.grad(sum(values), leaves, retain_graph=True)
        out[f"{axes}.loss.{name}"] = torch.stack(values).detach()
        for i, gradient in enumerate(gradients):
            flat = gradient.flatten()
            picked = flat[(torch.arange(60) * 7919) % flat.numel()]
            out[f"{axes}.gradient.{name}.{i}"] = torch.cat([flat.norm()[None], flat.abs().max()[None], picked])
    detector.set_box_selector_parameters(score_thresh=0.4, topk_candidates_per_level=40, nms_thresh=0.3, detections_per_img=25)
    with torch.no_grad():
        found = detector.postprocess_detections(rows, anchors, [list(extent)] * 2, places)
    for i, image in enumerate(found):
        out[f"{axes}.found.{i}.boxes"] = image[detector.target_box_key]
        out[f"{axes}.found.{i}.scores"] = image[detector.pred_score_key]
        out[f"{axes}.found.{i}.labels"] = image[detector.target_label_key].to(torch.int32)

path = folder / "retinanet_detector.safetensors"
stored = {name: (v.float() if v.is_floating_point() else v).contiguous().clone() for name, v in out.items()}
save_file(stored, path, {"made_by": f"retinanet.py, torch {torch.__version__}"})
assert path.stat().st_size <= 64 * 1024, path.stat().st_size
print(counts, {name: (tuple(v.shape), v if v.numel() < 4 else "") for name, v in stored.items() if "gradient" not in name})
