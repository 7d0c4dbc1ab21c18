"""Folders as nnU-Net and MONAI leave them, with small networks of theirs, and what these make of hashed images.

Made with torch, monai 1.6 and dynamic-network-architectures 0.4 (whose networks nnU-Net version 2 builds from its plans);
`python bundles.py` beside this file makes `bundles/` again. Plans have nnU-Net's keys in both of its formats.
"""
import copy
import json
import pathlib
import shutil
import sys
import zipfile

import numpy
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from monai.networks.nets import DynUNet, SegResNet, UNet
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "parity"))
from reference import fill, tensor  # noqa: E402

root = here / "bundles"
shutil.rmtree(root, ignore_errors=True)
outputs = {}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def half(model):
    """Weights that two bytes hold, so that files are small."""
    fill(model)
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(value.half().float())
    return model.double().eval()


def keep(name, model, shape):
    with torch.no_grad():
        out = model(tensor("image", shape).double())
    outs = out if isinstance(out, dict) else {"logits": out[0] if isinstance(out, (list, tuple)) else out}
    for key, value in outs.items():
        for i, level in enumerate(value if isinstance(value, list) else [value]):
            outputs[f"{name}/{key}.{i}"] = level.float().contiguous()
    outputs[f"{name}/shape"] = torch.tensor(shape)


def state(model):
    return {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}


# nnU-Net

RESAMPLING = "resample_data_or_seg_to_shape"


def configuration(patch, spacing, schemes, masks):
    kwargs = {"order": 3, "order_z": 0, "force_separate_z": None}
    return {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": patch,
        "median_image_size_in_voxels": [float(p) * 1.3 for p in patch],
        "spacing": spacing,
        "normalization_schemes": schemes,
        "use_mask_for_norm": masks,
        "resampling_fn_data": RESAMPLING,
        "resampling_fn_seg": RESAMPLING,
        "resampling_fn_data_kwargs": {"is_seg": False, **kwargs},
        "resampling_fn_seg_kwargs": {"is_seg": True, **kwargs, "order": 1},
        "resampling_fn_probabilities": RESAMPLING,
        "resampling_fn_probabilities_kwargs": {"is_seg": False, **kwargs, "order": 1},
        "batch_dice": False,
    }


def plans(name, configurations, channels, transpose=(0, 1, 2)):
    statistics = {
        "max": 3071.0, "mean": 99.48, "median": 101.0, "min": -1024.0,
        "percentile_00_5": -41.0, "percentile_99_5": 176.0, "std": 37.14,
    }
    return {
        "dataset_name": f"Dataset001_{name}",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [3.0, 0.8, 0.8],
        "original_median_shape_after_transp": [90, 512, 512],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(transpose),
        "transpose_backward": [list(transpose).index(i) for i in range(3)],
        "configurations": configurations,
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(c): statistics for c in range(channels)},
    }


def torch_arguments(arch, axes):
    """What nnU-Net makes of the names in the plans."""
    arch = copy.deepcopy(arch)
    arch["conv_op"] = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[axes]
    arch["norm_op"] = {2: torch.nn.InstanceNorm2d, 3: torch.nn.InstanceNorm3d}[axes]
    arch["nonlin"] = torch.nn.LeakyReLU
    if arch["dropout_op"]:
        arch["dropout_op"] = {2: torch.nn.Dropout2d, 3: torch.nn.Dropout3d}[axes]
    return arch


def checkpoint(path, model, name, axes, trainer="nnUNetTrainer"):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({
        "network_weights": state(model),
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [numpy.float32(0.5)], "train_losses": [numpy.float64(0.1)]},
        "_best_ema": numpy.float64(0.7),
        "current_epoch": 1000,
        "init_args": {"configuration": name, "fold": 0, "unpack_dataset": True, "device": torch.device("cuda:0")},
        "trainer_name": trainer,
        "inference_allowed_mirroring_axes": axes,
    }, path)


