"""Small NIfTI files with every combination of sform and qform, with the affine nibabel chooses."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import safetensors
from nibabel.eulerangles import euler2mat
from safetensors.numpy import save_file

SEED = 20261122
SHAPE = (4, 3, 5)


def rigid(angles, zooms, origin, mirrored=False):
    affine = np.eye(4)
    flip = np.diag([1, 1, -1 if mirrored else 1])
    affine[:3, :3] = euler2mat(*angles) @ flip @ np.diag(zooms)
    affine[:3, 3] = origin
    return affine


def main(folder):
    rng = np.random.default_rng(SEED)
    tensors = {}

    def add(name, qform, sform, qcode, scode, version=1):
        image_class = nib.Nifti1Image if version == 1 else nib.Nifti2Image
        data = rng.integers(-100, 100, SHAPE).astype(np.int16)
        image = image_class(data, None)
        image.header.set_qform(qform, qcode)
        image.header.set_sform(sform, scode)
        content = image.to_bytes()
        back = image_class.from_bytes(content)
        tensors[name + ".file"] = np.frombuffer(content, dtype=np.uint8)
        tensors[name + ".voxels"] = np.ascontiguousarray(back.get_fdata(dtype=np.float64)[..., None].T)
        tensors[name + ".affine"] = np.ascontiguousarray(back.affine, dtype=np.float64)

    one = rigid((0.3, -0.2, 0.1), (0.7, 0.8, 2.5), (31.5, -20.25, 7.0))
    two = rigid((-0.1, 0.4, 0.2), (0.7, 0.8, 2.5), (1.5, 2.25, -3.0))
    sheared = one.copy()
    sheared[0, 1] += 0.3
    for qcode, scode in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (4, 1), (1, 2), (1, 4), (2, 2), (3, 0), (0, 4)]:
        add(f"codes_{qcode}_{scode}", one, two, qcode, scode)
    add("sheared", None, sheared, 0, 2)
    add("mirrored", rigid((0.3, -0.2, 0.1), (0.7, 0.8, 2.5), (1, 2, 3), True), None, 1, 0)
    add("nifti2_qform", one, None, 1, 0, version=2)
    add("nifti2_sform", one, sheared, 1, 2, version=2)
    half_turns = {"x": (0, 0, np.pi), "y": (0, np.pi, 0), "z": (np.pi, 0, 0)}
    for axis, angles in half_turns.items():
        add(f"half_turn_{axis}", rigid(angles, (1, 2, 3), (4, 5, 6)), None, 1, 0)
    for i in range(4):
        random = rigid(rng.uniform(-3, 3, 3), rng.uniform(0.3, 5, 3), rng.uniform(-200, 200, 3), i % 2 == 1)
        add(f"random_{i}", random, None, 1, 0)
    metadata = {
        "seed": str(SEED),
        "nibabel": nib.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
    }
    save_file(tensors, folder / "xforms.safetensors", metadata)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
