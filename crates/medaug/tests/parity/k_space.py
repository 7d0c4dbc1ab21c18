"""Reference values for medaug's errors of MRI in k-space: TorchIO and MONAI, given the drawn parameters.

Writes k_space.safetensors into the folder named by the first argument, by default beside this file.
TorchIO stores (x, y, z); arrays here are (z, y, x).
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torchio as tio
from monai.transforms import GibbsNoise, KSpaceSpikeNoise
from safetensors.numpy import save_file
from scipy.spatial.transform import Rotation

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


def run(transform, image, affine=None):
    """A TorchIO transform on an array (z, y, x) or (y, x), which it holds as one slice."""
    volume = image if image.ndim == 3 else image[None]
    scan = tio.ScalarImage(tensor=torch.from_numpy(volume.transpose(2, 1, 0).copy())[None], affine=affine)
    result = transform(tio.Subject(image=scan))["image"].data[0].numpy().transpose(2, 1, 0)
    return result.reshape(image.shape)


def monai(transform, image):
    return transform(torch.from_numpy(image)[None])[0].numpy()


for rank, shape in ((2, (13, 18)), (3, (6, 7, 5))):
    for sign, image in (("mixed", rng.normal(0.3, 1.2, shape)), ("positive", rng.gamma(2.0, 1.0, shape))):
        image = image.astype(np.float32)
        name = f"{rank}d.{sign}"
        put(f"{name}.image", image)
        torchio_axis = lambda axis: 2 - (axis + 3 - rank)
        for axis in range(rank):
            put(f"{name}.ghosting{axis}", run(tio.Ghosting(3, torchio_axis(axis), 0.8, None), image))
        put(f"{name}.ghosting_restored", run(tio.Ghosting(2, torchio_axis(rank - 1), 1.4, 0.3), image))
        places = np.array([[0.31, 0.62, 0.12], [0.9, 0.35, 0.77], [0.31, 0.62, 0.12]])[:, 3 - rank:]
        reversed_places = np.concatenate([places[:, ::-1], np.zeros((3, 3 - rank))], 1)
        put(f"{name}.spike", run(tio.Spike(reversed_places, 0.4), image))
        for key, alpha in (("gibbs", 0.35), ("gibbs_strong", 0.8)):
            put(f"{name}.{key}", monai(GibbsNoise(alpha), image))
        at = tuple(int(p * n) for p, n in zip(places[0], shape))
        put(f"{name}.k_space_spike", monai(KSpaceSpikeNoise(at, 6.5), image))
        put(f"{name}.k_space_spike_mean", monai(KSpaceSpikeNoise((0, *at)), image))

# Motion: the border holds the smallest value, for TorchIO reads it up to half a voxel outside.
shape = (10, 12, 9)
spacing = np.array([3.0, 0.8, 1.1])
image = np.pad(rng.uniform(1, 9, [n - 4 for n in shape]), 2).astype(np.float32)
put("motion.image", image)
tensors["motion.spacing"] = spacing
affine = np.diag([*spacing[::-1], 1.0])
affine[:3, 3] = [-3.1, 5.2, -11.0]
lps = np.diag([-1.0, -1.0, 1.0])
middle_lps = lps @ (affine @ [*((np.array(shape[::-1]) - 1) / 2), 1.0])[:3]
degrees = np.array([[6.0, -9.0, 12.0], [-5.0, 4.0, 8.0], [3.0, 2.0, -20.0]])
shifts = np.array([[2.0, -1.5, 3.0], [-2.5, 1.0, 0.5], [1.0, 1.0, 1.0]])
angles, translations = [], []
for angle, shift in zip(degrees, shifts):
    x, y, z = np.radians(angle)
    turn = lambda axis, a: Rotation.from_euler(axis, a).as_matrix()
    matrix = turn("z", z) @ turn("x", x) @ turn("y", y)
    # About the origin of the world, as TorchIO does, is about the middle and a shift; then axes (z, y, x).
    about_middle = shift + matrix @ middle_lps - middle_lps
    to_storage = np.eye(3)[::-1] @ lps
    angles.append(Rotation.from_matrix(to_storage @ matrix @ to_storage.T).as_euler("xyz", degrees=True))
    translations.append(to_storage @ about_middle)
for key, times in (("motion", [0.2, 0.45, 0.8]), ("motion_early", [0.1, 0.3, 0.45])):
    tensors[f"{key}.times"] = np.array(times)
    put(f"{key}.result", run(tio.Motion(degrees, shifts, np.array(times), "linear"), image, affine))
tensors["motion.angles"] = np.array(angles)
tensors["motion.translations"] = np.array(translations)

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "k_space.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, "
                  f"torchio {version('torchio')}, monai {version('monai')}"})