def architecture(class_name, axes, **settings):
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{class_name}",
        "arch_kwargs": {
            "conv_op": f"torch.nn.modules.conv.Conv{axes}d",
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{axes}d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
            **settings,
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


# The format since 2.5, thick slices, a cascade beside it, two folds and one of all cases.
plain = architecture(
    "PlainConvUNet", 3, n_stages=3, features_per_stage=[4, 6, 8],
    kernel_sizes=[[1, 3, 3], [3, 3, 3], [3, 3, 3]], strides=[[1, 1, 1], [1, 2, 2], [2, 2, 2]],
    n_conv_per_stage=[2, 1, 2], n_conv_per_stage_decoder=[1, 2],
)
full = configuration([8, 16, 16], [3.0, 0.8, 0.8], ["CTNormalization"], [False]) | {"architecture": plain}
heart = root / "nnUNetTrainer__nnUNetPlans__3d_fullres"
write(heart / "plans.json", plans("Heart", {
    "3d_lowres": full | {"spacing": [6.0, 1.6, 1.6], "next_stage": "3d_cascade_fullres"},
    "3d_fullres": full,
    "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
}, 1))
write(heart / "dataset.json", {
    "channel_names": {"0": "CT"}, "labels": {"background": 0, "left atrium": 1, "aorta": 2},
    "numTraining": 20, "file_ending": ".nii.gz", "name": "Heart", "licence": "CC-BY-SA 4.0",
})
for fold in ("0", "1", "all"):
    model = half(PlainConvUNet(input_channels=1, num_classes=3, deep_supervision=True,
                               **torch_arguments(plain["arch_kwargs"], 3)))
    with torch.no_grad():
        bias = model.decoder.seg_layers[-1].bias
        bias.copy_((bias + {"0": 0, "1": 1, "all": 2}[fold]).half().double())
    checkpoint(heart / f"fold_{fold}/checkpoint_final.pth", model, "3d_fullres", (0, 1, 2))
    model.decoder.deep_supervision = False
    keep(f"{heart.name}/{fold}", model, (2, 1, 8, 16, 16))

# The same format, residual, regions whose order is that of the file, one value for all stages, dropout.
residual = architecture(
    "ResidualEncoderUNet", 3, n_stages=3, features_per_stage=[4, 6, 8],
    kernel_sizes=3, strides=[1, 2, [1, 2, 2]], n_blocks_per_stage=[1, 2, 1], n_conv_per_stage_decoder=1,
    dropout_op="torch.nn.modules.dropout.Dropout3d", dropout_op_kwargs={"p": 0.1, "inplace": True},
)
brats = root / "nnUNetTrainerNoDeepSupervision__nnUNetResEncUNetMPlans__3d_fullres"
write(brats / "plans.json", plans("BraTS", {
    "3d_fullres": configuration([8, 16, 16], [1.0, 1.0, 1.0], ["ZScoreNormalization"] * 2, [True] * 2)
    | {"architecture": residual},
}, 2, (2, 0, 1)))
write(brats / "dataset.json", {
    "channel_names": {"1": "T2", "0": "T1"},
    "labels": {"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": 3, "ignore": 4},
    "regions_class_order": [1, 2, 3], "numTraining": 20, "file_ending": ".nii.gz",
})
arguments = torch_arguments(residual["arch_kwargs"], 3)
arguments["strides"] = [[1] * 3, [2] * 3, [1, 2, 2]]
model = half(ResidualEncoderUNet(input_channels=2, num_classes=3, deep_supervision=False, **arguments))
checkpoint(brats / "fold_0/checkpoint_final.pth", model, "3d_fullres", None, "nnUNetTrainerNoDeepSupervision")
keep(f"{brats.name}/0", model, (1, 2, 8, 16, 16))

# The format before, in 2D.
old = configuration([32, 24], [0.8, 0.8], ["NoNormalization"], [False]) | {
    "num_pool_per_axis": [2, 1], "pool_op_kernel_sizes": [[1, 1], [2, 2], [2, 1]],
    "conv_kernel_sizes": [[3, 3], [3, 3], [3, 3]], "unet_max_num_features": 12, "UNet_class_name": "PlainConvUNet",
    "UNet_base_num_features": 4, "n_conv_per_stage_encoder": [2, 2, 2], "n_conv_per_stage_decoder": [2, 2],
}
slices = root / "nnUNetTrainer__nnUNetPlans__2d"
write(slices / "plans.json", plans("Slices", {"2d": old}, 1))
write(slices / "dataset.json", {
    "channel_names": {"0": "noNorm"}, "labels": {"background": 0, "vessel": 1}, "numTraining": 4, "file_ending": ".png",
})
model = half(PlainConvUNet(
    input_channels=1, n_stages=3, features_per_stage=[4, 8, 12], conv_op=torch.nn.Conv2d,
    kernel_sizes=old["conv_kernel_sizes"], strides=old["pool_op_kernel_sizes"], n_conv_per_stage=[2, 2, 2],
    num_classes=2, n_conv_per_stage_decoder=[2, 2], conv_bias=True, norm_op=torch.nn.InstanceNorm2d,
    norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True},
))
checkpoint(slices / "fold_0/checkpoint_best.pth", model, "2d", [0, 1])
keep(f"{slices.name}/0", model, (1, 1, 32, 24))


