"""The rivals' side of `benches/training_throughput`: PyTorch with MONAI's transforms, cache and loader.

    cargo bench --bench training_throughput -- write FOLDER
    python tools/bench/training_throughput.py volumes FOLDER [--workers 0 --threads 2]
    python tools/bench/training_throughput.py pictures FOLDER

Same files, same deterministic steps kept in memory (CacheDataset), same random ones, network, loss, optimizer and batch. The
first epoch and the filling of the cache are told apart. --workers 0 prepares samples in the training process.
"""

import argparse
import time
import warnings
from pathlib import Path

import torch
from monai.data import CacheDataset, DataLoader
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from monai.transforms import (
    Compose,
    CropForegroundd,
    EnsureChannelFirstd,
    LoadImaged,
    Orientationd,
    RandAffined,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandRotate90d,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSpatialCropd,
    Resized,
    ScaleIntensityRanged,
    Spacingd,
)
from torchvision.models import resnet18

warnings.filterwarnings("ignore")


def volumes(folder):
    both = ["image", "label"]
    steps = Compose(
        [
            LoadImaged(both),
            EnsureChannelFirstd(both),
            Orientationd(both, axcodes="RAS"),
            Spacingd(both, pixdim=(2.0,) * 3, mode=("bilinear", "nearest")),
            ScaleIntensityRanged("image", a_min=-200, a_max=300, b_min=0, b_max=1, clip=True),
            CropForegroundd(both, source_key="image"),
            RandCropByPosNegLabeld(both, label_key="label", spatial_size=(96,) * 3, pos=1, neg=1, num_samples=1),
            *(RandFlipd(both, prob=0.5, spatial_axis=axis) for axis in range(3)),
            RandRotate90d(both, prob=0.1, max_k=3),
            RandScaleIntensityd("image", factors=0.1, prob=0.5),
            RandShiftIntensityd("image", offsets=0.1, prob=0.5),
        ]
    )
    scans = sorted(Path(folder, "volumes").glob("*_image.nii.gz"))
    files = [{"image": f, "label": str(f).replace("_image", "_label")} for f in scans]
    classes = 1 + int(max(LoadImaged("label")({"label": files[0]["label"]})["label"].max(), 0))
    network = BasicUNet(spatial_dims=3, in_channels=1, out_channels=classes)
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    return files, steps, network, loss, 2, 4


def pictures(folder):
    steps = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            ScaleIntensityRanged("image", a_min=0, a_max=255, b_min=0, b_max=1, clip=True),
            Resized("image", spatial_size=(256, 256)),
            RandAffined("image", prob=0.75, rotate_range=0.2618, scale_range=0.1, padding_mode="zeros"),
            RandSpatialCropd("image", roi_size=(224, 224), random_size=False),
            RandFlipd("image", prob=0.5, spatial_axis=0),
            RandScaleIntensityd("image", factors=0.1, prob=0.5),
        ]
    )
    files = sorted(Path(folder, "pictures").glob("*.png"))
    files = [{"image": f, "label": n % 2} for n, f in enumerate(files)]
    network = resnet18(num_classes=2)
    network.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return files, steps, network, torch.nn.CrossEntropyLoss(), 16, 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=["volumes", "pictures"])
    parser.add_argument("folder")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    files, steps, network, loss, batch, epochs = globals()[args.work](args.folder)

    started = time.perf_counter()
    data = CacheDataset(files, steps, num_workers=2, progress=False)
    filled = time.perf_counter() - started
    loader = DataLoader(data, batch_size=batch, shuffle=True, num_workers=args.workers, persistent_workers=args.workers > 0)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    network.train()
    step = torch.compile(network) if args.compile else network
    samples, waited, prepared = 0, 0.0, 0.0
    for epoch in range(epochs):
        asked = time.perf_counter()
        for item in loader:
            waited += (time.perf_counter() - asked) * (epoch > 0)
            optimizer.zero_grad()
            loss(step(item["image"].as_tensor()), torch.as_tensor(item["label"])).backward()
            optimizer.step()
            samples += len(item["image"]) * (epoch > 0)
            asked = time.perf_counter()
        if epoch == 0:
            prepared = time.perf_counter()
    took = time.perf_counter() - prepared
    print(
        f"{args.work}, {args.workers} workers: {samples / took:.3f} samples/s after the first epoch ({samples} in "
        f"{took:.1f} s, {100 * waited / took:.1f} % of it waiting for data); cache {filled:.1f} s, "
        f"with the first epoch {prepared - started:.1f} s"
    )


main()
