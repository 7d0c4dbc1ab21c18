"""Reference values for medcore::resample between grids in the patient: SimpleITK, oblique and anisotropic.

Writes resample_itk.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from safetensors.numpy import save_file

SEED = 20261121
VALUE = -3.0
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


# Axes here in ITK's order: x, y, z.
def rotation(a, b, c):
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return rz @ ry @ rx


for name, turn in (("itk_oblique", (0.2, -0.35, 0.5)), ("itk_aligned", (0.0, 0.0, 0.0))):
    image = sitk.GetImageFromArray(rng.normal(100, 40, (6, 10, 9)).astype(np.float32))
    image.SetSpacing((0.8, 1.1, 3.0))
    image.SetOrigin((-12.0, 7.5, 40.0))
    image.SetDirection(rotation(0.3, 0.1, -0.2).ravel())
    target = sitk.Image((11, 8, 7), sitk.sitkFloat32)
    target.SetSpacing((1.0, 1.3, 2.0))
    target.SetOrigin((-13.0, 7.0, 39.0))
    target.SetDirection((rotation(0.3, 0.1, -0.2) @ rotation(*turn)).ravel())
    put(f"{name}.source", sitk.GetArrayFromImage(image))
    for key, grid in (("from", image), ("to", target)):
        tensors[f"{name}.{key}_spacing"] = np.array(grid.GetSpacing())
        tensors[f"{name}.{key}_origin"] = np.array(grid.GetOrigin())
        tensors[f"{name}.{key}_direction"] = np.array(grid.GetDirection()).reshape(3, 3)
    for key, method in (("nearest", sitk.sitkNearestNeighbor), ("linear", sitk.sitkLinear), ("cubic", sitk.sitkBSpline)):
        out = sitk.Resample(image, target, sitk.Transform(), method, VALUE, sitk.sitkFloat32)
        put(f"{name}.{key}", sitk.GetArrayFromImage(out))
    labels = (sitk.GetArrayFromImage(image) > 100).astype(np.float32) + (sitk.GetArrayFromImage(image) > 120)
    put(f"{name}.labels", labels)
    onehot = np.stack([labels == k for k in range(3)]).astype(np.float32)
    score = []
    for k in range(3):
        one = sitk.GetImageFromArray(onehot[k])
        one.CopyInformation(image)
        score.append(sitk.GetArrayFromImage(sitk.Resample(one, target, sitk.Transform(), sitk.sitkLinear, -1.0, sitk.sitkFloat32)))
    put(f"{name}.label_scores", np.stack(score))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "resample_itk.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, SimpleITK {sitk.Version_VersionString()}"})
