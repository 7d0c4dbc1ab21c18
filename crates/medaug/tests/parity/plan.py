"""What nnU-Net's planners make of synthetic fingerprints: plan.json beside this file, or in the folder named first.

Every data set is described by shapes and spacings only; ExperimentPlanner and the ResEnc planners of nnunetv2 run on
it as they are, with empty files in place of the scans.
"""
import contextlib
import io
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

SEED = 20261122
rng = np.random.default_rng(SEED)


def cases(count, shape, spacing, shape_spread=0.15, spacing_spread=0.1):
    """Shapes and spacings about given ones; spacings keep four digits so that files show all of them."""
    shapes, spacings = [], []
    for _ in range(count):
        shapes.append([max(1, int(round(n * rng.uniform(1 - shape_spread, 1 + shape_spread)))) for n in shape])
        spacings.append([round(float(s * rng.uniform(1 - spacing_spread, 1 + spacing_spread)), 4) for s in spacing])
    return shapes, spacings


flat = cases(21, (15, 256, 240), (7.5, 1.4, 1.4), spacing_spread=0.45)
datasets = {
    # name: (shapes, spacings, kept share, channels, classes)
    "abdomen_ct": (*cases(30, (130, 512, 512), (3.0, 0.8, 0.8)), 1.0, ["CT"], 14),
    "cardiac_flat": (*flat, 0.98, ["cineMRI"], 4),
    "brain_isotropic": (*cases(50, (140, 171, 137), (1, 1, 1), 0.02, 0.0), 0.32, ["T1", "T2"], 4),
    "hippocampus_tiny": (*cases(24, (36, 50, 35), (1, 1, 1), 0.2, 0.0), 1.0, ["MRI"], 3),
    "lung_huge": (*cases(17, (512, 512, 512), (0.6, 0.7, 0.7)), 1.0, ["CT", "rescale_to_0_1", "noNorm"], 2),
    "sagittal_spine": (*cases(12, (320, 18, 300), (0.9, 4.4, 0.9)), 0.7, ["T2", "CT"], 20),
    "prostate": (*cases(32, (20, 320, 320), (3.6, 0.6, 0.6), 0.25), 1.0, ["T2", "ADC"], 3),
    "cells_2d": (*cases(40, (1, 520, 696), (999, 1, 1), 0.0, 0.0), 1.0, ["rgb_to_0_1"] * 3, 2),
    "radiographs_2d": (*cases(60, (1, 2400, 2000), (1, 0.14, 0.14)), 1.0, ["zscore"], 7),
    "two_cases": (*cases(2, (61, 333, 190), (1.9, 1.1, 1.3), 0.3, 0.3), 0.74, ["PET", "CT"], 2),
    "cubes": (*cases(9, (320, 320, 320), (0.5, 0.5, 0.5), 0.0, 0.0), 1.0, ["microscopy"], 3),
}


def run(planner, name, number, **settings):
    shapes, spacings, kept, channels, classes = datasets[name]
    full = f"Dataset{number:03d}_{name}"
    for root in (os.environ["nnUNet_raw"], os.environ["nnUNet_preprocessed"]):
        Path(root, full).mkdir(parents=True, exist_ok=True)
    raw = Path(os.environ["nnUNet_raw"], full)
    (raw / "dataset.json").write_text(json.dumps({
        "channel_names": {str(i): c for i, c in enumerate(channels)},
        "labels": {"background": 0, **{f"class{i}": i for i in range(1, classes)}},
        "numTraining": len(shapes), "file_ending": ".nii.gz"}))
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(exist_ok=True)
    for i in range(len(shapes)):
        (raw / "labelsTr" / f"case{i}.nii.gz").touch()
        for c in range(len(channels)):
            (raw / "imagesTr" / f"case{i}_{c:04d}.nii.gz").touch()
    Path(os.environ["nnUNet_preprocessed"], full, "dataset_fingerprint.json").write_text(json.dumps({
        "spacings": spacings, "shapes_after_crop": shapes, "median_relative_size_after_cropping": kept,
        "foreground_intensity_properties_per_channel": {}}))
    made = planner(full, **settings)
    made.determine_reader_writer = lambda: str
    # Networks are only measured: without memory for their weights that takes no time.
    with contextlib.redirect_stdout(io.StringIO()), torch.device("meta"):
        return made.plan_experiment()


def short(plans):
    found = {"transpose_forward": plans["transpose_forward"], "transpose_backward": plans["transpose_backward"],
             "median_spacing": plans["original_median_spacing_after_transp"],
             "median_shape": plans["original_median_shape_after_transp"]}
    for name, c in plans["configurations"].items():
        if "architecture" not in c:
            continue
        kwargs = c["architecture"]["arch_kwargs"]
        found[name] = {
            "spacing": [float(v) for v in c["spacing"]],
            "median_shape": [float(v) for v in c["median_image_size_in_voxels"]],
            "patch": [int(v) for v in c["patch_size"]],
            "batch": int(c["batch_size"]),
            "batch_dice": c["batch_dice"],
            "schemes": c["normalization_schemes"],
            "masked": c["use_mask_for_norm"],
            "features": list(kwargs["features_per_stage"]),
            "kernels": kwargs["kernel_sizes"],
            "strides": kwargs["strides"],
            "encoder": list(kwargs.get("n_conv_per_stage") or kwargs["n_blocks_per_stage"]),
            "decoder": list(kwargs["n_conv_per_stage_decoder"]),
        }
    return found


with tempfile.TemporaryDirectory() as home:
    for part in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{part}"] = str(Path(home, part))
        Path(home, part).mkdir()
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.experiment_planning.experiment_planners.residual_unets import residual_encoder_unet_planners as res
    from nnunetv2.experiment_planning.experiment_planners.resencUNet_planner import ResEncUNetPlanner

    presets = {"nnunet": (ExperimentPlanner, {}), "nnunet_24": (ExperimentPlanner, {"gpu_memory_target_in_gb": 24}),
               "residual": (ResEncUNetPlanner, {}), "residual_m": (res.nnUNetPlannerResEncM, {}),
               "residual_l": (res.nnUNetPlannerResEncL, {}), "residual_xl": (res.nnUNetPlannerResEncXL, {})}
    result = {"provenance": f"seed {SEED}, nnunetv2 {version('nnunetv2')}, dynamic-network-architectures "
                            f"{version('dynamic-network-architectures')}, numpy {np.__version__}", "datasets": []}
    for number, (name, (shapes, spacings, kept, channels, classes)) in enumerate(datasets.items(), 1):
        # Under one name, a planner would keep what another has left in the file.
        plans = {key: short(run(planner, name, number, plans_name=key, **settings))
                 for key, (planner, settings) in presets.items()}
        # Presets that come to what a former one came to are named after it.
        for i, key in enumerate(list(plans)):
            same = [k for k in list(plans)[:i] if plans[k] == plans[key]]
            plans[key] = same[0] if same else plans[key]
        result["datasets"].append({"name": name, "shapes": shapes, "spacings": spacings, "kept_share": kept,
                                   "channels": channels, "classes": classes, "plans": plans})

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
lines = ",\n".join(json.dumps(d, separators=(",", ":")) for d in result["datasets"])
(folder / "plan.json").write_text(f'{{"provenance": {json.dumps(result["provenance"])}, "datasets": [\n{lines}\n]}}\n')
