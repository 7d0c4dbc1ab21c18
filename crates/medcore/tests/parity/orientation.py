"""Orientation codes of random oblique and sheared affines, by nibabel.

Writes orientation.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import nibabel
import numpy as np
from safetensors.numpy import save_file

SEED = 20261121
rng = np.random.default_rng(SEED)
affines, codes = [], []
for i in range(120):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = q * rng.uniform(0.4, 5.0, 3)
    if i % 3 == 1:
        matrix = matrix @ (np.eye(3) + np.triu(rng.uniform(-0.3, 0.3, (3, 3)), 1))
    if i % 3 == 2:
        # Axes at nearly 45 degrees (at 45 nibabel's answer hangs on rounding), or along the world.
        turn = np.array([[1, -0.9, 0], [0.9, 1, 0], [0, 0, 1.5]]) if i % 2 else np.eye(3)
        matrix = turn[:, rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affines.append(matrix)
    codes.append([ord(c) for c in nibabel.aff2axcodes(affine)])

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file({"ras": np.array(affines), "codes": np.array(codes, np.uint8)}, folder / "orientation.safetensors",
          metadata={"provenance": f"seed {SEED}, numpy {np.__version__}, nibabel {nibabel.__version__}"})
