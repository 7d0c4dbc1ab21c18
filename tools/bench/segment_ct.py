"""A CT from file to label file: MONAI's side of `organ_segmentation predict`, BasicUNet, one channel to 15 classes.

usage: segment_ct.py model DIR                      writes a network with random weights: model.safetensors, config.json
       segment_ct.py run DIR SCAN OUTPUT [--labels] segments SCAN with it; prints seconds of every stage and peak memory
       segment_ct.py compare ONE OTHER              the share of equal voxels of two label files, and where others lie

The same from the other side (THREADS=2 here is `--threads 2` there):

    cargo run --release --example phantom_scan -- scan.nii.gz
    python tools/bench/segment_ct.py model net
    python tools/bench/segment_ct.py run net scan.nii.gz monai.nii.gz
    cargo build --release --example organ_segmentation
    /usr/bin/time -v target/release/examples/organ_segmentation predict --model net --input scan.nii.gz --output ours.nii.gz
    python tools/bench/segment_ct.py compare monai.nii.gz ours.nii.gz

Both do the same: orientation, spacing 1.5 mm (linear), -160..240 HU to 0..1, windows of 96^3 with an overlap of 0.25 and
Gaussian weights, one at a time, in float32. They go back to the scan's grid as MONAI's tutorials do (`Invertd` before
`AsDiscreted`): logits are interpolated linearly and the largest decides. `--labels` decides first and takes the nearest
label, which needs less memory and gives coarser borders.
MONAI's axes are x, y, z and ours z, y, x: "SAR" in config.json turns the scan, so that weights are used as they are.
"""
import json, os, resource, sys, time

import numpy as np

LOW, HIGH, SPACING, ROI, OVERLAP, CLASSES, FEATURES = -160, 240, 1.5, 96, 0.25, 15, (32, 32, 64, 128, 256, 32)
CONFIG = {
    "version": 1,
    "model": {
        "architecture": "BasicUNet", "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES, "features": FEATURES,
        "normalization": "instance", "activation": {"leaky_relu": {"slope": 0.1}}, "bias": True, "dropout": 0.0,
    },
    "preprocess": {
        "order": "monai", "orientation": "SAR", "spacing": [SPACING] * 3, "grid": "monai", "interpolation": "linear",
        "intensity": [{"window": {"low": LOW, "high": HIGH}}],
    },
    "window": {
        "roi": [ROI] * 3, "overlap": OVERLAP, "convention": "monai", "weighting": "gaussian", "padding_value": 0.0,
    },
}


def network():
    import torch
    from monai.networks.nets import BasicUNet

    torch.manual_seed(0)
    return BasicUNet(spatial_dims=3, in_channels=1, out_channels=CLASSES, features=FEATURES).eval()


def model(folder):
    from safetensors.torch import save_file

    os.makedirs(folder, exist_ok=True)
    save_file(network().state_dict(), os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(CONFIG, file, indent=2)


class Stages:
    def __init__(self):
        self.start = self.last = time.perf_counter()

    def done(self, name):
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        print(f"{name:12}{now - self.last:8.2f} s   peak {peak:6.2f} GB", flush=True)
        self.last = now


def run(folder, scan, output, decide_first):
    stages = Stages()
    import torch
    from monai.data import decollate_batch
    from monai.inferers import sliding_window_inference
    from monai.transforms import (
        AsDiscreted, Compose, EnsureChannelFirstd, Invertd, LoadImaged, Orientationd, SaveImage, ScaleIntensityRanged, Spacingd,
    )
    from safetensors.torch import load_file

    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    net = network()
    net.load_state_dict(load_file(os.path.join(folder, "model.safetensors")))
    stages.done("start")
    load = Compose([LoadImaged("image"), EnsureChannelFirstd("image")])
    prepare = Compose([
        Orientationd("image", axcodes="RAS", labels=None),
        Spacingd("image", pixdim=[SPACING] * 3, mode="bilinear"),
        ScaleIntensityRanged("image", a_min=LOW, a_max=HIGH, b_min=0.0, b_max=1.0, clip=True),
    ])
    way_back = Invertd("pred", transform=prepare, orig_keys="image", nearest_interp=decide_first, to_tensor=True)
    argmax = AsDiscreted("pred", argmax=True)
    data = load({"image": scan})
    stages.done("read")
    data = prepare(data)
    stages.done("preprocess")
    with torch.inference_mode():
        logits = sliding_window_inference(data["image"][None], (ROI,) * 3, 1, net, overlap=OVERLAP, mode="gaussian")
    stages.done("network")
    data["pred"] = decollate_batch(logits)[0]
    del logits
    for step in (argmax, way_back) if decide_first else (way_back, argmax):
        data = step(data)
    stages.done("restore")
    out = os.path.abspath(output)
    name = os.path.basename(out).removesuffix(".nii.gz")
    save = SaveImage(
        output_dir=os.path.dirname(out), output_postfix="", output_ext=".nii.gz", output_dtype=np.uint8, resample=False,
        separate_folder=False, print_log=False, output_name_formatter=lambda meta, saver: {"subject": name, "idx": None},
    )
    save(data["pred"])
    stages.done("write")
    print(f"{'total':12}{time.perf_counter() - stages.start:8.2f} s")


def compare(one, other):
    import nibabel

    a, b = nibabel.load(one), nibabel.load(other)
    assert a.shape == b.shape, (a.shape, b.shape)
    print("largest difference of the affines:", np.abs(a.affine - b.affine).max())
    a, b = np.asarray(a.dataobj).astype(np.uint8), np.asarray(b.dataobj).astype(np.uint8)
    equal = a == b
    print(f"equal: {equal.mean():.6%} of {a.size} voxels, {(~equal).sum()} differ")
    print("classes:", *(f"{c}: {n}" for c, n in enumerate(np.bincount(a.ravel(), minlength=CLASSES)) if n))
    if equal.all():
        return
    # Voxels with a neighbour of another class in the first file: where two classes are nearly as large as each other.
    border = np.zeros(a.shape, bool)
    for axis in range(3):
        ahead, behind = [slice(None)] * 3, [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        differs = a[tuple(ahead)] != a[tuple(behind)]
        border[tuple(ahead)] |= differs
        border[tuple(behind)] |= differs
    print(f"on a border between classes: {border.mean():.2%} of all voxels, {border[~equal].mean():.2%} of those that differ")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["model", folder]:
            model(folder)
        case ["run", folder, scan, output, *flags] if set(flags) <= {"--labels"}:
            run(folder, scan, output, "--labels" in flags)
        case ["compare", one, other]:
            compare(one, other)
        case _:
            sys.exit(__doc__)