# MONAI


def metadata(task, version, channels, outputs):
    image = {
        "type": "image", "format": "hounsfield", "modality": "CT", "num_channels": channels,
        "spatial_shape": ["16*n", "16*n", 96], "dtype": "float32", "value_range": [0, 1], "is_patch_data": True,
        "channel_def": {"0": "image"},
    }
    pred = image | {
        "format": "segmentation", "num_channels": len(outputs), "value_range": [0, 1],
        "channel_def": {str(i): name for i, name in enumerate(outputs)},
    }
    return {
        "schema": "https://example.org/meta_schema_20240725.json", "version": "0.5.9", "monai_version": version,
        "pytorch_version": "2.4.0", "numpy_version": "1.24.4", "required_packages_version": {"nibabel": "5.2.1"},
        "changelog": {"0.5.9": "first"}, "name": task, "task": task, "description": "A small network.",
        "authors": "nobody", "copyright": "none", "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": pred}},
    }


def describe(name, meta, config, **files):
    folder = root / name
    write(folder / "configs/metadata.json", meta)
    write(folder / "configs/inference.json", config)
    for file, value in files.items():
        write(folder / f"configs/{file}.json", value)
    (folder / "LICENSE").write_text("Apache License 2.0\n")
    return folder


def weigh(folder, model, shape, script=False):
    half(model)
    (folder / "models").mkdir()
    if script:
        traced = torch.jit.trace(model.float(), tensor("image", shape))
        path = folder / "models/model.ts"
        torch.jit.save(traced, str(path))
        # Where sources lay is nobody's business.
        with zipfile.ZipFile(path) as source:
            records = [(record, source.read(record)) for record in source.infolist() if "debug" not in record.filename]
        with zipfile.ZipFile(path, "w") as target:
            for record, data in records:
                target.writestr(record.filename, data, record.compress_type)
        model.double()
    else:
        torch.save(state(model), folder / "models/model.pt")
    keep(folder.name, model, shape)


AROUND = {
    "imports": ["$import glob", "$import os"],
    "bundle_root": ".",
    "image_key": "image",
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "datalist": "$list(sorted(glob.glob(@bundle_root + '/*.nii.gz')))",
    "network": "$@network_def.to(@device)",
}
COMPOSE = {"_target_": "Compose"}

