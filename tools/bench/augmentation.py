"""The rivals' side of `benches/augment.rs`: batchgeneratorsv2 (nnU-Net), MONAI, TorchIO, Albumentations, ultralytics.

Wall and CPU milliseconds of one sample, mean (random pipelines differ from draw to draw) and minimum, on --threads threads;
--workers N gives samples per second of a data loader with N processes of one thread each, the way these libraries are used.

    python tools/bench/augmentation.py [--match nnunet] [--threads 2]
    python tools/bench/augmentation.py --match nnunet --workers 2
"""

import argparse
import os
import resource
import statistics
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")


def ball(n, seed=3):
    """A ball with noise, as the bench makes it."""
    z, y, x = np.ogrid[:n, :n, :n]
    label = ((z - n / 2) ** 2 + (y - n / 2) ** 2 + (x - n / 2) ** 2) < (n / 3) ** 2
    noise = np.random.default_rng(seed).normal(0, 20, label.shape)
    return (label * 100.0 + noise).astype(np.float32)[None], label.astype(np.int16)[None]


def nnunet():
    """nnU-Net crops 205^3 from the scan for a patch of 128^3, as its loader does for rotation and scaling."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    angle = np.pi / 6
    pipeline = nnUNetTrainer.get_training_transforms(
        np.array((128,) * 3), (-angle, angle), None, (0, 1, 2), False, use_mask_for_norm=[False]
    )
    image, label = map(torch.from_numpy, ball(205))
    return lambda: pipeline(image=image, segmentation=label)


def monai(elastic):
    from monai.transforms import Rand3DElasticd, RandAffined

    image, label = ball(128)
    data = {"image": torch.from_numpy(image), "label": torch.from_numpy(label).float()}
    common = {
        "keys": ["image", "label"],
        "prob": 1.0,
        "mode": ("bilinear", "nearest"),
        "padding_mode": "zeros",
        "rotate_range": (0.5,) * 3,
        "scale_range": (0.2,) * 3,
    }
    if elastic:
        transform = Rand3DElasticd(sigma_range=(5, 7), magnitude_range=(50, 100), **common)
    else:
        transform = RandAffined(**common)
    return lambda: transform(data)


def torchio(elastic):
    import torchio as tio

    image, label = map(torch.from_numpy, ball(128))
    subject = tio.Subject(image=tio.ScalarImage(tensor=image), label=tio.LabelMap(tensor=label))
    transform = tio.RandomAffine(scales=0.2, degrees=30)
    if elastic:
        transform = tio.Compose([transform, tio.RandomElasticDeformation()])
    return lambda: transform(subject)


def picture(seed, size=640):
    """A picture as a camera sees it, not noise: blocks of colour."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (size // 16, size // 16, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(16, 0).repeat(16, 1))


BOXES = [[10, 20, 200, 220], [300, 300, 500, 480], [50, 400, 180, 600]]


def albumentations():
    import albumentations as A

    transform = A.Compose(
        [
            A.Affine(rotate=(-20, 20), scale=(0.8, 1.2), translate_percent=0.1, p=1),
            A.HorizontalFlip(p=0.5),
            A.HueSaturationValue(p=1),
            A.GaussianBlur(p=1),
        ],
        bbox_params=A.BboxParams(format="pascal_voc", label_fields=["classes"]),
    )
    image = picture(1)
    return lambda: transform(image=image, bboxes=BOXES, classes=[0, 1, 0])


def ultralytics():
    """Mosaic, affine, HSV and flips with the library's own defaults, run from pictures in memory."""
    from ultralytics.data.augment import Compose, Mosaic, RandomFlip, RandomHSV, RandomPerspective
    from ultralytics.utils.instance import Instances

    def labels(index):
        image = picture(index)
        boxes = np.array(BOXES, np.float32) / 640
        middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        return {
            "img": image,
            "cls": np.array([[0], [1], [0]], np.float32),
            "ori_shape": (640, 640),
            "resized_shape": (640, 640),
            "ratio_pad": (1.0, 1.0),
            "im_file": "",
            "instances": Instances(
                np.concatenate([middle, extent], 1), segments=np.zeros((0, 1000, 2), np.float32),
                bbox_format="xywh", normalized=True,
            ),
        }

    kept = [labels(index) for index in range(16)]

    class Pictures:
        buffer = list(range(16))
        cache = "ram"

        def __len__(self):
            return len(kept)

        def get_image_and_label(self, index):
            import copy

            return copy.deepcopy(kept[index])

    pictures = Pictures()
    mosaic = Mosaic(pictures, imgsz=640, p=1.0)
    affine = RandomPerspective(degrees=0.0, translate=0.1, scale=0.5, size=(640, 640))
    chain = Compose([mosaic, affine, RandomHSV(), RandomFlip(0.5, "horizontal")])
    return lambda: chain(pictures.get_image_and_label(0))


RUNS = {
    "nnunet_default/128x128x128": nnunet,
    "affine monai/128x128x128": lambda: monai(False),
    "affine torchio/128x128x128": lambda: torchio(False),
    "affine_elastic monai/128x128x128": lambda: monai(True),
    "affine_elastic torchio/128x128x128": lambda: torchio(True),
    "yolo albumentations/640x640": albumentations,
    "yolo ultralytics/640x640": ultralytics,
}


class Samples(torch.utils.data.Dataset):
    """What a loader draws from; the transform is made in the worker."""

    def __init__(self, make, count):
        self.make, self.count, self.run = make, count, None

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if self.run is None:
            torch.set_num_threads(1)
            self.run = self.make()
        self.run()
        return index


def alone(make, count):
    run = make()
    run()
    wall, cpu = [], []
    for _ in range(count):
        started, used = time.perf_counter(), time.process_time()
        run()
        wall.append((time.perf_counter() - started) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"wall mean {statistics.mean(wall):8.1f} min {min(wall):8.1f}   cpu mean {statistics.mean(cpu):8.1f}   peak {peak:6.0f} MiB"
    )


def loaded(make, workers, count):
    samples = Samples(make, count + 4 * workers)
    loader = iter(torch.utils.data.DataLoader(samples, batch_size=1, num_workers=workers))
    for _ in range(4 * workers):
        next(loader)
    started = time.perf_counter()
    for _ in range(count):
        next(loader)
    return f"{count / (time.perf_counter() - started):8.2f} samples a second with {workers} workers"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--match", default="", help="only rows whose name has this in it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0, help="measure a loader with so many processes instead")
    parser.add_argument("--count", type=int, default=15)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    torch.set_num_threads(args.threads)
    for name, make in RUNS.items():
        if args.match not in name:
            continue
        try:
            figure = loaded(make, args.workers, 3 * args.count) if args.workers else alone(make, args.count)
        except ImportError as missing:
            figure = f"not run: {missing}"
        print(f"{name:36} {figure}", flush=True)


if __name__ == "__main__":
    main()