folder = describe("spleen_ct_segmentation", metadata("spleen", "1.4.0", 1, ["background", "spleen"]), AROUND | {
    "spatial_dims": 3,
    "network_def": {
        "_target_": "UNet", "spatial_dims": "@spatial_dims", "in_channels": 1, "out_channels": "$1 + 1",
        "channels": [4, 6, 8], "strides": "%strides.json::two", "num_res_units": 2, "norm": "batch",
    },
    "preprocessing": COMPOSE | {"transforms": [
        {"_target_": "LoadImaged", "keys": "@image_key"},
        {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
        {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "@image_key", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
        {"_target_": "ScaleIntensityRanged", "keys": "@image_key", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1,
         "clip": True},
        {"_target_": "EnsureTyped", "keys": "@image_key"},
    ]},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 96], "sw_batch_size": 4, "overlap": 0.5},
    "postprocessing": COMPOSE | {"transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "@image_key"},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
    ]},
}, strides={"two": [2, 2]})
weigh(folder, UNet(3, 1, 2, (4, 6, 8), (2, 2), num_res_units=2, norm="batch"), (2, 1, 12, 8, 16))

folder = describe("brats_mri_segmentation", metadata("brats", "1.4.0", 4, ["TC", "WT", "ET"]), AROUND | {
    "network_def": {
        "_target_": "SegResNet", "blocks_down": [1, 2, 2], "blocks_up": [1, 1], "init_filters": 4,
        "in_channels": 4, "out_channels": 3, "dropout_prob": 0.2, "norm": ["GROUP", {"num_groups": 2}],
    },
    "preprocessing": COMPOSE | {"transforms": [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    ]},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [240, 240, 160], "sw_batch_size": 1, "overlap": 0.5},
})
model = SegResNet(3, 4, 4, 3, 0.2, norm=("GROUP", {"num_groups": 2}), blocks_down=(1, 2, 2), blocks_up=(1, 1))
weigh(folder, model, (1, 4, 8, 12, 16), script=True)

# Larger than a test needs, so without weights; so is the next but one.
describe("swin_unetr_btcv_segmentation", metadata("btcv", "1.4.0", 1, ["background", "liver", "spleen"]), AROUND | {
    "network_def": {
        "_target_": "SwinUNETR", "spatial_dims": 3, "img_size": 96, "in_channels": 1, "out_channels": 14,
        "feature_size": 48, "use_checkpoint": True,
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 96], "overlap": 0.5, "mode": "gaussian"},
})

folder = describe("spleen_deepedit", metadata("spleen", "1.4.0", 1, ["background", "spleen"]), AROUND | {
    "network_def": {
        "_target_": "DynUNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2, "kernel_size": [3, 3, [3, 3, 1]],
        "strides": [1, 2, [2, 2, 1]], "upsample_kernel_size": [2, [2, 2, 1]], "filters": [4, 6, 8],
        "norm_name": "instance", "deep_supervision": False, "res_block": True,
    },
})
model = DynUNet(3, 1, 2, [3, 3, [3, 3, 1]], [1, 2, [2, 2, 1]], [2, [2, 2, 1]], (4, 6, 8), norm_name="instance", res_block=True)
weigh(folder, model, (1, 1, 8, 12, 6))

shapes = [[6, 8, 4], [8, 6, 5], [10, 10, 6]]
describe("lung_nodule_ct_detection", metadata("nodule", "1.4.0", 1, ["nodule"]), AROUND | {
    "spatial_dims": 3,
    "backbone": "$monai.networks.nets.resnet.resnet10(spatial_dims=3,n_input_channels=1,conv1_t_stride=[2,2,1],"
    "conv1_t_size=[3,3,3])",
    "feature_extractor": "$monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor("
    "@backbone,3,False,[1,2],None)",
    "anchor_generator": {
        "_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
        "feature_map_scales": [1, 2, 4], "base_anchor_shapes": shapes,
    },
    "network_def": {
        "_target_": "RetinaNet", "spatial_dims": "@spatial_dims", "num_classes": 1, "num_anchors": 3,
        "feature_extractor": "@feature_extractor", "size_divisible": [16, 16, 8],
    },
})

save_file(outputs, here / "bundles.safetensors")
